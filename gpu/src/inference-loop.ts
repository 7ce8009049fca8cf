import type { ChunkCost, ChunkRequest, ChunkResult, ModelRunner } from './model-runner.ts';
import { nextJob } from './scheduler.ts';
import type { Candidate } from './scheduler.ts';

/** One slot's side of the inference loop. */
export interface InferenceLane {
  readonly slotId: number;
  /** What it could use now; null when it needs nothing. */
  candidate(): Candidate | null;
  /** Takes the input of a chunk. */
  take(frames: number): ChunkRequest;
  /** The chunk is made. */
  done(request: ChunkRequest, result: ChunkResult): void;
  /** The chunk failed. */
  failed(request: ChunkRequest, error: unknown): void;
}

/** Chunks that a slot may be ahead of its clock: an interrupt is heard at once, and still nothing runs dry. */
const MAX_LEAD_CHUNKS = 2;

/** Keeps one device busy: schedule, run, deliver. One chunk is in work at a time. */
export class InferenceLoop {
  readonly #runner: ModelRunner;
  readonly #chunkFrames: number;
  readonly #nowMs: () => number;
  readonly #costMs: (frames: number) => number;
  readonly #lanes = new Map<number, InferenceLane>();
  #busy = false;

  constructor(options: {
    readonly runner: ModelRunner;
    readonly chunkFrames: number;
    readonly costs: readonly ChunkCost[];
    readonly nowMs: () => number;
  }) {
    this.#runner = options.runner;
    this.#chunkFrames = options.chunkFrames;
    this.#nowMs = options.nowMs;
    this.#costMs = costModel(options.costs);
  }

  /** Ring entries that a slot needs: the lead, and the frame that the encoder reads. */
  get ringEntries(): number {
    return MAX_LEAD_CHUNKS * this.#chunkFrames + 2;
  }

  add(lane: InferenceLane): void {
    this.#lanes.set(lane.slotId, lane);
  }

  remove(lane: InferenceLane): void {
    if (this.#lanes.get(lane.slotId) === lane) this.#lanes.delete(lane.slotId);
  }

  /** Something has changed: sound came, a frame was shown, a chunk was made. */
  wake(): void {
    if (this.#busy) return;
    const candidates = [...this.#lanes.values()].flatMap((lane) => lane.candidate() ?? []);
    const job = nextJob(candidates, this.#nowMs(), {
      chunkFrames: this.#chunkFrames,
      maxLeadFrames: MAX_LEAD_CHUNKS * this.#chunkFrames,
      costMs: this.#costMs,
    });
    const lane = job && this.#lanes.get(job.slotId);
    if (!lane) return;
    this.#busy = true;
    const request = lane.take(job.frames);
    this.#runner
      .run(request)
      .then(
        (result) => {
          lane.done(request, result);
        },
        (error: unknown) => {
          lane.failed(request, error);
        },
      )
      .finally(() => {
        this.#busy = false;
        this.wake();
      });
  }
}

/** A line through the measured chunk sizes. */
function costModel(costs: readonly ChunkCost[]): (frames: number) => number {
  const sorted = [...costs].sort((a, b) => a.frames - b.frames);
  const small = sorted[0];
  const large = sorted.at(-1);
  if (!small || !large) return () => 0;
  if (small.frames === large.frames) return (frames) => (frames * small.medianMs) / small.frames;
  const slope = (large.medianMs - small.medianMs) / (large.frames - small.frames);
  return (frames) => small.medianMs + (frames - small.frames) * slope;
}
