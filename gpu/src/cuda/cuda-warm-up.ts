import type { AvatarBundle } from '../avatar-bundle.ts';
import type { MeasuredCosts } from '../cost-model.ts';
import type { ChunkRequest } from '../model-runner.ts';
import type { CudaDriver } from './cuda-driver.ts';
import type { DevicePipeline } from './device-pipeline.ts';
import { RehearsalSlot } from './rehearsal-slot.ts';

const TIMED_RUNS = 9;
/** Times are settled when a run takes no less than this share of the fastest so far, three times in a row. */
const SETTLED_SHARE = 0.95;
/** cuDNN tries its algorithms at the first run of a shape; clocks rise over some more. */
const MAX_SETTLING_RUNS = 30;

/** Measures on the device what chunks and batches cost, by its own events. */
export class CudaWarmUp {
  readonly #bundle: AvatarBundle;
  readonly #driver: CudaDriver;
  readonly #pipeline: DevicePipeline;
  readonly #slots: RehearsalSlot[] = [];

  constructor(options: {
    readonly bundle: AvatarBundle;
    readonly driver: CudaDriver;
    readonly pipeline: DevicePipeline;
  }) {
    this.#bundle = options.bundle;
    this.#driver = options.driver;
    this.#pipeline = options.pipeline;
  }

  /** Median time of the decoder for one chunk, ms. */
  chunkDecodeMs(): number {
    const { chunkFrames } = this.#bundle;
    return this.#measure([this.#slot(0).chunk(chunkFrames, chunkFrames)]).decodeMs;
  }

  /** Single frames and chunks; and batches of chunks, doubled until one is full. */
  costs(maxBatchFrames: number): MeasuredCosts {
    const { chunkFrames, minChunkFrames } = this.#bundle;
    const generate: { frames: number; medianMs: number }[] = [];
    const decode: { frames: number; medianMs: number }[] = [];
    for (const frames of new Set([1, 2, chunkFrames])) {
      if (frames < minChunkFrames) continue;
      const { generateMs, decodeMs } = this.#measure([this.#slot(0).chunk(frames, frames)]);
      generate.push({ frames, medianMs: generateMs });
      decode.push({ frames, medianMs: decodeMs });
    }
    for (let chunks = 2; chunks * chunkFrames <= maxBatchFrames; chunks *= 2) {
      const batch = Array.from({ length: chunks }, (_, slot) =>
        this.#slot(slot).chunk(chunkFrames, chunkFrames),
      );
      decode.push({ frames: chunks * chunkFrames, medianMs: this.#measure(batch).decodeMs });
    }
    return { generate, decode };
  }

  #slot(index: number): RehearsalSlot {
    // −1 is the slot of still pictures.
    return (this.#slots[index] ??= new RehearsalSlot(-2 - index, this.#bundle, this.#pipeline));
  }

  #measure(batch: readonly ChunkRequest[]): { generateMs: number; decodeMs: number } {
    const time = (): { generateMs: number; decodeMs: number } => {
      const events = this.#pipeline.rehearse(batch);
      return {
        generateMs: this.#driver.elapsedMs(events.start, events.generated),
        decodeMs: this.#driver.elapsedMs(events.generated, events.decoded),
      };
    };
    let fastestMs = Infinity;
    for (let run = 0, settled = 0; run < MAX_SETTLING_RUNS && settled < 3; run += 1) {
      const { generateMs, decodeMs } = time();
      settled = generateMs + decodeMs >= fastestMs * SETTLED_SHARE ? settled + 1 : 0;
      fastestMs = Math.min(fastestMs, generateMs + decodeMs);
    }
    const times = Array.from({ length: TIMED_RUNS }, time);
    const median = (values: number[]): number => values.sort((a, b) => a - b)[TIMED_RUNS >> 1] ?? 0;
    return {
      generateMs: median(times.map(({ generateMs }) => generateMs)),
      decodeMs: median(times.map(({ decodeMs }) => decodeMs)),
    };
  }
}
