import { senderReport } from './rtcp.ts';
import { RTP_HEADER_BYTES, RtpPacketizer } from './rtp-packetizer.ts';
import type { Payloader } from './rtp-payloaders.ts';

/** How many of the last packets can be sent again: two seconds and more at usual rates. A power of two. */
const HISTORY_PACKETS = 256;

export interface RtpStreamOptions {
  readonly ssrc: number;
  readonly payloadType: number;
  /** Hz. */
  readonly clockRate: number;
  readonly payloader: Payloader;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
}

/** One RTP stream on the session's media timeline: numbers, counts and remembers its packets. */
export class RtpStream {
  readonly ssrc: number;
  readonly clockRate: number;
  readonly #packetizer: RtpPacketizer;
  readonly #timestampOffset: number;
  readonly #history: Buffer[] = [];
  #packets = 0;
  #octets = 0;

  constructor({ ssrc, payloadType, clockRate, payloader, random }: RtpStreamOptions) {
    this.ssrc = ssrc;
    this.clockRate = clockRate;
    this.#timestampOffset = Math.floor(random() * 2 ** 32);
    // In the lower half, so that the numbers do not wrap in the first packets, which SRTP may lose (RFC 3711, 3.3.1).
    const firstSequenceNumber = Math.floor(random() * 2 ** 15);
    this.#packetizer = new RtpPacketizer({ ssrc, payloadType, payloader, firstSequenceNumber });
  }

  get packets(): number {
    return this.#packets;
  }

  /** Payload bytes. */
  get octets(): number {
    return this.#octets;
  }

  packetize(frame: Buffer, mediaTimeMs: number): Buffer[] {
    const packets = this.#packetizer.packetize(frame, this.#timestampAt(mediaTimeMs));
    for (const packet of packets) {
      this.#packets += 1;
      this.#octets += packet.length - RTP_HEADER_BYTES;
      this.#history[packet.readUInt16BE(2) % HISTORY_PACKETS] = packet;
    }
    return packets;
  }

  /** A packet that was sent not long ago. */
  recall(sequenceNumber: number): Buffer | undefined {
    const packet = this.#history[sequenceNumber % HISTORY_PACKETS];
    return packet?.readUInt16BE(2) === sequenceNumber ? packet : undefined;
  }

  /** A sender report that says: at `wallMs` the stream stands at `mediaTimeMs`. */
  report(wallMs: number, mediaTimeMs: number): Buffer {
    return senderReport({
      ssrc: this.ssrc,
      wallMs,
      rtpTimestamp: this.#timestampAt(mediaTimeMs),
      packets: this.#packets,
      octets: this.#octets,
    });
  }

  #timestampAt(mediaTimeMs: number): number {
    return (this.#timestampOffset + Math.round((mediaTimeMs * this.clockRate) / 1000)) >>> 0;
  }
}
