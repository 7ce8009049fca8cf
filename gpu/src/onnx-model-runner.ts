import { Worker } from 'node:worker_threads';
import type { VizaviError } from '@vizavi/signaling';
import type { AvatarBundle } from './avatar-bundle.ts';
import type { ChunkRequest, ChunkResult } from './model-runner.ts';
import type { FromThread, OnnxJobs } from './onnx-messages.ts';
import { revive, ThreadedModelRunner } from './threaded-model-runner.ts';

export interface OnnxModelRunnerOptions {
  /** A decoder variant of the bundle by name, or `auto`: the one that warm-up finds to be the fastest. The finest is for GPUs. */
  readonly decoder?: string;
  /** Denoising steps, or `auto`: the bundle's default. */
  readonly steps?: number | 'auto';
  /** Cores that one network call may use. */
  readonly threads?: number;
  /** The inference thread has died; every call fails from now on. */
  readonly onFatal?: (error: VizaviError) => void;
}

/** Runs a bundle with ONNX Runtime's CPU provider in a thread of its own. */
export class OnnxModelRunner extends ThreadedModelRunner<OnnxJobs> {
  /** A CPU gains nothing from batches: its decoder's time grows with the frames. */
  readonly depth = 1;
  readonly #options: OnnxModelRunnerOptions;
  readonly #exited: Promise<void>;

  constructor(options: OnnxModelRunnerOptions = {}) {
    const thread = new Worker(new URL('./onnx-thread.ts', import.meta.url), { name: 'inference' });
    super(thread, options.onFatal);
    this.#options = options;
    thread.on('message', (message: FromThread) => {
      if ('output' in message) this.done(message.id, message.output);
      else this.refused(message.id, revive(message.error));
    });
    const die = (cause: unknown): void => {
      this.die('the inference thread has died', cause);
    };
    thread.on('error', die);
    this.#exited = new Promise((resolve) => {
      thread.once('exit', (code) => {
        die(new Error(`exit code ${code}`));
        resolve();
      });
    });
  }

  get maxBatchFrames(): number {
    return this.loaded().chunkFrames;
  }

  async load(bundle: AvatarBundle): Promise<void> {
    const { threads = 1, decoder = 'auto', steps = 'auto' } = this.#options;
    await this.call('load', { bundle, threads, decoder, steps });
    this.bundle = bundle;
  }

  run(batch: readonly ChunkRequest[]): readonly Promise<ChunkResult>[] {
    return batch.map((request) => this.#run(request));
  }

  async close(): Promise<void> {
    this.endCalls();
    await this.#exited;
  }

  protected abandon(): void {
    // Chunks are jobs like the others.
  }

  async #run(request: ChunkRequest): Promise<ChunkResult> {
    const chunk = this.checked(request);
    const moved = [chunk.pcm, chunk.expression].map(({ buffer }) => buffer as ArrayBuffer);
    const { result, times } = await this.call('run', chunk, moved);
    this.onBatch(times);
    return result;
  }
}
