/**
 * The largest RTP payload. With the RTP, SRTP, UDP and IPv6 headers and a TURN relay's it stays below 1,280 bytes, the
 * smallest MTU that IPv6 allows.
 */
export const MAX_PAYLOAD_BYTES = 1200;

/** An RTP payload in pieces, to be joined behind the RTP header in one copy. */
export type RtpPayload = readonly Uint8Array[];

/** Cuts one encoded frame into RTP payloads; all that RTP needs to know of a codec. */
export interface Payloader {
  /** Whether the marker bit ends a frame (video) or is not used (sound without gaps). */
  readonly marksFrameEnd: boolean;
  payloads(frame: Buffer): RtpPayload[];
}

const NAL_TYPE = 0x1f;
const NAL_REF_IDC = 0x60;
const ACCESS_UNIT_DELIMITER = 9;
const STAP_A = 24;
const FU_A = 28;
const FU_START = 0x80;
const FU_END = 0x40;

/** H.264, packetization mode 1: small units together in STAP-A, large ones cut into FU-A (RFC 6184, 5.7.1 and 5.8). */
export class H264Payloader implements Payloader {
  readonly marksFrameEnd = true;

  payloads(frame: Buffer): RtpPayload[] {
    const payloads: RtpPayload[] = [];
    let small: Buffer[] = [];
    let smallBytes = 1;
    const flush = (): void => {
      if (small.length > 0) payloads.push(small.length === 1 ? small : aggregate(small));
      small = [];
      smallBytes = 1;
    };
    for (const unit of nalUnits(frame)) {
      if ((byteAt(unit, 0) & NAL_TYPE) === ACCESS_UNIT_DELIMITER) continue;
      if (unit.length > MAX_PAYLOAD_BYTES) {
        flush();
        payloads.push(...fragment(unit));
        continue;
      }
      if (smallBytes + 2 + unit.length > MAX_PAYLOAD_BYTES) flush();
      small.push(unit);
      smallBytes += 2 + unit.length;
    }
    flush();
    return payloads;
  }
}

const START_CODE = Buffer.from([0, 0, 1]);

/** The NAL units of an Annex B byte stream (ITU-T H.264, Annex B), as views. */
function* nalUnits(frame: Buffer): Generator<Buffer> {
  let start = frame.indexOf(START_CODE);
  while (start >= 0) {
    const next = frame.indexOf(START_CODE, start + START_CODE.length);
    let end = next < 0 ? frame.length : next;
    // Zeros before a start code belong to it: no unit ends with one.
    while (frame[end - 1] === 0) end -= 1;
    const unit = frame.subarray(start + START_CODE.length, end);
    if (unit.length > 0) yield unit;
    start = next;
  }
}

function aggregate(units: readonly Buffer[]): RtpPayload {
  const nalRefIdc = Math.max(...units.map((unit) => byteAt(unit, 0) & NAL_REF_IDC));
  const payload: Uint8Array[] = [Uint8Array.of(nalRefIdc | STAP_A)];
  for (const unit of units) payload.push(Uint8Array.of(unit.length >> 8, unit.length & 0xff), unit);
  return payload;
}

function fragment(unit: Buffer): RtpPayload[] {
  const header = byteAt(unit, 0);
  const indicator = (header & ~NAL_TYPE) | FU_A;
  const step = MAX_PAYLOAD_BYTES - 2;
  const payloads: RtpPayload[] = [];
  // The unit's own header is not sent: indicator and FU header hold it.
  for (let offset = 1; offset < unit.length; offset += step) {
    const start = offset === 1 ? FU_START : 0;
    const end = offset + step >= unit.length ? FU_END : 0;
    const fuHeader = start | end | (header & NAL_TYPE);
    payloads.push([Uint8Array.of(indicator, fuHeader), unit.subarray(offset, offset + step)]);
  }
  return payloads;
}

function byteAt(bytes: Buffer, index: number): number {
  return bytes[index] as number;
}

const VP8_EXTENDED = 0x80;
const VP8_PARTITION_START = 0x10;
const VP8_HAS_PICTURE_ID = 0x80;
const PICTURE_ID_15_BITS = 0x80;

/** VP8 with a 15-bit PictureID (RFC 7741, 4.2). */
export class Vp8Payloader implements Payloader {
  readonly marksFrameEnd = true;
  #pictureId: number;

  constructor(firstPictureId: number) {
    this.#pictureId = firstPictureId & 0x7fff;
  }

  payloads(frame: Buffer): RtpPayload[] {
    const high = PICTURE_ID_15_BITS | (this.#pictureId >> 8);
    const low = this.#pictureId & 0xff;
    this.#pictureId = (this.#pictureId + 1) & 0x7fff;
    const step = MAX_PAYLOAD_BYTES - 4;
    const payloads: RtpPayload[] = [];
    for (let offset = 0; offset < frame.length; offset += step) {
      const first = VP8_EXTENDED | (offset === 0 ? VP8_PARTITION_START : 0);
      const descriptor = Uint8Array.of(first, VP8_HAS_PICTURE_ID, high, low);
      payloads.push([descriptor, frame.subarray(offset, offset + step)]);
    }
    return payloads;
  }
}

/** Opus: the packet is the payload (RFC 7587, 4.2). */
export class OpusPayloader implements Payloader {
  readonly marksFrameEnd = false;

  payloads(frame: Buffer): RtpPayload[] {
    return [[frame]];
  }
}
