import { describe, expect, it } from 'vitest';
import { nextJob } from '../../../gpu/src/scheduler.ts';
import type { Candidate, SchedulerOptions } from '../../../gpu/src/scheduler.ts';

const options: SchedulerOptions = { chunkFrames: 5, maxLeadFrames: 10, costMs: (frames) => 1 + 3 * frames };

function candidate(over: Partial<Candidate> & { slotId: number }): Candidate {
  return { deadlineMs: 1000, wantedFrames: 5, leadFrames: 0, freeEntries: 12, ...over };
}

describe('nextJob', () => {
  it('has nothing to do when nobody wants anything', () => {
    expect(nextJob([], 0, options)).toBeNull();
    expect(nextJob([candidate({ slotId: 1, wantedFrames: 0 })], 0, options)).toBeNull();
  });

  it('takes the earliest deadline', () => {
    const job = nextJob(
      [candidate({ slotId: 1, deadlineMs: 900 }), candidate({ slotId: 2, deadlineMs: 400 })],
      0,
      options,
    );
    expect(job?.slotId).toBe(2);
  });

  it('makes a whole chunk when there is time, and a single frame when there is none', () => {
    expect(nextJob([candidate({ slotId: 1, deadlineMs: 500 })], 0, options)?.frames).toBe(5);
    expect(nextJob([candidate({ slotId: 1, deadlineMs: 3 })], 0, options)?.frames).toBe(1);
    expect(nextJob([candidate({ slotId: 1, deadlineMs: -100 })], 0, options)?.frames).toBe(1);
  });

  it('never leads by more than it may, nor takes entries that are not free', () => {
    expect(nextJob([candidate({ slotId: 1, leadFrames: 8 })], 0, options)?.frames).toBe(2);
    expect(nextJob([candidate({ slotId: 1, leadFrames: 10 })], 0, options)).toBeNull();
    expect(nextJob([candidate({ slotId: 1, freeEntries: 3 })], 0, options)?.frames).toBe(3);
  });

  it('passes over a slot that is full for one that is not', () => {
    const job = nextJob(
      [candidate({ slotId: 1, deadlineMs: 100, leadFrames: 10 }), candidate({ slotId: 2, deadlineMs: 900 })],
      0,
      options,
    );
    expect(job?.slotId).toBe(2);
  });
});
