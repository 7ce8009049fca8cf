import { FFmpegError, Frame, Rational } from 'node-av/lib';
import { AV_CHANNEL_LAYOUT_MONO, AV_SAMPLE_FMT_S16, FF_ENCODER_LIBOPUS } from 'node-av/constants';
import { AvCodec, encoderFailed } from './av-codec.ts';
import type { AudioEncoder } from './encoder.ts';

const SAMPLE_RATE = 48_000;
const PACKET_SAMPLES = 960;

/** libopus; 0.1 ms a packet, so it runs on the calling thread. */
export class AvAudioEncoder implements AudioEncoder {
  readonly #codec: AvCodec;
  #packets = 0n;
  #closed = false;

  private constructor(codec: AvCodec) {
    this.#codec = codec;
  }

  /** @throws VizaviError `encoder_failed` */
  static async open(options: { readonly bitrateBps: number }): Promise<AvAudioEncoder> {
    // `lowdelay` looks ahead 2.5 ms and `voip` 6.5 ms, but only `voip` has the speech coder, and with it in-band
    // error correction (RFC 6716, section 2.1.7) and clean speech at 32 kbit/s.
    const settings = {
      application: 'voip',
      frame_duration: '20',
      fec: '1',
      packet_loss: '5',
      vbr: 'constrained',
    };
    const codec = await AvCodec.open(FF_ENCODER_LIBOPUS, settings, (context) => {
      context.sampleRate = SAMPLE_RATE;
      context.sampleFormat = AV_SAMPLE_FMT_S16;
      context.channelLayout = AV_CHANNEL_LAYOUT_MONO;
      context.bitRate = BigInt(Math.round(options.bitrateBps));
      context.timeBase = new Rational(1, SAMPLE_RATE);
    });
    return new AvAudioEncoder(codec);
  }

  encode(pcm: Int16Array): Buffer {
    if (this.#closed) throw encoderFailed('The encoder is closed.');
    if (pcm.length !== PACKET_SAMPLES) {
      throw encoderFailed(`A packet has ${PACKET_SAMPLES} samples, not ${pcm.length}.`);
    }
    try {
      return this.#encode(pcm);
    } catch (error) {
      throw encoderFailed('The sound could not be encoded.', error);
    }
  }

  close(): Promise<void> {
    if (!this.#closed) this.#codec.free();
    this.#closed = true;
    return Promise.resolve();
  }

  #encode(pcm: Int16Array): Buffer {
    const view = Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    const frame = Frame.fromAudioBuffer(view, {
      nbSamples: PACKET_SAMPLES,
      format: AV_SAMPLE_FMT_S16,
      sampleRate: SAMPLE_RATE,
      channelLayout: AV_CHANNEL_LAYOUT_MONO,
      pts: this.#packets * BigInt(PACKET_SAMPLES),
    });
    try {
      FFmpegError.throwIfError(this.#codec.context.sendFrameSync(frame), 'send frame');
    } finally {
      frame.free();
    }
    this.#packets += 1n;
    return this.#codec.receive().data;
  }
}
