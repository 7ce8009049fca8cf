import { Worker } from 'node:worker_threads';
import { VizaviError } from '@vizavi/signaling';
import type { AvatarBundle } from './avatar-bundle.ts';
import type { FrameRing } from './frame-ring.ts';
import { checkChunkRequest } from './model-runner.ts';
import type { BatchTimes, ChunkRequest, ChunkResult, ModelRunner, Quality, WarmUp } from './model-runner.ts';
import type { FromThread, JobName, OnnxJobs, ToThread } from './onnx-messages.ts';

export interface OnnxModelRunnerOptions {
  /** A decoder variant of the bundle by name, or `auto`: the one that warm-up finds to be the fastest. */
  readonly decoder?: string;
  /** Cores that one network call may use. */
  readonly threads?: number;
  /** The inference thread has died; every call fails from now on. */
  readonly onFatal?: (error: VizaviError) => void;
}

interface Pending {
  resolve(output: unknown): void;
  reject(error: VizaviError): void;
}

/** Runs a bundle with ONNX Runtime's CPU provider in a thread of its own. */
export class OnnxModelRunner implements ModelRunner {
  readonly #options: OnnxModelRunnerOptions;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #pending = new Map<number, Pending>();
  readonly #rings = new Map<number, FrameRing>();
  #bundle: AvatarBundle | null = null;
  #decoder: string | null = null;
  #nextId = 0;
  /** Why no more calls are taken. */
  #ended: VizaviError | null = null;

  constructor(options: OnnxModelRunnerOptions = {}) {
    this.#options = options;
    this.#worker = new Worker(new URL('./onnx-thread.ts', import.meta.url), { name: 'inference' });
    this.#worker.on('message', (message: FromThread) => {
      this.#settle(message);
    });
    this.#worker.on('error', (cause) => {
      this.#die(cause);
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#die(new Error(`exit code ${code}`));
        resolve();
      });
    });
  }

  /** A CPU gains nothing from batches: its decoder's time grows with the frames. */
  readonly depth = 1;
  onBatch: (times: BatchTimes) => void = () => undefined;

  get maxBatchFrames(): number {
    return this.#loaded().chunkFrames;
  }

  /** The decoder variant in use; null before `warmUp` has chosen one. */
  get decoder(): string | null {
    return this.#decoder;
  }

  async load(bundle: AvatarBundle): Promise<void> {
    const { threads = 1, decoder = 'auto' } = this.#options;
    await this.#call('load', { bundle, threads, decoder });
    this.#bundle = bundle;
  }

  async warmUp(): Promise<WarmUp> {
    const { warmUp, decoder } = await this.#call('warmUp', null);
    this.#decoder = decoder;
    return warmUp;
  }

  attachSlot(slotId: number, ring: FrameRing): void {
    this.#loaded();
    this.#rings.set(slotId, ring);
    this.#post({ type: 'attach', slotId, ring: ring.handle() });
  }

  detachSlot(slotId: number): void {
    if (this.#rings.delete(slotId)) this.#post({ type: 'detach', slotId });
  }

  setQuality(quality: Quality): void {
    this.#post({ type: 'quality', quality });
  }

  run(batch: readonly ChunkRequest[]): readonly Promise<ChunkResult>[] {
    return batch.map((request) => this.#run(request));
  }

  async #run(request: ChunkRequest): Promise<ChunkResult> {
    if (this.#ended) throw this.#ended;
    checkChunkRequest(request, this.#loaded(), this.#rings.get(request.slotId));
    // Own copies: they can be moved to the thread, and a view does not drag the whole of its buffer along.
    const pcm = request.pcm.slice();
    const expression = request.expression.slice();
    const moved = [pcm.buffer, expression.buffer];
    const { result, times } = await this.#call('run', { ...request, pcm, expression }, moved);
    this.onBatch(times);
    return result;
  }

  async renderStill(expression: Float32Array, frames: number): Promise<SharedArrayBuffer> {
    const { chunkFrames, frameBytes, expression: face } = this.#loaded();
    const row = face.parameters.length;
    const out = new SharedArrayBuffer(frames * frameBytes);
    // In small jobs, so that chunks of sessions come in between.
    for (let first = 0; first < frames; first += chunkFrames) {
      const count = Math.min(chunkFrames, frames - first);
      const rows = expression.slice(first * row, (first + count) * row);
      await this.#call('still', { expression: rows, frames: count, out, offsetBytes: first * frameBytes });
    }
    return out;
  }

  async close(): Promise<void> {
    if (!this.#ended) {
      this.#end(new VizaviError('unavailable', 'the model runner is closed'));
      this.#worker.postMessage({ type: 'close' } satisfies ToThread);
    }
    await this.#exited;
  }

  #call<J extends JobName>(
    type: J,
    input: OnnxJobs[J]['input'],
    transfer: ArrayBuffer[] = [],
  ): Promise<OnnxJobs[J]['output']> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = (this.#nextId += 1);
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker.postMessage({ type, id, input }, transfer);
    });
  }

  #post(message: ToThread): void {
    if (!this.#ended) this.#worker.postMessage(message);
  }

  #settle(message: FromThread): void {
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if ('output' in message) pending?.resolve(message.output);
    else {
      const { code, message: text, retryable } = message.error;
      pending?.reject(new VizaviError(code, text, { retryable }));
    }
  }

  #die(cause: unknown): void {
    if (this.#ended) return;
    const problem = cause instanceof Error ? cause.message : String(cause);
    const error = new VizaviError('inference_failed', `the inference thread has died: ${problem}`, { cause });
    this.#end(error);
    this.#options.onFatal?.(error);
  }

  #end(error: VizaviError): void {
    this.#ended = error;
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    this.#rings.clear();
  }

  #loaded(): AvatarBundle {
    if (this.#bundle) return this.#bundle;
    throw new VizaviError('invalid_state', 'no bundle is loaded');
  }
}
