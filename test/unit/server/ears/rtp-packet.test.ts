import { describe, expect, it } from 'vitest';
import { parseRtp } from '../../../../server/src/ears/rtp-packet.ts';
import { seeded } from '../../../support/spoken.ts';

const SOUND = [7, 8, 9];

/** RFC 3550, 5.1: a header of 12 bytes, then what the first byte says. */
function packet(first: number, ...rest: readonly number[]): Uint8Array {
  return Uint8Array.of(first, 111, 0x12, 0x34, 0, 0, 3, 0xc0, 0xde, 0xad, 0xbe, 0xef, ...rest);
}

describe('parseRtp', () => {
  it('reads number, timestamp, source and payload', () => {
    expect(parseRtp(packet(0x80, ...SOUND))).toEqual({
      ssrc: 0xdeadbeef,
      sequenceNumber: 0x1234,
      rtpTimestamp: 960,
      payload: Uint8Array.from(SOUND),
    });
  });

  it.each([
    ['two contributing sources', packet(0x82, 0, 0, 0, 1, 0, 0, 0, 2, ...SOUND)],
    ['an extension', packet(0x90, 0xbe, 0xde, 0, 1, 1, 2, 3, 4, ...SOUND)],
    ['an empty extension', packet(0x90, 0xbe, 0xde, 0, 0, ...SOUND)],
    ['padding', packet(0xa0, ...SOUND, 0, 0, 3)],
    ['all of them', packet(0xb1, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, 1, 2, 3, 4, ...SOUND, 0, 2)],
  ])('finds the sound behind %s', (_, bytes) => {
    expect(Array.from(parseRtp(bytes)?.payload ?? [])).toEqual(SOUND);
  });

  it('takes a packet in the midst of a larger buffer', () => {
    const bytes = packet(0xa0, ...SOUND, 1);
    const buffer = new Uint8Array(100).fill(255);
    buffer.set(bytes, 30);
    expect(parseRtp(buffer.subarray(30, 30 + bytes.length))).toMatchObject({
      sequenceNumber: 0x1234,
      payload: Uint8Array.from(SOUND),
    });
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['half a header', packet(0x80).subarray(0, 11)],
    ['another version', packet(0x40, ...SOUND)],
    ['sources that are not there', packet(0x8f, ...SOUND)],
    ['an extension that is not there', packet(0x90, 0xbe)],
    ['an extension that is too long', packet(0x90, 0xbe, 0xde, 0, 9, 1, 2, 3, 4)],
    ['more padding than packet', packet(0xa0, ...SOUND, 200)],
    ['padding of nothing', packet(0xa0, ...SOUND, 0)],
  ])('refuses %s', (_, bytes) => {
    expect(parseRtp(bytes)).toBeNull();
  });

  it('stands anything', () => {
    const random = seeded(1);
    for (let i = 0; i < 20_000; i += 1) {
      const bytes = new Uint8Array(random() * 60).map(() => random() * 256);
      const payload = parseRtp(bytes)?.payload;
      if (payload) expect(payload.length).toBeLessThanOrEqual(bytes.length - 12);
    }
  });
});
