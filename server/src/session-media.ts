import { randomInt } from 'node:crypto';
import { VizaviError } from '@vizavi/signaling';
import type {
  Consumer,
  DtlsParameters,
  PlainTransport,
  Producer,
  Router,
  RtpCapabilities,
  RtpCodecParameters,
  WebRtcTransport,
} from 'mediasoup/types';
import { BitrateFollower } from './bitrate-follower.ts';
import { asOrtc, attempt, describeTransport, mediaError } from './media-errors.ts';
import type { MediaWorkers } from './media-workers.ts';
import type {
  ConsumerInfo,
  Ingest,
  Media,
  MediaEvents,
  Microphone,
  Ortc,
  TransportInfo,
  ViewerMedia,
} from './media.ts';
import { SessionMicrophone } from './session-microphone.ts';

export interface SessionMediaOptions {
  readonly codec: 'h264' | 'vp8';
  /** Address on which viewers' media arrives, and the one that they are told. */
  readonly listenIp: string;
  readonly announcedAddress?: string | undefined;
  readonly portRange?: { readonly min: number; readonly max: number } | undefined;
  /** Address on which GPU workers' RTP arrives. */
  readonly ingestIp: string;
  readonly maxBitrateBps: number;
}

const VIDEO_FEEDBACK = [
  { type: 'nack' },
  { type: 'nack', parameter: 'pli' },
  { type: 'ccm', parameter: 'fir' },
];
const VIDEO_CODECS: Record<SessionMediaOptions['codec'], RtpCodecParameters> = {
  h264: {
    mimeType: 'video/H264',
    clockRate: 90000,
    payloadType: 102,
    rtcpFeedback: VIDEO_FEEDBACK,
    parameters: { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 },
  },
  vp8: { mimeType: 'video/VP8', clockRate: 90000, payloadType: 96, rtcpFeedback: VIDEO_FEEDBACK },
};
const AUDIO_CODEC: RtpCodecParameters = {
  mimeType: 'audio/opus',
  clockRate: 48000,
  channels: 2,
  payloadType: 111,
  parameters: { useinbandfec: 1 },
};
const MIN_INITIAL_BITRATE_BPS = 1_500_000;

interface Way {
  readonly transport: PlainTransport;
  readonly video: Producer;
  readonly audio: Producer;
  readonly ingest: Ingest;
}

/** A session's Router: RTP from the GPU worker comes in by a PlainTransport, each viewer has a WebRtcTransport. */
export class SessionMedia implements Media {
  readonly #router: Router;
  readonly #options: SessionMediaOptions;
  readonly #follower: BitrateFollower;
  readonly #viewers = new Set<RouterViewer>();
  #way: Way;

  private constructor(router: Router, way: Way, options: SessionMediaOptions, events: MediaEvents) {
    this.#router = router;
    this.#way = way;
    this.#options = options;
    this.#follower = new BitrateFollower(options.maxBitrateBps, () => performance.now(), events.onBitrate);
    router.on('workerclose', events.onDied);
  }

  /** @throws VizaviError `media_failed` */
  static async create(
    workers: MediaWorkers,
    options: SessionMediaOptions,
    events: MediaEvents,
  ): Promise<SessionMedia> {
    const router = await workers.createRouter();
    try {
      return new SessionMedia(router, await openWay(router, options), options, events);
    } catch (error) {
      router.close();
      throw mediaError(error);
    }
  }

  get closed(): boolean {
    return this.#router.closed;
  }

  get rtpCapabilities(): Ortc {
    return asOrtc(this.#router.rtpCapabilities);
  }

  get ingest(): Ingest {
    return this.#way.ingest;
  }

  async replaceIngest(): Promise<void> {
    this.#way.transport.close(); // and with it both producers and their consumers
    try {
      this.#way = await openWay(this.#router, this.#options);
    } catch (error) {
      throw mediaError(error);
    }
  }

  async addViewer(onChange: () => void): Promise<ViewerMedia> {
    const { maxBitrateBps } = this.#options;
    try {
      const transport = await this.#createTransport({
        // Also the ceiling of the estimate while little is sent, so it must leave room for the whole bitrate.
        initialAvailableOutgoingBitrate: Math.max(MIN_INITIAL_BITRATE_BPS, Math.ceil(maxBitrateBps * 1.25)),
      });
      const viewer = new RouterViewer(this.#router, transport, () => this.#way, onChange);
      this.#viewers.add(viewer);
      transport.on('trace', (trace) => {
        const { availableBitrate } = trace.info as { availableBitrate?: number };
        if (availableBitrate !== undefined) this.#follower.report(transport.id, availableBitrate);
      });
      transport.observer.once('close', () => {
        this.#viewers.delete(viewer);
        this.#follower.forget(transport.id);
        onChange();
      });
      await transport.enableTraceEvent(['bwe']);
      return viewer;
    } catch (error) {
      throw mediaError(error);
    }
  }

