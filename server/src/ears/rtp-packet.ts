/** What an RTP packet says (RFC 3550, 5.1); the payload is a view of it. */
export interface RtpPacket {
  readonly ssrc: number;
  /** 0–65,535. */
  readonly sequenceNumber: number;
  /** Unsigned, 32 bits. */
  readonly rtpTimestamp: number;
  readonly payload: Uint8Array;
}

const HEADER_BYTES = 12;
const VERSION = 2;
const PADDED = 0x20;
const EXTENDED = 0x10;
const CSRC_COUNT = 0x0f;

/** Null when it is none. The payload may be empty. */
export function parseRtp(bytes: Uint8Array): RtpPacket | null {
  if (bytes.length < HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = view.getUint8(0);
  if (first >> 6 !== VERSION) return null;
  let start = HEADER_BYTES + 4 * (first & CSRC_COUNT);
  if ((first & EXTENDED) !== 0) {
    if (start + 4 > bytes.length) return null;
    start += 4 + 4 * view.getUint16(start + 2);
  }
  const padding = (first & PADDED) === 0 ? 0 : view.getUint8(bytes.length - 1);
  // Padding counts itself, so none is a lie.
  if ((first & PADDED) !== 0 && padding === 0) return null;
  const end = bytes.length - padding;
  if (start > end) return null;
  return {
    ssrc: view.getUint32(8),
    sequenceNumber: view.getUint16(2),
    rtpTimestamp: view.getUint32(4),
    payload: bytes.subarray(start, end),
  };
}
