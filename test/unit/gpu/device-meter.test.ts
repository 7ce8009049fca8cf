import { describe, expect, it } from 'vitest';
import { DeviceMeter } from '../../../gpu/src/device-meter.ts';
import type { BatchTimes } from '../../../gpu/src/model-runner.ts';

/** A batch that is handed over at `enqueueMs` within a millisecond and runs for 10 ms from `startMs`. */
function batch(enqueueMs: number, startMs: number): BatchTimes {
  return {
    slotIds: [0],
    frames: 5,
    copiedBytes: 1000,
    enqueue: { startMs: enqueueMs, endMs: enqueueMs + 1 },
    generate: { startMs, endMs: startMs + 2 },
    decode: { startMs: startMs + 2, endMs: startMs + 10 },
    copy: { startMs: startMs + 10, endMs: startMs + 11 },
  };
}

describe('DeviceMeter', () => {
  it('sees no stall between batches that follow each other', () => {
    const meter = new DeviceMeter();
    meter.add(batch(0, 1));
    meter.add(batch(2, 11));
    expect(meter.usage).toMatchObject({
      batches: 2,
      frames: 10,
      busyMs: 20,
      copyMs: 2,
      hostMs: 2,
      copiedBytes: 2000,
      stallMs: { 'no-work': 0, 'ring-full': 0, host: 0, device: 0 },
    });
  });

  it('blames the loop for what it had not to give', () => {
    const meter = new DeviceMeter();
    meter.add(batch(0, 1));
    meter.idle('no-work', 12);
    meter.add(batch(31, 33));
    expect(meter.usage.stallMs).toEqual({ 'no-work': 20, 'ring-full': 0, host: 1, device: 1 });
    meter.idle('ring-full', 44);
    meter.add(batch(53, 54));
    expect(meter.usage.stallMs).toMatchObject({ 'no-work': 20, 'ring-full': 10, host: 2 });
  });

  it('blames the host for work that it handed over late', () => {
    const meter = new DeviceMeter();
    meter.add(batch(0, 1));
    meter.add(batch(20, 21));
    expect(meter.usage.stallMs).toEqual({ 'no-work': 0, 'ring-full': 0, host: 10, device: 0 });
  });

  it('knows how busy the last second was', () => {
    const meter = new DeviceMeter();
    for (let start = 0; start < 1000; start += 20) meter.add(batch(start, start));
    expect(meter.busyShare(1000)).toBeCloseTo(0.5, 1);
    expect(meter.busyShare(3000)).toBe(0);
  });
});
