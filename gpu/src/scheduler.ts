/** What the scheduler sees of a slot that could use a chunk now. */
export interface Candidate {
  readonly slotId: number;
  /**
   * When the first frame that the chunk would make must be decoded. It stays where it is while the slot waits, also in
   * the past: that is what brings a slot that was passed over to the front.
   */
  readonly deadlineMs: number;
  /** Most frames that its input allows. */
  readonly wantedFrames: number;
  /** Frames that are made or being made, and not shown. */
  readonly leadFrames: number;
  /** Ring entries that are free. */
  readonly freeEntries: number;
}

/** One slot's part of a batch. */
export interface BatchJob {
  readonly slotId: number;
  readonly frames: number;
}

export interface SchedulerOptions {
  /** The bundle's chunk: most frames of one job. */
  readonly chunkFrames: number;
  /** Frames that a slot may be ahead of the clock. */
  readonly maxLeadFrames: number;
  /** Frames of all jobs of a batch. */
  readonly maxBatchFrames: number;
  readonly framePeriodMs: number;
  /** Expected cost of a batch with so many frames of each of its slots; see `CostModel`. */
  readonly batchMs: (frames: readonly number[]) => number;
  /** What the device still has to do before a new batch starts. */
  readonly backlogMs: number;
}

/** Company must save this share of what the jobs would cost one after another: more than noise. */
const WORTH_SAVING = 0.05;
/** Batches that may just meet a deadline are taken to last so much longer than predicted. */
const MARGIN = 1.1;
/** A short chunk is cheap if its frames cost at most so much more than those of a whole one. */
const CHEAP = 1.1;

interface Waiting {
  readonly slotId: number;
  readonly deadlineMs: number;
  /** Longest chunk that its input, its ring and its lead allow. */
  readonly room: number;
}

interface Batch {
  readonly jobs: readonly BatchJob[];
  /** Slots left out that now come too late, and need not have. */
  readonly hurt: number;
}

/**
 * What the device does next: chunks of several slots with one decoder call, or nothing. Earliest deadline first, never
 * further ahead than the lead allows.
 *
 * - A slot waits until it has room for a whole chunk or its deadline is near, unless short chunks are as cheap: a device
 *   for which they are not rather rests, and is free for a first word.
 * - A chunk takes at most half of the time to its deadline, so that a first word does not wait for a whole chunk. It is
 *   shorter still if others whose deadlines are near fit in only then, but never so short that it has been played before
 *   the one after it can be there.
 * - Further slots join in the order of their deadlines while that saves the device clearly more than noise, and nobody in
 *   the batch comes late because of the company. What company saves is the fixed part of a decoder call; its share falls
 *   as the batch grows, so batches stay short where long ones gain little.
 * - Who is late anyway sets no limit to the company: under overload throughput counts.
 */
export function nextBatch(
  candidates: readonly Candidate[],
  nowMs: number,
  options: SchedulerOptions,
): readonly BatchJob[] {
  const startMs = nowMs + options.backlogMs;
  const slots = waitingSlots(candidates, startMs, options);
  if (slots.length === 0) return [];
  const shortest = shortestChunk(slots, options);
  let best: Batch | null = null;
  for (let longest = options.chunkFrames; longest >= shortest; longest -= 1) {
    const batch = compose(slots, { startMs, shortest, longest }, options);
    if (!best || batch.hurt < best.hurt) best = batch;
    if (best.hurt === 0) break;
  }
  return best?.jobs ?? [];
}

/** Those that should have a chunk now, earliest deadline first. */
function waitingSlots(
  candidates: readonly Candidate[],
  startMs: number,
  options: SchedulerOptions,
): readonly Waiting[] {
  const { chunkFrames, maxLeadFrames, framePeriodMs } = options;
  const nearMs = startMs + chunkFrames * framePeriodMs;
  const slots: Waiting[] = [];
  for (const { slotId, deadlineMs, wantedFrames, leadFrames, freeEntries } of candidates) {
    const room = Math.min(wantedFrames, freeEntries, chunkFrames, maxLeadFrames - leadFrames);
    if (room < 1) continue;
    if (deadlineMs < nearMs || isCheap(room, options)) slots.push({ slotId, deadlineMs, room });
  }
  return slots.sort((a, b) => a.deadlineMs - b.deadlineMs);
}

/** Nothing is gained by waiting for a longer chunk. */
function isCheap(frames: number, { chunkFrames, batchMs }: SchedulerOptions): boolean {
  return batchMs([frames]) / frames <= (CHEAP * batchMs([chunkFrames])) / chunkFrames;
}

/**
 * Frames that play for as long as the device needs until a slot's next chunk can be there: the batches under way, and two
 * rounds of one chunk for all who wait. Where frames cost the same in any chunk, longer ones would not help.
 */
function shortestChunk(slots: readonly Waiting[], options: SchedulerOptions): number {
  const { chunkFrames, framePeriodMs, backlogMs } = options;
  for (let frames = 1; frames < chunkFrames; frames += 1) {
    if (isCheap(frames, options)) return frames;
    if (backlogMs + 2 * roundMs(slots, frames, options) <= frames * framePeriodMs) return frames;
  }
  return chunkFrames;
}

/** One chunk for every slot, in full batches. */
function roundMs(
  slots: readonly Waiting[],
  longest: number,
  { batchMs, maxBatchFrames }: SchedulerOptions,
): number {
  let sumMs = 0;
  let batch: number[] = [];
  let total = 0;
  for (const { room } of slots) {
    const frames = Math.min(room, longest);
    if (total + frames > maxBatchFrames) {
      sumMs += batchMs(batch);
      batch = [];
      total = 0;
    }
    batch.push(frames);
    total += frames;
  }
  return sumMs + batchMs(batch);
}

/** The batch that starts then, with chunks of so many frames. */
function compose(
  slots: readonly Waiting[],
  { startMs, shortest, longest }: { startMs: number; shortest: number; longest: number },
  { batchMs, maxBatchFrames }: SchedulerOptions,
): Batch {
  const jobs: BatchJob[] = [];
  const sizes: number[] = [];
  const leftOut: { readonly deadlineMs: number; readonly aloneMs: number }[] = [];
  let total = 0;
  let costMs = 0;
  let latestEndMs = Infinity;
  for (const { slotId, deadlineMs, room } of slots) {
    let frames = Math.min(room, longest);
    while (frames > shortest && batchMs([frames]) > (deadlineMs - startMs) / 2) frames -= 1;
    const aloneMs = batchMs([frames]);
    frames = Math.min(frames, maxBatchFrames - total);
    sizes.push(frames);
    const togetherMs = batchMs(sizes);
    const pays = togetherMs <= (costMs + batchMs([frames])) * (1 - WORTH_SAVING);
    const inTime = startMs + togetherMs * MARGIN <= latestEndMs;
    if (jobs.length > 0 && (frames === 0 || !pays || !inTime)) {
      sizes.pop();
      leftOut.push({ deadlineMs, aloneMs });
      continue;
    }
    jobs.push({ slotId, frames });
    total += frames;
    costMs = togetherMs;
    if (startMs + togetherMs <= deadlineMs) latestEndMs = Math.min(latestEndMs, deadlineMs);
  }
  const hurt = leftOut.filter(
    ({ deadlineMs, aloneMs }) =>
      deadlineMs >= startMs + aloneMs && deadlineMs < startMs + (costMs + aloneMs) * MARGIN,
  ).length;
  return { jobs, hurt };
}
