import { randomUUID } from 'node:crypto';
import { MAX_TEXT_LENGTH, VizaviError } from '@vizavi/signaling';
import type { TurnLatency } from '@vizavi/signaling';
import type { Exchange } from '../brain/brain.ts';
import { PageTools } from './page-tools.ts';
import { Reply } from './reply.ts';
import type { ReplyOptions, TurnTimes } from './reply.ts';

export type ConversationOptions = Omit<ReplyOptions, 'pageTools'>;

/** What a brain is told of a long conversation. */
const MAX_EXCHANGES = 60;
/** Replies that are remembered, so that a message that is sent again is not answered again. */
const MAX_REMEMBERED = 1000;

/** What the visitor and the avatar say to each other: messages in, replies out, and what was heard of them. */
export class Conversation {
  readonly #options: ReplyOptions;
  readonly #tools: PageTools;
  readonly #history: Exchange[] = [];
  readonly #known = new Set<string>();
  #latency: TurnLatency | null = null;
  #closed = false;

  constructor(options: ConversationOptions) {
    this.#tools = new PageTools(options.clock, options.emit);
    this.#options = { ...options, pageTools: this.#tools };
  }

  /** Oldest first. */
  get history(): readonly Exchange[] {
    return this.#history;
  }

  /** Of the last turn that was answered. */
  get latency(): TurnLatency | null {
    return this.#latency;
  }

  /**
   * Answers what was typed; a reply that is being said gives way.
   *
   * @throws VizaviError `invalid_text`, `text_too_long`
   */
  async message(replyId: string, text: string): Promise<void> {
    if (text.length > MAX_TEXT_LENGTH)
      throw new VizaviError('text_too_long', `a message has at most ${MAX_TEXT_LENGTH} characters`);
    if (text.trim() === '') throw new VizaviError('invalid_text', 'there is nothing to answer');
    if (this.#known.has(replyId)) return;
    this.#remember(replyId);
    const nowMs = this.#options.clock.nowMs();
    const times = { endMs: nowMs, overMs: nowMs, textMs: nowMs };
    await this.#answer(replyId, text, times, () => this.#reply(replyId, text), true);
  }

  /** Begins a reply that nobody hears yet. `text` is what the visitor has said so far. */
  prepare(text: string): Reply {
    return this.#reply(randomUUID(), text);
  }

  /** What was said is answered: by the reply that was prepared for it, if there is one. */
  async answer(text: string, times: TurnTimes, prepared?: Reply): Promise<void> {
    const replyId = prepared?.replyId ?? randomUUID();
    await this.#answer(replyId, text, times, () => prepared ?? this.#reply(replyId, text), false);
  }

  /** Says that something went wrong, in words that were chosen for that. */
  apologise(): void {
    const { speech, fallbackLine } = this.#options;
    if (!this.#closed && !speech.active) speech.say(randomUUID(), fallbackLine);
  }

  toolResult(callId: string, result: string, failed: boolean): void {
    this.#tools.answer(callId, result, failed);
  }

  /** Forgets what was said, as if somebody else had come. */
  clear(): void {
    this.#history.length = 0;
  }

  close(): void {
    this.#closed = true;
  }

  async #answer(
    replyId: string,
    text: string,
    times: TurnTimes,
    make: () => Reply,
    typed: boolean,
  ): Promise<void> {
    const { speech, emit } = this.#options;
    emit({ type: 'user.transcription', body: { replyId, text, typed } });
    // What it was saying is over when it is known how much of it was heard: the brain is told.
    if (speech.active) await speech.interrupt();
    const reply = make();
    if (this.#closed) {
      reply.cancel();
      return;
    }
    this.#add({ role: 'visitor', text });
    reply.say(times, ({ heard, outcome }, latency) => {
      this.#latency = latency;
      if (heard !== '') this.#add({ role: 'avatar', text: outcome === 'interrupted' ? `${heard} —` : heard });
    });
  }

  #reply(replyId: string, text: string): Reply {
    return new Reply(replyId, [...this.#history, { role: 'visitor', text }], this.#options);
  }

  #add(exchange: Exchange): void {
    this.#history.push(exchange);
    if (this.#history.length > MAX_EXCHANGES) this.#history.shift();
  }

  #remember(replyId: string): void {
    this.#known.add(replyId);
    const [oldest] = this.#known;
    if (this.#known.size > MAX_REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
  }
}
