import type { RtpPacket } from './rtp-packet.ts';

/** A packet of sound and how long it sounds, in units of its timestamp. */
export interface SoundPacket extends RtpPacket {
  readonly samples: number;
}

export interface ReleasedPacket extends SoundPacket {
  /** What comes before it: the packet before; packets that were lost; or nothing, a stream begins here. */
  readonly follows: 'packet' | 'loss' | 'nothing';
}

/** Units of the timestamp: 48 kHz for Opus, always (RFC 7587, 4.1). */
const RTP_CLOCK_RATE = 48_000;
/** What is later than this counts as lost. */
const MAX_LATE = 0.06 * RTP_CLOCK_RATE;
/** So many packets wait at most, whatever their timestamps say. */
const MAX_WAITING = 16;
/** Numbers farther off than this belong to another stream until two of them follow each other (RFC 3550, A.1). */
const MAX_DROPOUT = 3000;
const MAX_MISORDER = 100;

/** Puts the packets of one microphone in order. What comes twice or too late is dropped. */
export class JitterBuffer {
  readonly #waiting = new Map<number, SoundPacket>();
  #last: SoundPacket | null = null;
  /** The first packet of what may be a new stream. */
  #stranger: SoundPacket | null = null;

  /** Takes a packet and gives those whose turn it is, in order. */
  push(packet: SoundPacket): ReleasedPacket[] {
    if (!this.#last) return [this.#release(packet, 'nothing')];
    const ahead = signed(packet.sequenceNumber - this.#last.sequenceNumber - 1, 16);
    if (packet.ssrc !== this.#last.ssrc || ahead > MAX_DROPOUT || ahead < -MAX_MISORDER) {
      return this.#pushStranger(packet);
    }
    this.#stranger = null;
    if (ahead >= 0) this.#waiting.set(packet.sequenceNumber, packet);
    return this.#releaseDue();
  }

  /** Gives all that waits: what is missing will not come. */
  flush(): ReleasedPacket[] {
    const released: ReleasedPacket[] = [];
    while (this.#waiting.size > 0) released.push(this.#releaseNearest());
    return released;
  }

  #pushStranger(packet: SoundPacket): ReleasedPacket[] {
    const first = this.#stranger;
    this.#stranger = packet;
    if (first?.ssrc !== packet.ssrc || signed(packet.sequenceNumber - first.sequenceNumber, 16) !== 1)
      return [];
    this.#stranger = null;
    return [...this.flush(), this.#release(first, 'nothing'), this.#release(packet, 'packet')];
  }

  #releaseDue(): ReleasedPacket[] {
    const released: ReleasedPacket[] = [];
    while (this.#waiting.size > 0 && (this.#hasNext() || this.#isLate()))
      released.push(this.#releaseNearest());
    return released;
  }

  #hasNext(): boolean {
    return this.#last !== null && this.#waiting.has((this.#last.sequenceNumber + 1) & 0xffff);
  }

  /** Whether what is missing first should have come long ago. */
  #isLate(): boolean {
    if (this.#waiting.size > MAX_WAITING) return true;
    const due = this.#last ? this.#last.rtpTimestamp + this.#last.samples : 0;
    return [...this.#waiting.values()].some(({ rtpTimestamp }) => signed(rtpTimestamp - due, 32) >= MAX_LATE);
  }

  #releaseNearest(): ReleasedPacket {
    const from = this.#last?.sequenceNumber ?? 0;
    const distance = (packet: SoundPacket): number => (packet.sequenceNumber - from) & 0xffff;
    const nearest = [...this.#waiting.values()].reduce((a, b) => (distance(a) < distance(b) ? a : b));
    this.#waiting.delete(nearest.sequenceNumber);
    return this.#release(nearest, distance(nearest) === 1 ? 'packet' : 'loss');
  }

  #release(packet: SoundPacket, follows: ReleasedPacket['follows']): ReleasedPacket {
    this.#last = packet;
    return { ...packet, follows };
  }
}

/** A difference of unsigned numbers that wrap at 2^bits. */
export function signed(difference: number, bits: 16 | 32): number {
  const shift = 32 - bits;
  return (difference << shift) >> shift;
}
