import { describe, expect, it } from 'vitest';
import { nextBatch } from '../../../gpu/src/scheduler.ts';
import type { Candidate, SchedulerOptions } from '../../../gpu/src/scheduler.ts';

const sum = (frames: readonly number[]): number => frames.reduce((total, count) => total + count, 0);

/** One decoder call costs 10 ms and little for every frame: company pays. */
const gpu: SchedulerOptions = {
  chunkFrames: 5,
  maxLeadFrames: 10,
  maxBatchFrames: 40,
  framePeriodMs: 40,
  batchMs: (frames) => (frames.length === 0 ? 0 : 10 + frames.length + 0.2 * sum(frames)),
  backlogMs: 0,
};
/** Every frame costs the same: company gains nothing. */
const cpu: SchedulerOptions = { ...gpu, batchMs: (frames) => 4 * sum(frames) };
/** As `gpu`, but a chunk more costs as much as its frames. */
const costly: SchedulerOptions = { ...gpu, batchMs: (frames) => 10 + 5 * sum(frames) };

function candidate(over: Partial<Candidate> & { slotId: number }): Candidate {
  return { deadlineMs: 1000, wantedFrames: 20, leadFrames: 0, freeEntries: 12, ...over };
}
const slotIds = (candidates: readonly Candidate[], options = gpu): number[] =>
  nextBatch(candidates, 0, options).map(({ slotId }) => slotId);
const frames = (candidates: readonly Candidate[], options = gpu): number[] =>
  nextBatch(candidates, 0, options).map((job) => job.frames);

describe('nextBatch', () => {
  it('has nothing to do when nobody wants anything', () => {
    expect(nextBatch([], 0, gpu)).toEqual([]);
    expect(nextBatch([candidate({ slotId: 1, wantedFrames: 0 })], 0, gpu)).toEqual([]);
  });

  it('never leads by more than it may, nor takes entries that are not free', () => {
    expect(frames([candidate({ slotId: 1, leadFrames: 8 })], cpu)).toEqual([2]);
    expect(frames([candidate({ slotId: 1, leadFrames: 10 })], cpu)).toEqual([]);
    expect(frames([candidate({ slotId: 1, freeEntries: 3 })], cpu)).toEqual([3]);
    expect(frames([candidate({ slotId: 1, wantedFrames: 4 })], cpu)).toEqual([4]);
  });

  it('passes over a slot that is full for one that is not', () => {
    const full = candidate({ slotId: 1, deadlineMs: 100, leadFrames: 10 });
    expect(slotIds([full, candidate({ slotId: 2 })])).toEqual([2]);
  });

  it('makes a whole chunk when there is time, and a single frame when there is none', () => {
    expect(frames([candidate({ slotId: 1, deadlineMs: 500 })], cpu)).toEqual([5]);
    expect(frames([candidate({ slotId: 1, deadlineMs: 17 })], cpu)).toEqual([2]);
    expect(frames([candidate({ slotId: 1, deadlineMs: 3 })], cpu)).toEqual([1]);
  });

  it('makes no chunk so short that it is played before the next one is there', () => {
    const slow = { ...gpu, batchMs: (chunks: readonly number[]) => 50 + 2 * sum(chunks) };
    expect(frames([candidate({ slotId: 1, deadlineMs: 3 })], slow)).toEqual([3]);
  });

  it('lets a slot that is well ahead wait for a whole chunk where short ones cost more', () => {
    const ahead = candidate({ slotId: 1, deadlineMs: 320, leadFrames: 8 });
    expect(frames([ahead], gpu)).toEqual([]);
    expect(frames([{ ...ahead, deadlineMs: 150 }], gpu)).toEqual([2]);
    expect(frames([ahead], cpu)).toEqual([2]);
  });
});

describe('the company in a batch', () => {
  it('comes in the order of the deadlines, as far as the batch goes', () => {
    const slots = [3, 1, 4, 2].map((slotId) => candidate({ slotId, deadlineMs: 1000 + slotId }));
    expect(slotIds(slots)).toEqual([1, 2, 3, 4]);
    expect(slotIds(slots, { ...gpu, maxBatchFrames: 10 })).toEqual([1, 2]);
    expect(frames(slots, { ...gpu, maxBatchFrames: 12 })).toEqual([5, 5, 2]);
  });

  it('is not wanted where it saves nothing', () => {
    const slots = [candidate({ slotId: 1 }), candidate({ slotId: 2, deadlineMs: 400 })];
    expect(slotIds(slots, cpu)).toEqual([2]);
  });

  it('makes nobody late', () => {
    const slots = [
      candidate({ slotId: 1, deadlineMs: 75 }),
      candidate({ slotId: 2 }),
      candidate({ slotId: 3 }),
    ];
    expect(slotIds(slots, costly)).toEqual([1, 2]);
    expect(slotIds([candidate({ slotId: 1, deadlineMs: 175 }), ...slots.slice(1)], costly)).toEqual([
      1, 2, 3,
    ]);
  });

  it('sets no limit for the sake of those who are late anyway', () => {
    const late = [1, 2, 3].map((slotId) => candidate({ slotId, deadlineMs: -100 * slotId }));
    expect(slotIds(late)).toEqual([3, 2, 1]);
  });

  it('counts the work that is under way', () => {
    const slots = [1, 2, 3].map((slotId) => candidate({ slotId, deadlineMs: 174 + slotId }));
    expect(slotIds(slots, costly)).toEqual([1, 2, 3]);
    expect(slotIds(slots, { ...costly, backlogMs: 100 })).toEqual([1, 2]);
  });

  it('shortens the chunks when only then all deadlines are met', () => {
    const quick = { ...gpu, batchMs: (chunks: readonly number[]) => 2 + 2 * sum(chunks) };
    const slots = [1, 2, 3, 4].map((slotId) => candidate({ slotId, deadlineMs: 36 }));
    expect(slotIds(slots, quick)).toEqual([1, 2, 3, 4]);
    expect(frames(slots.slice(0, 2), quick)).toEqual([5, 5]);
  });
});
