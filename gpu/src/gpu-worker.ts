import { VizaviError, serverToWorker, workerToServer } from '@vizavi/signaling';
import type {
  BundleInfo,
  CallHandlers,
  NoticeHandlers,
  NoticeOf,
  ServerToWorker,
  WorkerToServer,
} from '@vizavi/signaling';
import { Channel } from '@vizavi/signaling/channel';
import type { Logger } from 'pino';
import type { AvatarBundle } from './avatar-bundle.ts';
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
  /** The avatar that it can show from the start; its figures give the number of slots. */
  readonly first: Capacity;
  /** Avatars that it loads after that one: known to the server at once, sessions that want them wait. */
  readonly others: readonly AvatarBundle[];
  readonly encoders: Encoders;
  readonly codecs: readonly VideoCodec[];
  readonly device: string;
  /** Such as `nvenc`. */
  readonly hardwareEncoder: string | null;
}

const STATS_PERIOD_MS = 1000;

/** Dials the server, offers its slots, and does what the server asks of them. */
export class GpuWorker {
  readonly #options: GpuWorkerOptions;
  readonly #slots: readonly Slot[];
  /** Of each avatar, in the order in which they became ready; the least one counts. */
  readonly #capacities: Capacity[];
  #registered: Promise<void> = Promise.resolve();
  #closed = false;
  readonly #channel: Channel<ServerToWorker, WorkerToServer>;
  readonly #statsTimer: NodeJS.Timeout;
  /** What the server was told last. */
  #saidCapacity = '';

  constructor(options: GpuWorkerOptions) {
    this.#options = options;
    this.#capacities = [options.first];
    this.#slots = Array.from({ length: options.first.slots }, (_, id) => new Slot(id, options.encoders));
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
        this.#registered = this.#register();
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

  /** One more avatar is ready; it uses the same slots. Closed at once when the worker has been closed meanwhile. */
  async add(capacity: Capacity): Promise<void> {
    if (this.#closed) return capacity.avatar.close();
    this.#capacities.push(capacity);
    await this.#registered;
    if (this.#channel.peer.connected)
      this.#channel.peer.notify('worker.bundles', { bundles: this.#bundles() });
    return undefined;
  }

  /** The ladder of one of the avatars has moved. */
  stepped({ from, to, reason }: LadderStep): void {
    this.#options.log.warn({ from, to, reason }, 'deadline ladder');
    this.#reportCapacity(reason);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#statsTimer);
    this.#channel.close();
    await Promise.all(this.#slots.map((slot) => slot.close()));
    await Promise.all(this.#capacities.map(({ avatar }) => avatar.close()));
  }

  async #register(): Promise<void> {
    const { config, log, first, codecs, device, hardwareEncoder } = this.#options;
    try {
      await this.#channel.peer.call('worker.register', {
        workerId: config.workerId,
        pid: process.pid,
        device,
        slots: this.#slots.length,
        bundles: this.#bundles(),
        coming: this.#options.others.map(bundleInfo),
        encoders: [...codecs],
        hardwareEncoder,
        chunkCosts: first.avatar.chunkCosts.map((cost) => ({ ...cost })),
      });
      log.info({ slots: this.#slots.length, device }, 'registered');
    } catch (error) {
      log.error({ err: error }, 'registration failed');
    }
  }

  #bundles(): BundleInfo[] {
    return this.#capacities.map(({ avatar }) => bundleInfo(avatar.bundle));
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
      'slot.gesture': ({ slotId, leaseId, gesture }) => {
        this.#leased(slotId, leaseId).gesture(gesture);
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
    const avatar = this.#capacities.find((capacity) => capacity.avatar.bundle.id === bundleId)?.avatar;
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
    const [least] = this.#capacities.map((capacity) => capacity.now(open)).sort((a, b) => a.admit - b.admit);
    if (!least) return;
    const said = `${least.admit} ${least.rung}`;
    if (said === this.#saidCapacity) return;
    this.#saidCapacity = said;
    this.#channel.peer.notify('worker.capacity', { ...least, reason: because ?? least.reason });
  }

  #reportStats(): void {
    if (!this.#channel.peer.connected) return;
    this.#reportCapacity();
    for (const capacity of this.#capacities) {
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

function bundleInfo({ id, name, voice, fps, width, height }: AvatarBundle): BundleInfo {
  return { id, name, voice, fps, width, height };
}
