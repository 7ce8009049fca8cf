/** What the scheduler sees of a slot that could use a chunk now. */
export interface Candidate {
  readonly slotId: number;
  /** When the first frame that the chunk would make is due. */
  readonly deadlineMs: number;
  /** Most frames that its input allows. */
  readonly wantedFrames: number;
  /** Frames that are made but not shown. */
  readonly leadFrames: number;
  /** Ring entries that are free. */
  readonly freeEntries: number;
}

export interface Job {
  readonly slotId: number;
  readonly frames: number;
}

export interface SchedulerOptions {
  /** The bundle's chunk. */
  readonly chunkFrames: number;
  /** Frames that a slot may be ahead of the clock. */
  readonly maxLeadFrames: number;
  /** Expected cost of a chunk of so many decoded frames. */
  readonly costMs: (frames: number) => number;
}

/**
 * Which slot's chunk the device makes next: the earliest deadline first, never further ahead than the lead allows. A
 * chunk is as long as its deadline leaves time for, so that a first word does not wait for a whole chunk.
 */
export function nextJob(
  candidates: readonly Candidate[],
  nowMs: number,
  options: SchedulerOptions,
): Job | null {
  let best: Candidate | null = null;
  for (const candidate of candidates) {
    if (room(candidate, options) < 1) continue;
    if (!best || candidate.deadlineMs < best.deadlineMs) best = candidate;
  }
  if (!best) return null;
  const slackMs = best.deadlineMs - nowMs;
  let frames = room(best, options);
  // Half of the slack stays for the encoder and for the other slots.
  while (frames > 1 && options.costMs(frames) > slackMs / 2) frames -= 1;
  return { slotId: best.slotId, frames };
}

function room(candidate: Candidate, options: SchedulerOptions): number {
  return Math.min(
    candidate.wantedFrames,
    candidate.freeEntries,
    options.chunkFrames,
    options.maxLeadFrames - candidate.leadFrames,
  );
}
