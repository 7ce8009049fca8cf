import { VizaviError } from '@vizavi/signaling';
import type { RequestOf, ResultOf, ViewerToServer } from '@vizavi/signaling';
import type { TransportInfo } from './media-receiver.ts';

type Ortc = RequestOf<ViewerToServer, 'microphone.connect'>['dtlsParameters'];

/** What is sent: mediasoup-client's Producer, as far as it is used. */
interface Producer {
  readonly closed: boolean;
  replaceTrack(options: { track: MediaStreamTrack }): Promise<void>;
}

type Ask<T, R> = (parameters: T, done: (answer: R) => void, failed: (error: Error) => void) => void;

/** A way to the SFU: mediasoup-client's Transport, as far as it is used. */
export interface SendTransport {
  readonly closed: boolean;
  readonly connectionState: string;
  on(event: 'connect', listener: Ask<{ dtlsParameters: object }, void>): unknown;
  on(event: 'produce', listener: Ask<{ rtpParameters: object }, { id: string }>): unknown;
  on(event: 'connectionstatechange', listener: (state: string) => void): unknown;
  produce(options: { track: MediaStreamTrack; stopTracks: boolean; codecOptions: object }): Promise<Producer>;
  close(): void;
}

export interface MicrophoneSenderOptions {
  readonly createTransport: (info: TransportInfo) => SendTransport;
  readonly signaling: {
    open(): Promise<ResultOf<ViewerToServer, 'microphone.open'>>;
    connect(dtlsParameters: Ortc): Promise<unknown>;
    produce(rtpParameters: Ortc): Promise<ResultOf<ViewerToServer, 'microphone.produce'>>;
    close(): Promise<unknown>;
  };
  /** The way to the server is broken: a new one is needed. */
  readonly onLost: () => void;
}

/** Opus as speech wants it: one channel, lost packets made good, silence sent too so that its end is heard at once. */
const CODEC = { opusStereo: false, opusFec: true, opusDtx: false, opusPtime: 20 } as const;
/** A short break heals itself. */
const DISCONNECTED_MS = 3000;

/** The way of the microphone's sound to the SFU. */
export class MicrophoneSender {
  readonly #options: MicrophoneSenderOptions;
  #transport: SendTransport | null = null;
  #producer: Producer | null = null;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(options: MicrophoneSenderOptions) {
    this.#options = options;
  }

  /** Sound is on its way, or will be as soon as the network lets it. */
  get isStanding(): boolean {
    const transport = this.#transport;
    return (
      this.#producer !== null && transport?.closed === false && transport.connectionState === 'connected'
    );
  }

  /** Sends this track over a new transport. @throws VizaviError `media_failed`, and what the server answered */
  async open(track: MediaStreamTrack): Promise<void> {
    this.#drop();
    const { createTransport, signaling, onLost } = this.#options;
    const { transport: info } = await signaling.open();
    const transport = createTransport(info);
    this.#drop();
    this.#transport = transport;
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      signaling.connect(dtlsParameters as Ortc).then(() => {
        done();
      }, failed);
    });
    transport.on('produce', ({ rtpParameters }, done, failed) => {
      signaling.produce(rtpParameters as Ortc).then(({ producerId }) => {
        done({ id: producerId });
      }, failed);
    });
    transport.on('connectionstatechange', (state) => {
      clearTimeout(this.#patience);
      if (transport !== this.#transport) return;
      if (state === 'failed') onLost();
      if (state === 'disconnected') this.#patience = setTimeout(onLost, DISCONNECTED_MS);
    });
    try {
      const producer = await transport.produce({ track, stopTracks: false, codecOptions: CODEC });
      if (transport === this.#transport) this.#producer = producer;
    } catch (error) {
      transport.close();
      if (error instanceof VizaviError) throw error;
      throw new VizaviError('media_failed', 'the browser could not send the microphone’s sound', {
        cause: error,
      });
    }
  }

  /** Another microphone on the same way. */
  async replaceTrack(track: MediaStreamTrack): Promise<void> {
    if (this.#producer && !this.#producer.closed) await this.#producer.replaceTrack({ track });
  }

  /** Tells the server, which may be gone. */
  close(): void {
    if (this.#transport) this.#options.signaling.close().catch(() => undefined);
    this.#drop();
  }

  #drop(): void {
    clearTimeout(this.#patience);
    this.#transport?.close();
    this.#transport = this.#producer = null;
  }
}
