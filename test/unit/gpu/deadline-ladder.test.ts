import { describe, expect, it } from 'vitest';
import { DeadlineLadder, LADDER } from '../../../gpu/src/deadline-ladder.ts';
import type { LadderStep, Rung } from '../../../gpu/src/deadline-ladder.ts';

const COST: Record<Rung, number> = {
  full: 1,
  'fewer-steps': 0.9,
  'small-decoder': 0.75,
  'half-rate': 0.45,
  'hold-picture': 0.1,
  'idle-picture': 0.1,
};
const BATCH_MS = 40;

/** A device under a load (1 is all that it can do at full quality), seen batch by batch. */
class Simulation {
  readonly steps: LadderStep[] = [];
  readonly ladder: DeadlineLadder;
  nowMs = 0;
  /** Work that waits; slots have a lead of 400 ms before it shows. */
  #behindMs = 0;
  readonly #noise: () => number;

  constructor(available: readonly Rung[] = LADDER.map(({ rung }) => rung), seed = 1) {
    let state = seed;
    this.#noise = () => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return state / 2 ** 31 - 0.5;
    };
    this.ladder = new DeadlineLadder({
      available,
      relativeCost: (rung) => COST[rung],
      onStep: (step) => this.steps.push(step),
    });
  }

  get rung(): Rung {
    return this.ladder.row.rung;
  }

  run(load: number, seconds: number): this {
    const untilMs = this.nowMs + seconds * 1000;
    while (this.nowMs < untilMs) {
      this.nowMs += BATCH_MS;
      const demand = load * COST[this.rung] * (1 + 0.1 * this.#noise());
      // Sound waits at most so long: what is later is dropped.
      this.#behindMs = Math.min(800, Math.max(0, this.#behindMs + (demand - 1) * BATCH_MS));
      this.ladder.observe({
        nowMs: this.nowMs,
        slackMs: 400 - this.#behindMs + 20 * this.#noise(),
        busyShare: this.#behindMs > 0 ? 1 : Math.min(1, demand),
      });
    }
    return this;
  }
}

describe('the deadline ladder', () => {
  it('is in the order of the design', () => {
    expect(LADDER.map(({ rung }) => rung)).toEqual([
      'full',
      'fewer-steps',
      'small-decoder',
      'half-rate',
      'hold-picture',
      'idle-picture',
    ]);
  });

  it.each([0.1, 0.5, 0.8])('does not move under a load of %s', (load) => {
    expect(new Simulation().run(load, 120).steps).toEqual([]);
  });

  it.each([
    [1.05, 'small-decoder'],
    [1.3, 'half-rate'],
    [1.9, 'half-rate'],
    [4, 'idle-picture'],
  ] as const)('settles under a constant load of %s', (load, worst) => {
    const simulation = new Simulation().run(load, 60);
    const order = LADDER.map(({ rung }) => rung);
    expect(order.indexOf(simulation.rung)).toBeGreaterThan(0);
    expect(order.indexOf(simulation.rung)).toBeLessThanOrEqual(order.indexOf(worst));
    const settled = simulation.steps.length;
    simulation.run(load, 300);
    // A rung above is tried now and then, ever more seldom.
    expect(simulation.steps.length - settled).toBeLessThanOrEqual(10);
  });

  it('goes down one rung at a time', () => {
    const { steps } = new Simulation().run(3, 10);
    const order = LADDER.map(({ rung }) => rung);
    for (const { from, to } of steps) expect(order.indexOf(to)).toBe(order.indexOf(from) + 1);
  });

  it('is not moved by a spike that the lead covers', () => {
    expect(new Simulation().run(0.6, 10).run(2, 0.2).run(0.6, 20).steps).toEqual([]);
  });

  it('comes back by itself when the load falls', () => {
    const simulation = new Simulation().run(0.5, 5).run(3, 5);
    expect(simulation.rung).not.toBe('full');
    simulation.run(0.5, 60);
    expect(simulation.rung).toBe('full');
  });

  it('comes back when there is nothing to do at all', () => {
    const simulation = new Simulation().run(3, 5);
    for (let ms = 0; ms < 60_000; ms += 250) simulation.ladder.idle(simulation.nowMs + ms);
    expect(simulation.rung).toBe('full');
  });

  it('passes over rungs that the bundle does not have', () => {
    const { steps } = new Simulation(['half-rate', 'hold-picture']).run(10, 20);
    expect(steps.map(({ to }) => to)).toEqual(['half-rate', 'hold-picture']);
  });

  it('does not show a picture that stands still for long', () => {
    const { steps } = new Simulation(['hold-picture', 'idle-picture']).run(2, 30);
    const held = steps.find(({ to }) => to === 'hold-picture');
    const idle = steps.find(({ to }) => to === 'idle-picture');
    expect((idle?.atMs ?? Infinity) - (held?.atMs ?? 0)).toBeLessThanOrEqual(2500);
  });

  it('helps a host that is late although the device is not busy', () => {
    const { ladder, steps } = new Simulation();
    for (let batch = 1; batch <= 40; batch += 1) {
      ladder.observe({ nowMs: batch * 40, slackMs: -30, busyShare: 0.1 });
    }
    expect(steps[0]).toMatchObject({ from: 'full', to: 'fewer-steps' });
  });
});
