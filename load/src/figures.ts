import { cpus } from 'node:os';

/** A latency over its trials, milliseconds. */
export interface Latency {
  readonly median: number;
  readonly p95: number;
}

export interface Spread extends Latency {
  readonly p5: number;
}

/** The sample at a share of the sorted samples; NaN without samples. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))];
  return value === undefined ? Number.NaN : Math.round(value * 10) / 10;
}

export function latency(samples: readonly number[]): Latency {
  return { median: percentile(samples, 0.5), p95: percentile(samples, 0.95) };
}

export function spread(samples: readonly number[]): Spread {
  return { ...latency(samples), p5: percentile(samples, 0.05) };
}

/** The machine that a figure belongs to. */
export function machine(): string {
  const list = cpus();
  return `${list.length} × ${list[0]?.model.trim() ?? 'unknown CPU'}, Node ${process.versions.node}, ${process.platform}`;
}
