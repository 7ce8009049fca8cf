import { FFmpegError, Frame, Rational } from 'node-av/lib';
import { AV_CHANNEL_LAYOUT_MONO, AV_SAMPLE_FMT_S16, FF_ENCODER_LIBOPUS } from 'node-av/constants';
import { AvCodec, encoderFailed } from './av-codec.ts';
import type { AudioEncoder } from './encoder.ts';

const SAMPLE_RATE = 48_000;
const PACKET_SAMPLES = 960;
const SILENCE = Buffer.alloc(PACKET_SAMPLES * 2);

/**
 * libopus on libuv's pool: 0.2 ms of speech a packet, which 60 sessions could not spend on one thread. Silence costs
 * nothing once the encoder has come to rest.
 */
export class AvAudioEncoder implements AudioEncoder {
  readonly #codec: AvCodec;
  readonly #frame = allocFrame();
  #packets = 0n;
  #last: Promise<unknown> = Promise.resolve();
  /** The last packet, when it was of silence. */
  #silent: Buffer | null = null;
  /** Two packets of silence were alike. */
  #resting = false;
  #closed: Promise<void> | null = null;

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

  async encode(pcm: Int16Array): Promise<Buffer> {
    if (this.#closed) throw encoderFailed('The encoder is closed.');
    if (pcm.length !== PACKET_SAMPLES) {
      throw encoderFailed(`A packet has ${PACKET_SAMPLES} samples, not ${pcm.length}.`);
    }
    const packet = this.#last.then(() => this.#encode(pcm));
    this.#last = packet.catch(() => undefined);
    try {
      return await packet;
    } catch (error) {
      throw encoderFailed('The sound could not be encoded.', error);
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#last.then(() => {
      this.#codec.free();
      this.#frame.free();
    });
    return this.#closed;
  }

  async #encode(pcm: Int16Array): Promise<Buffer> {
    const view = Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);
    const silent = SILENCE.equals(view);
    // For silence Opus sends the transform coder's silence flag (RFC 6716, section 4.3), after which coder and decoder
    // stand where they stood before: every further packet would be the same.
    if (silent && this.#silent && this.#resting) return this.#silent;
    const frame = this.#frame;
    frame.pts = this.#packets * BigInt(PACKET_SAMPLES);
    FFmpegError.throwIfError(frame.fromBuffer(view), 'take samples');
    FFmpegError.throwIfError(await this.#codec.context.sendFrame(frame), 'send frame');
    this.#packets += 1n;
    const { data } = this.#codec.receive();
    this.#resting = silent && this.#silent?.equals(data) === true;
    this.#silent = silent ? data : null;
    return data;
  }
}

function allocFrame(): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.nbSamples = PACKET_SAMPLES;
  frame.format = AV_SAMPLE_FMT_S16;
  frame.sampleRate = SAMPLE_RATE;
  frame.channelLayout = AV_CHANNEL_LAYOUT_MONO;
  FFmpegError.throwIfError(frame.getBuffer(), 'allocate frame');
  return frame;
}
