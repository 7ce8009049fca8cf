import { VizaviError } from '@vizavi/signaling';
import type {
  DirectTransport,
  DtlsParameters,
  Producer,
  Router,
  RtpParameters,
  WebRtcTransport,
} from 'mediasoup/types';
import { attempt, describeTransport } from './media-errors.ts';
import type { Microphone, Ortc, TransportInfo } from './media.ts';

/** Opus of one voice; a browser that sends more is slowed down by its congestion control. */
const MAX_INCOMING_BPS = 256_000;

/** A viewer's microphone: a WebRtcTransport in, and a DirectTransport by which its packets reach this process. */
export class SessionMicrophone implements Microphone {
  readonly #router: Router;
  readonly #transport: WebRtcTransport;
  readonly #onPacket: (rtp: Uint8Array) => void;
  #producer: Producer | null = null;
  #tap: DirectTransport | null = null;
  #connected = false;

  /** @param transport made for this alone */
  constructor(router: Router, transport: WebRtcTransport, onPacket: (rtp: Uint8Array) => void) {
    this.#router = router;
    this.#transport = transport;
    this.#onPacket = onPacket;
    transport.setMaxIncomingBitrate(MAX_INCOMING_BPS).catch(() => undefined); // It has closed meanwhile.
    transport.on('dtlsstatechange', (state) => {
      if (state === 'failed' || state === 'closed') this.close();
    });
    transport.observer.once('close', () => this.#tap?.close());
  }

  get transport(): TransportInfo {
    return describeTransport(this.#transport);
  }

  get closed(): boolean {
    return this.#transport.closed;
  }

  async connect(dtlsParameters: Ortc): Promise<void> {
    if (this.#connected) throw new VizaviError('invalid_state', 'the microphone is connected already');
    this.#connected = true;
    await attempt(() =>
      this.#transport.connect({ dtlsParameters: dtlsParameters as unknown as DtlsParameters }),
    );
  }

  async produce(rtpParameters: Ortc): Promise<string> {
    if (this.#producer)
      throw new VizaviError('invalid_state', 'there is one microphone on this transport already');
    return attempt(async () => {
      const producer = await this.#transport.produce({
        kind: 'audio',
        rtpParameters: rtpParameters as unknown as RtpParameters,
      });
      this.#producer = producer;
      this.#tap = await this.#router.createDirectTransport();
      const consumer = await this.#tap.consume({
        producerId: producer.id,
        rtpCapabilities: this.#router.rtpCapabilities,
      });
      consumer.on('rtp', this.#onPacket);
      return producer.id;
    });
  }

  close(): void {
    this.#tap?.close();
    this.#transport.close();
  }
}
