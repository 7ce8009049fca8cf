import { randomUUID } from 'node:crypto';
import { MAX_TEXT_LENGTH, VizaviError } from '@vizavi/signaling';
import { rateLimit } from '@vizavi/signaling/gateway';
import type { TurnLatency } from '@vizavi/signaling';
import type { Exchange } from '../brain/brain.ts';
import { PageTools } from './page-tools.ts';
import { Reply } from './reply.ts';
import type { ReplyOptions, TurnTimes } from './reply.ts';

export type ConversationOptions = Omit<ReplyOptions, 'pageTools'>;

/** What a brain is told of a long conversation. */
const MAX_EXCHANGES = 60;
/** Typed by one session: each is a request to a brain, which may cost its owner money. */
const MESSAGES_PER_SECOND = 1;
const MESSAGE_BURST = 10;
/** Replies that are remembered, so that a message that is sent again is not answered again. */
const MAX_REMEMBERED = 1000;

/** Something to answer. */
interface Turn {
  readonly replyId: string;
  readonly text: string;
  readonly times: TurnTimes;
  readonly typed: boolean;
  readonly prepared?: Reply | undefined;
}

const NOT_ANSWERED = { earsMs: null, brainMs: null, voiceMs: null, avatarMs: null, totalMs: null };

/** What the visitor and the avatar say to each other: messages in, replies out, and what was heard of them. */
export class Conversation {
  readonly #options: ReplyOptions;
  readonly #tools: PageTools;
  readonly #history: Exchange[] = [];
  readonly #known = new Set<string>();
  /** Replies that will be said when the avatar has fallen silent. */
  readonly #waiting = new Set<string>();
  #latency: TurnLatency | null = null;
  #closed = false;
  /** One turn after another: of two that come at once the later one has the last word. */
  #turn: Promise<void> = Promise.resolve();
  readonly #admit: () => void;

  constructor(options: ConversationOptions) {
    this.#tools = new PageTools(options.clock, options.emit);
    this.#options = { ...options, pageTools: this.#tools };
    this.#admit = rateLimit(MESSAGES_PER_SECOND, MESSAGE_BURST, () => options.clock.nowMs());
  }

  /** Of the last turn that was answered. */
  get latency(): TurnLatency | null {
    return this.#latency;
  }

  /** True while there is anything left to say. */
  get active(): boolean {
    return this.#waiting.size > 0 || this.#options.speech.active;
  }

  /** Silence, also of what waits to be said. Resolves when the worker has stopped. */
  async interrupt(): Promise<{ interrupted: string[]; tookMs: number }> {
    const unsaid = [...this.#waiting];
    this.#waiting.clear();
    const { interrupted, tookMs } = await this.#options.speech.interrupt();
    return { interrupted: [...interrupted, ...unsaid], tookMs };
  }

  /**
   * Answers what was typed; a reply that is being said gives way.
   *
   * @throws VizaviError `invalid_text`, `text_too_long`, `too_many_requests`
   */
  async message(replyId: string, text: string): Promise<void> {
    if (text.length > MAX_TEXT_LENGTH)
      throw new VizaviError('text_too_long', `a message has at most ${MAX_TEXT_LENGTH} characters`);
    if (text.trim() === '') throw new VizaviError('invalid_text', 'there is nothing to answer');
    if (this.#known.has(replyId)) return;
    this.#admit();
    this.#remember(replyId);
    const nowMs = this.#options.clock.nowMs();
    const times = { endMs: nowMs, overMs: nowMs, textMs: nowMs };
    await this.#answer({ replyId, text, times, typed: true });
  }

  /** Begins a reply that nobody hears yet. `text` is what the visitor has said so far. */
  prepare(text: string): Reply {
    return this.#reply(randomUUID(), text);
  }

  /** What was said is answered: by the reply that was prepared for it, if there is one. */
  async answer(text: string, times: TurnTimes, prepared?: Reply): Promise<void> {
    const replyId = prepared?.replyId ?? randomUUID();
    await this.#answer({ replyId, text, times, typed: false, prepared });
  }

  /** Says that something went wrong, in words that were chosen for that. */
  apologise(): void {
    const { speech, fallbackLine } = this.#options;
    if (!this.#closed && !this.active) speech.say(randomUUID(), fallbackLine);
  }

  toolResult(callId: string, result: string, failed: boolean): void {
    this.#tools.answer(callId, result, failed);
  }

  close(): void {
    this.#closed = true;
  }

  #answer(turn: Turn): Promise<void> {
    const { replyId, text, typed } = turn;
    this.#options.emit({ type: 'user.transcription', body: { replyId, text, typed } });
    this.#waiting.add(replyId);
    const answered = this.#turn.then(() => this.#say(turn));
    this.#turn = answered.catch(() => undefined);
    return answered;
  }

  async #say(turn: Turn): Promise<void> {
    const { replyId, text, times, prepared } = turn;
    // What it was saying, or somebody else has stopped, is over when it is known how much of it was heard: the brain is told.
    await this.#options.speech.interrupt();
    const wanted = this.#waiting.delete(replyId);
    if (this.#closed || !wanted) prepared?.cancel();
    if (this.#closed) return;
    const reply = wanted ? (prepared ?? this.#reply(replyId, text)) : null;
    this.#add({ role: 'visitor', text });
    if (!reply) this.#leaveUnsaid(turn);
    reply?.say(times, ({ heard, outcome }, latency) => {
      this.#latency = latency;
      if (heard !== '') this.#add({ role: 'avatar', text: outcome === 'interrupted' ? `${heard} —` : heard });
    });
  }

  #leaveUnsaid({ replyId, times: { endMs, overMs } }: Turn): void {
    const { emit, telemetry } = this.#options;
    const outcome = 'interrupted';
    telemetry.metrics.replies.inc({ outcome });
    const latency = { ...NOT_ANSWERED, endOfTurnMs: Math.max(0, overMs - endMs) };
    emit({ type: 'avatar.reply_ended', body: { replyId, text: '', heard: '', outcome, latency } });
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
