import { PCM_SAMPLE_RATES, VizaviError } from '@vizavi/signaling';

/** Mono PCM: 16-bit samples, or floats in −1…1. */
export type Pcm = Int16Array | Float32Array;

const PIECE_MS = 100;

/** Checks sound and cuts it into pieces of at most 100 ms. @throws VizaviError `invalid_audio` */
export async function* pcmPieces(
  source: Pcm | AsyncIterable<Pcm>,
  sampleRate: number,
): AsyncGenerator<Int16Array, void, undefined> {
  if (!(PCM_SAMPLE_RATES as readonly number[]).includes(sampleRate)) {
    throw new VizaviError('invalid_audio', `${sampleRate} Hz is not one of ${PCM_SAMPLE_RATES.join(', ')} Hz`);
  }
  const pieceLength = Math.round((sampleRate * PIECE_MS) / 1000);
  const parts = isPcm(source) ? [source] : source;
  for await (const part of parts) {
    const samples = toInt16(part);
    for (let at = 0; at < samples.length; at += pieceLength) yield samples.slice(at, at + pieceLength);
  }
}

function isPcm(value: unknown): value is Pcm {
  return value instanceof Int16Array || value instanceof Float32Array;
}

function toInt16(pcm: unknown): Int16Array {
  if (!isPcm(pcm)) throw new VizaviError('invalid_audio', 'PCM is an Int16Array or a Float32Array');
  if (pcm instanceof Int16Array) return pcm;
  return Int16Array.from(pcm, (sample) => {
    if (!Number.isFinite(sample)) throw new VizaviError('invalid_audio', 'PCM has a sample that is not a number');
    return Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_767)));
  });
}
