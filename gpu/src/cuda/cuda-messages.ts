import type { ErrorBody } from '@vizavi/signaling';
import type { AvatarBundle } from '../avatar-bundle.ts';
import type { FrameRingHandle } from '../frame-ring.ts';
import type { BatchTimes, ChunkRequest, ChunkResult } from '../model-runner.ts';
import type { JobMessage, RunnerJobs, RunnerNotice } from '../runner-messages.ts';
import type { BatchEvents } from './device-buffers.ts';

/**
 * `async`: the host only enqueues; copies run on their own stream beside the next decode. `sync`: the naive order, kept
 * for comparison: decode, wait, copy, wait.
 */
export type PipelineMode = 'async' | 'sync';

export interface CudaOptions {
  readonly device: number;
  /** The driver's library; the simulator's in its place. */
  readonly driver: string;
  readonly mode: PipelineMode;
  /** Batches under way at once. */
  readonly depth: number;
  /** A decoder variant by name, or `auto`. */
  readonly decoder: string;
  /** Denoising steps, or `auto`. */
  readonly steps: number | 'auto';
  /** URL of the module that opens the networks, and what it is told. See {@link NetworksModule}. */
  readonly networks: { readonly module: string; readonly options: unknown };
}

export interface LoadOptions extends CudaOptions {
  readonly bundle: AvatarBundle;
  readonly maxBatchFrames: number;
}

export interface CudaJobs extends RunnerJobs {
  load: { readonly input: LoadOptions; readonly output: { readonly deviceName: string } };
}
export type CudaJobName = keyof CudaJobs;

/** Main thread → enqueuer. */
export type ToEnqueuer =
  | JobMessage<CudaJobs>
  | RunnerNotice
  /** Answered by the reaper, or by the enqueuer when it could not be enqueued. */
  | { readonly type: 'run'; readonly id: number; readonly batch: readonly ChunkRequest[] };

/** Enqueuer → main thread. */
export type FromEnqueuer =
  | { readonly type: 'done'; readonly id: number; readonly output: CudaJobs[CudaJobName]['output'] }
  | { readonly type: 'refused'; readonly id: number; readonly error: ErrorBody; readonly fatal: boolean };

/** Reaper → main thread. */
export type FromReaper =
  | {
      readonly type: 'finished';
      readonly id: number;
      readonly results: readonly ChunkResult[];
      readonly times: BatchTimes;
    }
  | { readonly type: 'lost'; readonly error: ErrorBody };

/** Enqueuer → reaper: work that the device has been given, in its order. */
export interface Ticket {
  readonly id: number;
  readonly events: BatchEvents;
  readonly enqueue: { readonly startMs: number; readonly endMs: number };
  readonly copiedBytes: number;
  /** Where the parameters of all shown frames will be, row by row. */
  readonly params: SharedArrayBuffer | null;
  readonly paramsOffset: number;
  readonly chunks: readonly {
    readonly slotId: number;
    /** Generated frames and those of them that are decoded. */
    readonly frames: number;
    readonly shown: readonly number[];
    readonly entries: readonly number[];
  }[];
}

/** Main thread or enqueuer → reaper. */
export type ToReaper =
  | { readonly type: 'open'; readonly driver: string; readonly device: number; readonly rowLength: number }
  | { readonly type: 'attach'; readonly slotId: number; readonly ring: FrameRingHandle }
  | { readonly type: 'ticket'; readonly ticket: Ticket }
  | { readonly type: 'close' };
