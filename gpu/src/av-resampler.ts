import { FFmpegError, SoftwareResampleContext } from 'node-av/lib';
import { AV_CHANNEL_LAYOUT_MONO, AV_SAMPLE_FMT_S16 } from 'node-av/constants';
import { encoderFailed } from './av-codec.ts';
import type { Resampler } from './encoder.ts';

/** FFmpeg's swresample, on the calling thread; holds back 16 samples of the lower rate, 1 ms at 16 kHz. */
export class AvResampler implements Resampler {
  readonly #context = new SoftwareResampleContext();
  #closed = false;

  /** @throws VizaviError `encoder_failed` */
  constructor(fromRate: number, toRate: number) {
    const mono = AV_CHANNEL_LAYOUT_MONO;
    const format = AV_SAMPLE_FMT_S16;
    try {
      const set = this.#context.allocSetOpts2(mono, format, toRate, mono, format, fromRate);
      FFmpegError.throwIfError(set, 'set resampler');
      FFmpegError.throwIfError(this.#context.init(), 'start resampler');
    } catch (error) {
      this.#context.free();
      throw encoderFailed(`No resampler from ${fromRate} to ${toRate} Hz.`, error);
    }
  }

  push(pcm: Int16Array): Int16Array {
    return this.#convert(pcm.length, [Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength)]);
  }

  flush(): Int16Array {
    const rest = this.#convert(0, null);
    this.#context.close();
    FFmpegError.throwIfError(this.#context.init(), 'restart resampler');
    return rest;
  }

  close(): void {
    if (!this.#closed) this.#context.free();
    this.#closed = true;
  }

  #convert(samples: number, input: Buffer[] | null): Int16Array {
    if (this.#closed) throw encoderFailed('The resampler is closed.');
    const out = new Int16Array(this.#context.getOutSamples(samples));
    if (out.length === 0) return out;
    const count = this.#context.convertSync([Buffer.from(out.buffer)], out.length, input, samples);
    if (count < 0) throw encoderFailed('The sound could not be resampled.', FFmpegError.fromCode(count));
    return out.subarray(0, count);
  }
}

/** Equal rates: what goes in comes out. */
export const PASS_THROUGH: Resampler = {
  push: (pcm) => pcm,
  flush: () => new Int16Array(0),
  close: () => undefined,
};
