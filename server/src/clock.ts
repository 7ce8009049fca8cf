export type Cancel = () => void;

/** Time, as everything that waits or measures is given it. */
export interface Clock {
  /** Unix milliseconds, with fractions; never goes back. */
  nowMs(): number;
  /** Runs `run` once after `delayMs` unless cancelled. */
  after(delayMs: number, run: () => void): Cancel;
}

export const systemClock: Clock = {
  nowMs: () => performance.timeOrigin + performance.now(),
  after: (delayMs, run) => {
    // A process that has nothing else to do may end.
    const timer = setTimeout(run, delayMs).unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

/** One timer that can be set again and again. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #cancel: Cancel | null = null;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  set(delayMs: number): void {
    this.clear();
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#cancel = null;
      this.#ring();
    });
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
