import { Codec, CodecContext, FFmpegError, Frame, Packet } from 'node-av/lib';
import { AV_CODEC_ID_H264, AV_CODEC_ID_OPUS, AV_CODEC_ID_VP8, AV_SAMPLE_FMT_FLTP } from 'node-av/constants';

const CODEC_IDS = { h264: AV_CODEC_ID_H264, vp8: AV_CODEC_ID_VP8, opus: AV_CODEC_ID_OPUS };

export interface Decoded {
  readonly colorSpace: number;
  readonly colorRange: number;
  /** I420, or samples of 16 bits. */
  readonly data: Buffer;
}

/** Decodes frames as they come, one out for one in; throws where FFmpeg finds a fault. */
export class AvDecoder {
  readonly #context = new CodecContext();
  readonly #packet = new Packet();
  readonly #frame = new Frame();

  static async open(codec: keyof typeof CODEC_IDS): Promise<AvDecoder> {
    const decoder = new AvDecoder();
    const found = Codec.findDecoder(CODEC_IDS[codec]);
    decoder.#context.allocContext3(found);
    if (codec === 'opus') decoder.#context.sampleRate = 48_000;
    decoder.#context.setOption('flags', 'low_delay');
    decoder.#context.setOption('err_detect', 'explode');
    FFmpegError.throwIfError(await decoder.#context.open2(found, null), 'open decoder');
    decoder.#packet.alloc();
    decoder.#frame.alloc();
    return decoder;
  }

  decode(data: Buffer): Decoded {
    this.#packet.data = data;
    FFmpegError.throwIfError(this.#context.sendPacketSync(this.#packet), 'send packet');
    this.#packet.unref();
    FFmpegError.throwIfError(this.#context.receiveFrameSync(this.#frame), 'receive frame');
    const frame = this.#frame;
    const { colorSpace, colorRange } = frame;
    const pcm = this.#context.sampleFormat === AV_SAMPLE_FMT_FLTP ? samples(frame) : null;
    const decoded = { colorSpace, colorRange, data: pcm ?? frame.toBuffer() };
    frame.unref();
    return decoded;
  }

  close(): void {
    this.#frame.free();
    this.#packet.free();
    this.#context.freeContext();
  }
}

function samples(frame: Frame): Buffer {
  const plane = frame.toBuffer();
  const out = Buffer.alloc(frame.nbSamples * 2);
  for (let i = 0; i < frame.nbSamples; i += 1)
    out.writeInt16LE(Math.round(plane.readFloatLE(4 * i) * 32_767), 2 * i);
  return out;
}
