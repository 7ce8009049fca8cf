import { Peer, samplesFromBytes, serverToWorker, VizaviError, workerToServer } from '@vizavi/signaling';
import type { BundleInfo, NoticeOf, RequestOf, ServerToWorker, WorkerToServer } from '@vizavi/signaling';
import { FakeConnection, socketPair } from './socket-pair.ts';
import type { SocketEnd } from './socket-pair.ts';

type Audio = NoticeOf<ServerToWorker, 'slot.audio'>;
type Open = RequestOf<ServerToWorker, 'slot.open'>;

/** A GPU worker that speaks the real protocol and plays sound when the test says so. */
export class ScriptedWorker {
  readonly connection: FakeConnection;
  readonly audio: Audio[] = [];
  readonly opened: Open[] = [];
  readonly closed: string[] = [];
  readonly watched: boolean[] = [];
  readonly listened: boolean[] = [];
  readonly gestures: string[] = [];
  readonly bitrates: number[] = [];
  readonly interrupts: number[] = [];
  /** What the next interrupt answers. */
  playing: { utteranceId: string | null; playedMs: number } = { utteranceId: null, playedMs: 0 };
  failOpen = false;
  readonly workerId: string;
  readonly #socket: SocketEnd;
  readonly #peer: Peer<ServerToWorker, WorkerToServer>;

  constructor(workerId = 'w1') {
    this.workerId = workerId;
    const [mine, theirs] = socketPair();
    this.#socket = mine;
    this.connection = new FakeConnection(theirs);
    this.#peer = new Peer(mine, {
      incoming: serverToWorker,
      outgoing: workerToServer,
      calls: {
        'slot.open': (request) => {
          if (this.failOpen) throw new VizaviError('encoder_failed', 'no encoder');
          this.opened.push(request);
          return {};
        },
        'slot.close': ({ leaseId }) => {
          this.closed.push(leaseId);
          return {};
        },
        'slot.interrupt': ({ generation }) => {
          this.interrupts.push(generation);
          return this.playing;
        },
      },
      notices: {
        'slot.listen': ({ listening }) => void this.listened.push(listening),
        'slot.watch': ({ watched }) => void this.watched.push(watched),
        'slot.gesture': ({ gesture }) => void this.gestures.push(gesture),
        'slot.bitrate': ({ bitrateBps }) => void this.bitrates.push(bitrateBps),
        'slot.audio': (notice) => void this.audio.push(notice),
      },
    });
  }

  async register(
    slots = 1,
    bundleId = 'mira',
    voice: string | null = null,
    coming: readonly string[] = [],
  ): Promise<void> {
    await this.#peer.call('worker.register', {
      workerId: this.workerId,
      pid: 1,
      device: 'cpu',
      slots,
      bundles: [{ ...bundle(bundleId), voice }],
      coming: coming.map(bundle),
      encoders: ['h264'],
      hardwareEncoder: null,
      chunkCosts: [],
    });
  }

  /** Says what it can show, now that it has loaded more. */
  shows(...bundleIds: string[]): void {
    this.#peer.notify('worker.bundles', { bundles: bundleIds.map(bundle) });
  }

  /** Says how many sessions it takes, and where its ladder stands. */
  capacity(admit: number, rung: string): void {
    this.#peer.notify('worker.capacity', { admit, rung, reason: 'as the test says' });
  }

  /** Every sample of an utterance that has arrived. */
  samples(utteranceId: string): number[] {
    return this.audio
      .filter((a) => a.utteranceId === utteranceId)
      .flatMap(({ pcm }) => [...samplesFromBytes(pcm)]);
  }

  /** Utterances in the order of their first sound. */
  get order(): string[] {
    return [...new Set(this.audio.map(({ utteranceId }) => utteranceId))];
  }

  /** The utterances that are complete. */
  get complete(): string[] {
    return this.audio.filter(({ last }) => last).map(({ utteranceId }) => utteranceId);
  }

  started(utteranceId: string): void {
    this.#peer.notify('utterance.started', { ...this.#lease(), generation: 0, utteranceId });
  }

  progress(utteranceId: string, playedMs: number): void {
    this.#peer.notify('utterance.progress', { ...this.#lease(), generation: 0, utteranceId, playedMs });
  }

  ended(utteranceId: string, playedMs: number, leaseId?: string): void {
    const lease = leaseId === undefined ? this.#lease() : { slotId: 0, leaseId };
    this.#peer.notify('utterance.ended', { ...lease, generation: 0, utteranceId, playedMs });
  }

  failed(): void {
    const error = { code: 'encoder_failed', message: 'the encoder broke', retryable: true };
    this.#peer.notify('slot.failed', { ...this.#lease(), error });
  }

  /** As `kill -9`. */
  die(): void {
    this.#socket.disconnect();
  }

  #lease(): { slotId: number; leaseId: string } {
    const open = this.opened.at(-1);
    if (!open) throw new Error('no slot is open');
    return { slotId: open.slotId, leaseId: open.leaseId };
  }
}

const bundle = (id: string): BundleInfo => ({
  id,
  name: id.charAt(0).toUpperCase() + id.slice(1),
  voice: null,
  fps: 25,
  width: 512,
  height: 512,
});
