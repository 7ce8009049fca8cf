import { VizaviError } from '@vizavi/signaling';
import type { Clock } from '../clock.ts';
import type { Ears, TranscribeOptions } from '../ears/ears.ts';

/** How long the browser's last word on a turn is waited for; what it has guessed so far counts then. */
const PATIENCE_MS = 700;

/**
 * Ears for one session whose browser recognises speech itself. What it hears comes as text beside the sound; what was said
 * in a turn is what has come since the last one.
 */
export class BrowserEars implements Ears {
  readonly name = 'browser';
  readonly #clock: Clock;
  #sure = '';
  #interim = '';
  #changed: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Everything since the last turn. */
  get text(): string {
    return joined(this.#sure, this.#interim);
  }

  /** As much of it as the browser will not change its mind about. */
  get sure(): string {
    return this.#sure;
  }

  /** The browser will not change its mind about what it has said so far. */
  get certain(): boolean {
    return this.#interim === '' && this.#sure !== '';
  }

  /** The browser's latest guess, or its last word on a stretch of speech. */
  heard(text: string, final: boolean): void {
    if (final) this.#sure = joined(this.#sure, text);
    this.#interim = final ? '' : text;
    this.#changed();
  }

  /** The turn has been taken; what comes from now on belongs to the next one. */
  clear(): void {
    this.#sure = '';
    this.#interim = '';
  }

  /** Waits for the browser's last word, but not long. The sound itself is not looked at. */
  async transcribe(_pcm: Int16Array, { signal }: TranscribeOptions): Promise<string> {
    // Aborts when there is nothing to wait for any more.
    const patience = new AbortController();
    const cancel = this.#clock.after(PATIENCE_MS, () => {
      patience.abort();
    });
    const over = AbortSignal.any([signal, patience.signal]);
    const ended = new Promise<void>((resolve) => {
      over.addEventListener('abort', () => {
        resolve();
      });
    });
    while (!over.aborted && !this.certain) {
      await Promise.race([new Promise<void>((resolve) => (this.#changed = resolve)), ended]);
    }
    cancel();
    if (signal.aborted) throw new VizaviError('interrupted', 'the visitor went on');
    return this.text;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function joined(before: string, after: string): string {
  return `${before} ${after}`.replace(/\s+/g, ' ').trim();
}
