/**
 * The one monotonic timeline of a session. Tick *i* is due at `start + i / fps`; both RTP streams take their timestamps
 * from it, so sound and picture cannot drift apart, and media time runs as wall time does, also over a stall: ticks that
 * have passed are skipped, never sent late in a burst. What is *said* waits instead (see SpeechTrack).
 */
export class DeadlineClock {
  readonly framePeriodMs: number;
  readonly #startMs: number;
  #next = 0;
  #skipped = 0;

  /** `startMs` in the time base of the `nowMs` that later calls pass. */
  constructor(fps: number, startMs: number) {
    this.framePeriodMs = 1000 / fps;
    this.#startMs = startMs;
  }

  /** The tick that is to come. */
  get tick(): number {
    return this.#next;
  }

  /** Ticks that a stall has swallowed. */
  get skipped(): number {
    return this.#skipped;
  }

  /** When a tick is due. */
  dueMs(tick: number): number {
    return this.#startMs + tick * this.framePeriodMs;
  }

  /** Milliseconds since the start of the timeline. */
  mediaTimeMs(tick: number): number {
    return tick * this.framePeriodMs;
  }

  /** The tick to come is done. */
  advance(): void {
    this.#next += 1;
  }

  /**
   * When the tick to come is more than one period overdue, goes on to the first one that is not. Returns how many were
   * skipped.
   */
  reanchor(nowMs: number): number {
    const behind = Math.floor((nowMs - this.dueMs(this.#next)) / this.framePeriodMs);
    if (behind < 1) return 0;
    this.#next += behind;
    this.#skipped += behind;
    return behind;
  }
}
