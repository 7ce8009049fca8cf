/** A curve sampled at any times. */
export interface Sample {
  readonly ms: number;
  readonly value: number;
}

const STEP_MS = 10;
const MAX_SHIFT_MS = 300;

/**
 * How much later the sound is than the picture, in milliseconds: the shift at which the sound's energy fits the mouth's
 * movement best. NaN when the two have too little in common.
 */
export function soundLagMs(mouth: readonly Sample[], sound: readonly Sample[]): number {
  const startMs = Math.max(mouth[0]?.ms ?? 0, sound[0]?.ms ?? 0);
  const endMs = Math.min(mouth.at(-1)?.ms ?? 0, sound.at(-1)?.ms ?? 0);
  const steps = Math.floor((endMs - startMs) / STEP_MS);
  if (steps < 200) return Number.NaN;
  // The mouth moves as slowly as syllables do: the energy is smoothed alike.
  const opening = smooth(resample(mouth, startMs, steps), 4);
  const energy = smooth(resample(sound, startMs, steps).map(Math.sqrt), 8);
  let best = { shift: Number.NaN, r: 0.3 };
  const limit = MAX_SHIFT_MS / STEP_MS;
  for (let shift = -limit; shift <= limit; shift += 1) {
    const r = correlation(opening, energy, shift);
    if (r > best.r) best = { shift: -shift * STEP_MS, r };
  }
  return best.shift;
}

function resample(samples: readonly Sample[], startMs: number, steps: number): number[] {
  let index = 0;
  return Array.from({ length: steps }, (_, step) => {
    const at = startMs + step * STEP_MS;
    while (index + 1 < samples.length && (samples[index + 1]?.ms ?? 0) <= at) index += 1;
    return samples[index]?.value ?? 0;
  });
}

function smooth(values: readonly number[], radius: number): number[] {
  return values.map((_, center) => {
    const window = values.slice(Math.max(0, center - radius), center + radius + 1);
    return window.reduce((sum, value) => sum + value, 0) / window.length;
  });
}

/** Pearson's r of a[i + shift] and b[i]. */
function correlation(a: readonly number[], b: readonly number[], shift: number): number {
  const from = Math.max(0, -shift);
  const to = Math.min(b.length, a.length - shift);
  const n = to - from;
  let sumA = 0;
  let sumB = 0;
  let sumAA = 0;
  let sumBB = 0;
  let sumAB = 0;
  for (let i = from; i < to; i += 1) {
    const x = a[i + shift] ?? 0;
    const y = b[i] ?? 0;
    sumA += x;
    sumB += y;
    sumAA += x * x;
    sumBB += y * y;
    sumAB += x * y;
  }
  const spreadA = sumAA - (sumA * sumA) / n;
  const spreadB = sumBB - (sumB * sumB) / n;
  return spreadA > 0 && spreadB > 0 ? (sumAB - (sumA * sumB) / n) / Math.sqrt(spreadA * spreadB) : 0;
}
