import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DeadlineClock } from '../../../gpu/src/deadline-clock.ts';
import { FramePacer } from '../../../gpu/src/frame-pacer.ts';

describe('DeadlineClock', () => {
  it('gives every tick its due time and media time', () => {
    const clock = new DeadlineClock(25, 1000);
    expect(clock.dueMs(0)).toBe(1000);
    expect(clock.dueMs(10)).toBe(1400);
    expect(clock.mediaTimeMs(10)).toBe(400);
  });

  it('skips what a stall has swallowed, once', () => {
    const clock = new DeadlineClock(25, 0);
    expect(clock.reanchor(39)).toBe(0);
    expect(clock.reanchor(500)).toBe(12);
    expect(clock.tick).toBe(12);
    expect(clock.reanchor(500)).toBe(0);
    expect(clock.skipped).toBe(12);
  });
});

describe('FramePacer', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('commits half a period before the deadline and sends on it, in order', () => {
    const clock = new DeadlineClock(25, performance.now());
    const calls: string[] = [];
    const startMs = performance.now();
    const note = (what: string) => (tick: number) => {
      calls.push(`${what}${tick}@${Math.round(performance.now() - startMs)}`);
    };
    const pacer = new FramePacer(clock, () => performance.now(), {
      onCommit: note('commit'),
      onDue: note('due'),
    });
    pacer.start();
    vi.advanceTimersByTime(101);
    pacer.stop();
    vi.advanceTimersByTime(200);
    expect(calls).toEqual([
      'commit0@0',
      'due0@0',
      'commit1@20',
      'due1@40',
      'commit2@60',
      'due2@80',
      'commit3@100',
    ]);
  });

  it('sends no burst after a stall', () => {
    const clock = new DeadlineClock(25, performance.now());
    const due: number[] = [];
    let stallMs = 0;
    const pacer = new FramePacer(clock, () => performance.now() + stallMs, {
      onCommit: () => undefined,
      onDue: (tick) => void due.push(tick),
    });
    pacer.start();
    vi.advanceTimersByTime(50);
    // The process stands still for a second: time passes, no timer runs.
    stallMs = 1000;
    vi.advanceTimersByTime(100);
    pacer.stop();
    // At most the tick that was in work is late; then it goes on where the clock is.
    expect(due.slice(0, 2)).toEqual([0, 1]);
    expect(due.slice(2).every((tick) => tick >= 26)).toBe(true);
    expect(due.length).toBeLessThanOrEqual(5);
  });
});
