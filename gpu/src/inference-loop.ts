import { CostModel } from './cost-model.ts';
import { DeadlineLadder } from './deadline-ladder.ts';
import type { LadderRow, LadderStep } from './deadline-ladder.ts';
import { DeviceMeter } from './device-meter.ts';
import { hostNowMs } from './model-runner.ts';
import type { ChunkRequest, ChunkResult, ModelRunner, WarmUp } from './model-runner.ts';
import { ladderCosts } from './ladder-costs.ts';
import { nextBatch } from './scheduler.ts';
import type { Candidate } from './scheduler.ts';

export interface LaneCandidate extends Candidate {
  /** Its frames are being shown: a late one is seen. Before that lateness only delays the beginning. */
  readonly running: boolean;
}

/** One slot's side of the inference loop. */
export interface InferenceLane {
  readonly slotId: number;
  /** What it could use now; null when it needs nothing. */
  candidate(): LaneCandidate | null;
  /** Takes the input of a chunk. */
  take(frames: number): ChunkRequest;
  /** The chunk is made. */
  done(request: ChunkRequest, result: ChunkResult): void;
  /** The chunk failed. */
  failed(request: ChunkRequest, error: unknown): void;
}

/** Chunks that a slot may be ahead of its clock: an interrupt is heard at once, and still nothing runs dry. */
const MAX_LEAD_CHUNKS = 2;
/** After so long without work the ladder is told that the device rests. */
const REST_MS = 250;

interface Batch {
  readonly frames: readonly number[];
  /** The earliest of its running slots; Infinity when all of them only begin. */
  readonly deadlineMs: number;
  readonly expectedMs: number;
  startMs: number;
}

export interface InferenceLoopOptions {
  readonly runner: ModelRunner;
  readonly chunkFrames: number;
  readonly fps: number;
  readonly warmUp: WarmUp;
  readonly nowMs: () => number;
  /** The ladder has moved. */
  readonly onStep: (step: LadderStep) => void;
  /** False: nobody watches, so that lateness costs no quality. */
  readonly live?: boolean;
}

/** Keeps one device busy: schedule, run, deliver. As many batches are under way as the runner can overlap. */
export class InferenceLoop {
  readonly costs: CostModel;
  /** The runner's batches are told to it. */
  readonly meter = new DeviceMeter();
  readonly #options: InferenceLoopOptions;
  readonly #ladder: DeadlineLadder;
  readonly #lanes = new Map<number, InferenceLane>();
  /** Under way, in the device's order. */
  readonly #batches: Batch[] = [];
  #rest: NodeJS.Timeout | null = null;

  constructor(options: InferenceLoopOptions) {
    const { warmUp, chunkFrames, onStep, runner } = options;
    this.#options = options;
    this.costs = new CostModel(warmUp.costs);
    this.#ladder = new DeadlineLadder({
      ...ladderCosts(warmUp, chunkFrames),
      onStep: (step) => {
        const { steps, decoder } = this.#ladder.row;
        runner.setQuality({ steps, decoder });
        onStep(step);
      },
    });
  }

  /** What slots show of their frames now, and how well. */
  get quality(): LadderRow {
    return this.#ladder.row;
  }

  /** Ring entries that a slot needs: the lead, and the frame that the encoder reads. */
  get ringEntries(): number {
    return MAX_LEAD_CHUNKS * this.#options.chunkFrames + 2;
  }

  add(lane: InferenceLane): void {
    this.#lanes.set(lane.slotId, lane);
  }

  remove(lane: InferenceLane): void {
    if (this.#lanes.get(lane.slotId) === lane) this.#lanes.delete(lane.slotId);
  }

  close(): void {
    if (this.#rest) clearTimeout(this.#rest);
    this.#lanes.clear();
  }

  /** Something has changed: sound came, a frame was shown, a chunk was made. */
  wake(): void {
    const { runner, chunkFrames, fps, nowMs } = this.#options;
    while (this.#batches.length < runner.depth) {
      const candidates = [...this.#lanes.values()].flatMap((lane) => lane.candidate() ?? []);
      const jobs = nextBatch(candidates, nowMs(), {
        chunkFrames,
        maxLeadFrames: MAX_LEAD_CHUNKS * chunkFrames,
        maxBatchFrames: runner.maxBatchFrames,
        framePeriodMs: 1000 / fps,
        batchMs: (frames) => this.costs.batchMs(frames),
        backlogMs: this.#backlogMs(),
      });
      if (jobs.length === 0) {
        const full = candidates.some(({ freeEntries }) => freeEntries === 0);
        if (this.#batches.length === 0) this.meter.idle(full ? 'ring-full' : 'no-work', hostNowMs());
        break;
      }
      const running = candidates.filter(
        (candidate) => candidate.running && jobs.some(({ slotId }) => slotId === candidate.slotId),
      );
      this.#start(
        jobs.flatMap(({ slotId, frames }) => {
          const lane = this.#lanes.get(slotId);
          return lane ? [{ lane, request: lane.take(frames) }] : [];
        }),
        Math.min(...running.map(({ deadlineMs }) => deadlineMs)),
      );
    }
    if (this.#batches.length === 0) this.#restLater();
  }

  #start(jobs: { lane: InferenceLane; request: ChunkRequest }[], deadlineMs: number): void {
    const { runner, nowMs } = this.#options;
    const frames = jobs.map(({ request }) => request.frames);
    const batch: Batch = {
      frames,
      deadlineMs,
      expectedMs: this.costs.batchMs(frames),
      startMs: nowMs(),
    };
    this.#batches.push(batch);
    const runs = runner.run(jobs.map(({ request }) => request));
    const settled = jobs.map(async ({ lane, request }, index) => {
      try {
        const result = await runs[index];
        if (!result) throw new Error('the runner gave no result');
        lane.done(request, result);
        return result.generateMs + result.decodeMs;
      } catch (error) {
        // Of a slot that has been given back nobody wants to hear.
        if (this.#lanes.get(lane.slotId) === lane) lane.failed(request, error);
        return null;
      }
    });
    void Promise.all(settled).then((times) => {
      this.#finish(batch, times);
    });
  }

  #finish(batch: Batch, times: readonly (number | null)[]): void {
    const nowMs = this.#options.nowMs();
    this.#batches.splice(this.#batches.indexOf(batch), 1);
    const next = this.#batches[0];
    if (next) next.startMs = nowMs;
    if (!times.includes(null)) {
      const tookMs = times.reduce<number>((sum, ms) => sum + (ms ?? 0), 0);
      if (this.#ladder.row.rung === 'full') this.costs.observe(batch.frames, tookMs);
      const busyShare = this.meter.busyShare(hostNowMs());
      const slackMs = batch.deadlineMs - nowMs;
      const { live = true } = this.#options;
      if (live && slackMs < Infinity) this.#ladder.observe({ nowMs, slackMs, busyShare });
    }
    this.wake();
  }

  /** What the device still has to do of the batches under way. */
  #backlogMs(): number {
    const [first, ...rest] = this.#batches;
    if (!first) return 0;
    const leftMs = Math.max(0, first.expectedMs - (this.#options.nowMs() - first.startMs));
    return rest.reduce((sum, { expectedMs }) => sum + expectedMs, leftMs);
  }

  /** Nothing to do is good news too: a device that rests may climb again. */
  #restLater(): void {
    this.#rest ??= setTimeout(() => {
      this.#rest = null;
      if (this.#batches.length > 0) return;
      this.#ladder.idle(this.#options.nowMs());
      if (this.#ladder.row.rung !== 'full') this.#restLater();
    }, REST_MS).unref();
  }
}
