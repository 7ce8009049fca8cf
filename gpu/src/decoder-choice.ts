/** A decoder that saves less than this share of time is no relief. */
const WORTH_SHARE = 0.8;

export interface DecoderChoice {
  readonly chosen: string;
  /** A clearly faster decoder for when the device cannot keep up; null when there is none. */
  readonly fastest: string | null;
}

/**
 * @param medianMs what one chunk costs with each decoder that runs here; at least one
 * @param wanted a decoder by name, or `auto`: the finest, or else the fastest
 * @param finest the one with the best pictures; chosen only if it was opened for this device
 */
export function chooseDecoder(
  medianMs: ReadonlyMap<string, number>,
  wanted: string,
  finest: string | null = null,
): DecoderChoice {
  const byTime = [...medianMs].sort(([, a], [, b]) => a - b);
  const [fastest = wanted, fastestMs = 0] = byTime[0] ?? [];
  const best = finest !== null && medianMs.has(finest) ? finest : fastest;
  const chosen = wanted === 'auto' ? best : wanted;
  return { chosen, fastest: fastestMs < (medianMs.get(chosen) ?? 0) * WORTH_SHARE ? fastest : null };
}
