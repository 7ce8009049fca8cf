import { PCM_SAMPLE_RATES, VizaviError } from '@vizavi/signaling';

/** Mono samples: 16-bit, or −1…1 (what lies beyond is clipped). */
export type Pcm = Int16Array | Float32Array;
export type PcmSource = Pcm | AsyncIterable<Pcm>;

/** A message's worth of samples, perhaps none; `last` closes the utterance. */
export interface Piece {
  readonly samples: Int16Array;
  readonly last: boolean;
}

const PIECE_MS = 100;

/**
 * Cuts sound into pieces of 100 ms, each as soon as its samples are there. The samples are copies.
 *
 * @throws VizaviError `invalid_audio` for another rate than {@link PCM_SAMPLE_RATES}, samples that are no numbers, and
 *   when there are none at all
 */
export async function* cutIntoPieces(source: PcmSource, sampleRate: number): AsyncGenerator<Piece, void> {
  if (!PCM_SAMPLE_RATES.some((rate) => rate === sampleRate)) {
    throw new VizaviError('invalid_audio', `${sampleRate} Hz is not among ${PCM_SAMPLE_RATES.join(', ')} Hz`);
  }
  const size = Math.round((sampleRate * PIECE_MS) / 1000);
  let rest = new Int16Array();
  let any = false;
  for await (const chunk of chunksOf(source)) {
    const samples = toInt16(chunk);
    any ||= samples.length > 0;
    const joined = rest.length === 0 ? samples : concat(rest, samples);
    let start = 0;
    for (; start + size <= joined.length; start += size) {
      yield { samples: joined.slice(start, start + size), last: false };
    }
    rest = joined.slice(start);
  }
  if (!any) throw new VizaviError('invalid_audio', 'there is no sound');
  yield { samples: rest, last: true };
}

function chunksOf(source: unknown): AsyncIterable<unknown> | unknown[] {
  const isStream = typeof source === 'object' && source !== null && Symbol.asyncIterator in source;
  return isStream ? (source as AsyncIterable<unknown>) : [source];
}

function toInt16(pcm: unknown): Int16Array<ArrayBuffer> {
  if (pcm instanceof Int16Array) return Int16Array.from(pcm);
  if (!(pcm instanceof Float32Array)) {
    throw new VizaviError('invalid_audio', 'sound is an Int16Array or a Float32Array');
  }
  const samples = new Int16Array(pcm.length);
  for (const [index, sample] of pcm.entries()) {
    if (!Number.isFinite(sample)) throw new VizaviError('invalid_audio', `sample ${index} is ${sample}`);
    samples[index] = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
  }
  return samples;
}

function concat(a: Int16Array, b: Int16Array): Int16Array<ArrayBuffer> {
  const joined = new Int16Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
