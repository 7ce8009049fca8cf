import type { StageStats } from '@vizavi/signaling';

export type Stage = keyof StageStats['stages'];

/** Samples over which percentiles are taken: ten seconds of frames. */
const WINDOW = 256;

/** The last times of one stage. */
export class TimeWindow {
  readonly #samples = new Float64Array(WINDOW);
  #count = 0;

  add(ms: number): void {
    this.#samples[this.#count % WINDOW] = ms;
    this.#count += 1;
  }

  percentiles(): { median: number; p95: number } {
    const sorted = this.#samples.slice(0, Math.min(this.#count, WINDOW)).sort();
    const at = (share: number): number => round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
    return { median: at(0.5), p95: at(0.95) };
  }
}

/** What one slot's stages have done and cost. */
export class SlotMeter {
  readonly #stages: Record<Stage, TimeWindow> = {
    generate: new TimeWindow(),
    decode: new TimeWindow(),
    copy: new TimeWindow(),
    encode: new TimeWindow(),
    send: new TimeWindow(),
  };
  framesSent = 0;
  framesLate = 0;
  framesDropped = 0;
  framesRepeated = 0;
  firstFrameMs: number | null = null;
  #workMs = 0;
  #mediaMs = 0;

  /** Time of a stage for one frame; `send` is how long after its due time a frame left. */
  add(stage: Stage, ms: number): void {
    this.#stages[stage].add(ms);
  }

  /** A chunk of `mediaMs` was made in `workMs`. */
  addChunk(workMs: number, mediaMs: number): void {
    this.#workMs += workMs;
    this.#mediaMs += mediaMs;
  }

  snapshot(now: Pick<StageStats, 'leadMs' | 'ringOccupancy' | 'bitrateBps' | 'rung'>): StageStats {
    return {
      ...now,
      framesSent: this.framesSent,
      framesLate: this.framesLate,
      framesDropped: this.framesDropped,
      framesRepeated: this.framesRepeated,
      realTimeFactor: this.#mediaMs === 0 ? 0 : round(this.#workMs / this.#mediaMs),
      firstFrameMs: this.firstFrameMs === null ? null : round(this.firstFrameMs),
      stages: {
        generate: this.#stages.generate.percentiles(),
        decode: this.#stages.decode.percentiles(),
        copy: this.#stages.copy.percentiles(),
        encode: this.#stages.encode.percentiles(),
        send: this.#stages.send.percentiles(),
      },
    };
  }
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
