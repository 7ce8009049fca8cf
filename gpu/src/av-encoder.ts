import { VizaviError } from '@vizavi/signaling';
import { FFmpegError, HardwareDeviceContext } from 'node-av/lib';
import { AV_HWDEVICE_TYPE_CUDA } from 'node-av/constants';
import { AvAudioEncoder } from './av-audio-encoder.ts';
import { encoderFailed } from './av-codec.ts';
import { withFfmpegWords } from './av-log.ts';
import { AvResampler, PASS_THROUGH } from './av-resampler.ts';
import { AvVideoEncoder } from './av-video-encoder.ts';
import { nvencProfile, softwareProfile } from './av-video-profiles.ts';
import type { VideoProfile } from './av-video-profiles.ts';
import type { AudioEncoder, Encoders, Resampler, VideoEncoder, VideoEncoderOptions } from './encoder.ts';

export interface AvEncodersOptions {
  /** `auto`, the default: NVENC for H.264 where {@link AvEncoders.detect} finds it. */
  readonly hardware?: 'auto' | 'off';
  /** Number of the CUDA device, as the driver counts; 0 by default. */
  readonly device?: number;
  /** The device took no further session; this one is encoded in software. One line that says why. */
  readonly onFallback?: (why: string) => void;
}

export interface HardwareEncoder {
  readonly hardware: 'nvenc' | null;
  /** One line: what it was tried with, or what is missing. */
  readonly why: string;
}

/** What the device is tried with; larger than the smallest picture that NVENC takes. */
const TRIAL: VideoEncoderOptions = { codec: 'h264', width: 512, height: 512, fps: 25, bitrateBps: 1_000_000 };

/** {@link Encoders} by FFmpeg, through node-av: libx264, libvpx, libopus and swresample, and NVENC where there is one. */
export class AvEncoders implements Encoders {
  readonly #options: AvEncodersOptions;
  /** One CUDA context for all encoders: each would make its own, and they would take turns on the device. */
  #device: HardwareDeviceContext | null = null;

  constructor(options: AvEncodersOptions = {}) {
    this.#options = options;
  }

  /** Tries the device with one picture; before that, and where it fails, everything is done in software. Never throws. */
  async detect(): Promise<HardwareEncoder> {
    if (this.#options.hardware === 'off')
      return { hardware: null, why: 'Hardware encoders are switched off.' };
    const device = new HardwareDeviceContext();
    try {
      await openCuda(device, this.#options.device ?? 0);
      const encoder = await AvVideoEncoder.open(TRIAL, nvencProfile(TRIAL, device));
      const picture = new Uint8Array(TRIAL.width * TRIAL.height * 1.5).fill(128);
      await encoder.encode(picture, { keyFrame: true }).finally(() => encoder.close());
    } catch (error) {
      device.free();
      return { hardware: null, why: VizaviError.from(error).message };
    }
    this.#device = device;
    return { hardware: 'nvenc', why: `NVENC encoded a picture of ${TRIAL.width}×${TRIAL.height}.` };
  }

  /** @throws VizaviError `encoder_failed` */
  async openVideo(options: VideoEncoderOptions): Promise<VideoEncoder> {
    const { codec, width, height } = options;
    if (width % 2 !== 0 || height % 2 !== 0) {
      throw encoderFailed(`A picture of ${width}×${height} has no whole chroma planes.`);
    }
    const software = softwareProfile(codec);
    if (codec !== 'h264' || !this.#device) return AvVideoEncoder.open(options, software);
    return openWithFallback(options, nvencProfile(options, this.#device), software, this.#options.onFallback);
  }

  openAudio(options: { readonly bitrateBps: number }): Promise<AudioEncoder> {
    return AvAudioEncoder.open(options);
  }

  openResampler(fromRate: number, toRate: number): Resampler {
    return fromRate === toRate ? PASS_THROUGH : new AvResampler(fromRate, toRate);
  }
}

function openCuda(device: HardwareDeviceContext, index: number): Promise<void> {
  return withFfmpegWords(
    () => {
      FFmpegError.throwIfError(device.create(AV_HWDEVICE_TYPE_CUDA, String(index)), 'open CUDA device');
    },
    (words, cause) => encoderFailed(`CUDA device ${index} did not open: ${words}`, cause),
  );
}

/** Opens an encoder by the first profile, or, where that is refused, by the second. @throws VizaviError `encoder_failed` */
export async function openWithFallback(
  options: VideoEncoderOptions,
  first: VideoProfile,
  second: VideoProfile,
  onFallback: ((why: string) => void) | undefined,
): Promise<VideoEncoder> {
  try {
    return await AvVideoEncoder.open(options, first);
  } catch (error) {
    onFallback?.(VizaviError.from(error).message);
    return AvVideoEncoder.open(options, second);
  }
}
