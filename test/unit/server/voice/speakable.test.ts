import { describe, expect, it } from 'vitest';
import { findUnspeakable, speakable } from '../../../../server/src/voice/speakable.ts';

describe('speakable', () => {
  it.each([
    ['“Don’t” – he said…', '"Don\'t" , he said...'],
    ['Café, naïve, Ærø, Straße', 'Cafe, naive, aero, Strasse'],
    ['€5, £3.50 and €2 million', '5 euros , 3.50 pounds and 2 million euros'],
    ['$5 and 50%', '$5 and 50%'],
    ['2½ cups at 20°', '2 1/2 cups at 20 degrees'],
    ['10–20 people', '10-20 people'],
    ['#1 of the AI APIs', "number 1 of the A I A P I's"],
    ['**Bold** _words_, 2 * 3', 'Bold words, 2 * 3'],
    ['# Title', 'Title'],
    ['see https://example.com', 'see example.com'],
    ['1️⃣ ok 👍🏽', '1 ok'],
    ['ﬁne ｗｉｄｅ x²', 'fine wide x2'],
    ['a\u202eb\u200f\u00adc', 'abc'],
    ['a\0b\u0007', 'a b'],
  ])('%j is said as %j', (text, spoken) => {
    expect(speakable(text)).toBe(spoken);
  });

  it.each(['', '🙂', 'привет', '...', '?!', '"', '—', '-----', '=====', '***', '( )'])(
    '%j says nothing',
    (text) => {
      expect(speakable(text)).toBe('');
    },
  );

  it('is printable ASCII, whatever it was', () => {
    let all = '';
    for (let code = 0; code < 0x11000; code += 1) all += String.fromCodePoint(code);
    expect(speakable(all)).toMatch(/^[\x20-\x7e]+$/);
  });
});

describe('findUnspeakable', () => {
  const runs = (text: string): string[] => findUnspeakable(text).map((run) => run.text);

  it('takes each run as one, with its marks, joiners and the spaces within', () => {
    expect(runs('Hi 👨‍👩‍👧 🇩🇪 👍🏽 and नमस्ते दुनिया, 世界!')).toEqual(['👨‍👩‍👧 🇩🇪 👍🏽', 'नमस्ते दुनिया', '世界']);
  });

  it('tells where they stand', () => {
    const text = '🙂 one Привет two \ud800';
    for (const run of findUnspeakable(text)) expect(text.slice(run.textStart, run.textEnd)).toBe(run.text);
    expect(findUnspeakable(text).map((run) => run.textStart)).toEqual([0, 7, 18]);
  });

  it('is silent about what nobody would say', () => {
    expect(runs('“Quotes” — dashes… café\u202e\u200f ¿qué? x²½ €5\n')).toEqual([]);
  });
});
