import { randomUUID } from 'node:crypto';
import { MAX_TEXT_LENGTH, VizaviError } from '@vizavi/signaling';
import type { Listening, SessionEvent } from '@vizavi/signaling';
import type { Clock } from '../clock.ts';
import type { Ears } from '../ears/ears.ts';
import type { Hearing } from '../ears/hearing.ts';
import { Listener } from '../ears/listener.ts';
import type { Heard } from '../ears/listener.ts';
import type { Speech } from '../speech.ts';
import type { Telemetry } from '../telemetry.ts';
import { BrowserEars } from './browser-ears.ts';
import type { Conversation } from './conversation.ts';
import { Guess } from './guess.ts';

/** Silence after which a turn is over whose words are whole. */
const SURE_END_MS = 384;

/** More than anybody says in one breath. */
const MAX_WORDS_LENGTH = 2000;

export interface SpokenTurnsOptions {
  readonly hearing: Pick<Hearing, 'listen'>;
  /** Null: the visitor's browser turns speech to text. */
  readonly ears: Ears | null;
  readonly language: string | undefined;
  readonly conversation: Conversation;
  readonly speech: Speech;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly emit: (event: SessionEvent) => void;
  /** Somebody speaks to the avatar, or has stopped. */
  readonly onAttention: (listening: boolean) => void;
}

/** From a microphone to turns of the conversation: who speaks when, what was said, and silence when the visitor cuts in. */
export class SpokenTurns {
  readonly #options: SpokenTurnsOptions;
  readonly #listener: Listener;
  readonly #browser: BrowserEars | null;
  readonly #ears: Ears;
  /** What becomes of a turn: it is answered, or said again by the avatar. */
  route: 'answer' | 'repeat' = 'answer';
  readonly #closed = new AbortController();
  #mode: Listening = 'off';
  #speaking = false;
  #guess: Guess | null = null;
  /** Turns that are over and not understood yet. */
  #pending = 0;
  #understood: Promise<void> = Promise.resolve();
  /** Words of a turn that seemed to be over when the visitor went on. */
  #carried = '';
  /** When the last of them was said. */
  #carriedEndMs = 0;

  constructor(options: SpokenTurnsOptions) {
    this.#options = options;
    const { hearing, clock, ears, speech, telemetry } = options;
    this.#browser = ears ? null : new BrowserEars(clock);
    this.#ears = ears ?? (this.#browser as BrowserEars);
    this.#listener = new Listener({
      hearing,
      clock,
      avatarSpeaks: () => speech.audible,
      events: {
        speechStarted: () => {
          this.#begin();
        },
        probableEnd: ({ pcm }) => {
          this.#guess = this.#guessAt(pcm);
        },
        resumed: () => {
          this.#drop();
        },
        ended: (heard) => {
          this.#end(heard);
        },
        misfire: () => {
          this.#drop();
          if (this.#speaking) options.emit({ type: 'user.speak_ended', body: { durationMs: 0 } });
          this.#attention(false);
          // Nothing was said after the words that were carried over: they are the whole turn. Also when listening was turned
          // off: it is as if that had happened right after them, and who has asked something expects an answer.
          if (this.#pending === 0) this.#over(null, this.#carriedEndMs);
        },
        failed: (error) => {
          telemetry.log.warn({ err: error }, 'a microphone could not be heard for a moment');
        },
      },
    });
  }

