import { describe, expect, it } from 'vitest';
import { CostModel } from '../../../gpu/src/cost-model.ts';

const measured = {
  generate: [
    { frames: 1, medianMs: 2 },
    { frames: 5, medianMs: 6 },
  ],
  decode: [
    { frames: 20, medianMs: 25 },
    { frames: 1, medianMs: 5 },
    { frames: 10, medianMs: 14 },
  ],
};

describe('CostModel', () => {
  it('adds the generators of all slots and one decoder call', () => {
    const costs = new CostModel(measured);
    expect(costs.batchMs([5])).toBe(6 + 9);
    expect(costs.batchMs([5, 5])).toBe(6 + 6 + 14);
    expect(costs.batchMs([])).toBe(0);
  });

  it('draws straight lines between the measured sizes and beyond the last', () => {
    const costs = new CostModel(measured);
    expect(costs.batchMs([3])).toBe(4 + 7);
    expect(costs.batchMs([5, 5, 5])).toBeCloseTo(18 + 19.5);
    expect(costs.batchMs([5, 5, 5, 5, 5, 5])).toBeCloseTo(36 + 36);
  });

  it('goes through nothing where one size was measured', () => {
    const costs = new CostModel({ generate: [], decode: [{ frames: 5, medianMs: 10 }] });
    expect(costs.batchMs([1])).toBe(2);
    expect(costs.batchMs([5, 5])).toBe(20);
  });

  it('never expects more frames to cost less, whatever was measured', () => {
    const costs = new CostModel({
      generate: [],
      decode: [
        { frames: 1, medianMs: 9 },
        { frames: 2, medianMs: 8 },
        { frames: 4, medianMs: 12 },
        { frames: 8, medianMs: 11 },
      ],
    });
    const curve = Array.from({ length: 20 }, (_, frames) => costs.batchMs([frames]));
    expect(curve).toEqual([...curve].sort((a, b) => a - b));
  });

  it('follows a device that became slower, and back', () => {
    const costs = new CostModel(measured);
    for (let batch = 0; batch < 15; batch += 1) costs.observe([5], 30);
    expect(costs.factor).toBe(2);
    expect(costs.batchMs([5, 5])).toBe(52);
    for (let batch = 0; batch < 15; batch += 1) costs.observe([5, 5], 26);
    expect(costs.factor).toBe(1);
  });

  it('is not moved by spikes', () => {
    const costs = new CostModel(measured);
    costs.observe([5], 1500);
    expect(costs.factor).toBe(1);
    for (let batch = 0; batch < 60; batch += 1) costs.observe([5], batch % 5 === 0 ? 400 : 15);
    expect(costs.factor).toBe(1);
  });
});
