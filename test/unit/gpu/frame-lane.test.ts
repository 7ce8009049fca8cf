import { describe, expect, it } from 'vitest';
import { openBenchDevice } from '../../../gpu/bench/bench-device.ts';
import { soakFrames } from '../../../gpu/bench/frame-soak.ts';
import { runVideo } from '../../../gpu/bench/video-bench.ts';

const CHUNKS = 6;

describe('the frame lane on the simulated device', () => {
  it('loses, doubles and tears no frame', async () => {
    const soak = await soakFrames(await openBenchDevice(true, 'g7e'), 20_000);
    expect(soak).toMatchObject({ lost: 0, doubled: 0, torn: 0 });
    expect(soak.frames).toBeGreaterThanOrEqual(20_000);
  });

  // Times are the model's: kernels of 120 ms, beside which copies and host work of 10 ms fit on any machine.
  it('hides copies and host work behind the kernels, and the naive order does not', async () => {
    const device = await openBenchDevice(true, 'g7e');
    const setting = { width: 1280, height: 720, output: 'rgb', hostWork: true } as const;
    const idleShare = async (mode: 'sync' | 'async'): Promise<number> => {
      const memory = mode === 'sync' ? 'pageable' : 'pinned';
      const run = await runVideo(device, { ...setting, mode, memory }, { chunks: CHUNKS });
      const idleMs = run.kernelMs / run.busyShare - run.kernelMs;
      return idleMs / (run.copyMs + run.hostMs);
    };
    expect(await idleShare('async')).toBeLessThan(0.005);
    // After the last chunk nothing waits any more.
    expect(await idleShare('sync')).toBeGreaterThan((0.9 * (CHUNKS - 1)) / CHUNKS);
  });
});
