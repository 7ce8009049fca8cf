import { VizaviError } from '@vizavi/signaling';
import type { RequestOf, ResultOf, ViewerToServer } from '@vizavi/signaling';
import { Device } from 'mediasoup-client';
import type { types } from 'mediasoup-client';
import type { SendTransport } from './microphone-sender.ts';

type Ortc = RequestOf<ViewerToServer, 'media.consume'>['rtpCapabilities'];
export type TransportInfo = NonNullable<ResultOf<ViewerToServer, 'session.start'>['transport']>;

export interface MediaReceiverOptions {
  /** The server's side of the transport. */
  readonly signaling: {
    consume(rtpCapabilities: Ortc): Promise<ResultOf<ViewerToServer, 'media.consume'>>;
    connect(dtlsParameters: Ortc): Promise<unknown>;
    resume(): Promise<unknown>;
    restartIce(): Promise<ResultOf<ViewerToServer, 'media.restartIce'>>;
  };
  /** The way to the server is broken and could not be mended. */
  readonly onLost: () => void;
}

/** Receivers of one `media.consume`, audio and video. */
interface Round {
  readonly transport: types.Transport;
  readonly consumers: readonly types.Consumer[];
  /** Tracks that have not had a packet yet; what was shown before stays until then. */
  waiting: number;
}

/** A short break heals itself. */
const DISCONNECTED_MS = 1000;
/** A restarted ICE that has not found a way by then never will. */
const RESTART_TIMEOUT_MS = 10_000;

/** Picture and sound from the SFU, as one MediaStream that stays the same whatever happens to the way there. */
export class MediaReceiver {
  readonly stream = new MediaStream();
  readonly #options: MediaReceiverOptions;
  #device: Device | null = null;
  #transport: types.Transport | null = null;
  /** The server has this end's DTLS parameters. */
  #isConnected = false;
  /** Everything was said that makes the streams flow. */
  #isComplete = false;
  #rounds: Round[] = [];
  #roundNumber = 0;
  #work: Promise<unknown> = Promise.resolve();
  #isMending = false;
  #closed = false;

  constructor(options: MediaReceiverOptions) {
    this.#options = options;
  }

  /** The transport can still be used, with the server's side of it. */
  get isStanding(): boolean {
    return this.#isConnected && this.#transport?.closed === false;
  }

  /**
   * Receives over a new transport. Resolves when both streams are on their way.
   *
   * @throws VizaviError `unsupported_device`, `media_failed`, and what the server answered
   */
  async open(routerRtpCapabilities: Ortc, info: TransportInfo): Promise<void> {
    // What an earlier attempt still does over its transport fails now, unless it is on the screen.
    if (this.#transport && !this.#rounds.some(({ transport }) => transport === this.#transport))
      this.#transport.close();
    this.#isConnected = false;
    await this.#serially(async () => {
      this.#device ??= await createDevice(routerRtpCapabilities);
      if (!this.#device.recvRtpCapabilities.codecs?.some(({ kind }) => kind === 'video')) {
        throw new VizaviError('unsupported_device', 'this browser cannot play the avatar’s video codec');
      }
      const transport = this.#device.createRecvTransport(info as unknown as types.TransportOptions);
      if (this.#closed) transport.close();
      this.#transport = transport;
      this.#watch(transport);
      await this.#consume(this.#device, transport);
    });
  }