  async addMicrophone(onPacket: (rtp: Uint8Array) => void): Promise<Microphone> {
    return attempt(
      async () => new SessionMicrophone(this.#router, await this.#createTransport({}), onPacket),
    );
  }

  close(): void {
    for (const viewer of this.#viewers) viewer.close();
    this.#router.close();
  }

  #createTransport(more: { readonly initialAvailableOutgoingBitrate?: number }): Promise<WebRtcTransport> {
    const { listenIp: ip, announcedAddress, portRange } = this.#options;
    const listen = {
      ip,
      ...(announcedAddress === undefined ? {} : { announcedAddress }),
      ...(portRange === undefined ? {} : { portRange }),
    };
    return this.#router.createWebRtcTransport({
      listenInfos: [
        { protocol: 'udp', ...listen },
        { protocol: 'tcp', ...listen },
      ],
      preferUdp: true,
      ...more,
    });
  }
}

class RouterViewer implements ViewerMedia {
  readonly #router: Router;
  readonly #transport: WebRtcTransport;
  readonly #way: () => Way;
  #consumers: Consumer[] = [];
  #connected = false;
  #resumed = false;

  constructor(router: Router, transport: WebRtcTransport, way: () => Way, onChange: () => void) {
    this.#router = router;
    this.#transport = transport;
    this.#way = way;
    transport.on('icestatechange', onChange);
    transport.on('dtlsstatechange', (state) => {
      if (state === 'failed' || state === 'closed') transport.close();
    });
  }

  get transport(): TransportInfo {
    return describeTransport(this.#transport);
  }

  get closed(): boolean {
    return this.#transport.closed;
  }

  get watching(): boolean {
    const streaming = this.#resumed && this.#consumers.some((consumer) => !consumer.closed);
    return streaming && !this.closed && this.#transport.iceState !== 'disconnected';
  }

  async connect(dtlsParameters: Ortc): Promise<void> {
    if (this.#connected) throw new VizaviError('invalid_state', 'the transport is connected already');
    this.#connected = true;
    try {
      await this.#transport.connect({ dtlsParameters: dtlsParameters as unknown as DtlsParameters });
    } catch (error) {
      this.#connected = false;
      throw mediaError(error);
    }
  }

  async consume(rtpCapabilities: Ortc): Promise<ConsumerInfo[]> {
    const capabilities = rtpCapabilities as unknown as RtpCapabilities;
    const { video, audio } = this.#way();
    const playable = await attempt(() =>
      [video, audio].every(({ id: producerId }) =>
        this.#router.canConsume({ producerId, rtpCapabilities: capabilities }),
      ),
    );
    if (!playable)
      throw new VizaviError('unsupported_device', 'this viewer cannot play the session’s codecs');
    for (const consumer of this.#consumers) consumer.close();
    this.#resumed = false;
    const consumers = await attempt(() =>
      Promise.all(
        [video, audio].map(({ id: producerId }) =>
          this.#transport.consume({ producerId, rtpCapabilities: capabilities, paused: true }),
        ),
      ),
    );
    this.#consumers = consumers;
    return consumers.map(({ id, producerId, kind, rtpParameters }) => ({
      id,
      producerId,
      kind,
      rtpParameters: asOrtc(rtpParameters),
    }));
  }

  async resume(): Promise<void> {
    const consumers = this.#consumers.filter((consumer) => !consumer.closed);
    if (consumers.length === 0) throw new VizaviError('invalid_state', 'there is nothing to resume');
    await attempt(() => Promise.all(consumers.map((consumer) => consumer.resume())));
    this.#resumed = true;
  }

  async restartIce(): Promise<Ortc> {
    if (this.closed) throw new VizaviError('invalid_state', 'the transport is closed; start again');
    return asOrtc(await attempt(() => this.#transport.restartIce()));
  }

  close(): void {
    this.#transport.close();
  }
}

async function openWay(router: Router, options: SessionMediaOptions): Promise<Way> {
  const transport = await router.createPlainTransport({
    listenInfo: { protocol: 'udp', ip: options.ingestIp },
    comedia: true,
    rtcpMux: true,
  });
  const ssrc = randomInt(1, 0xffff_fffe);
  // One CNAME tells the browser that both streams share a clock (RFC 3550, section 6.5.1).
  const rtcp = { cname: `vizavi-${ssrc.toString(36)}` };
  const videoCodec = VIDEO_CODECS[options.codec];
  try {
    const [video, audio] = await Promise.all([
      transport.produce({
        kind: 'video',
        rtpParameters: { codecs: [videoCodec], encodings: [{ ssrc }], rtcp },
        keyFrameRequestDelay: 0,
      }),
      transport.produce({
        kind: 'audio',
        rtpParameters: { codecs: [AUDIO_CODEC], encodings: [{ ssrc: ssrc + 1 }], rtcp },
      }),
    ]);
    const ingest: Ingest = {
      remote: { ip: transport.tuple.localAddress, port: transport.tuple.localPort },
      video: { ssrc, payloadType: videoCodec.payloadType },
      audio: { ssrc: ssrc + 1, payloadType: AUDIO_CODEC.payloadType },
      cname: rtcp.cname,
    };
    return { transport, video, audio, ingest };
  } catch (error) {
    transport.close();
    throw error;
  }
}
