import { BLOCK_SAMPLES, EARS_SAMPLE_RATE } from './hearing-messages.ts';

const SAMPLES_PER_MS = EARS_SAMPLE_RATE / 1000;

/** The sound of a microphone that is still needed: frames without gaps, from the first that is kept. */
export class SoundStore {
  #frames: Int16Array[] = [];
  /** Of the first frame that is kept. */
  #startMs = 0;

  /** For figures: how much is kept. */
  get durationMs(): number {
    return (this.#frames.length * BLOCK_SAMPLES) / SAMPLES_PER_MS;
  }

  add(pcm: Int16Array, atMs: number): void {
    if (this.#frames.length === 0) this.#startMs = atMs;
    this.#frames.push(pcm);
  }

  /** Forgets what was before. */
  keepFrom(fromMs: number): void {
    const frameMs = BLOCK_SAMPLES / SAMPLES_PER_MS;
    const frames = Math.min(this.#frames.length, Math.floor((fromMs - this.#startMs) / frameMs));
    if (frames <= 0) return;
    this.#frames.splice(0, frames);
    this.#startMs += frames * frameMs;
  }

  /** A copy of what is kept of this range. */
  range(fromMs: number, toMs: number): Int16Array {
    const start = Math.max(0, Math.round((fromMs - this.#startMs) * SAMPLES_PER_MS));
    const end = Math.min(
      this.#frames.length * BLOCK_SAMPLES,
      Math.round((toMs - this.#startMs) * SAMPLES_PER_MS),
    );
    const sound = new Int16Array(Math.max(0, end - start));
    for (let at = start; at < end;) {
      const offset = at % BLOCK_SAMPLES;
      const frame = this.#frames[Math.floor(at / BLOCK_SAMPLES)] as Int16Array;
      const part = frame.subarray(offset, Math.min(BLOCK_SAMPLES, offset + end - at));
      sound.set(part, at - start);
      at += part.length;
    }
    return sound;
  }

  clear(): void {
    this.#frames = [];
  }
}
