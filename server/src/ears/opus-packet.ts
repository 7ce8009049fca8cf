/** Samples at 48 kHz of one frame of SILK, of the hybrid and of CELT (RFC 6716, 3.1). */
const SILK = [480, 960, 1920, 2880];
const HYBRID = [480, 960];
const CELT = [120, 240, 480, 960];

const MAX_FRAME_BYTES = 1275;
/** 120 ms. */
const MAX_PACKET_SAMPLES = 5760;

const VBR = 0x80;
const PADDED = 0x40;
const FRAME_COUNT = 0x3f;

/**
 * How long an Opus packet sounds, in samples at 48 kHz (120–5,760); null when it breaks one of the rules R1–R7 of
 * RFC 6716, 3.4. A decoder takes every packet that keeps them.
 */
export function opusSamples(packet: Uint8Array): number | null {
  const [toc] = packet;
  if (toc === undefined) return null;
  const samples = frameSamples(toc >> 3);
  switch (toc & 3) {
    case 0:
      return areFrames(packet.length - 1, 1) ? samples : null;
    case 1:
      return areFrames(packet.length - 1, 2) ? 2 * samples : null;
    case 2: {
      const rest = skipFrame(packet, 1, packet.length);
      return rest !== null && areFrames(packet.length - rest.next - rest.bytes, 1) ? 2 * samples : null;
    }
    default:
      return manyFrames(packet) ? samples * ((packet[1] as number) & FRAME_COUNT) : null;
  }
}

function frameSamples(config: number): number {
  const sizes = config < 12 ? SILK : config < 16 ? HYBRID : CELT;
  return sizes[config % sizes.length] as number;
}

/** A packet of code 3: a count, perhaps padding, then frames of one length or each with its own. */
function manyFrames(packet: Uint8Array): boolean {
  const [toc = 0, head] = packet;
  if (head === undefined) return false;
  const frames = head & FRAME_COUNT;
  if (frames === 0 || frames * frameSamples(toc >> 3) > MAX_PACKET_SAMPLES) return false;
  let at = 2;
  let end = packet.length;
  if ((head & PADDED) !== 0) {
    let more: number | undefined;
    do {
      more = packet[at++];
      if (more === undefined) return false;
      end -= more === 255 ? 254 : more;
    } while (more === 255);
  }
  if ((head & VBR) === 0) return areFrames(end - at, frames);
  let bytes = 0;
  for (let frame = 1; frame < frames; frame += 1) {
    const skipped = skipFrame(packet, at, end);
    if (!skipped) return false;
    at = skipped.next;
    bytes += skipped.bytes;
  }
  return areFrames(end - at - bytes, 1);
}

/** A frame's length as it is written at `at`: in one byte, or in two (RFC 6716, 3.2.1). */
function skipFrame(packet: Uint8Array, at: number, end: number): { next: number; bytes: number } | null {
  const [first, second] = [packet[at], packet[at + 1]];
  if (first === undefined || at >= end) return null;
  if (first < 252) return { next: at + 1, bytes: first };
  if (second === undefined || at + 1 >= end) return null;
  return { next: at + 2, bytes: 4 * second + first };
}

function areFrames(bytes: number, frames: number): boolean {
  return bytes >= 0 && bytes % frames === 0 && bytes / frames <= MAX_FRAME_BYTES;
}
