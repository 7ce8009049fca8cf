import { afterEach, describe, expect, it } from 'vitest';
import { FrameRing } from '../../../gpu/src/frame-ring.ts';
import { FAKE_BUNDLE } from '../../support/fake-model-runner.ts';
import { numberedChunk, numberOf, openCudaRig } from '../../support/cuda-rig.ts';
import type { CudaRig } from '../../support/cuda-rig.ts';

const bundle = FAKE_BUNDLE;
let rig: CudaRig | null = null;

async function open(options: Parameters<typeof openCudaRig>[1] = {}): Promise<CudaRig> {
  rig = await openCudaRig(bundle, options);
  return rig;
}

function slot(slotId: number, entries = 12): { slotId: number; ring: FrameRing } {
  const ring = FrameRing.create({ entries, frameBytes: bundle.frameBytes });
  rig!.runner.attachSlot(slotId, ring);
  return { slotId, ring };
}

afterEach(async () => {
  await rig?.runner.close();
  rig?.simulator.reset();
  rig = null;
});

describe('CudaModelRunner on the simulated device', () => {
  it.each(['async', 'sync'] as const)('carries every frame to its ring entry, %s', async (mode) => {
    const { runner } = await open({ mode });
    const lanes = [slot(0), slot(1), slot(2)];
    for (let round = 0; round < 40; round += 1) {
      const batches = [lanes, [lanes[0]!], lanes.slice(1)].slice(0, runner.depth);
      const batch = batches[round % batches.length]!.map(({ slotId, ring }) =>
        numberedChunk(bundle, slotId, ring, 1000 * slotId + 5 * round, 5),
      );
      await Promise.all(runner.run(batch));
      for (const { slotId, entries } of batch) {
        const { ring } = lanes[slotId]!;
        const leases = entries.map((entry) => ring.lease(entry));
        expect(leases.map(({ bytes }) => numberOf(bytes))).toEqual(
          entries.map((_, frame) => 1000 * slotId + 5 * round + frame),
        );
        for (const lease of leases) lease.release();
      }
    }
  });

  it('decodes the shown frames only', async () => {
    const { runner } = await open();
    const { slotId, ring } = slot(4);
    const chunk = numberedChunk(bundle, slotId, ring, 70, 8, [3, 5, 7]);
    await Promise.all(runner.run([chunk]));
    expect(chunk.entries.map((entry) => numberOf(ring.lease(entry).bytes))).toEqual([73, 75, 77]);
    const silent = await Promise.all(runner.run([numberedChunk(bundle, slotId, ring, 78, 5, [])]));
    expect(silent[0]?.decodeMs).toBeLessThan(0.1);
    expect(ring.occupancy).toBe(3);
  });

  it('overlaps batches, and keeps their order', async () => {
    const { runner } = await open({ speed: 1 });
    const { slotId, ring } = slot(0, 30);
    const order: number[] = [];
    const starts: number[] = [];
    runner.onBatch = ({ enqueue }) => starts.push(enqueue.startMs);
    const runs = [0, 1, 2].map((batch) =>
      runner.run([numberedChunk(bundle, slotId, ring, 5 * batch, 5)])[0]!.then(() => order.push(batch)),
    );
    expect(ring.occupancy).toBe(15);
    await Promise.all(runs);
    expect(order).toEqual([0, 1, 2]);
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
  });

  it('measures batches at warm-up', async () => {
    const { runner } = await open();
    const { costs } = await runner.warmUp();
    expect(costs.decode.map(({ frames }) => frames)).toEqual([1, 2, 5, 10, 20, 40]);
    const [one, , chunk] = costs.decode;
    // The model: 0.6 ms a call, 0.18 ms a frame, 3 µs for the launch.
    expect(one?.medianMs).toBeCloseTo(0.783, 2);
    expect(chunk?.medianMs).toBeCloseTo(1.503, 2);
  });

  it('gives everything back', async () => {
    const { runner, simulator } = await open();
    slot(0);
    slot(1);
    await runner.warmUp();
    await runner.close();
    expect(simulator.counters().live).toEqual({ allocations: 0, streams: 0, events: 0, pins: 0 });
  });

  it('keeps a slot’s memory from session to session, and starts each anew', async () => {
    const { runner, simulator } = await open();
    const { ring } = slot(0);
    const speak = async (number: number): Promise<void> => {
      const chunk = numberedChunk(bundle, 0, ring, number, 2);
      await Promise.all(runner.run([chunk]));
      const leases = chunk.entries.map((entry) => ring.lease(entry));
      expect(leases.map(({ bytes }) => numberOf(bytes))).toEqual([number, number + 1]);
      for (const lease of leases) lease.release();
    };
    await speak(10);
    const { live } = simulator.counters();
    for (let session = 0; session < 3; session += 1) {
      runner.detachSlot(0);
      runner.attachSlot(0, ring);
      await speak(20 * session);
    }
    expect(simulator.counters().live).toEqual(live);
  });

  it('tells why a slot could not be attached, and serves the others', async () => {
    const { runner, simulator } = await openCudaRig({
      ...bundle,
      states: [{ input: 'in', output: 'out', shape: [4], initial: 0 }],
    });
    rig = { runner, simulator, fatal: [] };
    const good = slot(0);
    await Promise.all(runner.run([numberedChunk(bundle, 0, good.ring, 1, 1)]));
    simulator.fail('memory', 0);
    const bad = slot(1);
    await expect(runner.run([numberedChunk(bundle, 1, bad.ring, 1, 1)])[0]).rejects.toThrow('OUT_OF_MEMORY');
    await Promise.all(runner.run([numberedChunk(bundle, 0, good.ring, 1, 1)]));
  });

  it('refuses a batch that is too large, and goes on', async () => {
    const { runner, fatal } = await open();
    const { slotId, ring } = slot(0, 20);
    const large = numberedChunk(bundle, slotId, ring, 0, 15);
    await expect(runner.run([large])[0]).rejects.toMatchObject({ code: 'inference_failed' });
    for (const entry of large.entries) ring.abandon(entry);
    const chunk = numberedChunk(bundle, slotId, ring, 7, 2);
    await Promise.all(runner.run([chunk]));
    expect(chunk.entries.map((entry) => numberOf(ring.lease(entry).bytes))).toEqual([7, 8]);
    expect(fatal).toEqual([]);
  });

  it.each(['launch', 'lost'] as const)('says once that the device is gone: %s', async (failure) => {
    const { runner, simulator, fatal } = await open();
    const { slotId, ring } = slot(0, 30);
    simulator.fail(failure, failure === 'lost' ? 20 : 2);
    const runs = [0, 1, 2].flatMap((batch) =>
      runner.run([numberedChunk(bundle, slotId, ring, 5 * batch, 5)]),
    );
    const outcomes = await Promise.allSettled(runs);
    expect(outcomes.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'inference_failed' } });
    expect(fatal).toHaveLength(1);
    expect(fatal[0]?.message).toMatch(/CUDA_ERROR_(LAUNCH_FAILED|DEVICE_UNAVAILABLE)/);
    await expect(runner.run([numberedChunk(bundle, slotId, ring, 0, 1)])[0]).rejects.toThrow();
  });

  it('does not wait for ever for a device that hangs', async () => {
    const { runner, simulator, fatal } = await open({ hangMs: 300 });
    const { slotId, ring } = slot(0);
    simulator.fail('hang', 0);
    await expect(runner.run([numberedChunk(bundle, slotId, ring, 0, 5)])[0]).rejects.toThrow(
      'has not answered',
    );
    expect(fatal).toHaveLength(1);
  });

  it('says that memory is short', async () => {
    const { simulator, runner } = await open();
    await runner.close();
    simulator.fail('memory', 3);
    await expect(openCudaRig(bundle)).rejects.toThrow('CUDA_ERROR_OUT_OF_MEMORY');
  });
});
