import type { Ear, EarOptions, Hearing } from '../../server/src/ears/hearing.ts';

const BLOCK = 512;
const BLOCK_MS = 32;

/** Microphones that hear what the test says: seconds of speech and of silence. */
export class FakeHearing implements Pick<Hearing, 'listen'> {
  readonly ears: FakeEar[] = [];

  listen(options: EarOptions): Ear {
    const ear = new FakeEar(options);
    this.ears.push(ear);
    return ear;
  }

  /** The latest one. */
  get ear(): FakeEar {
    const ear = this.ears.at(-1);
    if (!ear) throw new Error('nobody listens');
    return ear;
  }
}

export class FakeEar implements Ear {
  readonly #options: EarOptions;
  closed = false;
  packets = 0;
  #frames = 0;

  constructor(options: EarOptions) {
    this.#options = options;
  }

  speech(seconds: number): void {
    this.#sound(seconds, 0.98, 8000);
  }

  silence(seconds: number): void {
    this.#sound(seconds, 0.01, 3);
  }

  packet(): void {
    this.packets += 1;
  }

  close(): void {
    this.closed = true;
  }

  #sound(seconds: number, probability: number, peak: number): void {
    for (let left = Math.round((seconds * 1000) / BLOCK_MS); left > 0 && !this.closed; left -= 1) {
      const pcm = Int16Array.from({ length: BLOCK }, (_, n) => Math.round(peak * Math.sin(n * 0.3)));
      this.#options.onFrame({ pcm, probability, atMs: this.#frames++ * BLOCK_MS });
    }
  }
}
