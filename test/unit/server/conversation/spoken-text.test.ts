import { describe, expect, it } from 'vitest';
import { SpokenText } from '../../../../server/src/conversation/spoken-text.ts';

const WHOLE = 'One two three, four five six. Seven eight.';
const spoken = new SpokenText();
spoken.add({ text: 'One two three,', textEnd: 14, startMs: 0, durationMs: 1400 });
spoken.add({ text: 'four five six.', textEnd: 29, startMs: 1400, durationMs: 1400 });
spoken.add({ text: 'Seven eight.', textEnd: 42, startMs: 2800, durationMs: 1200 });

describe('which words were heard', () => {
  it.each([
    [0, ''],
    [300, ''],
    [500, 'One'],
    [1400, 'One two three,'],
    [1500, 'One two three,'],
    [2000, 'One two three, four'],
    [2799, 'One two three, four five'],
    [3900, 'One two three, four five six. Seven'],
    [4000, WHOLE],
    [99_999, WHOLE],
  ])('after %i ms', (playedMs, heard) => {
    expect(spoken.heard(WHOLE, playedMs)).toBe(heard);
  });

  it('is never more than was played, and grows with it', () => {
    let before = '';
    for (let playedMs = 0; playedMs <= 4000; playedMs += 10) {
      const heard = spoken.heard(WHOLE, playedMs);
      expect(heard.startsWith(before)).toBe(true);
      expect(WHOLE.startsWith(heard)).toBe(true);
      before = heard;
    }
  });
});
