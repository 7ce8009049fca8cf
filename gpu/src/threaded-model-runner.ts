import type { Worker } from 'node:worker_threads';
import { VizaviError } from '@vizavi/signaling';
import type { ErrorBody } from '@vizavi/signaling';
import type { AvatarBundle } from './avatar-bundle.ts';
import type { FrameRing } from './frame-ring.ts';
import { checkChunkRequest } from './model-runner.ts';
import type { BatchTimes, ChunkRequest, ChunkResult, ModelRunner, Quality, WarmUp } from './model-runner.ts';
import type { RunnerJobs, RunnerNotice } from './runner-messages.ts';

interface Settle {
  resolve(output: unknown): void;
  reject(error: VizaviError): void;
}

/** This thread's side of a runner whose networks run in another: jobs by number, slots, and one end for all that waits. */
export abstract class ThreadedModelRunner<
  J extends RunnerJobs & Record<keyof J, { input: unknown; output: unknown }>,
> implements ModelRunner {
  abstract readonly depth: number;
  onBatch: (times: BatchTimes) => void = () => undefined;
  readonly #thread: Worker;
  readonly #onFatal: ((error: VizaviError) => void) | undefined;
  readonly #jobs = new Map<number, Settle>();
  readonly #rings = new Map<number, FrameRing>();
  #bundle: AvatarBundle | null = null;
  #decoder: string | null = null;
  #nextId = 0;
  #ended: VizaviError | null = null;

  /**
   * @param thread does the jobs
   * @param onFatal the networks are gone; every call fails from now on
   */
  constructor(thread: Worker, onFatal: ((error: VizaviError) => void) | undefined) {
    this.#thread = thread;
    this.#onFatal = onFatal;
  }

  abstract get maxBatchFrames(): number;
  abstract load(bundle: AvatarBundle): Promise<void>;
  abstract run(batch: readonly ChunkRequest[]): readonly Promise<ChunkResult>[];
  abstract close(): Promise<void>;

  /** The decoder variant in use; null before `warmUp` has chosen one. */
  get decoder(): string | null {
    return this.#decoder;
  }

  async warmUp(): Promise<WarmUp> {
    const { warmUp, decoder }: RunnerJobs['warmUp']['output'] = await this.call('warmUp', null);
    this.#decoder = decoder;
    return warmUp;
  }

  attachSlot(slotId: number, ring: FrameRing): void {
    this.loaded();
    this.#rings.set(slotId, ring);
    this.notify({ type: 'attach', slotId, ring: ring.handle() });
  }

  detachSlot(slotId: number): void {
    if (this.#rings.delete(slotId)) this.notify({ type: 'detach', slotId });
  }

  setQuality(quality: Quality): void {
    this.notify({ type: 'quality', quality });
  }

  async renderStill(expression: Float32Array, frames: number): Promise<SharedArrayBuffer> {
    const { chunkFrames, frameBytes, expression: face } = this.loaded();
    const row = face.parameters.length;
    const out = new SharedArrayBuffer(frames * frameBytes);
    // In small jobs, so that chunks of sessions come in between.
    for (let first = 0; first < frames; first += chunkFrames) {
      const count = Math.min(chunkFrames, frames - first);
      const rows = expression.slice(first * row, (first + count) * row);
      await this.call('still', { expression: rows, frames: count, out, offsetBytes: first * frameBytes });
    }
    return out;
  }

  /** Why no more calls are taken; null while they are. */
  protected get ended(): VizaviError | null {
    return this.#ended;
  }

  protected set bundle(bundle: AvatarBundle) {
    this.#bundle = bundle;
  }

  protected loaded(): AvatarBundle {
    if (this.#bundle) return this.#bundle;
    throw this.#ended ?? new VizaviError('invalid_state', 'no bundle is loaded');
  }

  /** What is sent to the thread for a chunk. @throws VizaviError as {@link checkChunkRequest}, or why the runner has ended */
  protected checked(request: ChunkRequest): ChunkRequest {
    if (this.#ended) throw this.#ended;
    checkChunkRequest(request, this.loaded(), this.#rings.get(request.slotId));
    // Own copies: they can be moved to the thread, and a view does not drag the whole of its buffer along.
    return { ...request, pcm: request.pcm.slice(), expression: request.expression.slice() };
  }

  protected nextId(): number {
    return (this.#nextId += 1);
  }

  protected call<K extends keyof J>(
    type: K,
    input: J[K]['input'],
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<J[K]['output']> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.nextId();
    return new Promise((resolve, reject) => {
      this.#jobs.set(id, { resolve, reject });
      this.#thread.postMessage({ type, id, input }, [...transfer]);
    });
  }

  protected notify(notice: RunnerNotice): void {
    if (!this.#ended) this.#thread.postMessage(notice);
  }

  protected done(id: number, output: unknown): void {
    this.#jobs.get(id)?.resolve(output);
    this.#jobs.delete(id);
  }

  protected refused(id: number, error: VizaviError): void {
    this.#jobs.get(id)?.reject(error);
    this.#jobs.delete(id);
  }

  /** Takes no more calls; what waits is rejected. The thread is asked to end. */
  protected endCalls(): void {
    if (this.#ended) return;
    this.notify({ type: 'close' });
    this.#end(new VizaviError('unavailable', 'the model runner is closed'));
  }

  /** Said once: the networks are gone. */
  protected die(what: string, cause: unknown): void {
    if (this.#ended) return;
    const problem = cause instanceof Error ? cause.message : String(cause);
    const error = new VizaviError('inference_failed', `${what}: ${problem}`, { cause });
    this.#end(error);
    this.#onFatal?.(error);
  }

  /** Of the runner's own work that waits. */
  protected abstract abandon(error: VizaviError): void;

  #end(error: VizaviError): void {
    this.#ended = error;
    for (const job of this.#jobs.values()) job.reject(error);
    this.#jobs.clear();
    this.#rings.clear();
    this.abandon(error);
  }
}

/** An error that came from a thread. */
export function revive({ code, message, retryable }: ErrorBody): VizaviError {
  return new VizaviError(code, message, { retryable });
}
