import { AudioQueue } from '../../gpu/src/audio-queue.ts';
import { CostModel } from '../../gpu/src/cost-model.ts';
import type { MeasuredCosts } from '../../gpu/src/cost-model.ts';
import type { BatchJob, Candidate, nextBatch } from '../../gpu/src/scheduler.ts';
import { SpeechTrack } from '../../gpu/src/speech-track.ts';
import type { ChunkPlan } from '../../gpu/src/chunk-plan.ts';

export const FRAME_MS = 40;
export const CHUNK_FRAMES = 5;
export const MAX_LEAD_FRAMES = 10;
export const LOOKAHEAD_FRAMES = 3;

/** A device, by what its work costs. */
export interface DeviceProfile {
  /** One slot's generator, milliseconds by frames. */
  readonly generateMs: (frames: number) => number;
  /** One decoder call. */
  readonly decodeMs: (frames: number) => number;
  /** Batches that may be under way. */
  readonly depth: number;
  readonly maxBatchFrames: number;
}

/** What happens to a slot from outside. A frame of sound is known by its number, which is unique in its slot. */
export type Arrival =
  | {
      readonly kind: 'sound';
      readonly atMs: number;
      readonly slotId: number;
      readonly firstFrame: number;
      readonly frames: number;
      readonly last: boolean;
    }
  | { readonly kind: 'interrupt'; readonly atMs: number; readonly slotId: number };

/** A tick at which a slot spoke, or should have. */
export interface Tick {
  readonly atMs: number;
  readonly slotId: number;
  /** Number of the frame whose sound was heard; 0 for silence, null while sound and picture waited for the device. */
  readonly sound: number | null;
  /** Number of the frame whose picture was shown; null if it was late. */
  readonly picture: number | null;
}

export interface StartedJob extends BatchJob {
  readonly atMs: number;
  /** Frames of sound fed to the generator; 0 for silence. */
  readonly fed: readonly number[];
  readonly leadAfter: number;
}

export interface Run {
  readonly ticks: readonly Tick[];
  readonly jobs: readonly StartedJob[];
  /** Sound could be fed → its first picture was shown. */
  readonly firstFrameMs: readonly number[];
}

export interface SimulationOptions {
  readonly profile: DeviceProfile;
  readonly slots: number;
  /** In the order of their times. */
  readonly arrivals: readonly Arrival[];
  readonly untilMs: number;
  readonly schedule: typeof nextBatch;
  /** 0…1, seeded. */
  readonly random: () => number;
}

/**
 * Slots with real queues and tracks share a device on a virtual clock. The device's work takes up to 5 % more or less than
 * the cost model, which learns as it does in the product, expects.
 */
export function simulate(options: SimulationOptions): Run {
  const { profile, arrivals, untilMs, random } = options;
  const costs = new CostModel(measured(profile));
  const slots = Array.from(
    { length: options.slots },
    (_, slotId) => new SimulatedSlot(slotId, random() * FRAME_MS),
  );
  const jobs: StartedJob[] = [];
  const ticks: Tick[] = [];
  const underWay: { endMs: number; startMs: number; expectedMs: number; settle: () => void }[] = [];
  let nowMs = 0;
  let nextArrival = 0;

  const start = (batch: readonly BatchJob[]): void => {
    const runs = batch.flatMap(({ slotId, frames }) => {
      const slot = slots[slotId];
      return slot ? [{ slot, plan: slot.take(frames) }] : [];
    });
    for (const { slot, plan } of runs) {
      const fed = [...plan.pcm].map(frameOfSample);
      jobs.push({
        atMs: nowMs,
        slotId: slot.slotId,
        frames: plan.shown.length,
        fed,
        leadAfter: slot.track.lead,
      });
    }
    const fed = runs.map(({ plan }) => plan.frames);
    const decodeMs = profile.decodeMs(runs.reduce((sum, { plan }) => sum + plan.shown.length, 0));
    const generateMs = fed.reduce((sum, frames) => sum + profile.generateMs(frames), 0);
    const tookMs = (generateMs + decodeMs) * (0.95 + 0.1 * random());
    const startMs = Math.max(nowMs, underWay.at(-1)?.endMs ?? 0);
    underWay.push({
      startMs,
      endMs: startMs + tookMs,
      expectedMs: costs.batchMs(fed),
      settle: () => {
        costs.observe(fed, tookMs);
        for (const { slot, plan } of runs) slot.deliver(plan);
      },
    });
  };

  const wake = (): void => {
    while (underWay.length < profile.depth) {
      const candidates = slots.flatMap((slot) => slot.candidate() ?? []);
      if (candidates.length === 0) return;
      const batch = options.schedule(candidates, nowMs, {
        chunkFrames: CHUNK_FRAMES,
        maxLeadFrames: MAX_LEAD_FRAMES,
        maxBatchFrames: profile.maxBatchFrames,
        framePeriodMs: FRAME_MS,
        batchMs: (frames) => costs.batchMs(frames),
        backlogMs: underWay.reduce(
          (sum, { startMs, expectedMs }) => sum + Math.max(0, expectedMs - Math.max(0, nowMs - startMs)),
          0,
        ),
      });
      if (batch.length === 0) return;
      start(batch);
    }
  };

  while (nowMs < untilMs) {
    const arrival = arrivals[nextArrival];
    const ended = underWay[0];
    const ticking = slots.reduce((first, slot) => (slot.nextTickMs < first.nextTickMs ? slot : first));
    nowMs = Math.min(arrival?.atMs ?? Infinity, ended?.endMs ?? Infinity, ticking.nextTickMs);
    if (ended?.endMs === nowMs) {
      underWay.shift();
      ended.settle();
    } else if (arrival?.atMs === nowMs) {
      nextArrival += 1;
      slots[arrival.slotId]?.arrive(arrival);
    } else {
      const tick = ticking.tick();
      if (tick) ticks.push(tick);
    }
    wake();
  }
  return { ticks, jobs, firstFrameMs: slots.flatMap((slot) => slot.firstFrameMs) };
}

