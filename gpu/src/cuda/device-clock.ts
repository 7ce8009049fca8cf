/** How far the device's time may drift from the host's before it is set again. */
const MAX_DRIFT_MS = 20;

/**
 * Puts the device's events on the host's clock. The driver tells only how long lies between two events (CUDA Driver API,
 * cuEventElapsedTime; float32 milliseconds), so each batch is measured from the one before it: long runs lose no precision.
 */
export class DeviceClock {
  readonly #elapsedMs: (from: number, to: number) => number;
  #last: { readonly event: number; readonly atMs: number } | null = null;

  constructor(elapsedMs: (from: number, to: number) => number) {
    this.#elapsedMs = elapsedMs;
  }

  /**
   * When a batch began, on the host's clock.
   *
   * @param start its first event; the event of the batch before it must not have been recorded again
   * @param latestMs by what the host saw: no later than this
   */
  place(start: number, latestMs: number): number {
    const { event, atMs } = this.#last ?? { event: start, atMs: latestMs };
    let startMs = atMs + (event === start ? 0 : this.#elapsedMs(event, start));
    if (startMs > latestMs || startMs < latestMs - MAX_DRIFT_MS) startMs = latestMs;
    this.#last = { event: start, atMs: startMs };
    return startMs;
  }
}
