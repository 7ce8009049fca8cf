/** Quieter than this is silence: −47 dBFS, below flite's softest consonants. */
const SILENCE = 150;
/** Kept before the first and after the last sound, so that no consonant loses its edge. */
const LEAD_MS = 10;
const TAIL_MS = 40;

/** Speech without the silence around it, which flite makes 200 ms long, and with `pauseMs` of silence after it. */
export function trimSilence(pcm: Int16Array, sampleRate: number, pauseMs: number): Int16Array {
  const ms = sampleRate / 1000;
  const first = pcm.findIndex((sample) => Math.abs(sample) > SILENCE);
  if (first < 0) return new Int16Array(0);
  const last = pcm.findLastIndex((sample) => Math.abs(sample) > SILENCE);
  const voiced = pcm.subarray(Math.max(0, first - LEAD_MS * ms), last + 1 + TAIL_MS * ms);
  const out = new Int16Array(voiced.length + Math.round(pauseMs * ms));
  out.set(voiced);
  return out;
}
