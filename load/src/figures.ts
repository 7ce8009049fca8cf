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

/** One figure a line; latencies as median / p95. */
export function printFigures(figures: Record<string, unknown>): void {
  const rows = Object.entries(figures).map(([name, value]) => `${name.padEnd(22)} ${figure(value)}`);
  process.stdout.write(`${rows.join('\n')}\n`);
}

function figure(value: unknown): string {
  if (typeof value === 'string') return value;
  if (!isSpread(value)) return JSON.stringify(value);
  const low = value.p5 === undefined ? '' : `${value.p5} … `;
  return `${low}${value.median} (p95 ${value.p95})`;
}

function isSpread(value: unknown): value is { median: number; p95: number; p5?: number } {
  return typeof value === 'object' && value !== null && 'median' in value && 'p95' in value;
}
