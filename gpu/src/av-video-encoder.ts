import { Frame, FFmpegError, Rational } from 'node-av/lib';
import type { CodecContext } from 'node-av/lib';
import {
  AV_PICTURE_TYPE_I,
  AV_PIX_FMT_YUV420P,
  AVCOL_PRI_SMPTE170M,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_SMPTE170M,
  AVCOL_TRC_SMPTE170M,
  FF_ENCODER_LIBVPX_VP8,
  FF_ENCODER_LIBX264,
} from 'node-av/constants';
import type { FFVideoEncoder } from 'node-av/constants';
import { AvCodec, encoderFailed } from './av-codec.ts';
import type { EncodedFrame, VideoCodec, VideoEncoder, VideoEncoderOptions } from './encoder.ts';

/** Seconds of the target rate that one burst may take; bounds the size of key frames. */
const RATE_BUFFER_S = 0.3;
/** Where the rate is fixed at opening, smaller changes than this are not worth a key frame. */
const REOPEN_CHANGE = 0.15;

interface CodecProfile {
  readonly name: FFVideoEncoder;
  readonly options: Readonly<Record<string, string>>;
  /** The rate may change while the encoder is open. */
  readonly liveRate: boolean;
  /** libvpx keeps a constant rate only when told the minimum too. */
  readonly constantRate: boolean;
}

const PROFILES: Readonly<Record<VideoCodec, CodecProfile>> = {
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
    liveRate: true,
    constantRate: false,
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
    liveRate: false,
    constantRate: true,
  },
};

/** libx264 or libvpx on one thread of libuv's pool; a frame goes in and its packet comes out. */
export class AvVideoEncoder implements VideoEncoder {
  readonly #options: VideoEncoderOptions;
  readonly #profile: CodecProfile;
  readonly #frameBytes: number;
  #codec: AvCodec;
  #codecBitrateBps: number;
  #bitrateBps: number;
  #frames = 0n;
  #work: Promise<EncodedFrame> | null = null;
  #closed: Promise<void> | null = null;

  private constructor(options: VideoEncoderOptions, codec: AvCodec) {
    this.#options = options;
    this.#profile = PROFILES[options.codec];
    this.#frameBytes = options.width * options.height * 1.5;
    this.#codec = codec;
    this.#codecBitrateBps = options.bitrateBps;
    this.#bitrateBps = options.bitrateBps;
  }

  /** Width and height are even. @throws VizaviError `encoder_failed` */
  static async open(options: VideoEncoderOptions): Promise<AvVideoEncoder> {
    if (options.width % 2 !== 0 || options.height % 2 !== 0) {
      throw encoderFailed(`A picture of ${options.width}×${options.height} has no whole chroma planes.`);
    }
    return new AvVideoEncoder(options, await openCodec(options, options.bitrateBps));
  }

  async encode(i420: Uint8Array, options: { readonly keyFrame: boolean }): Promise<EncodedFrame> {
    if (this.#closed) throw encoderFailed('The encoder is closed.');
    if (this.#work) throw encoderFailed('The encoder is still at the last frame.');
    if (i420.byteLength !== this.#frameBytes) {
      throw encoderFailed(`A picture has ${this.#frameBytes} bytes, not ${i420.byteLength}.`);
    }
    this.#work = this.#encode(i420, options.keyFrame);
    try {
      return await this.#work;
    } catch (error) {
      throw encoderFailed('The frame could not be encoded.', error);
    } finally {
      this.#work = null;
    }
  }

  setBitrate(bitrateBps: number): void {
    this.#bitrateBps = bitrateBps;
  }

  close(): Promise<void> {
    this.#closed ??= Promise.allSettled([this.#work]).then(() => {
      this.#codec.free();
    });
    return this.#closed;
  }

  async #encode(i420: Uint8Array, keyFrame: boolean): Promise<EncodedFrame> {
    await this.#followBitrate();
    const { width, height } = this.#options;
    const view = Buffer.from(i420.buffer, i420.byteOffset, i420.byteLength);
    // The frame points into the caller's memory; nothing is copied.
    const frame = Frame.fromVideoBuffer(view, {
      width,
      height,
      format: AV_PIX_FMT_YUV420P,
      pts: this.#frames,
    });
    try {
      if (keyFrame) frame.pictType = AV_PICTURE_TYPE_I;
      FFmpegError.throwIfError(await this.#codec.context.sendFrame(frame), 'send frame');
    } finally {
      frame.free();
    }
    this.#frames += 1n;
    return this.#codec.receive();
  }

  async #followBitrate(): Promise<void> {
    if (this.#bitrateBps === this.#codecBitrateBps) return;
    const bitrateBps = this.#bitrateBps;
    if (this.#profile.liveRate) {
      setRate(this.#codec.context, this.#profile, bitrateBps);
    } else {
      const change = Math.abs(bitrateBps - this.#codecBitrateBps) / this.#codecBitrateBps;
      if (change <= REOPEN_CHANGE) return;
      const codec = await openCodec(this.#options, bitrateBps);
      this.#codec.free();
      this.#codec = codec;
    }
    this.#codecBitrateBps = bitrateBps;
  }
}

function openCodec(options: VideoEncoderOptions, bitrateBps: number): Promise<AvCodec> {
  const profile = PROFILES[options.codec];
  return AvCodec.open(profile.name, profile.options, (context) => {
    context.width = options.width;
    context.height = options.height;
    context.pixelFormat = AV_PIX_FMT_YUV420P;
    context.timeBase = new Rational(1, options.fps);
    context.framerate = new Rational(options.fps, 1);
    context.threadCount = 1;
    context.maxBFrames = 0;
    // Key frames come on request only.
    context.gopSize = 2 ** 30;
    context.colorRange = AVCOL_RANGE_MPEG;
    context.colorSpace = AVCOL_SPC_SMPTE170M;
    context.colorPrimaries = AVCOL_PRI_SMPTE170M;
    context.colorTrc = AVCOL_TRC_SMPTE170M;
    setRate(context, profile, bitrateBps);
  });
}

function setRate(context: CodecContext, profile: CodecProfile, bitrateBps: number): void {
  const rate = BigInt(Math.round(bitrateBps));
  context.bitRate = rate;
  context.rcMaxRate = rate;
  if (profile.constantRate) context.rcMinRate = rate;
  context.rcBufferSize = Math.round(bitrateBps * RATE_BUFFER_S);
}
