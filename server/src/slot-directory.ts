import { randomUUID } from 'node:crypto';
import { serverToWorker, VizaviError, workerToServer } from '@vizavi/signaling';
import type { BundleInfo, RequestOf, WorkerToServer } from '@vizavi/signaling';
import type { Connection } from '@vizavi/signaling/gateway';
import type { Clock } from './clock.ts';
import { LeasedSlot } from './leased-slot.ts';
import type { SlotEvents, WorkerPeer } from './leased-slot.ts';
import { SlotQueue } from './slot-queue.ts';
import type { WaitOptions } from './slot-queue.ts';
import type { SlotLease, Store } from './store.ts';
import type { Telemetry } from './telemetry.ts';
import { WaitEstimate } from './wait-estimate.ts';

type Registration = RequestOf<WorkerToServer, 'worker.register'>;

interface ConnectedWorker {
  readonly connection: Connection;
  readonly peer: WorkerPeer;
  readonly registration: Registration;
  /** What it can show; grows while it loads others. */
  bundles: readonly BundleInfo[];
  /** Sessions that it takes now, by its own figures; at most its slots. */
  admit: number;
  rung: string;
  /** Longest free first, so that a slot that has just failed is the last to be tried again. */
  readonly free: number[];
}

export interface SlotRequest {
  readonly avatarId: string;
  readonly sessionId: string;
  readonly events: SlotEvents;
}

/** The connected GPU workers and who holds their slots. */
export class SlotDirectory {
  readonly #store: Store;
  readonly #telemetry: Telemetry;
  readonly #workers = new Map<string, ConnectedWorker>();
  readonly #leases = new Map<string, LeasedSlot>();
  /** Every bundle ever seen: an avatar whose worker is being restarted still exists. */
  readonly #bundles = new Map<string, BundleInfo>();
  readonly #clock: Clock;
  readonly #lengths = new WaitEstimate();
  readonly #startedMs = new Map<string, number>();
  readonly #queue: SlotQueue;
  #closing = false;

