import { bytesFromSamples, VizaviError } from '@vizavi/signaling';
import type {
  BundleInfo,
  Peer,
  ServerToWorker,
  StageStats,
  WorkerToServer,
  Emotion,
  Gesture,
} from '@vizavi/signaling';
import type { Ingest } from './media.ts';
import type { SlotLease } from './store.ts';

/** What the holder of a slot hears of it. Nothing comes before `open` has resolved nor after `close` was called. */
export interface SlotEvents {
  readonly started: (utteranceId: string) => void;
  readonly progress: (utteranceId: string, playedMs: number) => void;
  readonly ended: (utteranceId: string, playedMs: number) => void;
  readonly stats: (stats: StageStats) => void;
  /** The slot cannot go on: its worker is gone or has said so. Told once; the holder still has to close. */
  readonly lost: (error: VizaviError) => void;
}

export type WorkerPeer = Peer<WorkerToServer, ServerToWorker>;

/** Longer than a worker needs to stop anything, shorter than anybody waits for it. */
const STOP_TIMEOUT_MS = 2000;

/** One session's hold on one slot of a GPU worker. */
export class LeasedSlot {
  readonly bundle: BundleInfo;
  readonly lease: SlotLease;
  readonly #address: { readonly slotId: number; readonly leaseId: string };
  readonly #peer: WorkerPeer;
  readonly #events: SlotEvents;
  readonly #giveBack: () => Promise<void>;
  #state: 'leased' | 'open' | 'lost' | 'closed' = 'leased';

  constructor(
    lease: SlotLease,
    bundle: BundleInfo,
    peer: WorkerPeer,
    events: SlotEvents,
    giveBack: () => Promise<void>,
  ) {
    this.lease = lease;
    this.bundle = bundle;
    this.#address = { slotId: lease.slotId, leaseId: lease.leaseId };
    this.#peer = peer;
    this.#events = events;
    this.#giveBack = giveBack;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Who hears what the worker says of this lease now. */
  get listener(): SlotEvents | null {
    return this.#state === 'open' ? this.#events : null;
  }

  /** Lets frames flow to `ingest`; a slot that is open already starts anew. */
  async open(ingest: Ingest, codec: 'h264' | 'vp8', bitrateBps: number): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'leased';
      await this.#peer.call('slot.close', this.#address);
    }
    this.#assertHeld();
    await this.#peer.call('slot.open', {
      ...this.#address,
      ...ingest,
      bundleId: this.bundle.id,
      codec,
      bitrateBps,
    });
    this.#assertHeld();
    this.#state = 'open';
  }

  /** Sound to say after all that was given before. `last` closes the utterance. */
  audio(piece: {
    readonly generation: number;
    readonly utteranceId: string;
    readonly sampleRate: number;
    readonly samples: Int16Array;
    readonly last: boolean;
    readonly emotion: Emotion;
    readonly gesture?: Gesture;
  }): void {
    const { samples, ...rest } = piece;
    if (this.isOpen) {
      this.#peer.notify('slot.audio', { ...this.#address, ...rest, pcm: bytesFromSamples(samples) });
    }
  }

  /** Resolves once nothing older than `generation` is heard any more. */
  async interrupt(generation: number): Promise<{ utteranceId: string | null; playedMs: number }> {
    return this.#peer.call('slot.interrupt', { ...this.#address, generation }, STOP_TIMEOUT_MS);
  }

  watch(watched: boolean): void {
    if (this.isOpen) this.#peer.notify('slot.watch', { ...this.#address, watched });
  }

  /** The face turns to somebody who speaks, or away again. */
  listen(listening: boolean): void {
    if (this.isOpen) this.#peer.notify('slot.listen', { ...this.#address, listening });
  }

  gesture(gesture: Gesture): void {
    if (this.isOpen) this.#peer.notify('slot.gesture', { ...this.#address, gesture });
  }

  bitrate(bitrateBps: number): void {
    if (this.isOpen) this.#peer.notify('slot.bitrate', { ...this.#address, bitrateBps });
  }

  lose(error: VizaviError): void {
    const { listener } = this;
    if (this.#state !== 'closed') this.#state = 'lost';
    listener?.lost(error);
  }

  /** Ends the lease; never throws. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    try {
      if (this.#peer.connected) await this.#peer.call('slot.close', this.#address, STOP_TIMEOUT_MS);
    } catch {
      // A worker that does not answer is gone, or replaces this lease by the next one.
    } finally {
      await this.#giveBack();
    }
  }

  #assertHeld(): void {
    if (this.#state !== 'leased') throw new VizaviError('disconnected', 'the GPU worker is gone');
  }
}
