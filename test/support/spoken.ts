import { AvAudioEncoder } from '../../gpu/src/av-audio-encoder.ts';
import { AvResampler } from '../../gpu/src/av-resampler.ts';
import { RtpPacketizer } from '../../gpu/src/rtp-packetizer.ts';
import { OpusPayloader } from '../../gpu/src/rtp-payloaders.ts';
import type { Voice } from '../../server/src/voice/voice.ts';

/** Of all sounds here: mono, 16 bit, 16 kHz. */
export const RATE = 16_000;
const PACKET_SAMPLES = 960;
/** Quieter than this is no voice. */
const VOICE_DB = -40;

/** Reproducible chance, 0 ≤ n < 1 (a linear congruential generator; its high bits are good enough here). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What a voice says, as it says it. */
export async function say(voice: Voice, text: string, name?: string): Promise<Int16Array> {
  const parts: Int16Array[] = [];
  for await (const { pcm } of voice.speak(text, name === undefined ? {} : { voice: name })) parts.push(pcm);
  return joined(...parts);
}

export function joined(...parts: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function silence(ms: number): Int16Array {
  return new Int16Array(Math.round((ms * RATE) / 1000));
}

export function durationMs(pcm: Int16Array): number {
  return (pcm.length * 1000) / RATE;
}

/** Root mean square, dBFS, of the 10 ms pieces that are not silent. */
export function loudness(pcm: Int16Array): number {
  let sum = 0;
  let count = 0;
  for (let at = 0; at < pcm.length; at += RATE / 100) {
    const power = meanSquare(pcm.subarray(at, at + RATE / 100));
    if (power < 1e-7) continue;
    sum += power;
    count += 1;
  }
  return 10 * Math.log10(sum / Math.max(1, count));
}

/** The same sound at another loudness, clipped where it must be. */
export function atLoudness(pcm: Int16Array, db: number): Int16Array {
  const gain = 10 ** ((db - loudness(pcm)) / 20);
  return pcm.map((sample) => clip(sample * gain));
}

/** Both at once, `over` beginning at `atMs`. */
export function mixed(pcm: Int16Array, over: Int16Array, atMs = 0): Int16Array {
  const start = Math.round((atMs * RATE) / 1000);
  return pcm.map((sample, index) => clip(sample + (over[index - start] ?? 0)));
}

/** Where the first voice is loud enough to be one: voiced sound, not a breath or an `s`. */
export function voiceStartMs(pcm: Int16Array): number {
  return voicedPieces(pcm)[0] ?? 0;
}

export function voiceEndMs(pcm: Int16Array): number {
  return (voicedPieces(pcm).at(-1) ?? 0) + 10;
}

/** Pieces of 10 ms within 25 dB of the loudest, whose energy lies below 1 kHz. */
function voicedPieces(pcm: Int16Array): number[] {
  const size = RATE / 100;
  const pieces: { atMs: number; power: number; low: number }[] = [];
  let smooth = 0;
  for (let at = 0; at + size <= pcm.length; at += size) {
    let low = 0;
    for (let i = at; i < at + size; i += 1) {
      smooth += 0.3 * ((pcm[i] ?? 0) / 32_768 - smooth);
      low += smooth * smooth;
    }
    pieces.push({
      atMs: (at * 1000) / RATE,
      power: meanSquare(pcm.subarray(at, at + size)),
      low: low / size,
    });
  }
  const loudest = Math.max(...pieces.map(({ power }) => power));
  const least = Math.max(loudest / 10 ** 2.5, Math.min(loudest, 10 ** (VOICE_DB / 10)) / 100);
  return pieces.filter(({ power, low }) => power > least && low > power / 4).map(({ atMs }) => atMs);
}

/** White, or pink: as much in each octave, like a fan. */
export function noise(ms: number, random: () => number, colour: 'white' | 'pink' = 'pink'): Int16Array {
  let [a, b, c] = [0, 0, 0];
  return silence(ms).map(() => {
    const white = random() * 2 - 1;
    if (colour === 'white') return white * 8000;
    a = 0.99765 * a + white * 0.099;
    b = 0.963 * b + white * 0.2965;
    c = 0.57 * c + white * 1.0526;
    return clip((a + b + c + white * 0.1848) * 3000);
  });
}

/** Key strokes: a click of 5 to 15 ms that dies away, five a second. */
export function keyboard(ms: number, random: () => number): Int16Array {
  const sound = silence(ms);
  for (let at = 0; at < sound.length; at += Math.round(RATE * (0.1 + 0.2 * random()))) {
    const decay = RATE * (0.001 + 0.003 * random());
    for (let i = 0; i < 6 * decay && at + i < sound.length; i += 1) {
      sound[at + i] = clip(12_000 * Math.exp(-i / decay) * (random() * 2 - 1));
    }
  }
  return sound;
}

/** A tune of three plucked strings. */
export function tune(ms: number, random: () => number): Int16Array {
  const sound = new Float32Array(silence(ms).length);
  const scale = [196, 220, 262, 294, 330, 392, 440, 523];
  for (let at = 0; at < sound.length; at += Math.round(RATE * 0.25)) {
    for (const octave of [0.5, 1, 2]) {
      const hertz = (scale[Math.floor(random() * scale.length)] ?? 220) * octave;
      for (let i = 0; i < RATE && at + i < sound.length; i += 1) {
        const t = i / RATE;
        const tone = Math.sin(2 * Math.PI * hertz * t) + 0.4 * Math.sin(4 * Math.PI * hertz * t);
        sound[at + i] = (sound[at + i] ?? 0) + 2500 * Math.exp(-4 * t) * tone;
      }
    }
  }
  return Int16Array.from(sound, clip);
}

/** A browser's microphone: sound → RTP packets of Opus, 20 ms each. */
export class OpusMicrophone {
  readonly #encoder: AvAudioEncoder;
  readonly #resampler = new AvResampler(RATE, 48_000);
  readonly #packetizer: RtpPacketizer;
  #rest = new Int16Array(0);
  #rtpTimestamp: number;

  private constructor(encoder: AvAudioEncoder, { ssrc, sequenceNumber, rtpTimestamp }: StreamStart) {
    this.#encoder = encoder;
    this.#rtpTimestamp = rtpTimestamp;
    this.#packetizer = new RtpPacketizer({
      ssrc,
      payloadType: 111,
      payloader: new OpusPayloader(),
      firstSequenceNumber: sequenceNumber,
    });
  }

  static async open(start: Partial<StreamStart> = {}): Promise<OpusMicrophone> {
    const encoder = await AvAudioEncoder.open({ bitrateBps: 32_000 });
    return new OpusMicrophone(encoder, { ssrc: 1, sequenceNumber: 0, rtpTimestamp: 0, ...start });
  }

  /** Sound that is no whole packet waits for more. */
  async packets(pcm: Int16Array): Promise<Buffer[]> {
    const sound = joined(this.#rest, this.#resampler.push(pcm));
    const packets: Buffer[] = [];
    let at = 0;
    for (; at + PACKET_SAMPLES <= sound.length; at += PACKET_SAMPLES) {
      const frame = await this.#encoder.encode(sound.slice(at, at + PACKET_SAMPLES));
      packets.push(...this.#packetizer.packetize(frame, this.#rtpTimestamp));
      this.#rtpTimestamp = (this.#rtpTimestamp + PACKET_SAMPLES) >>> 0;
    }
    this.#rest = sound.slice(at);
    return packets;
  }

  /** Nothing is sent for so long, and the numbers go on: as with DTX. */
  pause(ms: number): void {
    this.#rtpTimestamp = (this.#rtpTimestamp + ms * 48) >>> 0;
  }

  async close(): Promise<void> {
    this.#resampler.close();
    await this.#encoder.close();
  }
}

interface StreamStart {
  readonly ssrc: number;
  readonly sequenceNumber: number;
  readonly rtpTimestamp: number;
}

/** Loses a share of the packets and swaps others with the one behind them. */
export function badNetwork(
  packets: readonly Buffer[],
  random: () => number,
  { lost, swapped }: { readonly lost: number; readonly swapped: number },
): Buffer[] {
  const left = packets.filter(() => random() >= lost);
  for (let i = 0; i + 1 < left.length; i += 1) {
    if (random() < swapped) [left[i], left[i + 1]] = [left[i + 1]!, left[i]!];
  }
  return left;
}

function meanSquare(pcm: Int16Array): number {
  return pcm.reduce((sum, sample) => sum + (sample / 32_768) ** 2, 0) / Math.max(1, pcm.length);
}

function clip(sample: number): number {
  return Math.round(Math.max(-32_768, Math.min(32_767, sample)));
}
