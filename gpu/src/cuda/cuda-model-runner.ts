import { MessageChannel, Worker } from 'node:worker_threads';
import { VizaviError } from '@vizavi/signaling';
import type { ErrorBody } from '@vizavi/signaling';
import type { AvatarBundle } from '../avatar-bundle.ts';
import type { FrameRing } from '../frame-ring.ts';
import { checkChunkRequest } from '../model-runner.ts';
import type { BatchTimes, ChunkRequest, ChunkResult, ModelRunner, Quality, WarmUp } from '../model-runner.ts';
import type {
  CudaJobName,
  CudaJobs,
  CudaOptions,
  FromEnqueuer,
  FromReaper,
  ToEnqueuer,
} from './cuda-messages.ts';

export interface CudaModelRunnerOptions extends CudaOptions {
  /** The device is lost, or a thread has died; every call fails from now on. */
  readonly onFatal?: (error: VizaviError) => void;
  /** A batch that takes longer than this means that the device hangs. */
  readonly hangMs?: number;
}

interface Settle<T> {
  resolve(value: T): void;
  reject(error: VizaviError): void;
}

/** Chunks of the recommended length that one batch may hold. */
const BATCH_CHUNKS = 8;
/** Longer than any batch that keeps deadlines, short enough that viewers are still there after a restart. */
const HANG_MS = 5000;

/**
 * Runs a bundle on a CUDA device. Two threads: the *enqueuer* hands work to the device and never waits for it; the
 * *reaper* waits for the device's events and hands finished frames on. This thread only sends and receives messages.
 */
export class CudaModelRunner implements ModelRunner {
  readonly depth: number;
  onBatch: (times: BatchTimes) => void = () => undefined;
  readonly #options: CudaModelRunnerOptions;
  readonly #enqueuer: Worker;
  readonly #reaper: Worker;
  readonly #exited: Promise<unknown>;
  readonly #jobs = new Map<number, Settle<unknown>>();
  readonly #batches = new Map<
    number,
    { readonly chunks: readonly Settle<ChunkResult>[]; hang: NodeJS.Timeout }
  >();
  readonly #rings = new Map<number, FrameRing>();
  #bundle: AvatarBundle | null = null;
  #decoder: string | null = null;
  #deviceName = '';
  #nextId = 0;
  #lost = false;
  /** Why no more calls are taken. */
  #ended: VizaviError | null = null;

