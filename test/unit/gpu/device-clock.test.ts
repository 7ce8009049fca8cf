import { expect, it } from 'vitest';
import { DeviceClock } from '../../../gpu/src/cuda/device-clock.ts';

/** Events are named by their device time in ms. */
const clock = (): DeviceClock => new DeviceClock((from, to) => Math.fround(to - from));

it('places events by the time between them, not by when the host saw them', () => {
  const device = clock();
  expect(device.place(100, 5000)).toBe(5000);
  // The host was 3 ms late to see it.
  expect(device.place(110, 5013)).toBe(5010);
  expect(device.place(125, 5025.5)).toBe(5025);
});

it('places nothing after the host has seen it, and does not drift away', () => {
  const device = clock();
  device.place(0, 1000);
  expect(device.place(10, 1009)).toBe(1009);
  expect(device.place(20, 1500)).toBe(1500);
});

it('is exact after a day', () => {
  const device = clock();
  device.place(0, 0);
  for (let ms = 40; ms <= 86_400_000; ms += 40_000) device.place(ms, ms + 0.1);
  expect(device.place(86_400_001, 86_400_001.2)).toBeCloseTo(86_400_001, 0);
});
