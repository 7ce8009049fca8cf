/** A decoder that saves less than this share of time is no relief. */
const WORTH_SHARE = 0.8;

export interface DecoderChoice {
  readonly chosen: string;
  /** A clearly faster decoder for when the device cannot keep up; null when there is none. */
  readonly fastest: string | null;
}

/**
 * @param medianMs what one chunk costs with each decoder that runs here; at least one
 * @param wanted a decoder by name, or `auto`: the fastest
 */
export function chooseDecoder(medianMs: ReadonlyMap<string, number>, wanted: string): DecoderChoice {
  const byTime = [...medianMs].sort(([, a], [, b]) => a - b);
  const [fastest = wanted, fastestMs = 0] = byTime[0] ?? [];
  const chosen = wanted === 'auto' ? fastest : wanted;
  return { chosen, fastest: fastestMs < (medianMs.get(chosen) ?? 0) * WORTH_SHARE ? fastest : null };
}