  constructor(options: { readonly store: Store; readonly telemetry: Telemetry; readonly clock: Clock }) {
    this.#store = options.store;
    this.#telemetry = options.telemetry;
    this.#clock = options.clock;
    this.#queue = new SlotQueue((avatarId, position) =>
      this.#lengths.forPosition(position, this.#agesMs(avatarId)),
    );
  }

  /** In the order in which they became known. */
  get bundles(): readonly BundleInfo[] {
    return [...this.#bundles.values()];
  }

  /** Slots that can show the avatar, and how many of them nobody holds. */
  count(avatarId: string): { readonly slots: number; readonly freeSlots: number } {
    const workers = this.#showing(avatarId);
    return {
      slots: workers.reduce((sum, { registration }) => sum + registration.slots, 0),
      freeSlots: workers.reduce((sum, worker) => sum + open(worker), 0),
    };
  }

  /** Serves a GPU worker that has been let in. */
  connect(connection: Connection): void {
    let worker: ConnectedWorker | null = null;
    const peer: WorkerPeer = connection.peer({
      incoming: workerToServer,
      outgoing: serverToWorker,
      admit: () => undefined, // Workers are ours; many slots report over one connection.
      onError: (error) => {
        this.#telemetry.log.warn({ err: error }, 'a GPU worker sent what cannot be used');
      },
      calls: {
        'worker.register': async (registration) => {
          if (worker) throw new VizaviError('invalid_state', 'this worker is registered already');
          const { bundles, slots: admit } = registration;
          worker = { connection, peer, registration, bundles, admit, rung: 'full', free: [] };
          await this.#register(worker);
          return {};
        },
      },
      notices: {
        'worker.bundles': ({ bundles }) => {
          if (worker) this.#offer(worker, bundles);
        },
        'worker.capacity': ({ admit, rung, reason }) => {
          if (worker) this.#capacity(worker, admit, rung, reason);
        },
        'worker.device': (usage) => {
          if (worker) this.#telemetry.metrics.devices.record(worker.registration.workerId, usage);
        },
        'utterance.started': ({ leaseId, utteranceId }) => this.#listener(leaseId)?.started(utteranceId),
        'utterance.progress': ({ leaseId, utteranceId, playedMs }) =>
          this.#listener(leaseId)?.progress(utteranceId, playedMs),
        'utterance.ended': ({ leaseId, utteranceId, playedMs }) =>
          this.#listener(leaseId)?.ended(utteranceId, playedMs),
        'slot.stats': ({ leaseId, stats }) => {
          if (!this.#leases.has(leaseId)) return;
          this.#telemetry.metrics.slots.record(leaseId, stats);
          this.#listener(leaseId)?.stats(stats);
        },
        'slot.failed': ({ leaseId, error }) => {
          this.#telemetry.log.warn({ leaseId, code: error.code, reason: error.message }, 'a slot failed');
          this.#leases.get(leaseId)?.lose(new VizaviError('unavailable', error.message));
        },
      },
    });
    connection.onClose(() => {
      if (worker) this.#forget(worker);
    });
  }

  /** Holds a free slot that shows the avatar. @throws VizaviError `no_capacity` */
  async lease(request: SlotRequest): Promise<LeasedSlot> {
    // Nobody overtakes those who wait.
    const slot = this.#queue.has(request.avatarId) ? null : await this.#take(request);
    if (!slot) throw new VizaviError('no_capacity', 'every avatar is in a conversation');
    return slot;
  }

  /** Sessions that wait for a slot. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** The same, but waits for a slot in order of arrival. @throws VizaviError `no_capacity` once `signal` aborts */
  async leaseOrWait(
    request: SlotRequest,
    signal: AbortSignal,
    options: WaitOptions = { first: true },
  ): Promise<LeasedSlot> {
    const waiter = this.#queue.add(request.avatarId, options);
    const wake = (): void => {
      waiter.wake();
    };
    signal.addEventListener('abort', wake);
    try {
      for (;;) {
        const changed = new Promise<void>((resolve) => (waiter.wake = resolve));
        if (signal.aborted) throw new VizaviError('no_capacity', 'no avatar became free in time');
        const slot = this.#queue.isNext(waiter) ? await this.#take(request) : null;
        if (slot) return slot;
        await changed;
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.#queue.remove(waiter);
      this.#telemetry.metrics.queueLength.set(this.#queue.length);
    }
  }

  close(): void {
    this.#closing = true;
    for (const worker of [...this.#workers.values()]) {
      this.#forget(worker);
      worker.connection.close();
    }
  }

  async #register(worker: ConnectedWorker): Promise<void> {
    const { workerId, slots } = worker.registration;
    const before = this.#workers.get(workerId);
    // The worker has noticed that its old connection is gone before we have.
    before?.connection.close();
    if (before) this.#forget(before);
    for (const lease of await this.#store.listLeases(workerId)) {
      if (this.#leases.has(lease.leaseId)) continue; // Its holder is about to give it back.
      await worker.peer
        .call('slot.close', { slotId: lease.slotId, leaseId: lease.leaseId })
        .catch(() => undefined); // It does not know that lease either.
      await this.#store.releaseSlot(lease);
    }
    if (!worker.peer.connected) return;
    worker.free.push(...Array.from({ length: slots }, (_, slotId) => slotId));
    this.#workers.set(workerId, worker);
    const { device, pid, coming } = worker.registration;
    for (const bundle of [...worker.bundles, ...coming]) this.#bundles.set(bundle.id, bundle);
    this.#telemetry.log.info({ workerId, pid, device, slots }, 'a GPU worker is ready');
    this.#offer(worker, worker.bundles);
  }

  #offer(worker: ConnectedWorker, bundles: readonly BundleInfo[]): void {
    worker.bundles = bundles;
    for (const bundle of bundles) this.#bundles.set(bundle.id, bundle);
    this.#changed();
  }

  #forget(worker: ConnectedWorker): void {
    const { workerId } = worker.registration;
    if (this.#workers.get(workerId) !== worker) return;
    this.#workers.delete(workerId);
    this.#telemetry.metrics.devices.forget(workerId);
    if (!this.#closing) this.#telemetry.log.warn({ workerId }, 'a GPU worker is gone');
    for (const slot of [...this.#leases.values()]) {
      if (slot.lease.workerId === workerId) {
        slot.lose(new VizaviError('disconnected', 'the GPU worker is gone'));
      }
    }
    this.#changed();
  }

  async #take({ avatarId, sessionId, events }: SlotRequest): Promise<LeasedSlot | null> {
    const workers = this.#showing(avatarId).sort((a, b) => open(b) - open(a));
    for (const worker of workers) {
      for (let tries = open(worker); tries > 0; tries--) {
        const slotId = worker.free.shift();
        if (slotId === undefined) break;
        const { workerId } = worker.registration;
        const lease: SlotLease = { leaseId: randomUUID(), workerId, slotId, sessionId };
        const bundle = worker.bundles.find(({ id }) => id === avatarId);
        let slot: LeasedSlot | null = null;
        try {
          if (bundle && (await this.#store.takeSlot(lease))) {
            slot = new LeasedSlot(lease, bundle, worker.peer, events, () => this.#giveBack(worker, lease));
            this.#leases.set(lease.leaseId, slot);
            this.#startedMs.set(lease.leaseId, this.#clock.nowMs());
          }
        } finally {
          if (!slot) worker.free.push(slotId);
        }
        if (!slot) continue;
        this.#changed();
        if (this.#workers.get(workerId) === worker) return slot;
        await slot.close(); // The worker went while the Store was asked.
        break;
      }
    }
    return null;
  }

  async #giveBack(worker: ConnectedWorker, lease: SlotLease): Promise<void> {
    this.#leases.delete(lease.leaseId);
    this.#lengths.add(this.#clock.nowMs() - (this.#startedMs.get(lease.leaseId) ?? 0));
    this.#startedMs.delete(lease.leaseId);
    this.#telemetry.metrics.slots.forget(lease.leaseId);
    try {
      await this.#store.releaseSlot(lease);
    } finally {
      worker.free.push(lease.slotId);
      this.#changed();
    }
  }

  #listener(leaseId: string): SlotEvents | null {
    return this.#leases.get(leaseId)?.listener ?? null;
  }

  #showing(avatarId: string): ConnectedWorker[] {
    return [...this.#workers.values()].filter(({ bundles }) => bundles.some(({ id }) => id === avatarId));
  }

  #agesMs(avatarId: string): number[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#leases.values()]
      .filter(({ bundle }) => bundle.id === avatarId)
      .map(({ lease }) => nowMs - (this.#startedMs.get(lease.leaseId) ?? nowMs));
  }

  #capacity(worker: ConnectedWorker, admit: number, rung: string, reason: string): void {
    const { workerId, slots } = worker.registration;
    if (rung !== worker.rung) {
      this.#telemetry.log.warn({ workerId, from: worker.rung, to: rung, reason }, 'deadline ladder');
      this.#telemetry.metrics.ladderSteps.inc({ to: rung });
    }
    worker.admit = Math.min(admit, slots);
    worker.rung = rung;
    this.#changed();
  }

  #changed(): void {
    const { workers, slotsTotal, slotsLeased, slotsAdmitted, ladderRung, queueLength } =
      this.#telemetry.metrics;
    workers.set(this.#workers.size);
    slotsTotal.set(
      [...this.#workers.values()].reduce((sum, { registration }) => sum + registration.slots, 0),
    );
    slotsLeased.set(this.#leases.size);
    const all = [...this.#workers.values()];
    slotsAdmitted.set(all.reduce((sum, { admit }) => sum + admit, 0));
    ladderRung.reset();
    for (const { rung } of all) ladderRung.inc({ rung });
    this.#queue.wake();
    queueLength.set(this.#queue.length);
  }
}

/** Slots of a worker that a session could have now. */
function open({ free, admit, registration }: ConnectedWorker): number {
  const leased = registration.slots - free.length;
  return Math.max(0, Math.min(free.length, admit - leased));
}
