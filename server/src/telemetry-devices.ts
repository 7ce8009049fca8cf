import type { NoticeOf, WorkerToServer } from '@vizavi/signaling';
import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

export type DeviceReport = NoticeOf<WorkerToServer, 'worker.device'>;

const FIGURES = {
  busyShare: ['vizavi_device_busy_share', 'Share of the time in which kernels ran'],
  copyShare: ['vizavi_device_copy_share', 'Share of the time in which frames were copied off the device'],
  hostShare: ['vizavi_device_host_share', 'Share of the time in which the host handed work over'],
  copiedBytesPerSecond: ['vizavi_device_copied_bytes_per_second', 'Frames copied off the device'],
  realTimeFactor: ['vizavi_device_real_time_factor', 'Time of the device over the length of its frames'],
} as const;

/** The latest report of each GPU worker's device. */
export class DeviceMetrics {
  readonly #gauges: Readonly<Record<keyof typeof FIGURES, Gauge<'worker'>>>;
  readonly #stalls: Gauge<'worker' | 'cause'>;

  constructor(registry: Registry) {
    const gauge = ([name, help]: readonly [string, string]): Gauge<'worker'> =>
      new Gauge({ name, help, labelNames: ['worker'], registers: [registry] });
    this.#gauges = {
      busyShare: gauge(FIGURES.busyShare),
      copyShare: gauge(FIGURES.copyShare),
      hostShare: gauge(FIGURES.hostShare),
      copiedBytesPerSecond: gauge(FIGURES.copiedBytesPerSecond),
      realTimeFactor: gauge(FIGURES.realTimeFactor),
    };
    this.#stalls = new Gauge({
      name: 'vizavi_device_stall_share',
      help: 'Share of the time in which the device stood still, by cause',
      labelNames: ['worker', 'cause'],
      registers: [registry],
    });
  }

  record(worker: string, { stallShares, ...report }: DeviceReport): void {
    for (const [figure, gauge] of Object.entries(this.#gauges)) {
      gauge.set({ worker }, report[figure as keyof typeof FIGURES]);
    }
    for (const [cause, share] of Object.entries(stallShares)) this.#stalls.set({ worker, cause }, share);
  }

  /** The worker is gone. */
  forget(worker: string): void {
    for (const gauge of Object.values(this.#gauges)) gauge.remove({ worker });
    this.#stalls.reset();
  }
}
