import type { Emotion, Gesture, Manner } from '@vizavi/signaling';
import type { Resampler } from './encoder.ts';

/** Opus runs at this rate whatever the voice's is (RFC 7587: the RTP clock is 48 kHz). */
export const WIRE_RATE = 48_000;

/** The sound of one frame period. */
export interface AudioBlock {
  /** Whose sound it is; null for a pause that nobody asked for. */
  readonly utteranceId: string | null;
  /** First or last block of its utterance. */
  readonly first: boolean;
  readonly last: boolean;
  readonly emotion: Emotion;
  /** What the face does as this block is said. */
  readonly gesture?: Gesture | undefined;
  /** How much of the utterance has been heard when this block ends. */
  readonly endMs: number;
  /** For the generator: −1…1 at the bundle's rate. */
  readonly model: Float32Array;
  /** For the encoder: 48 kHz. */
  readonly wire: Int16Array;
}

interface OpenUtterance {
  readonly id: string;
  readonly emotion: Emotion;
  readonly gesture: Gesture | undefined;
  readonly sampleRate: number;
  readonly toModel: Resampler;
  readonly toWire: Resampler;
  readonly model: SampleFifo;
  readonly wire: SampleFifo;
  samples: number;
  blocks: number;
}

/** Turns the sound that arrives, at any rate and in any pieces, into blocks of one frame period each. */
export class AudioQueue {
  readonly #modelRate: number;
  readonly #modelSamples: number;
  readonly #wireSamples: number;
  readonly #openResampler: (from: number, to: number) => Resampler;
  #blocks: AudioBlock[] = [];
  #open: OpenUtterance | null = null;
  #emotion: Emotion = 'neutral';

  constructor(options: {
    /** Hz, of the generator's input. */
    readonly modelRate: number;
    readonly samplesPerFrame: number;
    readonly openResampler: (from: number, to: number) => Resampler;
  }) {
    this.#modelRate = options.modelRate;
    this.#modelSamples = options.samplesPerFrame;
    this.#wireSamples = Math.round((options.samplesPerFrame * WIRE_RATE) / options.modelRate);
    this.#openResampler = options.openResampler;
  }

  /** Whole blocks that wait. */
  get available(): number {
    return this.#blocks.length;
  }

  /** True while an utterance has begun and its last sound has not come. */
  get open(): boolean {
    return this.#open !== null;
  }

  /** Adds sound to an utterance; another `utteranceId` than before closes the one before. */
  push(utteranceId: string, sampleRate: number, pcm: Int16Array, last: boolean, manner: Manner = {}): void {
    if (this.#open && (this.#open.id !== utteranceId || this.#open.sampleRate !== sampleRate))
      this.#finish(this.#open);
    const utterance = (this.#open ??= this.#begin(utteranceId, sampleRate, manner));
    utterance.samples += pcm.length;
    utterance.model.push(utterance.toModel.push(pcm));
    utterance.wire.push(utterance.toWire.push(pcm));
    if (last) this.#finish(utterance);
    else this.#cut(utterance);
  }

  shift(): AudioBlock | null {
    return this.#blocks.shift() ?? null;
  }

  /** A block of silence that belongs to no utterance; what was felt last is still felt. */
  silence(): AudioBlock {
    return {
      utteranceId: null,
      first: false,
      last: false,
      emotion: this.#emotion,
      endMs: 0,
      model: new Float32Array(this.#modelSamples),
      wire: new Int16Array(this.#wireSamples),
    };
  }

  /** Forgets everything. */
  clear(): void {
    this.#blocks = [];
    if (this.#open) this.#close(this.#open);
  }

  #begin(id: string, sampleRate: number, { emotion = 'neutral', gesture }: Manner): OpenUtterance {
    this.#emotion = emotion;
    return {
      id,
      emotion,
      gesture,
      sampleRate,
      toModel: this.#openResampler(sampleRate, this.#modelRate),
      toWire: this.#openResampler(sampleRate, WIRE_RATE),
      model: new SampleFifo(),
      wire: new SampleFifo(),
      samples: 0,
      blocks: 0,
    };
  }

  #cut(utterance: OpenUtterance): void {
    while (utterance.model.length >= this.#modelSamples && utterance.wire.length >= this.#wireSamples) {
      this.#add(utterance, false);
    }
  }

  /** Flushes the filters and fills the last block up with silence. */
  #finish(utterance: OpenUtterance): void {
    utterance.model.push(utterance.toModel.flush());
    utterance.wire.push(utterance.toWire.flush());
    const whole = Math.max(
      Math.ceil(utterance.model.length / this.#modelSamples),
      Math.ceil(utterance.wire.length / this.#wireSamples),
      1,
    );
    for (let left = whole; left > 0; left -= 1) this.#add(utterance, left === 1);
    this.#close(utterance);
  }

  #close(utterance: OpenUtterance): void {
    utterance.toModel.close();
    utterance.toWire.close();
    this.#open = null;
  }

  #add(utterance: OpenUtterance, last: boolean): void {
    const pcm = utterance.model.shift(this.#modelSamples);
    const first = utterance.blocks === 0;
    utterance.blocks += 1;
    this.#blocks.push({
      utteranceId: utterance.id,
      first,
      last,
      emotion: utterance.emotion,
      gesture: first ? utterance.gesture : undefined,
      endMs: Math.min(
        (utterance.blocks * this.#modelSamples * 1000) / this.#modelRate,
        (utterance.samples * 1000) / utterance.sampleRate,
      ),
      model: toFloat(pcm),
      wire: utterance.wire.shift(this.#wireSamples),
    });
  }
}

/** A plain loop: `Float32Array.from` with a callback takes ten times as long. */
function toFloat(pcm: Int16Array): Float32Array {
  const out = new Float32Array(pcm.length);
  for (let index = 0; index < pcm.length; index += 1) out[index] = (pcm[index] ?? 0) / 32_768;
  return out;
}

/** Samples in, samples out; what is missing is silence. */
class SampleFifo {
  #parts: Int16Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(samples: Int16Array): void {
    if (samples.length === 0) return;
    this.#parts.push(samples);
    this.#length += samples.length;
  }

  shift(count: number): Int16Array {
    const out = new Int16Array(count);
    let filled = 0;
    while (filled < count) {
      const part = this.#parts[0];
      if (!part) break;
      const taken = part.subarray(0, count - filled);
      out.set(taken, filled);
      filled += taken.length;
      if (taken.length === part.length) this.#parts.shift();
      else this.#parts[0] = part.subarray(taken.length);
    }
    this.#length -= filled;
    return out;
  }
}
