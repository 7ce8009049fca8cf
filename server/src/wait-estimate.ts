/** Completed conversations whose lengths count. */
const REMEMBERED = 20;
/** One that has lasted longer than most may end at any time, but hardly now. */
const LEAST_LEFT_SHARE = 0.1;

/** How long conversations last, and so how long somebody waits for a slot. */
export class WaitEstimate {
  readonly #lengthsMs: number[] = [];

  /** A conversation has ended. */
  add(lengthMs: number): void {
    this.#lengthsMs.push(lengthMs);
    if (this.#lengthsMs.length > REMEMBERED) this.#lengthsMs.shift();
  }

  /**
   * When the `position`-th who waits (1 is the next) gets a slot; null as long as no conversation has ended.
   *
   * @param agesMs how long the conversations that hold the slots have lasted; one for each slot
   */
  forPosition(position: number, agesMs: readonly number[]): number | null {
    if (this.#lengthsMs.length === 0 || agesMs.length === 0) return null;
    const meanMs = this.#lengthsMs.reduce((sum, ms) => sum + ms, 0) / this.#lengthsMs.length;
    const left = agesMs
      .map((ageMs) => Math.max(meanMs - ageMs, meanMs * LEAST_LEFT_SHARE))
      .sort((a, b) => a - b);
    const rounds = Math.floor((position - 1) / left.length);
    return Math.round((left[(position - 1) % left.length] ?? 0) + rounds * meanMs);
  }
}
