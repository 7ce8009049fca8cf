import type { Manner, VizaviError } from '@vizavi/signaling';
import type { Script } from './conversation/script.ts';
import { SpokenText } from './conversation/spoken-text.ts';

/** Longest piece of sound in one message to a worker. */
export const PIECE_MS = 100;

export type Outcome = 'spoken' | 'interrupted' | 'failed';

/** What became of an utterance. */
export interface Ended {
  readonly outcome: Outcome;
  /** How much was heard. */
  readonly playedMs: number;
  /** All of its text that was written, and as much of it as was heard. */
  readonly text: string;
  readonly heard: string;
}

/** Told to whoever wanted it said. */
export interface UtteranceEvents {
  /** Its first sound is there. */
  readonly onSound?: () => void;
  /** Its first sound is on the wire. */
  readonly onStarted?: () => void;
  readonly onEnded?: (ended: Ended) => void;
}

/**
 * The sound of one utterance on its way to a slot. What the slot has not reported as played is kept, so that another
 * slot can go on where the first one stopped.
 */
export class Utterance {
  readonly utteranceId: string;
  /** What is to be said; null for sound that came as sound. */
  readonly source: string | Script | null;
  readonly spoken = new SpokenText();
  readonly events: UtteranceEvents;
  /** When the command arrived. */
  readonly arrivedMs: number;
  readonly #manner: () => Manner;
  /** Hz; 0 while there is no sound. */
  sampleRate = 0;
  /** No more sound will come. */
  complete = false;
  /** Why it cannot be said to its end. */
  error: VizaviError | null = null;
  /** The viewers have been told that it began. */
  announced = false;
  /** The slot has been told that no more sound will come. */
  closed = false;
  /** Sound from sample `#first` on, in pieces. */
  readonly #pieces: Int16Array[] = [];
  #first = 0;
  #end = 0;
  /** Index of the next piece to send, and its first sample. */
  #next = 0;
  #sent = 0;
  /** First sample that the present slot was given; its reports count from here. */
  #base = 0;
  #playedMs = 0;

  constructor(
    utteranceId: string,
    source: string | Script | null,
    arrivedMs: number,
    manner: Manner | (() => Manner) = {},
    events: UtteranceEvents = {},
  ) {
    this.#manner = typeof manner === 'function' ? manner : () => manner;
    this.utteranceId = utteranceId;
    this.source = source;
    this.arrivedMs = arrivedMs;
    this.events = events;
  }

  /** How it is said. Of a text that is still being written it may not be known before the first sound is there. */
  get manner(): Manner {
    return this.#manner();
  }

  /** As much of its text as has been written; null for sound that came as sound. */
  get text(): string | null {
    return typeof this.source === 'object' ? (this.source?.text ?? null) : this.source;
  }

  /** Nobody will hear the rest. */
  cancel(): void {
    if (typeof this.source === 'object') this.source?.cancel();
  }

  ended(outcome: Outcome): void {
    const { playedMs, events } = this;
    const text = this.text ?? '';
    const heard = outcome === 'spoken' ? text : this.spoken.heard(text, playedMs);
    events.onEnded?.({ outcome, playedMs, text, heard });
  }

  /** How much was heard, counted from the utterance's start. */
  get playedMs(): number {
    return this.#playedMs;
  }

  /** All sound that exists. */
  get durationMs(): number {
    return this.#ms(this.#end);
  }

  /** Sound that the slot has and has not played. */
  get aheadMs(): number {
    return Math.max(0, this.#ms(this.#sent) - this.#playedMs);
  }

  /** Sound that exists and has not been played. */
  get unplayedMs(): number {
    return Math.max(0, this.durationMs - this.#playedMs);
  }

  /** The slot has all the sound that exists. */
  get drained(): boolean {
    return this.#next === this.#pieces.length;
  }

  /** The present slot knows of this utterance and will report its end. */
  get given(): boolean {
    return this.#sent > this.#base;
  }

  append(samples: Int16Array, sampleRate: number): void {
    this.sampleRate = sampleRate;
    const step = Math.round((sampleRate * PIECE_MS) / 1000);
    for (let start = 0; start < samples.length; start += step) {
      this.#pieces.push(samples.subarray(start, start + step));
    }
    this.#end += samples.length;
  }

  /** The next piece for the slot; null when it has all that exists. */
  next(): Int16Array | null {
    const piece = this.#pieces[this.#next];
    if (!piece) return null;
    this.#next += 1;
    this.#sent += piece.length;
    return piece;
  }

  /** The present slot has played so much of what it was given. */
  played(slotMs: number): void {
    const playedMs = Math.min(this.#ms(this.#base) + slotMs, this.#ms(this.#sent));
    this.#playedMs = Math.max(this.#playedMs, playedMs);
    const sample = this.#playedSample();
    for (let piece = this.#pieces[0]; piece && this.#next > 0; piece = this.#pieces[0]) {
      if (this.#first + piece.length > sample) return;
      this.#pieces.shift();
      this.#first += piece.length;
      this.#next -= 1;
    }
  }

  /** Another slot goes on from the first sample that was not played. */
  rewind(): void {
    const sample = this.#playedSample();
    const piece = this.#pieces[0];
    if (piece) this.#pieces[0] = piece.subarray(sample - this.#first);
    this.#first = this.#base = this.#sent = sample;
    this.#next = 0;
    this.closed = false;
  }

  /** It ends with the sound that there is. */
  fail(error: VizaviError): void {
    this.error = error;
    this.complete = true;
  }

  #playedSample(): number {
    return Math.min(this.#sent, Math.round((this.#playedMs * this.sampleRate) / 1000));
  }

  #ms(samples: number): number {
    return this.sampleRate === 0 ? 0 : (samples * 1000) / this.sampleRate;
  }
}
