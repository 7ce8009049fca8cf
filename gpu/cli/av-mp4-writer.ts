import { Encoder, Muxer } from 'node-av/api';
import { FFmpegError, Frame, Rational } from 'node-av/lib';
import {
  AV_CHANNEL_LAYOUT_MONO,
  AV_PIX_FMT_YUV420P,
  AV_SAMPLE_FMT_FLTP,
  AVCOL_PRI_SMPTE170M,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_SMPTE170M,
  AVCOL_TRC_SMPTE170M,
  FF_ENCODER_AAC,
  FF_ENCODER_LIBX264,
} from 'node-av/constants';

export interface Mp4Options {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** x264's constant rate factor: 18 looks like the pictures themselves, 28 is small. */
  readonly quality?: number;
}

const SOUND_RATE = 48_000;
const SOUND_BITRATE = 96_000;
/** Samples of one AAC frame. */
const AAC_SAMPLES = 1024;

/** H.264 and AAC in one file, made to begin before it is wholly loaded. */
export class Mp4Writer {
  readonly #muxer: Muxer;
  readonly #video: Encoder;
  readonly #audio: Encoder;
  readonly #picture: Frame;
  readonly #sound: Frame;
  readonly #fifo = new Float32Array(AAC_SAMPLES);
  #streams: { readonly video: number; readonly audio: number } | null = null;
  #waiting = 0;
  #pictures = 0n;
  #blocks = 0n;

  private constructor(muxer: Muxer, video: Encoder, audio: Encoder, { width, height }: Mp4Options) {
    this.#muxer = muxer;
    this.#video = video;
    this.#audio = audio;
    this.#picture = new Frame();
    this.#picture.alloc();
    Object.assign(this.#picture, {
      width,
      height,
      format: AV_PIX_FMT_YUV420P,
      colorRange: AVCOL_RANGE_MPEG,
      colorSpace: AVCOL_SPC_SMPTE170M,
      colorPrimaries: AVCOL_PRI_SMPTE170M,
      colorTrc: AVCOL_TRC_SMPTE170M,
    });
    FFmpegError.throwIfError(this.#picture.getBuffer(), 'allocate picture');
    this.#sound = new Frame();
    this.#sound.alloc();
    Object.assign(this.#sound, {
      nbSamples: AAC_SAMPLES,
      format: AV_SAMPLE_FMT_FLTP,
      sampleRate: SOUND_RATE,
      channelLayout: AV_CHANNEL_LAYOUT_MONO,
    });
    FFmpegError.throwIfError(this.#sound.getBuffer(), 'allocate sound');
  }

  /** @throws FFmpegError when the file cannot be written */
  static async open(file: string, options: Mp4Options): Promise<Mp4Writer> {
    const muxer = await Muxer.open(file, { format: 'mp4', options: { movflags: '+faststart' } });
    const { fps, quality = 20 } = options;
    const video = await Encoder.create(FF_ENCODER_LIBX264, {
      options: { preset: 'medium', crf: quality },
      configure: (context) => {
        context.timeBase = new Rational(1, fps);
        context.framerate = new Rational(fps, 1);
      },
    });
    const audio = await Encoder.create(FF_ENCODER_AAC, {
      bitrate: SOUND_BITRATE,
      configure: (context) => {
        context.timeBase = new Rational(1, SOUND_RATE);
      },
    });
    return new Mp4Writer(muxer, video, audio, options);
  }

  /** The next picture (I420) and the sound beside it (48 kHz mono). */
  async write(i420: Uint8Array, pcm: Int16Array): Promise<void> {
    const picture = this.#picture;
    FFmpegError.throwIfError(
      picture.fromBuffer(Buffer.from(i420.buffer, i420.byteOffset, i420.byteLength)),
      'take picture',
    );
    picture.pts = this.#pictures;
    picture.timeBase = this.#video.getCodecContext()?.timeBase ?? picture.timeBase;
    this.#pictures += 1n;
    await this.#encode('video', picture);
    for (const sample of pcm) {
      this.#fifo[this.#waiting] = sample / 32_768;
      this.#waiting += 1;
      if (this.#waiting === AAC_SAMPLES) await this.#encodeSound();
    }
  }

  async close(): Promise<void> {
    if (this.#waiting > 0) {
      this.#fifo.fill(0, this.#waiting);
      await this.#encodeSound();
    }
    await this.#encode('video', null);
    await this.#encode('audio', null);
    await this.#muxer.close();
    this.#video.close();
    this.#audio.close();
    this.#picture.free();
    this.#sound.free();
  }

  async #encodeSound(): Promise<void> {
    FFmpegError.throwIfError(this.#sound.fromBuffer(Buffer.from(this.#fifo.buffer.slice(0))), 'take sound');
    this.#sound.pts = this.#blocks * BigInt(AAC_SAMPLES);
    this.#blocks += 1n;
    this.#waiting = 0;
    await this.#encode('audio', this.#sound);
  }

  async #encode(kind: 'video' | 'audio', frame: Frame | null): Promise<void> {
    const encoder = kind === 'video' ? this.#video : this.#audio;
    this.#streams ??= {
      video: this.#muxer.addStream(this.#video),
      audio: this.#muxer.addStream(this.#audio),
    };
    for (const packet of await encoder.encodeAll(frame)) {
      await this.#muxer.writePacket(packet, this.#streams[kind]);
      packet.free();
    }
  }
}
