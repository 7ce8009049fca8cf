import { describe, expect, it } from 'vitest';
import { splitClauses } from '../../../../server/src/voice/clauses.ts';

const cut = (text: string): string[] => splitClauses(text).map(({ start, end }) => text.slice(start, end));

describe('splitClauses', () => {
  it('cuts after sentences, with the quotes and brackets that close them', () => {
    expect(cut('“Go!” she said. (He left.) What?! Really... Yes')).toEqual([
      '“Go!” she said.',
      '(He left.)',
      'What?!',
      'Really...',
      'Yes',
    ]);
  });

  it('cuts at line breaks', () => {
    expect(cut('First line\nSecond line\r\n\r\nThird line')).toEqual([
      'First line',
      'Second line',
      'Third line',
    ]);
  });

  it.each([
    'Dr. Smith met Mrs. Jones.',
    'It is 3.14 at 10:30 in the U.S. today.',
    'Use e.g. this one.',
    'J. R. R. Tolkien wrote it.',
    'See No. 5 of Jan. 3rd.',
    'At 5 p.m. he paid $1,234.56.',
    'Is it “really?” he asked.',
    'Ask www.example.com about it.',
  ])('leaves whole: %s', (text) => {
    expect(cut(text)).toEqual([text]);
  });

  it('tells "No." from "No. 5"', () => {
    expect(cut('No. Not that. So am I. Good.')).toEqual(['No.', 'Not that.', 'So am I.', 'Good.']);
  });

  it('begins with a short clause, where the text breathes', () => {
    expect(cut('Good morning, and thanks for calling, how may I help you with that today?')).toEqual([
      'Good morning, and thanks for calling,',
      'how may I help you with that today?',
    ]);
    expect(cut('The quick brown fox jumps over the lazy dog while the sun sets behind the hills.')).toEqual([
      'The quick brown fox jumps over the lazy dog',
      'while the sun sets behind the hills.',
    ]);
  });

  it('leaves no word or two alone behind an "and"', () => {
    const text = 'It was a great pleasure to see the two of you and me.';
    expect(cut(text)).toEqual([text]);
  });

  it('cuts at spaces where there is nothing better, and within a word only when it has no end', () => {
    const words = cut('word '.repeat(100));
    expect(Math.max(...words.map((clause) => clause.length))).toBeLessThanOrEqual(120);
    expect(words.join(' ')).toBe('word '.repeat(100).trim());
    const pairs = cut('🙂'.repeat(1000));
    expect(pairs.join('')).toBe('🙂'.repeat(1000));
    for (const clause of pairs) expect(clause.isWellFormed()).toBe(true);
  });

  it('asks for the pause that the punctuation asks for', () => {
    const text =
      'One sentence here. Then a long one with a comma in it, which is cut at that comma because all of it is more than anybody would say in one breath.';
    expect(splitClauses(text).map(({ pause }) => pause)).toEqual(['sentence', 'clause', 'sentence']);
  });

  it('finds nothing in nothing', () => {
    expect(cut('')).toEqual([]);
    expect(cut(' \n\t ')).toEqual([]);
  });

  it('covers any text but its spaces, in order', () => {
    const pieces = [
      'a',
      '. ',
      ', ',
      ' ',
      '—',
      '…',
      '"',
      '\n',
      'Dr. ',
      '3.5',
      '🙂',
      '\ud800',
      'and ',
      '.',
      '-',
      '  ',
    ];
    let seed = 1;
    for (let round = 0; round < 200; round += 1) {
      let text = '';
      for (let i = 0; i < 150; i += 1) {
        seed = (seed * 48_271) % 2_147_483_647;
        text += pieces[seed % pieces.length] ?? '';
      }
      let at = 0;
      for (const { start, end } of splitClauses(text)) {
        expect(text.slice(at, start).trim()).toBe('');
        expect(end).toBeGreaterThan(start);
        at = end;
      }
      expect(text.slice(at).trim()).toBe('');
    }
  });
});
