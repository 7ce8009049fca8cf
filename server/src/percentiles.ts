const WINDOW = 200;

/** Median and 95th percentile of the latest values. */
export class Percentiles {
  readonly #values: number[] = [];

  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > WINDOW) this.#values.shift();
  }

  /** Null while there is no value. */
  summary(): { median: number; p95: number } | null {
    const sorted = this.#values.toSorted((a, b) => a - b);
    const at = (share: number): number | undefined => sorted[Math.ceil(sorted.length * share) - 1];
    const [median, p95] = [at(0.5), at(0.95)];
    return median === undefined || p95 === undefined ? null : { median, p95 };
  }
}
