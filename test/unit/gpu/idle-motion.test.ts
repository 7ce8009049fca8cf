import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadAvatarBundle } from '../../../gpu/src/avatar-bundle.ts';
import type { AvatarBundle } from '../../../gpu/src/avatar-bundle.ts';
import { IDLE_LOOP_FRAMES, idleExpression } from '../../../gpu/src/idle-motion.ts';

const FRAMES = Array.from({ length: IDLE_LOOP_FRAMES }, (_, frame) => frame);
const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);

describe('idleExpression', () => {
  let mira: AvatarBundle;

  beforeAll(async () => {
    mira = await loadAvatarBundle(fileURLToPath(new URL('../../../gpu/bundles/mira', import.meta.url)));
  });

  const curve = (name: string, seed?: number): number[] => {
    const index = mira.expression.parameters.findIndex((parameter) => parameter.name === name);
    return FRAMES.map((frame) => idleExpression(mira, frame, seed)[index] ?? NaN);
  };
  /** Frames at which the eyes are shut. */
  const blinks = (seed: number): number[] =>
    curve('eyeBlink', seed).flatMap((lid, frame) => (lid === 1 ? [frame] : []));
  const distances = (frames: number[]): number[] =>
    frames.map((frame, index) => (frame - (frames.at(index - 1) ?? 0) + IDLE_LOOP_FRAMES) % IDLE_LOOP_FRAMES);

  it('repeats after the loop, in both directions', () => {
    for (const frame of [0, 17, IDLE_LOOP_FRAMES - 1]) {
      expect(idleExpression(mira, frame + 3 * IDLE_LOOP_FRAMES)).toEqual(idleExpression(mira, frame));
      expect(idleExpression(mira, frame - IDLE_LOOP_FRAMES)).toEqual(idleExpression(mira, frame));
    }
  });

  it('has no jump, also where the loop closes', () => {
    for (const seed of SEEDS) {
      for (const { name } of mira.expression.parameters) {
        const limit = { eyeBlink: 0.8, gazeX: 0.12, gazeY: 0.08, breath: 0.06 }[name] ?? 0.01;
        const values = curve(name, seed);
        const steps = values.map((value, frame) => Math.abs(value - (values.at(frame - 1) ?? NaN)));
        expect(Math.max(...steps), `${name}, seed ${seed}`).toBeLessThan(limit);
      }
    }
  });

  it('keeps its eyes where they look while the head turns', () => {
    const [yaw, gaze] = [curve('yaw'), curve('gazeX')];
    const step = (values: number[], frame: number): number => values[frame]! - values[frame - 1]!;
    // Between two saccades.
    const resting = FRAMES.slice(1).filter((frame) => Math.abs(step(gaze, frame)) < 0.01);
    const turns = resting.filter((frame) => Math.abs(step(yaw, frame)) > 0.001);
    const against = turns.filter((frame) => step(yaw, frame) * step(gaze, frame) < 0);
    expect(turns.length).toBeGreaterThan(20);
    expect(against.length / turns.length).toBeGreaterThan(0.7);
  });

  it('never stands still', () => {
    for (const frame of FRAMES)
      expect(idleExpression(mira, frame)).not.toEqual(idleExpression(mira, frame + 1));
  });

  it('blinks at irregular times, every 3 to 6 seconds, once twice in a row', () => {
    for (const seed of SEEDS) {
      const gapsSeconds = distances(blinks(seed)).map((frames) => frames / mira.fps);
      expect(gapsSeconds.filter((gap) => gap < 0.5)).toHaveLength(1);
      for (const gap of gapsSeconds.filter((seconds) => seconds >= 0.5)) {
        expect(gap).toBeGreaterThan(2.8);
        expect(gap).toBeLessThan(6.6);
      }
    }
  });

  it('closes the eyes faster than it opens them, within 200 ms', () => {
    const lid = curve('eyeBlink');
    const shut = lid.indexOf(1);
    const at = (frame: number): number => lid.at((shut + frame) % IDLE_LOOP_FRAMES) ?? NaN;
    expect(at(-2)).toBe(0);
    expect(at(1)).toBeGreaterThan(at(-1));
    expect(at(3)).toBeLessThan(0.01);
  });

  it('looks at the viewer most of the time', () => {
    const [x, y] = [curve('gazeX'), curve('gazeY')];
    const near = FRAMES.filter((frame) => Math.hypot(x[frame] ?? 1, y[frame] ?? 1) < 0.08);
    expect(near.length).toBeGreaterThan(IDLE_LOOP_FRAMES / 2);
  });

  it('stays within the ranges of the bundle', () => {
    for (const seed of SEEDS) {
      for (const { name, rest, min, max } of mira.expression.parameters) {
        const values = curve(name, seed);
        expect(rest + Math.min(...values)).toBeGreaterThanOrEqual(min - 1e-6);
        expect(rest + Math.max(...values)).toBeLessThanOrEqual(max + 1e-6);
      }
    }
  });

  it('is the same for the same seed and another for another', () => {
    const copy = { ...mira };
    expect(FRAMES.map((frame) => idleExpression(copy, frame, 5))).toEqual(
      FRAMES.map((frame) => idleExpression(mira, frame, 5)),
    );
    expect(blinks(1)).not.toEqual(blinks(2));
  });

  it('leaves the mouth to the sound, but for a small smile', () => {
    expect(Math.max(...curve('jawOpen').map(Math.abs))).toBe(0);
    expect(Math.max(...curve('mouthSmile'))).toBeLessThan(0.2);
  });

  it('does without parameters that a bundle does not have', () => {
    const parameters = [{ name: 'tailWag', index: 0, rest: 0, min: 0, max: 1, audioDriven: false }];
    const other = { ...mira, expression: { parameters } };
    expect(idleExpression(other, 7)).toEqual(new Float32Array(1));
  });
});
