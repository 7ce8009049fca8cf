import type { ErrorBody } from '@vizavi/signaling';
import type { AvatarBundle } from './avatar-bundle.ts';
import type { FrameRingHandle } from './frame-ring.ts';
import type { BatchTimes, ChunkRequest, ChunkResult, Quality, WarmUp } from './model-runner.ts';

export interface LoadOptions {
  readonly bundle: AvatarBundle;
  readonly threads: number;
  readonly decoder: string;
}

export interface StillRequest {
  /** At most `chunkFrames` rows. */
  readonly expression: Float32Array;
  readonly frames: number;
  /** The pictures of all batches, and where this batch begins. */
  readonly out: SharedArrayBuffer;
  readonly offsetBytes: number;
}

/** Job → what it is given and what it answers. */
export interface OnnxJobs {
  load: { input: LoadOptions; output: null };
  warmUp: { input: null; output: { readonly warmUp: WarmUp; readonly decoder: string } };
  run: { input: ChunkRequest; output: { readonly result: ChunkResult; readonly times: BatchTimes } };
  still: { input: StillRequest; output: null };
}
export type JobName = keyof OnnxJobs;

/** Main thread → inference thread. Jobs are done in order and answered; notices take their place in that order. */
export type ToThread =
  | {
      [J in JobName]: { readonly type: J; readonly id: number; readonly input: OnnxJobs[J]['input'] };
    }[JobName]
  | { readonly type: 'attach'; readonly slotId: number; readonly ring: FrameRingHandle }
  | { readonly type: 'detach'; readonly slotId: number }
  | { readonly type: 'quality'; readonly quality: Quality }
  /** Overtakes waiting jobs. */
  | { readonly type: 'close' };

/** Inference thread → main thread. */
export type FromThread =
  | { readonly id: number; readonly output: OnnxJobs[JobName]['output'] }
  | { readonly id: number; readonly error: ErrorBody };
