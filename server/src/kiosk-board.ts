import { createHmac } from 'node:crypto';
import { VizaviError } from '@vizavi/signaling';

export const KIOSK_STATES = [
  'asleep',
  'waking',
  'greeting',
  'talking',
  'leaving',
  'parting',
  'resting',
  /** The page stands still; its watchdog tells. */
  'hung',
] as const;
export type KioskState = (typeof KIOSK_STATES)[number];

/** What a kiosk tells of itself; nothing of what was said. */
export interface KioskBeacon {
  readonly state: KioskState;
  /** Since its page was loaded. */
  readonly uptimeSec: number;
  readonly visitors: number;
  readonly errors: number;
  readonly lastError: string | null;
  readonly version: string;
}

export interface KioskReport extends KioskBeacon {
  readonly kioskId: string;
  /** Unix milliseconds. */
  readonly seenAtMs: number;
}

export interface KioskBoardOptions {
  /** Unix milliseconds. */
  readonly nowMs: () => number;
  /** As many kiosks are kept. */
  readonly maxKiosks?: number;
}

/** A kiosk that has been silent for so long may make room for another one. */
const FORGOTTEN_AFTER_MS = 24 * 3600 * 1000;

/** The last beacon of each kiosk. */
export class KioskBoard {
  readonly #reports = new Map<string, KioskReport>();
  readonly #nowMs: () => number;
  readonly #maxKiosks: number;

  constructor({ nowMs, maxKiosks = 1000 }: KioskBoardOptions) {
    this.#nowMs = nowMs;
    this.#maxKiosks = maxKiosks;
  }

  /** @throws VizaviError `too_many_requests` when too many others are known */
  record(kioskId: string, beacon: KioskBeacon): KioskReport {
    const seenAtMs = this.#nowMs();
    if (!this.#reports.has(kioskId) && this.#reports.size >= this.#maxKiosks) {
      // Those that were heard of last stand at the end.
      const oldest = this.#reports.values().next().value;
      if (!oldest || seenAtMs - oldest.seenAtMs < FORGOTTEN_AFTER_MS) {
        throw new VizaviError('too_many_requests', `At most ${this.#maxKiosks} kiosks are kept.`);
      }
      this.#reports.delete(oldest.kioskId);
    }
    const report = { kioskId, seenAtMs, ...beacon };
    this.#reports.delete(kioskId);
    this.#reports.set(kioskId, report);
    return report;
  }

  /** @throws VizaviError `not_found` */
  get(kioskId: string): KioskReport {
    const report = this.#reports.get(kioskId);
    if (!report) throw new VizaviError('not_found', 'This kiosk has not been heard of.');
    return report;
  }

  /** By their names. */
  list(): readonly KioskReport[] {
    return [...this.#reports.values()].sort((a, b) => (a.kioskId < b.kioskId ? -1 : 1));
  }

  /** Seconds since its last beacon. */
  silentSec({ seenAtMs }: KioskReport): number {
    return Math.max(0, Math.round((this.#nowMs() - seenAtMs) / 1000));
  }
}

/** What a kiosk shows instead of the API key it was made with: good for its own beacon, for as long as that key is. */
export function kioskToken(apiKey: string, kioskId: string): string {
  return createHmac('sha256', apiKey).update(`vizavi kiosk ${kioskId}`).digest('base64url');
}
