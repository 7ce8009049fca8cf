import { afterEach, describe, expect, it } from 'vitest';
import type { EncodedFrame, Encoders, VideoCodec, VideoEncoder } from '../../gpu/src/encoder.ts';
import { movingPicture, tone } from '../support/pictures.ts';

const WIDTH = 320;
const HEIGHT = 192;
const OPTIONS = { width: WIDTH, height: HEIGHT, fps: 25, bitrateBps: 400_000 };
const pictures = Array.from({ length: 50 }, (_, index) => movingPicture(WIDTH, HEIGHT, index));

/** What every implementation of Encoders does. */
export function encoderContract(name: string, encoders: Encoders): void {
  describe.each<VideoCodec>(['h264', 'vp8'])(`${name}: %s`, (codec) => {
    let encoder: VideoEncoder;
    const open = async (): Promise<VideoEncoder> =>
      (encoder = await encoders.openVideo({ codec, ...OPTIONS }));
    const encode = async (count: number, keyFrameAt = -1): Promise<EncodedFrame[]> => {
      const frames: EncodedFrame[] = [];
      for (let i = 0; i < count; i += 1) {
        const picture = pictures[i % pictures.length] as Uint8Array;
        frames.push(await encoder.encode(picture, { keyFrame: i === keyFrameAt }));
      }
      return frames;
    };
    afterEach(() => encoder.close());

    it('gives one frame for every picture, a key frame first and then only on request', async () => {
      await open();
      const frames = await encode(30, 20);
      expect(frames.flatMap(({ keyFrame }, index) => (keyFrame ? [index] : []))).toEqual([0, 20]);
      expect(frames.every(({ data }) => data.length > 0)).toBe(true);
      expect(frames.every(({ data, keyFrame }) => isKeyFrame(codec, data) === keyFrame)).toBe(true);
    });

    it('follows the bitrate', async () => {
      await open();
      const bytesAt = async (bitrateBps: number): Promise<number> => {
        encoder.setBitrate(bitrateBps);
        await encode(25);
        return (await encode(50)).reduce((sum, { data }) => sum + data.length, 0);
      };
      const low = await bytesAt(150_000);
      const high = await bytesAt(600_000);
      expect(high).toBeGreaterThan(2 * low);
      expect(await bytesAt(150_000)).toBeLessThan(high / 2);
    });

    it('leaves the picture as it was', async () => {
      await open();
      const picture = movingPicture(WIDTH, HEIGHT, 1);
      await encoder.encode(picture, { keyFrame: false });
      expect(Buffer.compare(picture, movingPicture(WIDTH, HEIGHT, 1))).toBe(0);
    });

    it('refuses a picture of the wrong size, and goes on', async () => {
      await open();
      const wrong = (pictures[0] as Uint8Array).subarray(2);
      await expect(encoder.encode(wrong, { keyFrame: false })).rejects.toMatchObject({
        code: 'encoder_failed',
      });
      await expect(encode(2)).resolves.toHaveLength(2);
    });

    it('finishes the frame in work before it closes, and takes none afterwards', async () => {
      await open();
      const last = encoder.encode(pictures[0] as Uint8Array, { keyFrame: true });
      await Promise.all([encoder.close(), encoder.close()]);
      await expect(last).resolves.toMatchObject({ keyFrame: true });
      await encoder.close();
      await expect(encode(1)).rejects.toMatchObject({ code: 'encoder_failed' });
    });
  });

  describe(`${name}: Opus`, () => {
    it('gives one packet for 20 ms', async () => {
      const encoder = await encoders.openAudio({ bitrateBps: 32_000 });
      for (let i = 0; i < 10; i += 1) {
        const packet = await encoder.encode(tone(220, 48_000, 960, i * 960));
        expect(packet.length).toBeGreaterThan(1);
        // RFC 6716, 3.1: mono, one frame in the packet.
        expect((packet[0] as number) & 0x07).toBe(0);
      }
      await encoder.close();
    });

    it('gives packets in the order of the calls, and the last ones before it closes', async () => {
      const encoder = await encoders.openAudio({ bitrateBps: 32_000 });
      const order: number[] = [];
      const calls = Array.from({ length: 8 }, async (_, i) => {
        await encoder.encode(tone(220, 48_000, 960, i * 960));
        order.push(i);
      });
      await encoder.close();
      await Promise.all(calls);
      expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    });

    it('refuses other lengths, and everything after close', async () => {
      const encoder = await encoders.openAudio({ bitrateBps: 32_000 });
      const failure = { code: 'encoder_failed' };
      await expect(encoder.encode(new Int16Array(480))).rejects.toMatchObject(failure);
      expect((await encoder.encode(new Int16Array(960))).length).toBeGreaterThan(0);
      await encoder.close();
      await encoder.close();
      await expect(encoder.encode(new Int16Array(960))).rejects.toMatchObject(failure);
    });
  });

  describe(`${name}: resampler`, () => {
    const resample = (fromRate: number, toRate: number, pcm: Int16Array, step: number): Int16Array => {
      const resampler = encoders.openResampler(fromRate, toRate);
      const out: number[] = [];
      for (let at = 0; at < pcm.length; at += step) out.push(...resampler.push(pcm.subarray(at, at + step)));
      out.push(...resampler.flush());
      resampler.close();
      resampler.close();
      return Int16Array.from(out);
    };

    it.each([
      [16_000, 48_000],
      [22_050, 48_000],
      [24_000, 48_000],
      [44_100, 48_000],
      [48_000, 48_000],
      [16_000, 16_000],
      [22_050, 16_000],
      [24_000, 16_000],
      [44_100, 16_000],
      [48_000, 16_000],
    ])('%i → %i Hz keeps length, pitch, loudness and phase', (fromRate, toRate) => {
      const out = resample(fromRate, toRate, tone(200, fromRate, fromRate), 441);
      expect(Math.abs(out.length - toRate)).toBeLessThanOrEqual(1);
      const wanted = tone(200, toRate, toRate);
      // The ends, where the filter sees half of its samples, are not compared.
      for (let i = 100; i < toRate - 100; i += 1) {
        if (Math.abs((out[i] as number) - (wanted[i] as number)) > 100)
          expect(out[i]).toBeCloseTo(wanted[i] as number);
      }
    });

    it('gives the same for any cutting of the input', () => {
      const pcm = tone(300, 22_050, 5000);
      expect(resample(22_050, 48_000, pcm, 7)).toEqual(resample(22_050, 48_000, pcm, 5000));
    });

    it('holds back less than 2 ms, and is as new after a flush', () => {
      const resampler = encoders.openResampler(22_050, 48_000);
      const pcm = tone(300, 22_050, 2205);
      const first = [...resampler.push(pcm)];
      expect(4800 - first.length).toBeLessThan(96);
      first.push(...resampler.flush());
      expect(resampler.flush()).toHaveLength(0);
      expect(resampler.push(new Int16Array(0))).toHaveLength(0);
      expect([...resampler.push(pcm), ...resampler.flush()]).toEqual(first);
      resampler.close();
    });
  });
}

/** By the bytes: NAL unit type 5 in Annex B (H.264, 7.4.1), or the inverse key frame bit (RFC 6386, 9.1). */
function isKeyFrame(codec: VideoCodec, data: Buffer): boolean {
  if (codec === 'vp8') return ((data[0] as number) & 1) === 0;
  return data.includes(Buffer.from([0, 0, 1, 0x65]));
}
