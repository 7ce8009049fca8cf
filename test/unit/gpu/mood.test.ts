import { describe, expect, it } from 'vitest';
import { Mood } from '../../../gpu/src/mood.ts';

const parameter = (name: string, index: number, max = 1) => ({
  name,
  index,
  rest: 0,
  min: 0,
  max,
  audioDriven: false,
});
const PARAMETERS = [parameter('jawOpen', 0), parameter('warm', 1), parameter('sad', 2, 0.5)];

function rows(mood: Mood, emotion: 'neutral' | 'warm' | 'sad' | 'excited', frames: number): Float32Array[] {
  return Array.from({ length: frames }, () => {
    const row = new Float32Array(3);
    mood.move(emotion, row);
    return row;
  });
}

describe('Mood', () => {
  it('goes from one emotion to another within half a second, without a jump', () => {
    const mood = new Mood(PARAMETERS);
    mood.set('warm');
    const path = rows(mood, 'sad', 12);
    for (const [index, row] of path.slice(1).entries()) {
      expect(Math.abs((row[1] ?? 0) - (path[index]?.[1] ?? 0))).toBeLessThan(0.2);
    }
    expect([...(path.at(-1) ?? [])]).toEqual([0, 0, 0.5]);
  });

  it('is there at once where nobody sees the change', () => {
    const mood = new Mood(PARAMETERS);
    mood.set('warm');
    expect([...(rows(mood, 'warm', 1)[0] ?? [])]).toEqual([0, 1, 0]);
  });

  it('leaves a face alone that does not know the emotion', () => {
    const mood = new Mood(PARAMETERS);
    mood.set('excited');
    expect([...(rows(mood, 'excited', 1)[0] ?? [])]).toEqual([0, 0, 0]);
    expect([...(rows(new Mood([]), 'warm', 1)[0] ?? [])]).toEqual([0, 0, 0]);
  });
});
