import type { ErrorBody } from '@vizavi/signaling';
import type { AvatarBundle } from './avatar-bundle.ts';
import type { BatchTimes, ChunkRequest, ChunkResult } from './model-runner.ts';
import type { JobMessage, RunnerJobs, RunnerNotice } from './runner-messages.ts';

export interface LoadOptions {
  readonly bundle: AvatarBundle;
  readonly threads: number;
  readonly decoder: string;
  readonly steps: number | 'auto';
}

export interface OnnxJobs extends RunnerJobs {
  load: { readonly input: LoadOptions; readonly output: null };
  run: {
    readonly input: ChunkRequest;
    readonly output: { readonly result: ChunkResult; readonly times: BatchTimes };
  };
}
export type JobName = keyof OnnxJobs;

/** Main thread → inference thread; `close` overtakes waiting jobs. */
export type ToThread = JobMessage<OnnxJobs> | RunnerNotice;

/** Inference thread → main thread. */
export type FromThread =
  | { readonly id: number; readonly output: OnnxJobs[JobName]['output'] }
  | { readonly id: number; readonly error: ErrorBody };
