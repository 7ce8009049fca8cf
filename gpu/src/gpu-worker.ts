import { VizaviError, serverToWorker, workerToServer } from '@vizavi/signaling';
import type {
  CallHandlers,
  NoticeHandlers,
  NoticeOf,
  ServerToWorker,
  WorkerToServer,
} from '@vizavi/signaling';
import { Channel } from '@vizavi/signaling/channel';
import type { Logger } from 'pino';
import type { Avatar } from './avatar.ts';
import type { Capacity } from './capacity.ts';
import type { Config } from './config.ts';
import type { LadderStep } from './deadline-ladder.ts';
import type { Encoders, VideoCodec } from './encoder.ts';
import { hostNowMs } from './model-runner.ts';
import { Slot } from './slot.ts';
import type { SlotOpenRequest } from './slot.ts';

export interface GpuWorkerOptions {
  readonly config: Config;
  readonly log: Logger;
  /** By bundle id. At least one. */
  readonly avatars: ReadonlyMap<string, Avatar>;
  readonly encoders: Encoders;
  readonly codecs: readonly VideoCodec[];
  /** Of each avatar; the least one counts. */
  readonly capacities: readonly Capacity[];
  readonly device: string;
  /** Such as `nvenc`. */
  readonly hardwareEncoder: string | null;
}

const STATS_PERIOD_MS = 1000;

/** Dials the server, offers its slots, and does what the server asks of them. */
export class GpuWorker {
  readonly #options: GpuWorkerOptions;
  readonly #slots: readonly Slot[];
  readonly #channel: Channel<ServerToWorker, WorkerToServer>;
  readonly #statsTimer: NodeJS.Timeout;
  /** What the server was told last. */
  #saidCapacity = '';

