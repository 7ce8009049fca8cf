import { availableParallelism } from 'node:os';
import { VizaviError } from '@vizavi/signaling';
import { createWorker } from 'mediasoup';
import type { Router, RouterRtpCodecCapability, Worker } from 'mediasoup/types';
import type { Telemetry } from './telemetry.ts';

const CODECS: RouterRtpCodecCapability[] = [
  { kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2 },
  {
    kind: 'video',
    mimeType: 'video/H264',
    clockRate: 90000,
    parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
  },
  { kind: 'video', mimeType: 'video/VP8', clockRate: 90000 },
];

const RESTART_DELAY_MS = 1000;
/** Many times what a worker needs to start. */
const ARRIVAL_TIMEOUT_MS = 5000;

/** The mediasoup worker processes. One that dies is replaced; whoever had a router on it hears its `workerclose`. */
export class MediaWorkers {
  readonly #routers = new Map<Worker, number>();
  readonly #telemetry: Telemetry;
  readonly #arrivals = new Set<() => void>();
  #closed = false;

  private constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  /** @throws VizaviError `media_failed` when a worker does not start */
  static async start(options: {
    readonly count?: number | undefined;
    readonly telemetry: Telemetry;
  }): Promise<MediaWorkers> {
    const pool = new MediaWorkers(options.telemetry);
    try {
      const count = options.count ?? Math.min(availableParallelism(), 4);
      await Promise.all(Array.from({ length: count }, () => pool.#add()));
      return pool;
    } catch (cause) {
      pool.close();
      throw new VizaviError(
        'media_failed',
        'mediasoup’s worker does not start: `npm start` gets it, or MEDIASOUP_WORKER_BIN names it',
        {
          cause,
        },
      );
    }
  }

  get pids(): readonly number[] {
    return [...this.#routers.keys()].map((worker) => worker.pid);
  }

  /**
   * A router on the worker that has the fewest. Waits while every worker is being replaced.
   *
   * @throws VizaviError `unavailable`, `media_failed`
   */
  async createRouter(): Promise<Router> {
    for (;;) {
      if (this.#closed) throw new VizaviError('unavailable', 'the server is stopping');
      const alive = [...this.#routers].filter(([worker]) => !worker.closed);
      const worker = alive.sort(([, a], [, b]) => a - b)[0]?.[0];
      if (!worker) {
        await this.#arrival();
        continue;
      }
      this.#count(worker, 1);
      try {
        const router = await worker.createRouter({ mediaCodecs: CODECS });
        router.observer.once('close', () => {
          this.#count(worker, -1);
        });
        return router;
      } catch (cause) {
        this.#count(worker, -1);
        if (!worker.closed) throw new VizaviError('media_failed', 'mediasoup makes no router', { cause });
      }
    }
  }

  close(): void {
    this.#closed = true;
    for (const worker of this.#routers.keys()) worker.close();
    this.#routers.clear();
    this.#announce();
  }

  async #add(): Promise<void> {
    const worker = await createWorker({ logLevel: 'error' });
    // mediasoup closes its workers on these signals by itself; here the sessions are told first.
    const { onSignal } = worker as unknown as { onSignal?: () => void };
    if (onSignal) process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    if (this.#closed) {
      worker.close();
      return;
    }
    this.#routers.set(worker, 0);
    worker.on('died', (error) => {
      this.#telemetry.log.error({ err: error, pid: worker.pid }, 'a mediasoup worker died');
      this.#telemetry.metrics.mediaWorkerRestarts.inc();
      this.#routers.delete(worker);
      this.#replace();
    });
    this.#announce();
  }

  #replace(): void {
    if (this.#closed) return;
    this.#add().catch((error: unknown) => {
      this.#telemetry.log.error({ err: error }, 'a mediasoup worker does not start');
      setTimeout(() => {
        this.#replace();
      }, RESTART_DELAY_MS).unref();
    });
  }

  #count(worker: Worker, change: number): void {
    const routers = this.#routers.get(worker);
    if (routers !== undefined) this.#routers.set(worker, routers + change);
  }

  async #arrival(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#arrivals.delete(arrived);
        reject(new VizaviError('unavailable', 'no mediasoup worker is running'));
      }, ARRIVAL_TIMEOUT_MS);
      const arrived = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.#arrivals.add(arrived);
    });
  }

  #announce(): void {
    for (const arrived of this.#arrivals) arrived();
    this.#arrivals.clear();
  }
}
