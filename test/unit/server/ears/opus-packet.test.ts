import { OpusDecoder } from 'opus-decoder';
import { describe, expect, it, vi } from 'vitest';
import { opusSamples } from '../../../../server/src/ears/opus-packet.ts';
import { seeded } from '../../../support/spoken.ts';

/** The first byte of a packet: what made it, and how many frames it has (RFC 6716, 3.1). */
const toc = (config: number, code: number): number => (config << 3) | code;

describe('opusSamples', () => {
  it.each([
    ['SILK, 20 ms', [toc(9, 0), 1, 2], 960],
    ['SILK, 60 ms', [toc(11, 0), 1], 2880],
    ['hybrid, 10 ms', [toc(14, 0), 1], 480],
    ['CELT, 2.5 ms', [toc(28, 0), 1], 120],
    ['CELT, 20 ms', [toc(31, 0), 1], 960],
    ['two frames alike', [toc(31, 1), 1, 2], 1920],
    ['two frames', [toc(31, 2), 1, 5, 6, 7], 1920],
    ['three frames', [toc(31, 3), 3, 1, 2, 3], 2880],
    ['three frames of their own lengths, padded', [toc(31, 3), 0xc3, 2, 1, 0, 9, 9, 0, 0], 2880],
    ['a frame of nothing (DTX)', [toc(9, 0)], 960],
  ])('tells the length of %s', (_, bytes, samples) => {
    expect(opusSamples(Uint8Array.from(bytes))).toBe(samples);
  });

  it.each([
    ['nothing', []],
    ['two frames alike of an odd length', [toc(31, 1), 1]],
    ['a first frame that is not there', [toc(31, 2), 9, 1]],
    ['a length that is cut off', [toc(31, 2), 253]],
    ['no count', [toc(31, 3)]],
    ['no frames', [toc(31, 3), 0]],
    ['140 ms', [toc(31, 3), 7, ...new Array<number>(7).fill(1)]],
    ['three frames of one length, four bytes', [toc(31, 3), 3, 1, 2, 3, 4]],
    ['padding that is not there', [toc(31, 3), 0x41, 200, 1]],
    ['padding without an end', [toc(31, 3), 0x41, 255, 255]],
    ['1,276 bytes', [toc(31, 0), ...new Array<number>(1276).fill(1)]],
  ])('refuses %s', (_, bytes) => {
    expect(opusSamples(Uint8Array.from(bytes))).toBeNull();
  });

  it('takes what the decoder takes, and gives its length', async () => {
    const complaints = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const decoder = new OpusDecoder({ sampleRate: 16_000, channels: 1 });
    await decoder.ready;
    const random = seeded(5);
    let taken = 0;
    for (let i = 0; i < 5000; i += 1) {
      const bytes = new Uint8Array(1 + random() * 80).map(() => random() * 256);
      if (random() < 0.5) bytes[0] = toc(random() * 32, 3);
      const { samplesDecoded, errors } = decoder.decodeFrame(bytes);
      const samples = opusSamples(bytes);
      expect(samples ?? 0).toBe(samplesDecoded * 3);
      expect(errors.length).toBe(samples === null ? 1 : 0);
      if (samples !== null) taken += 1;
    }
    expect(taken).toBeGreaterThan(1000);
    decoder.free();
    complaints.mockRestore();
  });
});