  constructor(options: GpuWorkerOptions) {
    this.#options = options;
    const slots = Math.min(...options.capacities.map((capacity) => capacity.slots));
    this.#slots = Array.from({ length: slots }, (_, id) => new Slot(id, options.encoders));
    const { config, log } = options;
    this.#channel = new Channel({
      url: config.url,
      namespace: '/gpu',
      auth: { secret: config.workerSecret },
      incoming: serverToWorker,
      outgoing: workerToServer,
      calls: this.#calls(),
      notices: this.#notices(),
      onConnect: () => {
        this.#saidCapacity = '';
        void this.#register();
      },
      onDisconnect: (reason) => {
        // A server that stops says so; a connection that breaks is worth a warning.
        if (reason === 'io server disconnect') log.info('the server has ended the connection');
        else log.warn({ reason }, 'server connection lost');
        // The server moves its sessions elsewhere at once; what still runs here runs for nobody.
        for (const slot of this.#slots) void slot.close();
      },
      onRefused: (error) => {
        log.error({ code: error.code }, `the server refused this worker: ${error.message}`);
      },
      onError: (error) => {
        log.warn({ code: error.code, err: error.cause }, error.message);
      },
    });
    this.#statsTimer = setInterval(() => {
      this.#reportStats();
    }, STATS_PERIOD_MS);
  }

  start(): void {
    this.#channel.open();
  }

  /** The ladder of one of the avatars has moved. */
  stepped({ from, to, reason }: LadderStep): void {
    this.#options.log.warn({ from, to, reason }, 'deadline ladder');
    this.#reportCapacity(reason);
  }

  async close(): Promise<void> {
    clearInterval(this.#statsTimer);
    this.#channel.close();
    await Promise.all(this.#slots.map((slot) => slot.close()));
    await Promise.all([...this.#options.avatars.values()].map((avatar) => avatar.close()));
  }

  async #register(): Promise<void> {
    const { config, log, avatars, codecs, device, hardwareEncoder } = this.#options;
    const [first] = avatars.values();
    try {
      await this.#channel.peer.call('worker.register', {
        workerId: config.workerId,
        pid: process.pid,
        device,
        slots: this.#slots.length,
        bundles: [...avatars.values()].map(({ bundle }) => ({
          id: bundle.id,
          name: bundle.name,
          voice: bundle.voice,
          fps: bundle.fps,
          width: bundle.width,
          height: bundle.height,
        })),
        encoders: [...codecs],
        hardwareEncoder,
        chunkCosts: (first?.chunkCosts ?? []).map((cost) => ({ ...cost })),
      });
      log.info({ slots: this.#slots.length, device }, 'registered');
    } catch (error) {
      log.error({ err: error }, 'registration failed');
    }
  }

  #calls(): CallHandlers<ServerToWorker> {
    return {
      'slot.open': async (request) => {
        await this.#open(request);
        return {};
      },
      'slot.close': async ({ slotId, leaseId }) => {
        const slot = this.#slots[slotId];
        if (slot?.leaseId === leaseId) await slot.close();
        return {};
      },
      'slot.interrupt': ({ slotId, leaseId, generation }) =>
        this.#leased(slotId, leaseId).interrupt(generation),
    };
  }

  #notices(): NoticeHandlers<ServerToWorker> {
    return {
      'slot.watch': ({ slotId, leaseId, watched }) => {
        this.#leased(slotId, leaseId).watch(watched);
      },
      'slot.listen': ({ slotId, leaseId, listening }) => {
        this.#leased(slotId, leaseId).listen(listening);
      },
      'slot.bitrate': ({ slotId, leaseId, bitrateBps }) => {
        this.#leased(slotId, leaseId).setBitrate(bitrateBps);
      },
      'slot.audio': (notice) => {
        this.#leased(notice.slotId, notice.leaseId).audio(notice);
      },
    };
  }

  async #open(request: SlotOpenRequest): Promise<void> {
    const { slotId, leaseId, bundleId } = request;
    const slot = this.#slots[slotId];
    const avatar = this.#options.avatars.get(bundleId);
    if (!slot) throw new VizaviError('not_found', `this worker has no slot ${slotId}`);
    if (!avatar) throw new VizaviError('not_found', `this worker has no bundle ${bundleId}`);
    const lease = { slotId, leaseId };
    const { peer } = this.#channel;
    type Spoken = Omit<NoticeOf<WorkerToServer, 'utterance.ended'>, 'slotId' | 'leaseId'>;
    const spoken = (utteranceId: string, generation: number, playedMs: number): Spoken & typeof lease => ({
      ...lease,
      utteranceId,
      generation,
      playedMs,
    });
    await slot.open(request, avatar, {
      started: (utteranceId, generation) => {
        peer.notify('utterance.started', { ...lease, utteranceId, generation });
      },
      progress: (utteranceId, generation, playedMs) => {
        peer.notify('utterance.progress', spoken(utteranceId, generation, playedMs));
      },
      ended: (utteranceId, generation, playedMs) => {
        peer.notify('utterance.ended', spoken(utteranceId, generation, playedMs));
      },
      failed: (error) => {
        this.#options.log.error({ slotId, err: error.cause ?? error }, error.message);
        peer.notify('slot.failed', { ...lease, error: error.toJSON() });
      },
    });
  }

  #leased(slotId: number, leaseId: string): Slot {
    const slot = this.#slots[slotId];
    if (slot?.leaseId !== leaseId) throw new VizaviError('invalid_state', 'this lease has ended');
    return slot;
  }

  /** Told when it has changed. */
  #reportCapacity(because?: string): void {
    if (!this.#channel.peer.connected) return;
    const open = this.#slots.filter(({ state }) => state !== 'free').length;
    const [least] = this.#options.capacities
      .map((capacity) => capacity.now(open))
      .sort((a, b) => a.admit - b.admit);
    if (!least) return;
    const said = `${least.admit} ${least.rung}`;
    if (said === this.#saidCapacity) return;
    this.#saidCapacity = said;
    this.#channel.peer.notify('worker.capacity', { ...least, reason: because ?? least.reason });
  }

  #reportStats(): void {
    if (!this.#channel.peer.connected) return;
    this.#reportCapacity();
    for (const capacity of this.#options.capacities) {
      const report = capacity.report(hostNowMs());
      if (report) this.#channel.peer.notify('worker.device', report);
    }
    this.#slots.forEach((slot, slotId) => {
      const stats = slot.stats();
      if (stats && slot.leaseId) {
        this.#channel.peer.notify('slot.stats', { slotId, leaseId: slot.leaseId, stats });
      }
    });
  }
}
