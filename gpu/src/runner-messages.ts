import type { FrameRingHandle } from './frame-ring.ts';
import type { Quality, WarmUp } from './model-runner.ts';

export interface StillRequest {
  /** At most `chunkFrames` rows. */
  readonly expression: Float32Array;
  readonly frames: number;
  /** The pictures of all batches, and where this batch begins. */
  readonly out: SharedArrayBuffer;
  readonly offsetBytes: number;
}

interface Job {
  readonly input: unknown;
  readonly output: unknown;
}

/** Job → what it is given and what it answers, of every thread that runs networks. */
export interface RunnerJobs {
  warmUp: { readonly input: null; readonly output: { readonly warmUp: WarmUp; readonly decoder: string } };
  still: { readonly input: StillRequest; readonly output: null };
}

/** Main thread → that thread: jobs are done in order and answered by their number. */
export type JobMessage<J> = {
  [K in keyof J]: {
    readonly type: K;
    readonly id: number;
    readonly input: J[K] extends Job ? J[K]['input'] : never;
  };
}[keyof J];

/** Main thread → that thread: notices take their place in the order of the jobs. */
export type RunnerNotice =
  | { readonly type: 'attach'; readonly slotId: number; readonly ring: FrameRingHandle }
  | { readonly type: 'detach'; readonly slotId: number }
  | { readonly type: 'quality'; readonly quality: Quality }
  | { readonly type: 'close' };
