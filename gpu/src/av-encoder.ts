import { AvAudioEncoder } from './av-audio-encoder.ts';
import { AvResampler, PASS_THROUGH } from './av-resampler.ts';
import { AvVideoEncoder } from './av-video-encoder.ts';
import type { AudioEncoder, Encoders, Resampler, VideoEncoder, VideoEncoderOptions } from './encoder.ts';

/** {@link Encoders} by FFmpeg, through node-av: libx264, libvpx, libopus and swresample. */
export class AvEncoders implements Encoders {
  openVideo(options: VideoEncoderOptions): Promise<VideoEncoder> {
    return AvVideoEncoder.open(options);
  }

  openAudio(options: { readonly bitrateBps: number }): Promise<AudioEncoder> {
    return AvAudioEncoder.open(options);
  }

  openResampler(fromRate: number, toRate: number): Resampler {
    return fromRate === toRate ? PASS_THROUGH : new AvResampler(fromRate, toRate);
  }
}
