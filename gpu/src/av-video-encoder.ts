import { Frame, FFmpegError, Rational } from 'node-av/lib';
import type { CodecContext } from 'node-av/lib';
import {
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_YUV420P,
  AVCOL_PRI_SMPTE170M,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_SMPTE170M,
  AVCOL_TRC_SMPTE170M,
} from 'node-av/constants';
import { AvCodec, encoderFailed } from './av-codec.ts';
import type { VideoProfile } from './av-video-profiles.ts';
import type { EncodedFrame, VideoEncoder, VideoEncoderOptions } from './encoder.ts';

/** Seconds of the target rate that one burst may take; bounds the size of key frames. */
const RATE_BUFFER_S = 0.3;
/** Where another rate takes a key frame, smaller changes than this are not worth it. */
const KEY_FRAME_CHANGE = 0.15;

/** libx264, libvpx or NVENC, waited for on a thread of libuv's pool; a frame goes in and its packet comes out. */
export class AvVideoEncoder implements VideoEncoder {
  readonly #options: VideoEncoderOptions;
  readonly #profile: VideoProfile;
  readonly #frameBytes: number;
  readonly #frame: Frame;
  #codec: AvCodec;
  #codecBitrateBps: number;
  #bitrateBps: number;
  #frames = 0n;
  #work: Promise<EncodedFrame> | null = null;
  #closed: Promise<void> | null = null;

  private constructor(options: VideoEncoderOptions, profile: VideoProfile, codec: AvCodec) {
    this.#options = options;
    this.#profile = profile;
    this.#frameBytes = options.width * options.height * 1.5;
    this.#frame = allocFrame(options);
    this.#codec = codec;
    this.#codecBitrateBps = options.bitrateBps;
    this.#bitrateBps = options.bitrateBps;
  }

  /** Width and height are even. @throws VizaviError `encoder_failed` */
  static async open(options: VideoEncoderOptions, profile: VideoProfile): Promise<AvVideoEncoder> {
    return new AvVideoEncoder(options, profile, await openCodec(options, profile, options.bitrateBps));
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
      this.#frame.free();
    });
    return this.#closed;
  }

  async #encode(i420: Uint8Array, keyFrame: boolean): Promise<EncodedFrame> {
    await this.#followBitrate();
    const frame = this.#frame;
    frame.pts = this.#frames;
    frame.pictType = keyFrame ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    // The frame points into the caller's memory; nothing is copied.
    const view = Buffer.from(i420.buffer, i420.byteOffset, i420.byteLength);
    FFmpegError.throwIfError(frame.fromBuffer(view), 'point at picture');
    FFmpegError.throwIfError(await this.#codec.context.sendFrame(frame), 'send frame');
    this.#frames += 1n;
    return this.#codec.receive();
  }

  async #followBitrate(): Promise<void> {
    if (this.#bitrateBps === this.#codecBitrateBps) return;
    const bitrateBps = this.#bitrateBps;
    const change = Math.abs(bitrateBps - this.#codecBitrateBps) / this.#codecBitrateBps;
    if (this.#profile.rateChange !== 'live' && change <= KEY_FRAME_CHANGE) return;
    if (this.#profile.rateChange === 'reopen') {
      const codec = await openCodec(this.#options, this.#profile, bitrateBps);
      this.#codec.free();
      this.#codec = codec;
    } else {
      setRate(this.#codec.context, this.#profile, bitrateBps);
    }
    this.#codecBitrateBps = bitrateBps;
  }
}

/** Its own memory is never written to: FFmpeg takes no frame without. */
function allocFrame({ width, height }: VideoEncoderOptions): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.width = width;
  frame.height = height;
  frame.format = AV_PIX_FMT_YUV420P;
  FFmpegError.throwIfError(frame.getBuffer(), 'allocate frame');
  return frame;
}

function openCodec(
  options: VideoEncoderOptions,
  profile: VideoProfile,
  bitrateBps: number,
): Promise<AvCodec> {
  return AvCodec.open(profile.name, profile.options, (context) => {
    if (profile.device) context.hwDeviceCtx = profile.device;
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

function setRate(context: CodecContext, profile: VideoProfile, bitrateBps: number): void {
  const rate = BigInt(Math.round(bitrateBps));
  context.bitRate = rate;
  context.rcMaxRate = rate;
  if (profile.constantRate) context.rcMinRate = rate;
  context.rcBufferSize = Math.round(bitrateBps * RATE_BUFFER_S);
}
