import { VizaviError } from '@vizavi/signaling';
import type {
  AudioEncoder,
  EncodedFrame,
  Encoders,
  Resampler,
  VideoEncoder,
  VideoEncoderOptions,
} from '../../gpu/src/encoder.ts';

/** Encoders without codecs: small frames that count, can be told apart, and can be packetized. */
export class FakeEncoders implements Encoders {
  openVideo(options: VideoEncoderOptions): Promise<VideoEncoder> {
    return Promise.resolve(new FakeVideoEncoder(options));
  }

  openAudio(): Promise<AudioEncoder> {
    return Promise.resolve(new FakeAudioEncoder());
  }

  openResampler(fromRate: number, toRate: number): Resampler {
    return new LinearResampler(fromRate, toRate);
  }
}

const START_CODE = [0, 0, 0, 1];
/** A frame is this many times smaller than the bitrate would allow. */
const SHRINK = 50;

/** An H.264 frame is real NAL units with nothing in them; a VP8 frame a real frame tag. The frame's number follows. */
export class FakeVideoEncoder implements VideoEncoder {
  readonly options: VideoEncoderOptions;
  bitrateBps: number;
  frames = 0;
  #closed = false;

  constructor(options: VideoEncoderOptions) {
    this.options = options;
    this.bitrateBps = options.bitrateBps;
  }

  async encode(i420: Uint8Array, options: { readonly keyFrame: boolean }): Promise<EncodedFrame> {
    if (this.#closed) throw failure('closed');
    const { codec, width, height, fps } = this.options;
    if (i420.length !== width * height * 1.5) throw failure('wrong size');
    await Promise.resolve();
    const keyFrame = options.keyFrame || this.frames === 0;
    const content = Buffer.alloc(Math.ceil(this.bitrateBps / 8 / fps / SHRINK) + 4, 0xff);
    content.writeUInt32BE(this.frames, 0);
    this.frames += 1;
    const head = codec === 'h264' ? h264Head(keyFrame) : [keyFrame ? 0x10 : 0x11, 0, 0];
    return { data: Buffer.concat([Buffer.from(head), content]), keyFrame };
  }

  setBitrate(bitrateBps: number): void {
    this.bitrateBps = bitrateBps;
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}

function h264Head(keyFrame: boolean): number[] {
  if (!keyFrame) return [...START_CODE, 0x41];
  return [...START_CODE, 0x67, 0x42, 0xc0, 0x1f, ...START_CODE, 0x68, 0xce, ...START_CODE, 0x65];
}

/** A packet: the TOC byte of a 20 ms frame, the packet's number, and the loudest sample (2 bytes each). */
export class FakeAudioEncoder implements AudioEncoder {
  packets = 0;
  #closed = false;

  async encode(pcm: Int16Array): Promise<Buffer> {
    if (this.#closed) throw failure('closed');
    if (pcm.length !== 960) throw failure('wrong size');
    const packet = Buffer.alloc(5, 0x78);
    packet.writeUInt16BE(this.packets & 0xffff, 1);
    packet.writeUInt16BE(
      pcm.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0),
      3,
    );
    this.packets += 1;
    return packet;
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}

/** Straight lines between samples; the last sample is held to the end. */
class LinearResampler implements Resampler {
  readonly #step: number;
  #held: number[] = [];
  /** Where the next output sample lies, in input samples from the first held one. */
  #position = 0;

  constructor(fromRate: number, toRate: number) {
    this.#step = fromRate / toRate;
  }

  push(pcm: Int16Array): Int16Array {
    this.#held.push(...pcm);
    return this.#read(this.#held.length - 1);
  }

  flush(): Int16Array {
    const rest = this.#read(this.#held.length);
    this.#held = [];
    this.#position = 0;
    return rest;
  }

  close(): void {
    this.#held = [];
  }

  #read(end: number): Int16Array {
    const out: number[] = [];
    for (; this.#position < end - 1e-6; this.#position += this.#step) {
      const index = Math.floor(this.#position);
      const sample = this.#held[index] as number;
      const next = this.#held[index + 1] ?? sample;
      out.push(Math.round(sample + (next - sample) * (this.#position - index)));
    }
    const spent = Math.min(Math.floor(this.#position), Math.max(0, this.#held.length - 1));
    this.#held.splice(0, spent);
    this.#position -= spent;
    return Int16Array.from(out);
  }
}

function failure(message: string): VizaviError {
  return new VizaviError('encoder_failed', message);
}
