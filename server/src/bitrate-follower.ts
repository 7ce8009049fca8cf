/** Below this a talking face is no longer worth looking at. */
const MIN_BITRATE_BPS = 150_000;
/** Share of the estimate that goes to video; the rest is for sound, retransmissions and being wrong. */
const SHARE = 0.9;
const MIN_CHANGE = 0.1;
const MIN_INTERVAL_MS = 1000;

/** Turns the estimates of several viewers' networks into one bitrate for the one encoder that they share. */
export class BitrateFollower {
  readonly #maxBps: number;
  readonly #nowMs: () => number;
  readonly #onChange: (bitrateBps: number) => void;
  readonly #estimates = new Map<string, number>();
  #current: number;
  #changedMs = -Infinity;

  constructor(maxBps: number, nowMs: () => number, onChange: (bitrateBps: number) => void) {
    this.#maxBps = maxBps;
    this.#nowMs = nowMs;
    this.#onChange = onChange;
    this.#current = maxBps;
  }

  /** Estimates come about once a second, so that one that is too early to act on is soon followed by another. */
  report(viewer: string, availableBps: number): void {
    this.#estimates.set(viewer, availableBps);
    if (this.#nowMs() - this.#changedMs >= MIN_INTERVAL_MS) this.#decide();
  }

  forget(viewer: string): void {
    if (this.#estimates.delete(viewer)) this.#decide();
  }

  #decide(): void {
    const worst = Math.min(...this.#estimates.values()); // Infinity when there is none
    const target = Math.round(Math.min(this.#maxBps, Math.max(MIN_BITRATE_BPS, worst * SHARE)));
    const change = Math.abs(target - this.#current);
    if (change === 0 || (change < this.#current * MIN_CHANGE && target !== this.#maxBps)) return;
    this.#current = target;
    this.#changedMs = this.#nowMs();
    this.#onChange(target);
  }
}
