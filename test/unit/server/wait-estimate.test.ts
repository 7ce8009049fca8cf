import { describe, expect, it } from 'vitest';
import { WaitEstimate } from '../../../server/src/wait-estimate.ts';

describe('WaitEstimate', () => {
  it('knows nothing before a conversation has ended', () => {
    expect(new WaitEstimate().forPosition(1, [1000])).toBeNull();
  });

  it('expects the conversations that have lasted longest to end first', () => {
    const estimate = new WaitEstimate();
    estimate.add(50_000);
    estimate.add(70_000);
    expect(estimate.forPosition(1, [10_000, 40_000])).toBe(20_000);
    expect(estimate.forPosition(2, [10_000, 40_000])).toBe(50_000);
    // Two slots: the third waits for the conversation of the first who waits.
    expect(estimate.forPosition(3, [10_000, 40_000])).toBe(80_000);
  });

  it('promises nothing at once to who waits for a long conversation', () => {
    const estimate = new WaitEstimate();
    estimate.add(60_000);
    expect(estimate.forPosition(1, [600_000])).toBe(6000);
  });

  it('forgets old conversations', () => {
    const estimate = new WaitEstimate();
    estimate.add(1_000_000);
    for (let count = 0; count < 20; count += 1) estimate.add(10_000);
    expect(estimate.forPosition(1, [0])).toBe(10_000);
  });
});
