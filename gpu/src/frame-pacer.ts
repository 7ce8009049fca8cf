import type { DeadlineClock } from './deadline-clock.ts';

/** What happens at a tick; all calls come from one timer, in order. */
export interface PacerEvents {
  /** The content of `tick` is to be chosen: half a period before it is due. */
  onCommit(tick: number): void;
  /** `tick` is due. */
  onDue(tick: number): void;
}

/** Calls {@link PacerEvents} on the deadlines of a {@link DeadlineClock}. */
export class FramePacer {
  readonly #clock: DeadlineClock;
  readonly #nowMs: () => number;
  readonly #events: PacerEvents;
  #timer: NodeJS.Timeout | null = null;
  #phase: 'commit' | 'due' = 'commit';

  constructor(clock: DeadlineClock, nowMs: () => number, events: PacerEvents) {
    this.#clock = clock;
    this.#nowMs = nowMs;
    this.#events = events;
  }

  get running(): boolean {
    return this.#timer !== null;
  }

  start(): void {
    if (this.#timer) return;
    this.#phase = 'commit';
    this.#clock.reanchor(this.#nowMs());
    this.#arm();
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #atMs(): number {
    const dueMs = this.#clock.dueMs(this.#clock.tick);
    return this.#phase === 'due' ? dueMs : dueMs - this.#clock.framePeriodMs / 2;
  }

  #arm(): void {
    this.#timer = setTimeout(
      () => {
        this.#run();
      },
      Math.max(0, this.#atMs() - this.#nowMs()),
    );
  }

  #run(): void {
    // A timer may fire a fraction early: setTimeout counts whole milliseconds.
    while (this.#timer && this.#atMs() <= this.#nowMs() + 0.5) this.#step();
    if (this.#timer) this.#arm();
  }

  #step(): void {
    if (this.#phase === 'commit') {
      this.#clock.reanchor(this.#nowMs());
      this.#phase = 'due';
      this.#events.onCommit(this.#clock.tick);
    } else {
      this.#phase = 'commit';
      const tick = this.#clock.tick;
      this.#clock.advance();
      this.#events.onDue(tick);
    }
  }
}