  constructor(options: CudaModelRunnerOptions) {
    this.#options = options;
    this.depth = options.mode === 'async' ? options.depth : 1;
    const { port1, port2 } = new MessageChannel();
    // The reaper sleeps in Atomics.wait until this counter moves: its event loop never runs.
    const posted = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    this.#reaper = new Worker(new URL('./cuda-reaper-thread.ts', import.meta.url), {
      name: 'reaper',
      workerData: { port: port2, posted },
      transferList: [port2],
    });
    this.#enqueuer = new Worker(new URL('./cuda-enqueuer-thread.ts', import.meta.url), {
      name: 'enqueuer',
      workerData: { port: port1, posted },
      transferList: [port1],
    });
    this.#enqueuer.on('message', (message: FromEnqueuer) => {
      this.#fromEnqueuer(message);
    });
    this.#reaper.on('message', (message: FromReaper) => {
      this.#fromReaper(message);
    });
    this.#exited = Promise.all(
      [this.#enqueuer, this.#reaper].map(async (thread) => {
        const ended = new Promise<void>((resolve) => {
          thread.once('exit', (code) => {
            this.#die(new Error(`a device thread ended with exit code ${code}`));
            resolve();
          });
        });
        thread.on('error', (cause) => {
          this.#die(cause);
        });
        await ended;
      }),
    );
  }

  get maxBatchFrames(): number {
    return BATCH_CHUNKS * this.#loaded().chunkFrames;
  }

  /** The decoder variant in use; null before `warmUp` has chosen one. */
  get decoder(): string | null {
    return this.#decoder;
  }

  /** What the driver calls the device. */
  get deviceName(): string {
    return this.#deviceName;
  }

  async load(bundle: AvatarBundle): Promise<void> {
    const { device, driver, mode, depth, decoder, networks } = this.#options;
    const maxBatchFrames = BATCH_CHUNKS * bundle.chunkFrames;
    const input = { device, driver, mode, depth, decoder, networks, bundle, maxBatchFrames };
    this.#deviceName = (await this.#call('load', input)).deviceName;
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
    const runs = batch.map((request) => {
      const run = Promise.withResolvers<ChunkResult>();
      try {
        if (this.#ended) throw this.#ended;
        checkChunkRequest(request, this.#loaded(), this.#rings.get(request.slotId));
        return { request, run, good: true };
      } catch (error) {
        run.reject(error);
        return { request, run, good: false };
      }
    });
    const good = runs.filter((chunk) => chunk.good);
    if (good.length > 0) {
      const id = (this.#nextId += 1);
      const hang = setTimeout(() => {
        this.#die(new Error(`the device has not answered for ${this.#hangMs} ms`));
      }, this.#hangMs);
      this.#batches.set(id, { chunks: good.map(({ run }) => run), hang });
      this.#post({
        type: 'run',
        id,
        // Views would drag the whole of their buffers along.
        batch: good.map(({ request }) => ({
          ...request,
          pcm: request.pcm.slice(),
          expression: request.expression.slice(),
        })),
      });
    }
    return runs.map(({ run }) => run.promise);
  }

  async renderStill(expression: Float32Array, frames: number): Promise<SharedArrayBuffer> {
    const { chunkFrames, frameBytes, expression: face } = this.#loaded();
    const row = face.parameters.length;
    const out = new SharedArrayBuffer(frames * frameBytes);
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
      this.#enqueuer.postMessage({ type: 'close' } satisfies ToEnqueuer);
    }
    // A thread that waits for a device that is gone cannot be ended; the process can.
    if (!this.#lost) await this.#exited;
  }

  get #hangMs(): number {
    return this.#options.hangMs ?? HANG_MS;
  }

  #call<J extends CudaJobName>(type: J, input: CudaJobs[J]['input']): Promise<CudaJobs[J]['output']> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = (this.#nextId += 1);
    return new Promise((resolve, reject) => {
      this.#jobs.set(id, { resolve, reject });
      this.#enqueuer.postMessage({ type, id, input });
    });
  }

  #post(message: ToEnqueuer): void {
    if (!this.#ended) this.#enqueuer.postMessage(message);
  }

  #fromEnqueuer(message: FromEnqueuer): void {
    const job = this.#jobs.get(message.id);
    this.#jobs.delete(message.id);
    if (message.type === 'done') {
      job?.resolve(message.output);
      return;
    }
    const error = revive(message.error);
    job?.reject(error);
    for (const chunk of this.#take(message.id)) chunk.reject(error);
    if (message.fatal) this.#die(error);
  }

  #fromReaper(message: FromReaper): void {
    if (message.type === 'lost') {
      this.#die(revive(message.error));
      return;
    }
    this.onBatch(message.times);
    this.#take(message.id).forEach((chunk, index) => {
      const result = message.results[index];
      if (result) chunk.resolve(result);
    });
  }

  #take(id: number): readonly Settle<ChunkResult>[] {
    const batch = this.#batches.get(id);
    this.#batches.delete(id);
    clearTimeout(batch?.hang);
    return batch?.chunks ?? [];
  }

  #die(cause: unknown): void {
    if (this.#ended) return;
    const message = cause instanceof Error ? cause.message : String(cause);
    const error = new VizaviError('inference_failed', `the device is lost: ${message}`, { cause });
    this.#lost = true;
    this.#end(error);
    for (const thread of [this.#enqueuer, this.#reaper]) void thread.terminate();
    this.#options.onFatal?.(error);
  }

  #end(error: VizaviError): void {
    this.#ended = error;
    for (const job of this.#jobs.values()) job.reject(error);
    this.#jobs.clear();
    for (const id of [...this.#batches.keys()]) for (const chunk of this.#take(id)) chunk.reject(error);
  }

  #loaded(): AvatarBundle {
    if (this.#bundle) return this.#bundle;
    throw this.#ended ?? new VizaviError('invalid_state', 'no bundle is loaded');
  }
}

function revive({ code, message, retryable }: ErrorBody): VizaviError {
  return new VizaviError(code, message, { retryable });
}