/** The profile as a warm-up would have measured it. */
function measured({ generateMs, decodeMs, maxBatchFrames }: DeviceProfile): MeasuredCosts {
  const sizes = (most: number): number[] => [1, 2, 5, 8, 10, 20, 40, 80].filter((frames) => frames <= most);
  return {
    generate: sizes(CHUNK_FRAMES + LOOKAHEAD_FRAMES).map((frames) => ({
      frames,
      medianMs: generateMs(frames),
    })),
    decode: sizes(maxBatchFrames).map((frames) => ({ frames, medianMs: decodeMs(frames) })),
  };
}

/** A sample is a frame of sound here, and its value the frame's number. */
const frameOfSample = (sample: number): number => Math.round(sample * 32_768);
const passThrough = () => ({
  push: (pcm: Int16Array) => pcm,
  flush: () => new Int16Array(0),
  close: () => undefined,
});

class SimulatedSlot {
  readonly slotId: number;
  readonly track: SpeechTrack;
  readonly firstFrameMs: number[] = [];
  nextTickMs: number;
  readonly #queue: AudioQueue;
  /** When the frame that is next to be shown is, or was, first due. */
  #dueMs: number;
  #speaking = false;
  #fedSinceReset: number[] = [];
  #plannedSinceReset = 0;
  /** Numbers of the frames that a chunk under way shows. */
  readonly #pictures = new Map<ChunkPlan, readonly number[]>();

  constructor(slotId: number, phaseMs: number) {
    this.slotId = slotId;
    this.nextTickMs = this.#dueMs = phaseMs;
    this.#queue = new AudioQueue({ modelRate: 48_000, samplesPerFrame: 1, openResampler: passThrough });
    this.track = new SpeechTrack({ queue: this.#queue, lookaheadFrames: LOOKAHEAD_FRAMES, firstRow: 0 });
  }

  arrive(arrival: Arrival): void {
    if (arrival.kind === 'interrupt') {
      this.track.interrupt();
      this.#speaking = false;
      this.#dueMs = this.nextTickMs;
      return;
    }
    const pcm = Int16Array.from({ length: arrival.frames }, (_, frame) => arrival.firstFrame + frame);
    this.#queue.push('speech', 48_000, pcm, arrival.last);
  }

  candidate(): Candidate | null {
    const wantedFrames = this.track.wanted;
    if (wantedFrames === 0) return null;
    const leadFrames = this.track.lead;
    const deadlineMs = this.#dueMs + leadFrames * FRAME_MS;
    return { slotId: this.slotId, deadlineMs, wantedFrames, leadFrames, freeEntries: MAX_LEAD_FRAMES + 2 };
  }

  take(frames: number): ChunkPlan {
    const plan = this.track.plan(frames);
    if (plan.reset) {
      this.#fedSinceReset = [];
      this.#plannedSinceReset = 0;
    }
    this.#fedSinceReset.push(...[...plan.pcm].map(frameOfSample));
    // What the generator says of a frame comes after the look-ahead: output n shows the n-th frame fed.
    const first = this.#plannedSinceReset;
    this.#plannedSinceReset += plan.shown.length;
    this.#pictures.set(plan, this.#fedSinceReset.slice(first, this.#plannedSinceReset));
    return plan;
  }

  deliver(plan: ChunkPlan): void {
    const pictures = this.#pictures.get(plan) ?? [];
    this.#pictures.delete(plan);
    this.track.deliver(
      plan,
      pictures.map((entry) => ({ entry, params: null })),
    );
  }

  /** A chunk that no interrupt has cut off is under way. */
  get #making(): boolean {
    return [...this.#pictures.keys()].some(({ generation }) => generation === this.track.generation);
  }

  /** What the tick showed, unless the slot had nothing to say. */
  tick(): Tick | null {
    const atMs = this.nextTickMs;
    this.nextTickMs += FRAME_MS;
    const waits = this.track.wanted > 0 || this.#making;
    const step = this.track.next();
    const dueMs = this.#dueMs;
    // A frame that the device owes keeps its time.
    if ('block' in step || !waits) this.#dueMs = this.nextTickMs;
    if (step.kind === 'idle') {
      this.#speaking = false;
      return null;
    }
    if ('block' in step && step.block.utteranceId === null) this.#speaking = false;
    if (step.kind === 'frame' && step.block.utteranceId !== null && !this.#speaking) {
      this.#speaking = true;
      this.firstFrameMs.push(atMs - dueMs + FRAME_MS);
    }
    if (step.kind === 'hold') {
      // Not a mouth that an interrupt closes, nor a gap in the input.
      const late = waits && this.#speaking;
      return late ? { atMs, slotId: this.slotId, sound: null, picture: null } : null;
    }
    const picture = step.kind === 'frame' ? step.frame.entry : null;
    return { atMs, slotId: this.slotId, sound: step.block.wire[0] ?? 0, picture };
  }
}