  /** The server's streams are new ones: receives them over the same transport. @throws VizaviError as `open` */
  async consumeAgain(): Promise<void> {
    await this.#serially(async () => {
      if (this.#device && this.#transport) await this.#consume(this.#device, this.#transport);
    });
  }

  /** After signaling was away: finishes what it had begun. @throws VizaviError as `open` */
  async recover(): Promise<void> {
    if (!this.#isComplete) await this.consumeAgain();
    const state = this.#transport?.connectionState;
    if (this.#transport && (state === 'disconnected' || state === 'failed')) void this.#mend(this.#transport);
  }

  /** For the viewer's own sound; whoever asks for it closes it. @throws VizaviError `invalid_state` before `open` */
  createSendTransport(info: TransportInfo): SendTransport {
    if (!this.#device) throw new VizaviError('invalid_state', 'the session has not been joined');
    return this.#device.createSendTransport(info as unknown as types.TransportOptions);
  }

  /** What the browser counts of the two streams that are received now. */
  async reports(): Promise<{ audio: RTCStatsReport | null; video: RTCStatsReport | null }> {
    const report = async (kind: 'audio' | 'video'): Promise<RTCStatsReport | null> => {
      const consumer = this.#rounds.at(-1)?.consumers.find((candidate) => candidate.kind === kind);
      return consumer && !consumer.closed ? consumer.getStats() : null;
    };
    const [audio, video] = await Promise.all([report('audio'), report('video')]);
    return { audio, video };
  }

  close(): void {
    this.#closed = true;
    this.#transport?.close();
    for (const { transport } of this.#rounds.splice(0)) transport.close();
    for (const track of this.stream.getTracks()) this.stream.removeTrack(track);
  }

  async #consume(device: Device, transport: types.Transport): Promise<void> {
    const { signaling } = this.#options;
    this.#isComplete = false;
    const { consumers: infos } = await signaling.consume(asOrtc(device.recvRtpCapabilities));
    // One stream id for both kinds: the browser plays such receivers in step.
    const streamId = `avatar-${++this.#roundNumber}`;
    const consumers = await Promise.all(
      infos.map((info) => transport.consume({ ...(info as unknown as types.ConsumerOptions), streamId })),
    );
    for (const { rtpReceiver } of consumers) if (rtpReceiver) playAtOnce(rtpReceiver);
    const round: Round = { transport, consumers, waiting: consumers.length };
    this.#rounds.push(round);
    for (const { track } of consumers) this.#show(track, round);
    await signaling.resume();
    this.#isComplete = true;
  }

  /** The track takes the place of the one before as soon as it has something to show. */
  #show(track: MediaStreamTrack, round: Round): void {
    const take = (): void => {
      if (this.#closed || track.readyState === 'ended' || this.#rounds.at(-1) !== round) return;
      const before = this.stream.getTracks().filter(({ kind }) => kind === track.kind);
      this.stream.addTrack(track);
      for (const old of before) this.stream.removeTrack(old);
      round.waiting -= 1;
      if (round.waiting === 0) this.#retireBefore(round);
    };
    const isFirst = !this.stream.getTracks().some(({ kind }) => kind === track.kind);
    if (isFirst || !track.muted) take();
    else track.addEventListener('unmute', take, { once: true });
  }

  #retireBefore(round: Round): void {
    for (const { transport, consumers } of this.#rounds) {
      if (transport !== round.transport) transport.close();
      else if (consumers !== round.consumers) for (const consumer of consumers) consumer.close();
    }
    this.#rounds = [round];
  }

  #watch(transport: types.Transport): void {
    transport.on('connect', ({ dtlsParameters }, done) => {
      // Not awaited: ICE may begin at once.
      done();
      this.#options.signaling.connect(asOrtc(dtlsParameters)).then(
        () => {
          if (this.#transport === transport) this.#isConnected = true;
        },
        // A connection lost meanwhile leads to another join; any other refusal leaves nothing to hope for.
        (error: unknown) => {
          if (VizaviError.from(error).code !== 'disconnected') this.#lose(transport);
        },
      );
    });
    let patience: ReturnType<typeof setTimeout> | undefined;
    transport.on('connectionstatechange', (state) => {
      clearTimeout(patience);
      if (state === 'failed') void this.#mend(transport);
      if (state === 'disconnected') patience = setTimeout(() => void this.#mend(transport), DISCONNECTED_MS);
    });
  }

  /** Looks for another way to the same transport. */
  async #mend(transport: types.Transport): Promise<void> {
    if (this.#isMending || transport !== this.#transport || transport.closed) return;
    this.#isMending = true;
    try {
      const { iceParameters } = await this.#options.signaling.restartIce();
      await transport.restartIce({ iceParameters: iceParameters as unknown as types.IceParameters });
      if (!(await isConnectedWithin(transport, RESTART_TIMEOUT_MS))) this.#lose(transport);
    } catch (error) {
      // Without signaling there is nothing to be done until it is back.
      if (VizaviError.from(error).code !== 'disconnected') this.#lose(transport);
    } finally {
      this.#isMending = false;
    }
  }

  #lose(transport: types.Transport): void {
    if (this.#closed || transport !== this.#transport || transport.closed) return;
    this.#isConnected = false;
    this.#options.onLost();
  }

  /** One negotiation at a time. */
  async #serially(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work).catch((error: unknown) => {
      throw error instanceof VizaviError
        ? error
        : new VizaviError('media_failed', 'the browser could not receive the streams', { cause: error });
    });
    this.#work = done.catch(() => undefined);
    await done;
  }
}

/** @throws VizaviError `unsupported_device` */
async function createDevice(routerRtpCapabilities: object): Promise<Device> {
  try {
    const device = new Device();
    await device.load({ routerRtpCapabilities });
    return device;
  } catch (cause) {
    throw new VizaviError('unsupported_device', 'this browser cannot receive live video (WebRTC)', { cause });
  }
}

/** Every millisecond in the jitter buffer is one that the avatar answers later. */
function playAtOnce(
  receiver: RTCRtpReceiver & { jitterBufferTarget?: number | null; playoutDelayHint?: number },
): void {
  receiver.jitterBufferTarget = 0;
  receiver.playoutDelayHint = 0;
}

async function isConnectedWithin(transport: types.Transport, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      transport.off('connectionstatechange', onChange);
      resolve(transport.connectionState === 'connected');
    };
    const onChange = (state: types.ConnectionState): void => {
      if (state === 'connected' || state === 'closed') settle();
    };
    const timer = setTimeout(settle, timeoutMs);
    transport.on('connectionstatechange', onChange);
    if (transport.connectionState === 'connected') settle();
  });
}

/** mediasoup-client's dictionaries are plain JSON; their types merely lack an index signature. */
function asOrtc(value: object): Ortc {
  return value as Ortc;
}
