import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildSimulator } from '../../../gpu/simulator/build.ts';
import { CudaSimulator, readProfile } from '../../../gpu/simulator/simulator.ts';
import { CudaDriver } from '../../../gpu/src/cuda/cuda-driver.ts';

const BYTES = 1024 * 1024;
const PAGE = 4096;
const profile = readProfile('g7e');
let library: string;
let simulator: CudaSimulator;
let driver: CudaDriver;

beforeAll(async () => {
  library = await buildSimulator();
  simulator = new CudaSimulator(library);
});
beforeEach(() => {
  simulator.use(profile, { speed: 1 });
  driver = CudaDriver.open(library);
  driver.useDevice(0);
});
afterEach(() => {
  simulator.reset();
});

function hostMemory(): { memory: SharedArrayBuffer; words: Uint32Array } {
  const memory = new SharedArrayBuffer(BYTES + 2 * PAGE);
  return { memory, words: new Uint32Array(memory, PAGE, BYTES / 4) };
}

describe('CudaDriver', () => {
  it('describes the device', () => {
    expect(driver.simulated).toBe(true);
    expect(driver.deviceCount()).toBe(1);
    expect(driver.describe(0)).toEqual({
      name: 'RTX PRO 6000 Blackwell Server Edition (simulated)',
      computeCapability: '12.0',
      totalBytes: 96e9,
      multiprocessors: 188,
      copyEngines: 4,
    });
    expect(() => driver.describe(3)).toThrow('CUDA_ERROR_INVALID_DEVICE');
  });

  it('says in one line that there is no driver', () => {
    expect(() => CudaDriver.open('libnothing.so.9')).toThrow(/^CUDA driver: .*$/);
    expect(() => CudaDriver.open('libc.so.6')).toThrow('CUDA driver: it has no cuInit');
  });

  it('orders streams by events, and copies rows to where they belong', () => {
    const { memory, words } = hostMemory();
    const host = driver.pin(memory, PAGE, BYTES);
    const device = driver.allocate(BYTES);
    const [compute, copy] = [driver.createStream(), driver.createStream()];
    const [decoded, copied] = [driver.createEvent(), driver.createEvent()];
    driver.fill(device, 7, BYTES / 8, compute);
    driver.fill(device + BYTES / 2, 9, BYTES / 8, compute);
    driver.record(decoded, compute);
    driver.streamWait(copy, decoded);
    // Two rows of half a megabyte, turned round.
    driver.copyRowsToHost(
      { device, devicePitch: BYTES / 2, host, hostPitch: BYTES / 2, rowBytes: BYTES / 4, rows: 2 },
      copy,
    );
    driver.record(copied, copy);
    driver.synchronize(copied);
    const quarter = BYTES / 16;
    expect([words[0], words[quarter - 1], words[quarter], words[2 * quarter]]).toEqual([7, 7, 0, 9]);
    expect(driver.isDone(copied)).toBe(true);
    const transferMs = (BYTES / 2 / 50e9) * 1000;
    expect(driver.elapsedMs(decoded, copied)).toBeGreaterThan(transferMs);
  });

  it('shows a torn picture to who does not wait', async () => {
    simulator.use({ ...profile, set: { ...profile.set, pinnedGBps: 0.005 } }, { speed: 1 });
    const { memory, words } = hostMemory();
    const host = driver.pin(memory, PAGE, BYTES);
    const device = driver.allocate(BYTES);
    const stream = driver.createStream();
    const copied = driver.createEvent();
    driver.fill(device, 5, BYTES / 4, stream);
    driver.copyToHost(host, device, BYTES, stream);
    driver.record(copied, stream);
    // The copy takes 210 ms; half of it is there from its start on.
    await expect.poll(() => Atomics.load(words, 0), { interval: 1 }).toBe(5);
    expect(driver.isDone(copied)).toBe(false);
    expect(words.at(-1)).toBe(0);
    driver.synchronize(copied);
    expect(words.every((word) => word === 5)).toBe(true);
  });

  it('waits for copies into memory that is not pinned', () => {
    const { memory, words } = hostMemory();
    const device = driver.allocate(BYTES);
    const stream = driver.createStream();
    driver.fill(device, 3, BYTES / 4, stream);
    driver.copyToHost(driver.addressOf(memory, PAGE), device, BYTES, stream);
    expect(words.every((word) => word === 3)).toBe(true);
  });

  it('tells argument errors from a lost device', () => {
    expect(() => driver.free(12_345)).toThrow(expect.objectContaining({ fatal: false, result: 1 }));
    expect(() => driver.synchronizeStream(1)).toThrow(expect.objectContaining({ fatal: false }));
    simulator.fail('lost', 0);
    const stream = driver.createStream();
    driver.fill(driver.allocate(64), 1, 16, stream);
    expect(() => driver.synchronizeStream(stream)).toThrow(
      expect.objectContaining({ fatal: true, code: 'inference_failed' }),
    );
    expect(() => driver.allocate(64)).toThrow('CUDA_ERROR_DEVICE_UNAVAILABLE');
  });

  it('refuses memory that is not the device’s, or gone', () => {
    const stream = driver.createStream();
    const device = driver.allocate(BYTES);
    driver.free(device);
    expect(() => driver.fill(device, 1, 4, stream)).toThrow('CUDA_ERROR_INVALID_VALUE');
    expect(() => driver.allocate(97e9)).toThrow('CUDA_ERROR_OUT_OF_MEMORY');
  });

  it('does not pin what is pinned', () => {
    const { memory } = hostMemory();
    const address = driver.pin(memory, PAGE, BYTES);
    expect(() => driver.pin(memory, PAGE, BYTES)).toThrow('ALREADY_REGISTERED');
    driver.unpin(address);
    driver.unpin(driver.pin(memory, PAGE, BYTES));
  });
});
