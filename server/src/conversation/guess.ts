import type { Clock } from '../clock.ts';
import type { Ears } from '../ears/ears.ts';
import type { Reply } from './reply.ts';

export interface GuessOptions {
  readonly language: string | undefined;
  readonly clock: Clock;
  /** The session ends. */
  readonly over: AbortSignal;
}

/**
 * What is done while it is likely, but not certain, that the visitor has finished: the words are found out and the reply is
 * begun, so that it costs no time when the turn is over.
 */
export class Guess {
  /** What was said. Rejects as {@link Ears.transcribe}. */
  readonly text: Promise<string>;
  readonly #abort = new AbortController();
  #reply: Reply | null = null;
  #repliesTo = '';
  #textMs: number | null = null;

  /** @param prepare begins a reply to this text, and says to what all it replies; null: there is nothing to begin */
  constructor(
    ears: Ears,
    pcm: Int16Array,
    { language, clock, over }: GuessOptions,
    prepare: (text: string) => { readonly reply: Reply; readonly to: string } | null,
  ) {
    const signal = AbortSignal.any([this.#abort.signal, over]);
    this.text = ears.transcribe(pcm, { signal, language }).then((words) => {
      this.#textMs = clock.nowMs();
      const text = words.trim();
      const prepared = text === '' || signal.aborted ? null : prepare(text);
      this.#reply = prepared?.reply ?? null;
      this.#repliesTo = prepared?.to ?? '';
      return text;
    });
    this.text.catch(() => undefined);
  }

  /** When the words were known; null before. */
  get textMs(): number | null {
    return this.#textMs;
  }

  /** The reply that was begun, if it answers `text`; from now on the caller's. */
  take(text: string): Reply | undefined {
    const reply = this.#reply;
    this.#reply = null;
    if (this.#repliesTo === text) return reply ?? undefined;
    reply?.cancel();
    return undefined;
  }

  /** The visitor went on. */
  cancel(): void {
    this.#abort.abort();
    this.#reply?.cancel();
    this.#reply = null;
  }
}
