import { VizaviError } from '@vizavi/signaling';
import type { Peer, ResultOf, ServerToViewer, ViewerToServer } from '@vizavi/signaling';
import { Device } from 'mediasoup-client';
import type { types } from 'mediasoup-client';

type ServerPeer = Peer<ServerToViewer, ViewerToServer>;
type Started = ResultOf<ViewerToServer, 'session.start'>;

/** How long a broken path may mend itself, and how long a restarted one may take. */
const DISCONNECTED_MS = 1000;
const RESTART_MS = 10_000;

export interface InboundStats {
  /** How much later the sound is heard than its picture is seen; null where the browser does not tell. */
  readonly avOffsetMs: number | null;
  readonly jitterBufferMs: { readonly audio: number | null; readonly video: number | null };
  readonly packetsLost: number;
  readonly framesDecoded: number;
  readonly framesDropped: number;
  readonly freezeCount: number;
  readonly framesPerSecond: number | null;
}

/** The two incoming tracks of a session, in one MediaStream that stays the same while tracks come and go. */
export class MediaReceiver {
  readonly stream = new MediaStream();
  readonly #onLost: () => void;
  readonly #device: Promise<Device>;
  #peer: ServerPeer | null = null;
  #transport: types.Transport | null = null;
  #consumers: types.Consumer[] = [];
  #healing: ReturnType<typeof setTimeout> | null = null;

  /** `onLost`: the path to the SFU is gone and an ICE restart did not bring it back. */
  constructor(onLost: () => void) {
    this.#onLost = onLost;
    this.#device = Device.factory();
    this.#device.catch(() => undefined);
  }

  /** Sets up the transport and both streams anew. @throws VizaviError `media_failed` */
  async connect(peer: ServerPeer, started: Started): Promise<void> {
    if (!started.transport) throw new VizaviError('media_failed', 'the server gave no transport');
    this.#peer = peer;
    const device = await this.#device.catch((cause: unknown) => {
      throw new VizaviError('media_failed', 'this browser cannot receive the avatar (WebRTC)', { cause });
    });
    if (!device.loaded) {
      await device.load({ routerRtpCapabilities: started.routerRtpCapabilities as types.RtpCapabilities });
    }
    const old = this.#transport;
    const transport = device.createRecvTransport(started.transport as unknown as types.TransportOptions);
    this.#transport = transport;
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      peer.call('media.connect', { dtlsParameters: { ...dtlsParameters } }).then(() => {
        done();
      }, failed);
    });
    transport.on('connectionstatechange', (state) => {
      if (transport === this.#transport) this.#onState(state);
    });
    await this.consume();
    old?.close();
  }

  /** Takes the streams that the server has now, over the transport that stands. */
  async consume(): Promise<void> {
    const peer = this.#peer;
    const transport = this.#transport;
    if (!peer || !transport) throw new VizaviError('invalid_state', 'there is no transport yet');
    const device = await this.#device;
    const { consumers } = await peer.call('media.consume', {
      rtpCapabilities: { ...device.recvRtpCapabilities },
    });
    const fresh = await Promise.all(
      consumers.map((options) =>
        // One stream id for both: the browser keeps lips and sound together.
        transport.consume({ ...(options as unknown as types.ConsumerOptions), streamId: 'avatar' }),
      ),
    );
    for (const consumer of fresh) hurry(consumer.rtpReceiver);
    await peer.call('media.resume', {});
    this.#swap(fresh);
  }

  async stats(): Promise<InboundStats> {
    const inbound = new Map<string, RTCInboundRtpStreamStats & { estimatedPlayoutTimestamp?: number }>();
    for (const consumer of this.#consumers) {
      if (consumer.closed) continue;
      for (const report of (await consumer.getStats()).values() as Iterable<RTCStats>) {
        if (report.type === 'inbound-rtp') inbound.set(consumer.kind, report as RTCInboundRtpStreamStats);
      }
    }
    const audio = inbound.get('audio');
    const video = inbound.get('video');
    const played = (kind: typeof audio): number | null => kind?.estimatedPlayoutTimestamp ?? null;
    const [soundAt, pictureAt] = [played(audio), played(video)];
    return {
      avOffsetMs: soundAt === null || pictureAt === null ? null : pictureAt - soundAt,
      jitterBufferMs: { audio: jitterBufferMs(audio), video: jitterBufferMs(video) },
      packetsLost: (audio?.packetsLost ?? 0) + (video?.packetsLost ?? 0),
      framesDecoded: video?.framesDecoded ?? 0,
      framesDropped: video?.framesDropped ?? 0,
      freezeCount: video?.freezeCount ?? 0,
      framesPerSecond: video?.framesPerSecond ?? null,
    };
  }

  close(): void {
    this.#settle();
    this.#transport?.close();
    this.#transport = null;
    for (const track of this.stream.getTracks()) this.stream.removeTrack(track);
    this.#consumers = [];
  }

  /** New tracks in, then old tracks out: the last picture stays until the next one comes. */
  #swap(fresh: types.Consumer[]): void {
    const old = this.#consumers;
    this.#consumers = fresh;
    for (const { track } of fresh) this.stream.addTrack(track);
    for (const consumer of old) {
      this.stream.removeTrack(consumer.track);
      consumer.close();
    }
  }

  #onState(state: types.ConnectionState): void {
    if (state === 'connected') this.#settle();
    if (this.#healing) return;
    if (state === 'disconnected') this.#heal(DISCONNECTED_MS);
    if (state === 'failed') this.#heal(0);
  }

  #settle(): void {
    if (this.#healing) clearTimeout(this.#healing);
    this.#healing = null;
  }

  #heal(afterMs: number): void {
    this.#healing = setTimeout(() => {
      this.#healing = setTimeout(() => {
        this.#healing = null;
        this.#onLost();
      }, RESTART_MS);
      this.#restartIce().catch(() => undefined);
    }, afterMs);
  }

  async #restartIce(): Promise<void> {
    const answer = await this.#peer?.call('media.restartIce', {});
    if (answer) await this.#transport?.restartIce({ iceParameters: answer.iceParameters as unknown as types.IceParameters });
  }
}

/** Asks for the smallest buffer that the network allows: delay counts. */
function hurry(receiver: RTCRtpReceiver | undefined): void {
  if (!receiver) return;
  if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = 0;
  if ('playoutDelayHint' in receiver) (receiver as { playoutDelayHint: number }).playoutDelayHint = 0;
}

function jitterBufferMs(report: RTCInboundRtpStreamStats | undefined): number | null {
  if (!report?.jitterBufferEmittedCount || report.jitterBufferDelay === undefined) return null;
  return (report.jitterBufferDelay / report.jitterBufferEmittedCount) * 1000;
}
