import { describe, expect, it } from 'vitest';
import { AvEncoders } from '../../gpu/src/av-encoder.ts';
import { AvDecoder } from '../support/av-decoder.ts';
import { FakeEncoders } from '../support/fake-encoders.ts';
import { movingPicture, tone } from '../support/pictures.ts';
import { encoderContract } from './encoder.contract.ts';

encoderContract('FakeEncoders', new FakeEncoders());
encoderContract('AvEncoders', new AvEncoders());

describe('AvEncoders', () => {
  const options = { width: 320, height: 192, fps: 25, bitrateBps: 400_000 };

  it('writes constrained baseline, level 3.1, as the SDP says', async () => {
    const encoder = await new AvEncoders().openVideo({ codec: 'h264', ...options });
    const { data } = await encoder.encode(movingPicture(320, 192, 0), { keyFrame: false });
    const sps = data.subarray(data.indexOf(Buffer.from([0, 0, 1, 0x67])) + 4);
    expect(sps[0]).toBe(66);
    expect((sps[1] as number) & 0x40, 'constraint_set1_flag').not.toBe(0);
    expect(sps[2]).toBe(31);
    await encoder.close();
  });

  it('keeps key frames below 0.3 s of the bitrate', async () => {
    const encoder = await new AvEncoders().openVideo({ codec: 'h264', ...options });
    for (let i = 0; i < 60; i += 1) {
      const { data } = await encoder.encode(movingPicture(320, 192, i), { keyFrame: i % 20 === 0 });
      expect(data.length).toBeLessThan((0.3 * options.bitrateBps) / 8);
    }
    await encoder.close();
  });

  it('plays on after silence as if nothing had been left out', async () => {
    const encoder = await new AvEncoders().openAudio({ bitrateBps: 32_000 });
    const decoder = await AvDecoder.open('opus');
    const peaks = async (pcm: (packet: number) => Int16Array, count: number): Promise<number[]> => {
      const loudest: number[] = [];
      for (let i = 0; i < count; i += 1) {
        const { data } = decoder.decode(await encoder.encode(pcm(i)));
        const samples = new Int16Array(data.buffer, data.byteOffset, data.length / 2);
        loudest.push(samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0));
      }
      return loudest;
    };
    const speech = (i: number): Int16Array => tone(220, 48_000, 960, i * 960);
    const silence = (): Int16Array => new Int16Array(960);
    for (let turn = 0; turn < 3; turn += 1) {
      const heard = await peaks(speech, 25);
      for (const loudest of heard.slice(1)) expect(Math.abs(loudest - 8000)).toBeLessThan(1500);
      // What the coder still held of the tone comes first.
      expect((await peaks(silence, 50)).slice(2).every((loudest) => loudest === 0)).toBe(true);
    }
    decoder.close();
    await encoder.close();
  });

  it('does not open what no codec can do', async () => {
    const encoders = new AvEncoders();
    const opening = encoders.openVideo({ codec: 'h264', ...options, width: 321 });
    await expect(opening).rejects.toMatchObject({ code: 'encoder_failed' });
    const huge = encoders.openVideo({ codec: 'vp8', ...options, width: 40_000 });
    await expect(huge).rejects.toMatchObject({ code: 'encoder_failed' });
    await expect(encoders.openAudio({ bitrateBps: -1 })).rejects.toMatchObject({ code: 'encoder_failed' });
    expect(() => encoders.openResampler(0, 48_000)).toThrow(
      expect.objectContaining({ code: 'encoder_failed' }),
    );
  });
});
