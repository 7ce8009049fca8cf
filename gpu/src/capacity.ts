import type { NoticeOf, WorkerToServer } from '@vizavi/signaling';
import { sessionsFor } from './admission.ts';
import type { AdmissionInput } from './admission.ts';
import type { Avatar } from './avatar.ts';
import type { DeviceUsage } from './device-meter.ts';

type CapacityNotice = NoticeOf<WorkerToServer, 'worker.capacity'>;
type DeviceReport = NoticeOf<WorkerToServer, 'worker.device'>;

/** Measured limits that move by less than this share are the same. */
const SAME_SHARE = 0.1;

export interface CapacityOptions {
  readonly avatar: Avatar;
  /** Of the machine and the configuration. */
  readonly machine: Pick<AdmissionInput, 'device' | 'cores' | 'hardwareEncoder' | 'configured'>;
}

/**
 * How many sessions an avatar's device takes: by what batches cost at warm-up and have cost since, and none beyond those
 * that are open while its ladder has left the first rung.
 */
export class Capacity {
  readonly avatar: Avatar;
  readonly #machine: CapacityOptions['machine'];
  /** As many as the figures of warm-up allow: the number of slots. */
  readonly slots: number;
  readonly bottleneck: string;
  #limit: number;
  #last: { readonly usage: DeviceUsage; readonly atMs: number } | null = null;

  constructor({ avatar, machine }: CapacityOptions) {
    this.avatar = avatar;
    this.#machine = machine;
    const { sessions, bottleneck } = this.#measured();
    this.slots = sessions;
    this.bottleneck = bottleneck;
    this.#limit = sessions;
  }

  /** @param open sessions that hold a slot now */
  now(open: number): CapacityNotice {
    const { rung } = this.avatar.loop.quality;
    if (rung !== 'full') return { admit: open, rung, reason: 'the device is short of time' };
    const measured = Math.min(this.slots, this.#measured().sessions);
    if (Math.abs(measured - this.#limit) > SAME_SHARE * this.#limit) this.#limit = measured;
    return { admit: this.#limit, rung, reason: `by measured costs (${this.bottleneck})` };
  }

  /** What the device has done since the last call; null the first time. */
  report(nowMs: number): DeviceReport | null {
    const { loop, bundle } = this.avatar;
    const { usage } = loop.meter;
    const before = this.#last;
    this.#last = { usage, atMs: nowMs };
    if (!before) return null;
    const passedMs = nowMs - before.atMs;
    const share = (pick: (usage: DeviceUsage) => number): number =>
      (pick(usage) - pick(before.usage)) / passedMs;
    const mediaMs = ((usage.frames - before.usage.frames) * 1000) / bundle.fps;
    const causes = Object.keys(usage.stallMs) as (keyof DeviceUsage['stallMs'])[];
    return {
      busyShare: share(({ busyMs }) => busyMs),
      copyShare: share(({ copyMs }) => copyMs),
      hostShare: share(({ hostMs }) => hostMs),
      copiedBytesPerSecond: share(({ copiedBytes }) => copiedBytes) * 1000,
      realTimeFactor: mediaMs === 0 ? 0 : (usage.busyMs - before.usage.busyMs) / mediaMs,
      stallShares: Object.fromEntries(causes.map((cause) => [cause, share(({ stallMs }) => stallMs[cause])])),
    };
  }

  #measured(): ReturnType<typeof sessionsFor> {
    const { avatar } = this;
    const { fps, chunkFrames } = avatar.bundle;
    return sessionsFor({
      ...this.#machine,
      batchMs: (frames) => avatar.loop.costs.batchMs(frames),
      fps,
      chunkFrames,
      maxBatchFrames: avatar.runner.maxBatchFrames,
    });
  }
}
