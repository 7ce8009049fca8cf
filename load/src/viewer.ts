import { randomUUID } from 'node:crypto';
import { serverToViewer, viewerToServer } from '@vizavi/signaling';
import type {
  CloseReason,
  ServerToViewer,
  SessionEvent,
  StageStats,
  ViewerToServer,
} from '@vizavi/signaling';
import { Channel } from '@vizavi/signaling/channel';
import { Device } from 'mediasoup-client';
import type { types } from 'mediasoup-client';
import {
  MediaStream,
  RTCPeerConnection as WeriftPeerConnection,
  RTCRtpCodecParameters,
  RTCSessionDescription,
} from 'werift';

/** What one viewer has received. */
export interface Received {
  frames: number;
  videoPackets: number;
  audioPackets: number;
}

/** The part of werift's track that tells of packets. */
interface PacketTrack {
  onReceiveRtp: { subscribe(listener: (packet: { header: { marker: boolean } }) => void): void };
}

/** A viewer without a screen: real ICE, DTLS and SRTP, no decoder. For load, not for judging pictures. */
export class Viewer {
  readonly received: Received = { frames: 0, videoPackets: 0, audioPackets: 0 };
  readonly #channel: Channel<ServerToViewer, ViewerToServer>;
  readonly #listeners = new Set<(event: SessionEvent) => void>();
  readonly #connected = Promise.withResolvers<undefined>();
  #transport: types.Transport | null = null;
  #consume: (() => Promise<void>) | null = null;

  constructor(url: string, token: string) {
    installWebRtc();
    this.#channel = new Channel({
      url,
      namespace: '/',
      auth: { token },
      incoming: serverToViewer,
      outgoing: viewerToServer,
      calls: {},
      notices: this.#notices(),
      onConnect: () => {
        this.#connected.resolve(undefined);
      },
      onDisconnect: () => undefined,
      onRefused: (error) => {
        this.#connected.reject(error);
      },
    });
  }

  /** Connects and receives both streams; waits first where the session is queued. */
  async join(): Promise<void> {
    this.#channel.open();
    await this.#connected.promise;
    const { peer } = this.#channel;
    const viewer = { viewerId: randomUUID(), lastEventSeq: -1 };
    const joining = this.#next(
      (event) => event.type === 'session.state_changed' && event.body.state === 'joining',
    );
    let started = await peer.call('session.start', viewer);
    if (started.queue) {
      await joining;
      started = await peer.call('session.start', viewer);
    }
    if (!started.transport) throw new Error('no transport');
    const device = new Device({ handlerName: 'Chrome111' });
    await device.load({ routerRtpCapabilities: started.routerRtpCapabilities });
    const transport = device.createRecvTransport(started.transport as unknown as types.TransportOptions);
    this.#transport = transport;
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      peer.call('media.connect', { dtlsParameters: { ...dtlsParameters } }).then(done, failed);
    });
    this.#consume = async () => {
      const { consumers } = await peer.call('media.consume', {
        rtpCapabilities: { ...device.recvRtpCapabilities },
      });
      for (const options of consumers) {
        const consumer = await transport.consume(options as unknown as types.ConsumerOptions);
        this.#count(options.kind, consumer.track as unknown as PacketTrack);
      }
      await peer.call('media.resume', {});
    };
    await this.#consume();
  }

  /** Says `text`; resolves with its outcome. */
  async repeat(text: string): Promise<string> {
    const utteranceId = randomUUID();
    const isEnd = (event: SessionEvent): boolean =>
      event.type === 'avatar.speak_ended' && event.body.utteranceId === utteranceId;
    const ended = this.#next(isEnd);
    await this.#channel.peer.call('repeat', { utteranceId, text });
    const { body } = await ended;
    return 'outcome' in body ? body.outcome : '';
  }

  /** Asks the brain. */
  async message(text: string): Promise<void> {
    await this.#channel.peer.call('message', { replyId: randomUUID(), text });
  }

  /** `listener` hears of every event from now on. */
  listen(listener: (event: SessionEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** The next event that is wanted. */
  #next(wanted: (event: SessionEvent) => boolean): Promise<SessionEvent> {
    return new Promise((resolve) => {
      const listener = (event: SessionEvent): void => {
        if (!wanted(event)) return;
        this.#listeners.delete(listener);
        resolve(event);
      };
      this.#listeners.add(listener);
    });
  }

  /** Why the session ended, once it has. */
  get stopped(): Promise<CloseReason> {
    return new Promise((resolve) => {
      this.#listeners.add((event) => {
        if (event.type === 'session.stopped') resolve(event.body.reason);
      });
    });
  }

  async stages(): Promise<StageStats | null> {
    return (await this.#channel.peer.call('session.stats', {})).stages;
  }

  async leave(): Promise<void> {
    if (this.#channel.peer.connected) {
      await this.#channel.peer.call('session.stop', {}).catch(() => undefined);
    }
    this.#transport?.close();
    this.#channel.close();
  }

  #count(kind: 'audio' | 'video', track: PacketTrack): void {
    track.onReceiveRtp.subscribe(({ header }) => {
      if (kind === 'audio') this.received.audioPackets += 1;
      else {
        this.received.videoPackets += 1;
        if (header.marker) this.received.frames += 1;
      }
    });
  }

  #notices(): ConstructorParameters<typeof Channel<ServerToViewer, ViewerToServer>>[0]['notices'] {
    const names = Object.keys(serverToViewer.notices) as SessionEvent['type'][];
    const tell = (type: SessionEvent['type']) => (body: unknown) => {
      const event = { type, body } as SessionEvent;
      if (event.type === 'session.media_changed' && event.body.scope === 'producers') {
        this.#consume?.().catch(() => undefined);
      }
      for (const listener of this.#listeners) listener(event);
    };
    return Object.fromEntries(names.map((name) => [name, tell(name)])) as never;
  }
}

/** mediasoup-client wants a browser's globals; werift stands in. */
function installWebRtc(): void {
  const scope = globalThis as Record<string, unknown>;
  if (scope['RTCPeerConnection']) return;
  const feedback = [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }];
  const video = [
    new RTCRtpCodecParameters({
      mimeType: 'video/H264',
      clockRate: 90_000,
      rtcpFeedback: feedback,
      parameters: 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
    }),
    new RTCRtpCodecParameters({ mimeType: 'video/VP8', clockRate: 90_000, rtcpFeedback: feedback }),
  ];
  const audio = [new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48_000, channels: 2 })];
  scope['RTCPeerConnection'] = class extends WeriftPeerConnection {
    constructor(config: object = {}) {
      super({ ...config, iceServers: [], codecs: { video, audio } });
    }
  };
  scope['RTCSessionDescription'] = RTCSessionDescription;
  scope['MediaStream'] = MediaStream;
}
