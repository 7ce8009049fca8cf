import { describe, expect, it } from 'vitest';
import { sessionsFor } from '../../../gpu/src/admission.ts';
import type { AdmissionInput } from '../../../gpu/src/admission.ts';

/** The default bundle on two shared cores, as measured: 0.4 ms and 3.2 ms a frame. */
const CPU: AdmissionInput = {
  batchMs: (frames) => frames.reduce((sum, count) => sum + 0.4 + 3.2 * count, 0),
  fps: 25,
  chunkFrames: 5,
  maxBatchFrames: 5,
  device: 'cpu',
  cores: 2,
  hardwareEncoder: false,
  configured: null,
};

/** A call costs 0.6 ms, whoever is in it. */
const GPU: AdmissionInput = {
  ...CPU,
  device: 'gpu',
  batchMs: (frames) => 0.6 + frames.reduce((sum, count) => sum + 0.4 + 0.2 * count, 0),
  maxBatchFrames: 40,
  cores: 32,
  hardwareEncoder: true,
};

describe('admission', () => {
  it('shares the cores of a CPU between inference and encoders', () => {
    expect(sessionsFor(CPU)).toEqual({ sessions: 7, bottleneck: 'encoders' });
    expect(sessionsFor({ ...CPU, cores: 16 })).toEqual({ sessions: 8, bottleneck: 'device' });
  });

  it('counts on batches where they pay', () => {
    const alone = sessionsFor({ ...GPU, maxBatchFrames: 5 });
    const batched = sessionsFor(GPU);
    expect(alone.bottleneck).toBe('device');
    expect(batched.sessions).toBeGreaterThan(alone.sessions);
  });

  it('names what is short', () => {
    expect(sessionsFor({ ...GPU, hardwareEncoder: false, cores: 4 }).bottleneck).toBe('encoders');
    expect(sessionsFor({ ...GPU, batchMs: () => 0.01 }).bottleneck).toBe('pacing');
    expect(sessionsFor({ ...GPU, configured: 3 })).toEqual({ sessions: 3, bottleneck: 'configured' });
  });

  it('leaves a worker that is too slow one session', () => {
    expect(sessionsFor({ ...CPU, batchMs: (frames) => 500 * frames.length }).sessions).toBe(1);
  });
});
