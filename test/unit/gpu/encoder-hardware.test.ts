import { Codec, CodecContext } from 'node-av/lib';
import { describe, expect, it } from 'vitest';
import { AvEncoders, openWithFallback } from '../../../gpu/src/av-encoder.ts';
import { nvencProfile, softwareProfile } from '../../../gpu/src/av-video-profiles.ts';
import type { VideoEncoderOptions } from '../../../gpu/src/encoder.ts';
import { encoderContract } from '../../contract/encoder.contract.ts';
import { movingPicture } from '../../support/pictures.ts';

const OPTIONS: VideoEncoderOptions = {
  codec: 'h264',
  width: 512,
  height: 512,
  fps: 25,
  bitrateBps: 1_000_000,
};

const fallbacks: string[] = [];
const encoders = new AvEncoders({ onFallback: (why) => fallbacks.push(why) });
const found = await encoders.detect();

describe('detection', () => {
  it('says in one line what it found, or what is missing', () => {
    expect(found.why).not.toMatch(/\n/);
    // FFmpeg's own words: its error code for a missing library is `Operation not permitted`.
    if (found.hardware === null) expect(found.why).toMatch(/\w+\.so|nvenc|CUDA_/i);
    else expect(found.hardware).toBe('nvenc');
  });

  it('tries nothing when it is switched off', async () => {
    const off = await new AvEncoders({ hardware: 'off' }).detect();
    expect(off).toEqual({ hardware: null, why: 'Hardware encoders are switched off.' });
  });

  it('leaves encoders that work, whatever it found', async () => {
    const encoder = await encoders.openVideo(OPTIONS);
    const { data, keyFrame } = await encoder.encode(movingPicture(512, 512, 0), { keyFrame: false });
    expect(keyFrame).toBe(true);
    // Constrained baseline as in the SDP: profile_idc 66.
    expect(data[data.indexOf(Buffer.from([0, 0, 1, 0x67])) + 4]).toBe(66);
    await encoder.close();
  });
});

describe('a device that refuses', () => {
  it('is replaced by software, with one line that says why', async () => {
    // NVENC takes no picture that is so small; without a driver it takes none at all.
    const options = { ...OPTIONS, width: 32, height: 32 };
    const lines: string[] = [];
    const refusing = nvencProfile(options, null);
    const encoder = await openWithFallback(options, refusing, softwareProfile('h264'), (why) =>
      lines.push(why),
    );
    expect(lines).toEqual([
      expect.stringMatching(/^The encoder h264_nvenc did not open: .*(?:\.so|nvenc|param)/i),
    ]);
    const { keyFrame } = await encoder.encode(movingPicture(32, 32, 0), { keyFrame: false });
    expect(keyFrame).toBe(true);
    await encoder.close();
  });
});

describe('the NVENC profile', () => {
  const levelOf = (width: number, height: number, fps: number): string | undefined =>
    nvencProfile({ ...OPTIONS, width, height, fps }, null).options['level'];

  it('is made of options and values that FFmpeg knows', () => {
    const { name, options } = nvencProfile(OPTIONS, null);
    const context = new CodecContext();
    context.allocContext3(Codec.findEncoderByName(name));
    for (const [key, value] of Object.entries(options)) {
      expect(context.setOption(key, value), `${key}=${value}`).toBeGreaterThanOrEqual(0);
    }
    expect(context.setOption('no-such-option', '1')).toBeLessThan(0);
    expect(context.setOption('preset', 'no-such-preset')).toBeLessThan(0);
    context.freeContext();
  });

  it('says level 3.1 while the picture fits it', () => {
    expect(levelOf(512, 512, 25)).toBe('3.1');
    expect(levelOf(1280, 720, 30)).toBe('3.1');
    expect(levelOf(1280, 720, 50)).toBe('auto');
    expect(levelOf(1920, 1080, 25)).toBe('auto');
  });
});

describe.skipIf(found.hardware === null)(`on this device (${found.why})`, () => {
  encoderContract('AvEncoders with NVENC', encoders);

  it('needed no software', () => {
    expect(fallbacks).toEqual([]);
  });
});
