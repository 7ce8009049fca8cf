import { describe, expect, it } from 'vitest';
import type { LadderStep } from '../../../gpu/src/deadline-ladder.ts';
import { InferenceLoop } from '../../../gpu/src/inference-loop.ts';
import type { InferenceLane, LaneCandidate } from '../../../gpu/src/inference-loop.ts';
import type { ChunkRequest, ChunkResult, ModelRunner, Quality } from '../../../gpu/src/model-runner.ts';

const CHUNK = 5;
const BATCH_MS = 10;
const PERIOD_MS = 40;

/** A device on a clock of its own: `finish` ends the batch that was begun first. */
class FakeDevice {
  nowMs = 0;
  readonly batches: (readonly ChunkRequest[])[] = [];
  readonly qualities: Quality[] = [];
  readonly #ends: (() => void)[] = [];

  runner(depth: number): ModelRunner {
    return {
      depth,
      maxBatchFrames: 8 * CHUNK,
      onBatch: () => undefined,
      load: () => Promise.resolve(),
      warmUp: () => Promise.reject(new Error('not called')),
      attachSlot: () => undefined,
      detachSlot: () => undefined,
      setQuality: (quality) => this.qualities.push(quality),
      renderStill: () => Promise.reject(new Error('not called')),
      close: () => Promise.resolve(),
      run: (batch) => {
        this.batches.push(batch);
        const runs = batch.map(() => Promise.withResolvers<ChunkResult>());
        this.#ends.push(() => {
          for (const { resolve } of runs)
            resolve({ params: null, generateMs: BATCH_MS / batch.length, decodeMs: 0, copyMs: 0 });
        });
        return runs.map(({ promise }) => promise);
      },
    };
  }

  async finish(): Promise<void> {
    this.nowMs += BATCH_MS;
    this.#ends.shift()?.();
    await new Promise(setImmediate);
  }
}

/** A slot that always wants a frame whose deadline is so far away. */
function lane(device: FakeDevice, slotId: number, slackMs: number, running: boolean): InferenceLane {
  return {
    slotId,
    candidate: (): LaneCandidate => ({
      slotId,
      deadlineMs: device.nowMs + slackMs,
      wantedFrames: 1,
      leadFrames: 0,
      freeEntries: 2 * CHUNK,
      running,
    }),
    take: (frames) => ({
      slotId,
      pcm: new Float32Array(0),
      expression: new Float32Array(0),
      frames,
      shown: [...Array(frames).keys()],
      reset: false,
      entries: [...Array(frames).keys()],
    }),
    done: () => undefined,
    failed: (_, error) => {
      throw error;
    },
  };
}

function open(depth = 1): { device: FakeDevice; loop: InferenceLoop; steps: LadderStep[] } {
  const device = new FakeDevice();
  const steps: LadderStep[] = [];
  const costs = { generate: [{ frames: 1, medianMs: 1 }], decode: [{ frames: 1, medianMs: BATCH_MS - 1 }] };
  const loop = new InferenceLoop({
    runner: device.runner(depth),
    chunkFrames: CHUNK,
    fps: 1000 / PERIOD_MS,
    warmUp: { costs, fewestSteps: null, fastestDecoder: [{ frames: 1, medianMs: 2 }] },
    nowMs: () => device.nowMs,
    onStep: (step) => steps.push(step),
  });
  return { device, loop, steps };
}

describe('InferenceLoop', () => {
  it('keeps as many batches under way as the runner overlaps', async () => {
    const { device, loop } = open(3);
    for (let slotId = 0; slotId < 8; slotId += 1) loop.add(lane(device, slotId, 100, true));
    loop.wake();
    expect(device.batches).toHaveLength(3);
    await device.finish();
    expect(device.batches).toHaveLength(4);
  });

  it('makes cheaper pictures when those that viewers wait for stay late', async () => {
    const { device, loop, steps } = open();
    loop.add(lane(device, 0, -5, true));
    loop.wake();
    for (let batch = 0; batch < 40; batch += 1) await device.finish();
    expect(steps[0]).toMatchObject({ from: 'full', to: 'small-decoder' });
    expect(device.qualities[0]).toEqual({ steps: 'fewest', decoder: 'fastest' });
    expect(loop.quality.rung).not.toBe('full');
  });

  it('does not take a crowd that begins to speak for lateness', async () => {
    const { device, loop, steps } = open();
    for (let slotId = 0; slotId < 32; slotId += 1) loop.add(lane(device, slotId, -5, false));
    loop.add(lane(device, 32, 30, true));
    loop.wake();
    for (let batch = 0; batch < 100; batch += 1) await device.finish();
    expect(steps).toEqual([]);
  });

  it('gives the slot of a failed chunk its error, and goes on', async () => {
    const { device, loop } = open();
    const errors: unknown[] = [];
    const broken = lane(device, 0, 50, true);
    loop.add({
      ...broken,
      done: () => {
        throw new Error('broken slot');
      },
      failed: (_, error) => errors.push(error),
    });
    loop.wake();
    await device.finish();
    expect(errors).toEqual([new Error('broken slot')]);
    expect(device.batches).toHaveLength(2);
  });

  it('tells a slot that has been given back nothing of a chunk that failed after that', async () => {
    const { device, loop } = open();
    const errors: unknown[] = [];
    const gone: InferenceLane = {
      ...lane(device, 0, 50, true),
      done: () => {
        throw new Error('the runner is closed');
      },
      failed: (_, error) => errors.push(error),
    };
    loop.add(gone);
    loop.wake();
    loop.remove(gone);
    await device.finish();
    expect(errors).toEqual([]);
  });
});