  /** The visitor's microphone, packet by packet: RTP with Opus. */
  packet(rtp: Uint8Array): void {
    if (this.#mode !== 'off') this.#listener.packet(rtp);
  }

  setMode(mode: Listening): void {
    if (mode === this.#mode) return;
    this.#mode = mode;
    this.#listener.setMode(mode);
    if (mode === 'off') {
      this.#drop();
      this.#attention(false);
    }
    this.#options.emit({ type: 'listening.changed', body: { mode } });
  }

  /** @throws VizaviError `invalid_state` unless the mode is `push` */
  push(held: boolean): void {
    if (this.#mode !== 'push') throw new VizaviError('invalid_state', 'listening is not set to push');
    if (held) this.#listener.pushStart();
    else this.#listener.pushEnd();
  }

  /** What the browser's own recognition says. @throws VizaviError `text_too_long`, `invalid_state` where the server listens itself */
  heard(text: string, final: boolean): void {
    if (!this.#browser) throw new VizaviError('invalid_state', 'this server understands speech itself');
    if (this.#mode === 'off') return;
    // Without a voice in the microphone it is the avatar's own, or a television's.
    if (!this.#speaking && this.#pending === 0) return;
    if (text.length > MAX_WORDS_LENGTH)
      throw new VizaviError('text_too_long', `at most ${MAX_WORDS_LENGTH} characters of speech at once`);
    // Who holds a button may go on for ever.
    if (joined(this.#carried, this.#browser.sure).length + text.length > MAX_TEXT_LENGTH)
      throw new VizaviError('text_too_long', `a turn has at most ${MAX_TEXT_LENGTH} characters`);
    this.#browser.heard(text, final);
    this.#tell(this.#browser.text);
  }

  close(): void {
    this.#drop();
    this.#closed.abort();
    this.#listener.close();
  }

  #begin(): void {
    const { emit, conversation, telemetry } = this.#options;
    emit({ type: 'user.speak_started', body: {} });
    this.#attention(true);
    if (!conversation.active) return;
    telemetry.metrics.bargeIns.inc();
    void conversation.interrupt();
  }

  #end({ pcm, durationMs, silenceMs }: Heard): void {
    this.#options.emit({ type: 'user.speak_ended', body: { durationMs } });
    this.#attention(false);
    // From here on nothing that the visitor does drops it.
    const guess = this.#guess ?? this.#guessAt(pcm);
    this.#guess = null;
    this.#over(guess, this.#options.clock.nowMs() - silenceMs);
  }

  /** In the order in which they were said, however long the ears take for each. @param guess null: without a word */
  #over(guess: Guess | null, endMs: number): void {
    const overMs = this.#options.clock.nowMs();
    this.#pending += 1;
    this.#understood = this.#understood.then(() => this.#understand(guess, endMs, overMs));
  }

  async #understand(guess: Guess | null, endMs: number, overMs: number): Promise<void> {
    try {
      const text = joined(this.#carried, (await guess?.text) ?? '');
      this.#browser?.clear();
      if (text === '') return;
      if (this.#speaking || this.#pending > 1) {
        // Only a breath: what was said so far belongs to what is said after it.
        this.#carried = text;
        this.#carriedEndMs = endMs;
        guess?.cancel();
        return;
      }
      this.#carried = '';
      const times = { endMs, overMs, textMs: guess?.textMs ?? overMs };
      if (this.route === 'answer') await this.#options.conversation.answer(text, times, guess?.take(text));
      else this.#options.speech.say(randomUUID(), text);
    } catch (error) {
      guess?.cancel();
      this.#failed(error);
    } finally {
      this.#pending -= 1;
    }
  }

  #guessAt(pcm: Int16Array): Guess {
    const { language, clock, conversation } = this.#options;
    const guess = new Guess(this.#ears, pcm, { language, clock, over: this.#closed.signal }, (words) => {
      const to = joined(this.#carried, words);
      this.#tell(to);
      // A turn that is over when the next one has begun is not answered alone, and says nothing of where that one ends.
      if (this.#guess !== guess && this.#speaking) return null;
      // Who ends with a whole sentence has probably said it all.
      if (this.#browser?.certain ?? /[.?!…]["”’)]?$/.test(words)) this.#listener.endAfter(SURE_END_MS);
      return this.route === 'answer' ? { reply: conversation.prepare(to), to } : null;
    });
    return guess;
  }

  #drop(): void {
    this.#guess?.cancel();
    this.#guess = null;
  }

  #attention(speaking: boolean): void {
    if (this.#speaking === speaking) return;
    this.#speaking = speaking;
    this.#options.onAttention(speaking);
  }

  #tell(text: string): void {
    if (text !== '') this.#options.emit({ type: 'user.transcription.chunk', body: { text } });
  }

  #failed(error: unknown): void {
    const { code } = VizaviError.from(error);
    if (code === 'interrupted') return;
    // Who is asked to say it again says all of it again.
    this.#carried = '';
    const { telemetry, conversation } = this.#options;
    telemetry.metrics.earsErrors.inc({ ears: this.#ears.name });
    telemetry.log.error({ err: error, ears: this.#ears.name }, 'the ears failed');
    conversation.apologise();
  }
}

function joined(before: string, after: string): string {
  return `${before} ${after}`.trim();
}
