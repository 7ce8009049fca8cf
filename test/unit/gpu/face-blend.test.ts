import { beforeEach, describe, expect, it } from 'vitest';
import { FaceBlend } from '../../../gpu/src/face-blend.ts';

const parameter = (name: string, index: number, rest: number, audioDriven: boolean) => ({
  name,
  index,
  rest,
  min: -1,
  max: 1,
  audioDriven,
});
const PARAMETERS = [
  parameter('jawOpen', 0, 0, true),
  parameter('yaw', 1, 0, true),
  parameter('gazeX', 2, 0.1, false),
  { ...parameter('pitch', 3, 0, true), min: -0.1, max: 0.1 },
];
/** Listening is 1 more than idle in every parameter; both move a little with the row. */
const LOOPS = {
  idle: (row: number) => Float32Array.of(0.01 * (row % 5), 0, 0, 0),
  listening: (row: number) => Float32Array.of(0.01 * (row % 5) + 1, 1, 1, 0.05),
};

let blend: FaceBlend;
beforeEach(() => {
  blend = new FaceBlend(PARAMETERS, LOOPS, 25);
});
const curve = (index: number, from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => blend.expression(from + at)[index] ?? NaN);
const steps = (values: readonly number[]): number[] =>
  values.slice(1).map((value, at) => Math.abs(value - (values[at] ?? NaN)));

describe('FaceBlend', () => {
  it('is the idle motion, and says so', () => {
    expect(blend.loopAt(7)).toBe('idle');
    expect(blend.framesLeft(7)).toBe(0);
    expect(blend.expression(7)).toEqual(LOOPS.idle(7));
  });

  it('turns to a listener over some frames without a jump, and back', () => {
    blend.listen(100, true);
    const frames = blend.framesLeft(100);
    expect(frames).toBeGreaterThan(5);
    expect(blend.loopAt(100 + frames + 1)).toBe('listening');
    expect(Math.max(...steps(curve(1, 99, 115)))).toBeLessThan(0.2);
    blend.listen(104, false);
    // Half-way is where the way back begins.
    expect(Math.max(...steps(curve(1, 99, 130)))).toBeLessThan(0.2);
    expect(blend.loopAt(130)).toBe('idle');
    expect(blend.expression(130)).toEqual(LOOPS.idle(130));
  });

  it('stays idle as long as there are no pictures of listening', () => {
    const without = new FaceBlend(PARAMETERS, { ...LOOPS, listening: () => null }, 25);
    without.listen(10, true);
    expect(without.framesLeft(10)).toBe(0);
    expect(without.loopAt(50)).toBe('idle');
  });

  it('closes a mouth within two frames of an interrupt and lets the head follow', () => {
    blend.release(50, Float32Array.of(0.8, 0.5, 0.9, 0));
    const [jaw, yaw, gaze] = [curve(0, 51, 62), curve(1, 51, 62), curve(2, 51, 62)];
    const under = (row: number): number => LOOPS.idle(row)[0] ?? NaN;
    expect(jaw[0]).toBeLessThan(0.45);
    expect(jaw[2]).toBeCloseTo(under(53));
    // No more than a quarter of its way in one frame.
    expect(Math.max(...steps([0.5, ...yaw]))).toBeLessThan(0.5 / 4 + 0.001);
    expect(yaw.at(-1)).toBe(0);
    // What the sound does not move has nothing to release.
    expect(gaze.every((value) => value === 0)).toBe(true);
    expect(blend.framesLeft(50)).toBe(5);
    expect(blend.loopAt(62)).toBe('idle');
  });

  it('nods twice without a jump and is at rest again', () => {
    blend.gesture(100, 'nod');
    expect(blend.loopAt(100)).toBe(null);
    const frames = blend.framesLeft(100);
    expect(frames).toBeGreaterThan(15);
    expect(frames).toBeLessThan(40);
    const pitch = curve(3, 100, 101 + frames);
    const peaks = pitch.filter((value, at) => value > (pitch[at - 1] ?? 0) && value >= (pitch[at + 1] ?? 0));
    expect(peaks).toHaveLength(2);
    expect(Math.max(...pitch)).toBeGreaterThan(0.07);
    expect(Math.max(...steps(pitch))).toBeLessThan(0.03);
    expect(blend.loopAt(101 + frames)).toBe('idle');
    expect(blend.expression(101 + frames)).toEqual(LOOPS.idle(101 + frames));
  });

  it('does two gestures at once, one of a kind, and never more than the face can', () => {
    blend.gesture(100, 'nod');
    blend.gesture(102, 'nod');
    const nod = curve(3, 100, 130);
    expect(Math.max(...nod)).toBeLessThan(0.09);
    blend.gesture(102, 'shake');
    const yaw = curve(1, 100, 150);
    expect(Math.max(...yaw)).toBeGreaterThan(0.05);
    expect(Math.min(...yaw)).toBeLessThan(-0.03);
    expect(curve(3, 100, 130)).toEqual(nod);
    blend.listen(100, true);
    blend.gesture(104, 'bow');
    expect(Math.max(...curve(3, 100, 150))).toBeCloseTo(0.1);
  });

  it('does a gesture to its end, and then another of its kind, when it knows of both from the beginning', () => {
    blend.gesture(100, 'nod');
    const frames = blend.framesLeft(100);
    const nod = curve(3, 100, 100 + frames);
    const next = 101 + frames;
    blend.gesture(next, 'nod');
    expect(curve(3, 100, 100 + frames)).toEqual(nod);
    expect(curve(3, next, next + frames).map((value) => value.toFixed(5))).toEqual(
      nod.map((value) => value.toFixed(5)),
    );
  });

  it('forgets gestures of a speech cut off that have not begun, and no others', () => {
    blend.gesture(100, 'nod', 'speech');
    const nod = curve(3, 100, 150);
    blend.gesture(105, 'shake', 'speech');
    blend.cutOff(105);
    expect(curve(3, 100, 150)).toEqual(nod);
    expect(curve(1, 100, 150).every((value) => value === 0)).toBe(true);
    blend.gesture(110, 'shake');
    blend.cutOff(106);
    expect(Math.max(...curve(1, 100, 150))).toBeGreaterThan(0.05);
  });

  it('goes on with a gesture when the speech under it is cut off', () => {
    blend.gesture(50, 'nod');
    const without = curve(3, 56, 90);
    // What was shown: the sound had moved nothing of the head.
    blend.release(56, blend.expression(56));
    expect(curve(3, 56, 90)).toEqual(without);
  });
});
