import { OpusDecoder } from 'opus-decoder';
import { BLOCK_SAMPLES, EARS_SAMPLE_RATE } from './hearing-messages.ts';
import { JitterBuffer, signed } from './jitter-buffer.ts';
import type { ReleasedPacket } from './jitter-buffer.ts';
import { opusSamples } from './opus-packet.ts';
import { parseRtp } from './rtp-packet.ts';

/** Timestamps count samples at 48 kHz (RFC 7587, 4.1). */
const TICKS_PER_SAMPLE = 48_000 / EARS_SAMPLE_RATE;
/** A longer gap is cut to this: enough to end any turn, not enough to be made to work for nothing. */
const MAX_SILENCE_SAMPLES = 2 * EARS_SAMPLE_RATE;
/** A timestamp that is farther off has begun anew. */
const MAX_GAP_TICKS = 600 * 48_000;
/** After so long the decoder's concealment has faded out. */
const MAX_CONCEALED_SAMPLES = 0.12 * EARS_SAMPLE_RATE;

const FRAME_COUNT_CODE = 3;

type Decoder = OpusDecoder<16_000>;

/**
 * One microphone's RTP packets → its sound without gaps, in blocks. Lost sound is concealed by the decoder; what was not sent
 * (DTX), or does not come while time goes on, is silence.
 */
export class OpusReceiver {
  readonly #decoder: Decoder;
  readonly #idleAfterMs: number;
  readonly #jitter = new JitterBuffer();
  #blocks: Float32Array[] = [];
  #block = new Float32Array(BLOCK_SAMPLES);
  #filled = 0;
  /** What made the last packet, and how long its frames are (RFC 6716, 3.1). */
  #lastToc = 0;
  /** The timestamp that follows what was heard last. */
  #nextTicks = 0;
  #lastArrivalMs: number | null = null;
  /** Silence that stood in for packets since the last one. */
  #idleSamples = 0;
  #closed = false;

  private constructor(decoder: Decoder, idleAfterMs: number) {
    this.#decoder = decoder;
    this.#idleAfterMs = idleAfterMs;
  }

  /** @param idleAfterMs without packets for so long, silence takes their place */
  static async open(idleAfterMs: number): Promise<OpusReceiver> {
    const decoder: Decoder = new OpusDecoder({ sampleRate: EARS_SAMPLE_RATE, channels: 1 });
    await decoder.ready;
    return new OpusReceiver(decoder, idleAfterMs);
  }

  /** Takes what may be a packet; what is none changes nothing. Gives the blocks that are full. */
  push(bytes: Uint8Array, nowMs: number): Float32Array[] {
    const rtp = parseRtp(bytes);
    const samples = rtp ? opusSamples(rtp.payload) : null;
    if (this.#closed || !rtp || samples === null) return [];
    this.#lastArrivalMs = nowMs;
    for (const packet of this.#jitter.push({ ...rtp, samples })) this.#play(packet);
    return this.#take();
  }

  /** To be called while no packets come: gives the silence that has passed. */
  idle(nowMs: number): Float32Array[] {
    const idleMs = this.#lastArrivalMs === null ? 0 : nowMs - this.#lastArrivalMs;
    if (this.#closed || idleMs < this.#idleAfterMs) return [];
    for (const packet of this.#jitter.flush()) this.#play(packet);
    const passed = Math.min(Math.floor((idleMs * EARS_SAMPLE_RATE) / 1000), MAX_SILENCE_SAMPLES);
    this.#silence(passed - this.#idleSamples);
    this.#idleSamples = Math.max(this.#idleSamples, passed);
    return this.#take();
  }

  close(): void {
    if (!this.#closed) this.#decoder.free();
    this.#closed = true;
  }

  #play(packet: ReleasedPacket): void {
    if (packet.follows !== 'nothing') this.#bridge(packet);
    this.#idleSamples = 0;
    this.#nextTicks = packet.rtpTimestamp + packet.samples;
    this.#lastToc = packet.payload[0] ?? 0;
    const { channelData } = this.#decoder.decodeFrame(packet.payload);
    if (channelData[0]) this.#append(channelData[0]);
  }

  /** Fills what is missing before a packet, less the silence that has filled it already. */
  #bridge({ rtpTimestamp, follows }: ReleasedPacket): void {
    const ticks = signed(rtpTimestamp - this.#nextTicks, 32);
    if (ticks <= 0 || ticks > MAX_GAP_TICKS) return;
    let missing = Math.round(ticks / TICKS_PER_SAMPLE) - this.#idleSamples;
    if (follows === 'loss' && this.#idleSamples === 0) {
      missing -= this.#conceal(Math.min(missing, MAX_CONCEALED_SAMPLES));
    }
    this.#silence(Math.min(missing, MAX_SILENCE_SAMPLES));
  }

  /** Goes on as the last packet sounded. @returns how many samples that gave */
  #conceal(samples: number): number {
    // A frame of nothing: the decoder conceals as much as the frame would have sounded (RFC 6716, 3.2.1).
    const lost = Uint8Array.of(this.#lastToc & ~FRAME_COUNT_CODE);
    let concealed = 0;
    while (concealed < samples) {
      const [sound] = this.#decoder.decodeFrame(lost).channelData;
      if (!sound || sound.length === 0) break;
      this.#append(sound.subarray(0, samples - concealed));
      concealed += sound.length;
    }
    return Math.min(concealed, samples);
  }

  #silence(samples: number): void {
    if (samples > 0) this.#append(new Float32Array(samples));
  }

  #append(sound: Float32Array): void {
    for (let at = 0; at < sound.length;) {
      const part = sound.subarray(at, at + BLOCK_SAMPLES - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < BLOCK_SAMPLES) continue;
      this.#blocks.push(this.#block);
      this.#block = new Float32Array(BLOCK_SAMPLES);
      this.#filled = 0;
    }
  }

  #take(): Float32Array[] {
    const blocks = this.#blocks;
    this.#blocks = [];
    return blocks;
  }
}
