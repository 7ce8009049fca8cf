import { VizaviError } from '@vizavi/signaling';
import { Codec, CodecContext, FFmpegError, Packet } from 'node-av/lib';
import type { FFAudioEncoder, FFVideoEncoder } from 'node-av/constants';
import { withFfmpegWords } from './av-log.ts';

/** An opened encoder and the packet that it fills again and again; both live in native memory. */
export class AvCodec {
  readonly context: CodecContext;
  readonly #packet: Packet;

  private constructor(context: CodecContext) {
    this.context = context;
    this.#packet = new Packet();
    this.#packet.alloc();
  }

  /** @throws VizaviError `encoder_failed` */
  static async open(
    name: FFVideoEncoder | FFAudioEncoder,
    options: Readonly<Record<string, string>>,
    configure: (context: CodecContext) => void,
  ): Promise<AvCodec> {
    const codec = Codec.findEncoderByName(name);
    if (!codec)
      throw new VizaviError('encoder_failed', `FFmpeg has no encoder ${name}.`, { retryable: false });
    const context = new CodecContext();
    const open = async (): Promise<AvCodec> => {
      context.allocContext3(codec);
      configure(context);
      // Options go in one by one: a dictionary handed to open2 is freed twice by node-av 6.1.1.
      for (const [key, value] of Object.entries(options)) {
        FFmpegError.throwIfError(context.setOption(key, value), `${name} option ${key}`);
      }
      FFmpegError.throwIfError(await context.open2(codec, null), `open ${name}`);
      return new AvCodec(context);
    };
    return withFfmpegWords(open, (words, cause) => {
      context.freeContext();
      return encoderFailed(`The encoder ${name} did not open: ${words}`, cause);
    });
  }

  /** The packet of the frame that was sent last; its bytes are the caller's. @throws FFmpegError */
  receive(): { readonly data: Buffer; readonly keyFrame: boolean } {
    FFmpegError.throwIfError(this.context.receivePacketSync(this.#packet), 'receive packet');
    try {
      const { data, isKeyframe: keyFrame } = this.#packet;
      if (!data) throw new Error('empty packet');
      return { data, keyFrame };
    } finally {
      this.#packet.unref();
    }
  }

  free(): void {
    this.#packet.free();
    this.context.freeContext();
  }
}

/** Anything thrown in here, as the error that the interface promises. */
export function encoderFailed(message: string, cause?: unknown): VizaviError {
  return cause instanceof VizaviError ? cause : new VizaviError('encoder_failed', message, { cause });
}
