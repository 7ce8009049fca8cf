/** What warm-up has timed: medians over several runs, milliseconds. */
export interface MeasuredCosts {
  /** One slot's generator, by the frames of its chunk. */
  readonly generate: readonly CostPoint[];
  /** One decoder call, by its frames; sizes beyond a chunk are those of batches. */
  readonly decode: readonly CostPoint[];
}
export interface CostPoint {
  readonly frames: number;
  readonly medianMs: number;
}

/** Batches that the correction looks back on: a spike does not move their median, a slower device soon does. */
const WINDOW = 15;

/** What a batch will cost: each slot's generator on its own, then one decoder call over all frames. */
export class CostModel {
  readonly #generate: Curve;
  readonly #decode: Curve;
  readonly #ratios: number[] = [];
  #factor = 1;

  constructor(costs: MeasuredCosts) {
    this.#generate = new Curve(costs.generate);
    this.#decode = new Curve(costs.decode);
  }

  /** How much slower the device is now than at warm-up: 1 is as it was. */
  get factor(): number {
    return this.#factor;
  }

  /** Milliseconds of a batch with so many frames of each of its slots. */
  batchMs(frames: readonly number[]): number {
    return this.#measuredMs(frames) * this.#factor;
  }

  /** A batch took so long. */
  observe(frames: readonly number[], tookMs: number): void {
    const measuredMs = this.#measuredMs(frames);
    if (measuredMs <= 0) return;
    this.#ratios.push(tookMs / measuredMs);
    if (this.#ratios.length > WINDOW) this.#ratios.shift();
    // Until the window is full the missing batches count as predicted.
    const sorted = [...this.#ratios, ...Array<number>(WINDOW - this.#ratios.length).fill(1)].sort(
      (a, b) => a - b,
    );
    this.#factor = sorted[(WINDOW - 1) / 2] ?? 1;
  }

  #measuredMs(frames: readonly number[]): number {
    let total = 0;
    let sumMs = 0;
    for (const count of frames) {
      total += count;
      sumMs += this.#generate.at(count);
    }
    return sumMs + this.#decode.at(total);
  }
}

/** Straight lines between the measured sizes, the last one going on; never falls as frames grow, and 0 costs 0. */
class Curve {
  readonly #points: readonly CostPoint[];
  /** By frames, filled as they are asked for: the scheduler asks some thousand times a second. */
  readonly #known: number[] = [0];

  constructor(points: readonly CostPoint[]) {
    let highestMs = 0;
    this.#points = [...points]
      .sort((a, b) => a.frames - b.frames)
      .map(({ frames, medianMs }) => ({ frames, medianMs: (highestMs = Math.max(highestMs, medianMs)) }));
  }

  at(frames: number): number {
    return (this.#known[frames] ??= this.#interpolate(frames));
  }

  #interpolate(frames: number): number {
    const points = this.#points;
    const above = points.findIndex((point) => point.frames >= frames);
    const upper = above < 0 ? points.length - 1 : Math.max(above, Math.min(1, points.length - 1));
    const to = points[upper] ?? { frames: 1, medianMs: 0 };
    const from = points[upper - 1] ?? { frames: 0, medianMs: 0 };
    const slope = (to.medianMs - from.medianMs) / (to.frames - from.frames);
    return Math.max(0, to.medianMs + (frames - to.frames) * slope);
  }
}
