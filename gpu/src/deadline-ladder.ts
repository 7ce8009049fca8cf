/**
 * How late work degrades, in this order; each row holds what the rows above it gave up. New sessions are refused before
 * running ones leave the first row's quality for long (see Admission).
 */
export const LADDER = [
  { rung: 'full', steps: 'default', decoder: 'chosen', decodeEvery: 1, picture: 'own' },
  { rung: 'fewer-steps', steps: 'fewest', decoder: 'chosen', decodeEvery: 1, picture: 'own' },
  { rung: 'small-decoder', steps: 'fewest', decoder: 'fastest', decodeEvery: 1, picture: 'own' },
  { rung: 'half-rate', steps: 'fewest', decoder: 'fastest', decodeEvery: 2, picture: 'own' },
  { rung: 'hold-picture', steps: 'fewest', decoder: 'fastest', decodeEvery: 0, picture: 'last' },
  { rung: 'idle-picture', steps: 'fewest', decoder: 'fastest', decodeEvery: 0, picture: 'idle' },
] as const;

export type LadderRow = (typeof LADDER)[number];
export type Rung = LadderRow['rung'];

export interface LadderStep {
  readonly from: Rung;
  readonly to: Rung;
  readonly reason: string;
  readonly atMs: number;
}

export interface LadderOptions {
  /** Rungs that the bundle and the device have; the others are passed over. */
  readonly available: readonly Rung[];
  /** Cost of a frame on a rung over its cost on the first one. */
  readonly relativeCost: (rung: Rung) => number;
  readonly onStep: (step: LadderStep) => void;
}

export interface BatchOutcome {
  readonly nowMs: number;
  /** How long before its earliest deadline a batch was ready; negative: after it. */
  readonly slackMs: number;
  /** Share of the last second in which the device worked. */
  readonly busyShare: number;
}

/** Ready with less to spare than this counts as late: the encoder still needs its time. */
const MARGIN_MS = 3;
/** A busy device is short of time when such a share of its last batches was late; big batches need not be so many. */
const SHORT = { batches: 8, orMs: 250, lateShare: 0.5 };
const BUSY_SHARE = 0.8;
/** A device that is not busy is not relieved by less work, unless lateness goes on. */
const LONG = { batches: 24, orMs: Infinity, lateShare: 0.75 };
/** Late batches that gain such a share of the time that passes are catching up by themselves. */
const RECOVERS_SHARE = 0.1;
/** A step's effect shows after this time. */
const HOLD_OFF_MS = 300;
/** A step up follows a time without late batches; each one that fails doubles it. */
const CALM_MS = 3000;
const MAX_CALM_MS = 60_000;
/** A step up has failed when a step down follows within this time, and is good after it. */
const TRIAL_MS = 60_000;
/** The rung above must fit with this much to spare. */
const FITS_SHARE = 0.85;
/** A face that stands still for longer looks broken; idle motion does not. */
const MAX_HOLD_MS = 2000;

/** Moves along {@link LADDER}: down by one when batches come late, up to the highest rung that would fit again. */
export class DeadlineLadder {
  readonly #rows: readonly LadderRow[];
  readonly #options: LadderOptions;
  #index = 0;
  /** Since the last step. */
  readonly #batches: BatchOutcome[] = [];
  #steppedMs = -Infinity;
  /** When the step up was made that is still on trial. */
  #roseMs: number | null = null;
  /** The time without late batches that runs now, and how much of it the device worked. */
  #calm: { readonly sinceMs: number; atMs: number; busyMs: number } | null = null;
  #calmMs = CALM_MS;

  constructor(options: LadderOptions) {
    this.#options = options;
    this.#rows = LADDER.filter(({ rung }) => rung === 'full' || options.available.includes(rung));
  }

  get row(): LadderRow {
    return this.#rows[this.#index] ?? LADDER[0];
  }

  /** A batch is ready. */
  observe(outcome: BatchOutcome): void {
    const { nowMs, slackMs, busyShare } = outcome;
    this.#batches.push(outcome);
    if (this.#batches.length > LONG.batches) this.#batches.shift();
    if (slackMs < MARGIN_MS) this.#calm = null;
    if (nowMs - this.#steppedMs >= HOLD_OFF_MS) {
      if (busyShare >= BUSY_SHARE && this.#isLate(SHORT)) {
        this.#down(nowMs, 'the device is late and busy');
        return;
      }
      if (this.#isLate(LONG)) {
        this.#down(nowMs, 'pictures keep being late');
        return;
      }
    }
    this.#rest(nowMs, busyShare, slackMs < MARGIN_MS);
  }

  /** The device has nothing to do. */
  idle(nowMs: number): void {
    this.#batches.length = 0;
    this.#rest(nowMs, 0, false);
  }

  #rest(nowMs: number, busyShare: number, late: boolean): void {
    if (this.row.picture === 'last' && nowMs - this.#steppedMs > MAX_HOLD_MS) {
      this.#down(nowMs, 'the picture has stood still for long');
      return;
    }
    if (this.#roseMs !== null && nowMs - this.#roseMs > TRIAL_MS) {
      this.#roseMs = null;
      this.#calmMs = CALM_MS;
    }
    if (late || this.#index === 0) return;
    const calm = (this.#calm ??= { sinceMs: nowMs, atMs: nowMs, busyMs: 0 });
    calm.busyMs += busyShare * (nowMs - calm.atMs);
    calm.atMs = nowMs;
    const passedMs = nowMs - calm.sinceMs;
    if (passedMs < this.#calmMs) return;
    // Judged as a whole: of many single figures the lowest would always fit.
    this.#calm = null;
    this.#up(nowMs, calm.busyMs / passedMs);
  }

  #up(nowMs: number, busyShare: number): void {
    const { relativeCost } = this.#options;
    const cost = relativeCost(this.row.rung);
    const predicted = ({ rung }: LadderRow): number =>
      cost > 0 ? (busyShare * relativeCost(rung)) / cost : busyShare;
    const index = this.#rows.findIndex((row) => row.picture !== 'last' && predicted(row) < FITS_SHARE);
    const target = this.#rows[index];
    if (!target || index >= this.#index) return;
    this.#roseMs = nowMs;
    this.#step(index, nowMs, `${Math.round(predicted(target) * 100)} % of the device will do`);
  }

  #down(nowMs: number, reason: string): void {
    if (this.#index + 1 >= this.#rows.length) return;
    if (this.#roseMs !== null) this.#calmMs = Math.min(MAX_CALM_MS, 2 * this.#calmMs);
    this.#roseMs = null;
    this.#step(this.#index + 1, nowMs, reason);
  }

  #step(index: number, nowMs: number, reason: string): void {
    const from = this.row.rung;
    this.#index = index;
    this.#steppedMs = nowMs;
    this.#calm = null;
    this.#batches.length = 0;
    this.#options.onStep({ from, to: this.row.rung, reason, atMs: nowMs });
  }

  #isLate({ batches, orMs, lateShare }: typeof SHORT): boolean {
    const window = this.#batches.slice(-batches);
    const [first, last] = [window[0], window.at(-1)];
    if (!first || !last) return false;
    const passedMs = last.nowMs - first.nowMs;
    if (window.length < batches && passedMs < orMs) return false;
    if (last.slackMs - first.slackMs > RECOVERS_SHARE * passedMs) return false;
    return window.filter(({ slackMs }) => slackMs < MARGIN_MS).length >= lateShare * window.length;
  }
}
