import { MessageChannel, Worker } from 'node:worker_threads';
import type { VizaviError } from '@vizavi/signaling';
import type { AvatarBundle } from '../avatar-bundle.ts';
import type { ChunkRequest, ChunkResult } from '../model-runner.ts';
import { revive, ThreadedModelRunner } from '../threaded-model-runner.ts';
import type { CudaJobs, CudaOptions, FromEnqueuer, FromReaper, ToEnqueuer } from './cuda-messages.ts';

export interface CudaModelRunnerOptions extends CudaOptions {
  /** The device is lost, or a thread has died; every call fails from now on. */
  readonly onFatal?: (error: VizaviError) => void;
  /** A batch that takes longer than this means that the device hangs. */
  readonly hangMs?: number;
}

interface Batch {
  readonly chunks: readonly PromiseWithResolvers<ChunkResult>[];
  readonly hang: NodeJS.Timeout;
}

/** Chunks of the recommended length that one batch may hold. */
const BATCH_CHUNKS = 8;
/** Longer than any batch that keeps deadlines, short enough that viewers are still there after a restart. */
const HANG_MS = 5000;

/**
 * Runs a bundle on a CUDA device. Two threads: the *enqueuer* hands work to the device and never waits for it; the
 * *reaper* waits for the device's events and hands finished frames on. This thread only sends and receives messages.
 */
export class CudaModelRunner extends ThreadedModelRunner<CudaJobs> {
  readonly depth: number;
  readonly #options: CudaModelRunnerOptions;
  readonly #threads: { readonly enqueuer: Worker; readonly reaper: Worker };
  readonly #exited: Promise<unknown>;
  readonly #batches = new Map<number, Batch>();
  #deviceName = '';
  #lost = false;

  constructor(options: CudaModelRunnerOptions) {
    const threads = startThreads();
    super(threads.enqueuer, options.onFatal);
    this.#options = options;
    this.#threads = threads;
    this.depth = options.mode === 'async' ? options.depth : 1;
    threads.enqueuer.on('message', (message: FromEnqueuer) => {
      this.#fromEnqueuer(message);
    });
    threads.reaper.on('message', (message: FromReaper) => {
      this.#fromReaper(message);
    });
    this.#exited = Promise.all(
      Object.values(threads).map((thread) => {
        thread.on('error', (cause) => {
          this.#lose(cause);
        });
        return new Promise<void>((resolve) => {
          thread.once('exit', (code) => {
            this.#lose(new Error(`a device thread ended with exit code ${code}`));
            resolve();
          });
        });
      }),
    );
  }

  get maxBatchFrames(): number {
    return BATCH_CHUNKS * this.loaded().chunkFrames;
  }

  /** What the driver calls the device. */
  get deviceName(): string {
    return this.#deviceName;
  }

  async load(bundle: AvatarBundle): Promise<void> {
    const { device, driver, mode, depth, decoder, steps, networks } = this.#options;
    const maxBatchFrames = BATCH_CHUNKS * bundle.chunkFrames;
    const input = { device, driver, mode, depth, decoder, steps, networks, bundle, maxBatchFrames };
    this.#deviceName = (await this.call('load', input)).deviceName;
    this.bundle = bundle;
  }

  run(batch: readonly ChunkRequest[]): readonly Promise<ChunkResult>[] {
    const good: ChunkRequest[] = [];
    const chunks: PromiseWithResolvers<ChunkResult>[] = [];
    const runs = batch.map((request) => {
      const run = Promise.withResolvers<ChunkResult>();
      try {
        good.push(this.checked(request));
        chunks.push(run);
      } catch (error) {
        run.reject(error);
      }
      return run.promise;
    });
    if (good.length > 0) this.#send(good, chunks);
    return runs;
  }

  async close(): Promise<void> {
    this.endCalls();
    // A thread that waits for a device that is gone cannot be ended; the process can.
    if (!this.#lost) await this.#exited;
  }

  protected abandon(error: VizaviError): void {
    for (const id of [...this.#batches.keys()]) for (const chunk of this.#take(id)) chunk.reject(error);
  }

  #send(batch: readonly ChunkRequest[], chunks: Batch['chunks']): void {
    const { hangMs = HANG_MS } = this.#options;
    const id = this.nextId();
    const hang = setTimeout(() => {
      this.#lose(new Error(`the device has not answered for ${hangMs} ms`));
    }, hangMs);
    this.#batches.set(id, { chunks, hang });
    this.#threads.enqueuer.postMessage({ type: 'run', id, batch } satisfies ToEnqueuer);
  }

  #fromEnqueuer(message: FromEnqueuer): void {
    if (message.type === 'done') {
      this.done(message.id, message.output);
      return;
    }
    const error = revive(message.error);
    this.refused(message.id, error);
    for (const chunk of this.#take(message.id)) chunk.reject(error);
    if (message.fatal) this.#lose(error);
  }

  #fromReaper(message: FromReaper): void {
    if (message.type === 'lost') {
      this.#lose(revive(message.error));
      return;
    }
    this.onBatch(message.times);
    this.#take(message.id).forEach((chunk, index) => {
      const result = message.results[index];
      if (result) chunk.resolve(result);
    });
  }

  #take(id: number): Batch['chunks'] {
    const batch = this.#batches.get(id);
    this.#batches.delete(id);
    clearTimeout(batch?.hang);
    return batch?.chunks ?? [];
  }

  #lose(cause: unknown): void {
    if (this.ended) return;
    this.#lost = true;
    for (const thread of Object.values(this.#threads)) void thread.terminate();
    this.die('the device is lost', cause);
  }
}

function startThreads(): { readonly enqueuer: Worker; readonly reaper: Worker } {
  const { port1, port2 } = new MessageChannel();
  // The reaper sleeps in Atomics.wait until this counter moves: its event loop never runs.
  const posted = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const start = (name: 'enqueuer' | 'reaper', port: typeof port1): Worker =>
    new Worker(new URL(`./cuda-${name}-thread.ts`, import.meta.url), {
      name,
      workerData: { port, posted },
      transferList: [port],
    });
  return { enqueuer: start('enqueuer', port1), reaper: start('reaper', port2) };
}
