import type { HardwareDeviceContext } from 'node-av/lib';
import { FF_ENCODER_H264_NVENC, FF_ENCODER_LIBVPX_VP8, FF_ENCODER_LIBX264 } from 'node-av/constants';
import type { FFVideoEncoder } from 'node-av/constants';
import type { VideoCodec, VideoEncoderOptions } from './encoder.ts';

/** How one of FFmpeg's encoders is set up for one stream. */
export interface VideoProfile {
  readonly name: FFVideoEncoder;
  readonly options: Readonly<Record<string, string>>;
  /** What another rate takes: nothing, a key frame, or a new encoder, which begins with a key frame. */
  readonly rateChange: 'live' | 'key_frame' | 'reopen';
  /** libvpx keeps a constant rate only when told the minimum too. */
  readonly constantRate: boolean;
  /** The CUDA device that encodes; null: this CPU, or a context of the encoder's own on the first device. */
  readonly device: HardwareDeviceContext | null;
}

const SOFTWARE: Readonly<Record<VideoCodec, VideoProfile>> = {
  h264: {
    name: FF_ENCODER_LIBX264,
    options: {
      preset: 'superfast',
      tune: 'zerolatency',
      // x264's baseline is constrained baseline; with level 3.1 this is profile-level-id 42e01f.
      profile: 'baseline',
      level: '3.1',
      'forced-idr': '1',
      'x264-params': 'threads=1:sliced-threads=0:keyint=infinite:scenecut=0:repeat-headers=1',
    },
    rateChange: 'live',
    constantRate: false,
    device: null,
  },
  vp8: {
    name: FF_ENCODER_LIBVPX_VP8,
    options: {
      deadline: 'realtime',
      'cpu-used': '-6',
      'lag-in-frames': '0',
      'auto-alt-ref': '0',
      'static-thresh': '1',
    },
    rateChange: 'reopen',
    constantRate: true,
    device: null,
  },
};

export function softwareProfile(codec: VideoCodec): VideoProfile {
  return SOFTWARE[codec];
}

/** ITU-T H.264, table A-1, level 3.1. */
const LEVEL_3_1 = { macroblocks: 3600, macroblocksPerSecond: 108_000 };

/**
 * H.264 by NVENC (FFmpeg's libavcodec/nvenc.c): a frame's packet is there when the frame has been sent, parameter sets
 * come with every key frame, and there are neither B frames nor references to what comes later.
 */
export function nvencProfile(
  options: VideoEncoderOptions,
  device: HardwareDeviceContext | null,
): VideoProfile {
  const macroblocks = Math.ceil(options.width / 16) * Math.ceil(options.height / 16);
  const fits =
    macroblocks <= LEVEL_3_1.macroblocks && macroblocks * options.fps <= LEVEL_3_1.macroblocksPerSecond;
  return {
    name: FF_ENCODER_H264_NVENC,
    options: {
      preset: 'p4',
      tune: 'ull',
      profile: 'baseline',
      coder: 'cavlc',
      // NVENC refuses a level that is too low for the picture.
      level: fits ? '3.1' : 'auto',
      rc: 'cbr',
      // One picture at a time; by default NVENC keeps three back.
      surfaces: '1',
      delay: '0',
      zerolatency: '1',
      'forced-idr': '1',
    },
    // FFmpeg resets the encoder with a key frame when the rate changes.
    rateChange: 'key_frame',
    constantRate: false,
    device,
  };
}
