/** Root mean square in dBFS, −100 for silence; a sine at full scale has −3. */
export function levelDb(pcm: Int16Array): number {
  let sum = 0;
  for (const sample of pcm) sum += sample * sample;
  return Math.max(-100, 10 * Math.log10(sum / Math.max(1, pcm.length) / 32_768 ** 2));
}
