import type { Payloader } from './rtp-payloaders.ts';

export const RTP_HEADER_BYTES = 12;

const VERSION = 0x80;
const MARKER = 0x80;

export interface RtpPacketizerOptions {
  readonly ssrc: number;
  /** 0–127. */
  readonly payloadType: number;
  readonly payloader: Payloader;
  /** 0–65,535. */
  readonly firstSequenceNumber: number;
}

/** Encoded frames of one stream → RTP packets with consecutive sequence numbers (RFC 3550, 5.1). */
export class RtpPacketizer {
  readonly #options: RtpPacketizerOptions;
  #sequenceNumber: number;

  constructor(options: RtpPacketizerOptions) {
    this.#options = options;
    this.#sequenceNumber = options.firstSequenceNumber & 0xffff;
  }

  /** One frame's packets, in order; `rtpTimestamp` is unsigned, 32 bits. */
  packetize(frame: Buffer, rtpTimestamp: number): Buffer[] {
    const { ssrc, payloadType, payloader } = this.#options;
    const payloads = payloader.payloads(frame);
    return payloads.map((payload, index) => {
      const marked = payloader.marksFrameEnd && index === payloads.length - 1;
      const header = Buffer.allocUnsafe(RTP_HEADER_BYTES);
      header[0] = VERSION;
      header[1] = payloadType | (marked ? MARKER : 0);
      header.writeUInt16BE(this.#sequenceNumber, 2);
      header.writeUInt32BE(rtpTimestamp, 4);
      header.writeUInt32BE(ssrc, 8);
      this.#sequenceNumber = (this.#sequenceNumber + 1) & 0xffff;
      return Buffer.concat([header, ...payload]);
    });
  }
}
