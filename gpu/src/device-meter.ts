import type { BatchTimes } from './model-runner.ts';

/** Why a device stood still: nothing to do; no free ring entry; work was there, but the host handed it over late; or the device waited by itself (uploads, launches). */
export const STALL_CAUSES = ['no-work', 'ring-full', 'host', 'device'] as const;
export type StallCause = (typeof STALL_CAUSES)[number];

/** What a device did with its time. Sums since the start; shares are differences of sums over time. */
export interface DeviceUsage {
  readonly batches: number;
  readonly frames: number;
  /** Kernels running. */
  readonly busyMs: number;
  readonly copyMs: number;
  readonly copiedBytes: number;
  /** The host handing work over. */
  readonly hostMs: number;
  readonly stallMs: Readonly<Record<StallCause, number>>;
}

/** Over which "lately" reaches. */
const WINDOW_MS = 1000;

/** Sums what batches tell of themselves, and finds the causes of the gaps between them. */
export class DeviceMeter {
  #batches = 0;
  #frames = 0;
  #busyMs = 0;
  #copyMs = 0;
  #copiedBytes = 0;
  #hostMs = 0;
  readonly #stallMs: Record<StallCause, number> = { 'no-work': 0, 'ring-full': 0, host: 0, device: 0 };
  #busyUntilMs: number | null = null;
  readonly #recent: { readonly endMs: number; readonly busyMs: number }[] = [];
  #idle: { readonly cause: 'no-work' | 'ring-full'; readonly sinceMs: number } | null = null;

  get usage(): DeviceUsage {
    return {
      batches: this.#batches,
      frames: this.#frames,
      busyMs: this.#busyMs,
      copyMs: this.#copyMs,
      copiedBytes: this.#copiedBytes,
      hostMs: this.#hostMs,
      stallMs: { ...this.#stallMs },
    };
  }

  /** Share of the last second in which kernels ran: 0 at rest, about 1 when the device is full. */
  busyShare(nowMs: number): number {
    while (this.#recent[0] && this.#recent[0].endMs < nowMs - WINDOW_MS) this.#recent.shift();
    return this.#recent.reduce((sum, { busyMs }) => sum + busyMs, 0) / WINDOW_MS;
  }

  /** The loop had nothing to hand over. */
  idle(cause: 'no-work' | 'ring-full', nowMs: number): void {
    if (this.#idle?.cause !== cause) this.#idle = { cause, sinceMs: nowMs };
  }

  /** A batch has ended; batches end in their order. */
  add({ frames, copiedBytes, enqueue, generate, decode, copy }: BatchTimes): void {
    this.#batches += 1;
    this.#frames += frames;
    this.#busyMs += length(generate) + length(decode);
    this.#copyMs += length(copy);
    this.#copiedBytes += copiedBytes;
    this.#hostMs += length(enqueue);
    this.#recent.push({ endMs: decode.endMs, busyMs: length(generate) + length(decode) });
    const idleFromMs = this.#busyUntilMs;
    this.#busyUntilMs = decode.endMs;
    if (idleFromMs === null || generate.startMs <= idleFromMs) return;
    // From the device's rest to the hand-over the loop is the cause, after that the way into the device.
    const handedMs = Math.min(Math.max(enqueue.startMs, idleFromMs), generate.startMs);
    const known = this.#idle && this.#idle.sinceMs <= handedMs ? this.#idle.cause : 'host';
    this.#stallMs[known] += handedMs - idleFromMs;
    const enqueuedMs = Math.min(Math.max(enqueue.endMs, handedMs), generate.startMs);
    this.#stallMs.host += enqueuedMs - handedMs;
    this.#stallMs.device += generate.startMs - enqueuedMs;
    this.#idle = null;
  }
}

function length({ startMs, endMs }: { readonly startMs: number; readonly endMs: number }): number {
  return endMs - startMs;
}
