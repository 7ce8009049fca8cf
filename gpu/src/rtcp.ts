const VERSION = 2;
const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const BYE = 203;
const TRANSPORT_FEEDBACK = 205;
const PAYLOAD_FEEDBACK = 206;

const SDES_CNAME = 1;
const NACK = 1;
const PLI = 1;
const FIR = 4;

const HEADER_BYTES = 4;
const REPORT_BLOCK_BYTES = 24;
const NTP_UNIX_OFFSET_S = 2_208_988_800;

export interface SenderReport {
  readonly ssrc: number;
  /** Unix time of the report. */
  readonly wallMs: number;
  /** The same instant on the stream's own clock. */
  readonly rtpTimestamp: number;
  readonly packets: number;
  /** Payload bytes. */
  readonly octets: number;
}

/** SR without report blocks, 28 bytes (RFC 3550, 6.4.1). */
export function senderReport(report: SenderReport): Buffer {
  const packet = rtcpPacket(SENDER_REPORT, 0, 28);
  const ntp = ntpTime(report.wallMs);
  packet.writeUInt32BE(report.ssrc, 4);
  packet.writeUInt32BE(ntp.seconds, 8);
  packet.writeUInt32BE(ntp.fraction, 12);
  packet.writeUInt32BE(report.rtpTimestamp >>> 0, 16);
  packet.writeUInt32BE(report.packets >>> 0, 20);
  packet.writeUInt32BE(report.octets >>> 0, 24);
  return packet;
}

/** Unix time in the form that receivers quote in their reports: the middle 32 bits of NTP time, in 1/65,536 s. */
export function compactNtp(wallMs: number): number {
  const { seconds, fraction } = ntpTime(wallMs);
  return ((seconds << 16) | (fraction >>> 16)) >>> 0;
}

function ntpTime(wallMs: number): { readonly seconds: number; readonly fraction: number } {
  const seconds = Math.floor(wallMs / 1000);
  const fraction = Math.floor((wallMs / 1000 - seconds) * 2 ** 32);
  return { seconds: (seconds + NTP_UNIX_OFFSET_S) >>> 0, fraction };
}

/** SDES that gives all `ssrcs` one CNAME of at most 255 bytes, which ties them together for lip sync (RFC 3550, 6.5.1). */
export function sourceDescription(ssrcs: readonly number[], cname: string): Buffer {
  const name = Buffer.from(cname);
  // SSRC, item type and length, name, then zeros (at least one) to the next multiple of four.
  const chunkBytes = Math.floor((4 + 2 + name.length) / 4 + 1) * 4;
  const packet = rtcpPacket(SOURCE_DESCRIPTION, ssrcs.length, HEADER_BYTES + ssrcs.length * chunkBytes);
  ssrcs.forEach((ssrc, index) => {
    const offset = HEADER_BYTES + index * chunkBytes;
    packet.writeUInt32BE(ssrc, offset);
    packet[offset + 4] = SDES_CNAME;
    packet[offset + 5] = name.length;
    name.copy(packet, offset + 6);
  });
  return packet;
}

/** RFC 3550, 6.6. */
export function bye(ssrcs: readonly number[]): Buffer {
  const packet = rtcpPacket(BYE, ssrcs.length, HEADER_BYTES + ssrcs.length * 4);
  ssrcs.forEach((ssrc, index) => packet.writeUInt32BE(ssrc, HEADER_BYTES + index * 4));
  return packet;
}

function rtcpPacket(type: number, count: number, bytes: number): Buffer {
  const packet = Buffer.alloc(bytes);
  packet[0] = (VERSION << 6) | count;
  packet[1] = type;
  packet.writeUInt16BE(bytes / 4 - 1, 2);
  return packet;
}

/** What a receiver says of the stream `ssrc`. */
export type RtcpFeedback =
  | { readonly type: 'key_frame_request'; readonly ssrc: number }
  | { readonly type: 'nack'; readonly ssrc: number; readonly sequenceNumbers: readonly number[] }
  | {
      readonly type: 'receiver_report';
      readonly ssrc: number;
      /** Since the last report, 0–1. */
      readonly fractionLost: number;
      /** In units of the stream's clock. */
      readonly jitter: number;
      /** Middle 32 bits of the NTP time of the last sender report; 0 when there was none. */
      readonly lastSenderReport: number;
      /** In 1/65,536 s. */
      readonly delaySinceLastSenderReport: number;
    };

/**
 * The feedback in a compound packet: report blocks (RFC 3550, 6.4), NACK and PLI (RFC 4585, 6.2.1 and 6.3.1), FIR
 * (RFC 5104, 4.3.1). Ends at the first malformed packet; what it does not know it leaves out.
 */
export function parseRtcp(compound: Buffer): RtcpFeedback[] {
  const feedback: RtcpFeedback[] = [];
  for (let offset = 0; offset + HEADER_BYTES <= compound.length;) {
    const first = compound.readUInt8(offset);
    const bytes = (compound.readUInt16BE(offset + 2) + 1) * 4;
    if (first >> 6 !== VERSION || offset + bytes > compound.length) break;
    const packet = compound.subarray(offset, offset + bytes);
    feedback.push(...parsePacket(packet.readUInt8(1), first & 0x1f, packet));
    offset += bytes;
  }
  return feedback;
}

/** `count` is the header's 5-bit field: report blocks, or the format of a feedback message. */
function parsePacket(type: number, count: number, packet: Buffer): RtcpFeedback[] {
  if (type === SENDER_REPORT) return reportBlocks(packet, 28, count);
  if (type === RECEIVER_REPORT) return reportBlocks(packet, 8, count);
  if (packet.length < 12) return [];
  const ssrc = packet.readUInt32BE(8);
  if (type === PAYLOAD_FEEDBACK && count === PLI) return [{ type: 'key_frame_request', ssrc }];
  // FIR names its streams in entries of 8 bytes; the media SSRC in the header is not used.
  if (type === PAYLOAD_FEEDBACK && count === FIR) {
    return offsets(packet, 12, 8).map((at) => ({ type: 'key_frame_request', ssrc: packet.readUInt32BE(at) }));
  }
  if (type === TRANSPORT_FEEDBACK && count === NACK) {
    const sequenceNumbers = offsets(packet, 12, 4).flatMap((at) => nackEntry(packet.readUInt32BE(at)));
    return [{ type: 'nack', ssrc, sequenceNumbers }];
  }
  return [];
}

function reportBlocks(packet: Buffer, start: number, count: number): RtcpFeedback[] {
  return offsets(packet, start, REPORT_BLOCK_BYTES)
    .slice(0, count)
    .map((at) => ({
      type: 'receiver_report',
      ssrc: packet.readUInt32BE(at),
      fractionLost: packet.readUInt8(at + 4) / 256,
      jitter: packet.readUInt32BE(at + 12),
      lastSenderReport: packet.readUInt32BE(at + 16),
      delaySinceLastSenderReport: packet.readUInt32BE(at + 20),
    }));
}

/** A packet number in the upper half, and a bit for each of the 16 that follow it. */
function nackEntry(entry: number): number[] {
  const packetId = entry >>> 16;
  const following = Array.from({ length: 16 }, (_, bit) => bit).filter((bit) => entry & (1 << bit));
  return [packetId, ...following.map((bit) => (packetId + bit + 1) & 0xffff)];
}

/** Where the whole entries of `size` bytes lie. */
function offsets(packet: Buffer, start: number, size: number): number[] {
  const count = Math.max(0, Math.floor((packet.length - start) / size));
  return Array.from({ length: count }, (_, index) => start + index * size);
}
