import { describe, expect, it } from 'vitest';
import { PlainWords, plainWords } from '../../../../server/src/brain/plain-words.ts';

const CASES: readonly (readonly [name: string, markup: string, words: string])[] = [
  ['nothing', '', ''],
  [
    'plain text',
    'It costs 5 € – really! And "that" is (almost) all.',
    'It costs 5 € – really! And "that" is (almost) all.',
  ],
  ['bold and italics', '**Yes**, *really*, __very__ _much_, ***so***.', 'Yes, really, very much, so.'],
  ['bold within a word', 'un**believ**able', 'unbelievable'],
  ['struck out', 'It is ~~not~~ free, ~5 ms.', 'It is not free, ~5 ms.'],
  ['sums and names', '2*3 is 6, 2 * 3 too; see max_batch_size.', '2*3 is 6, 2 * 3 too; see max_batch_size.'],
  ['code', 'Say `npm start` or ``npm test``.', 'Say npm start or npm test.'],
  ['a block of code', 'Do this:\n```sh\nnpm start\n# go\n```\nDone.', 'Do this:\nDone.'],
  ['a block of code that does not end', 'Do this:\n~~~\nnpm start', 'Do this:\n'],
  ['headings', '# Prices\n\n### Free\nYes. Item #3.', 'Prices\n\nFree\nYes. Item #3.'],
  ['bullets', '- one\n* two\n  + three\n• four\n- [x] five', 'one\ntwo\nthree\nfour\nfive'],
  ['numbered steps', '1. Open it.\n2) Close it.\n10. Done.', 'Open it.\nClose it.\nDone.'],
  ['a bold bullet', '* **Speed**: 5 ms', 'Speed: 5 ms'],
  [
    'numbers and dashes that are words',
    '5 people - or 6.\n3.5 is more.\n-5 degrees',
    '5 people - or 6.\n3.5 is more.\n-5 degrees',
  ],
  ['quotations', '> To be,\n> > or not.', 'To be,\nor not.'],
  ['rulers', 'One\n---\nTwo\n* * *\nThree\n***', 'One\nTwo\nThree\n'],
  ['links', 'See [the docs](https://x.org/a_b_c) and [**bold**](y).', 'See the docs and bold.'],
  ['pictures', 'Look: ![a cat](cat.png) Wow!', 'Look:  Wow!'],
  ['footnotes', 'It is so[1], they say[^2].', 'It is so, they say.'],
  ['brackets that are none', 'I [think] so [ (maybe) !', 'I [think] so [ (maybe) !'],
  ['tags', 'One<br>two <b>three</b> 1 < 2 > 1 <3', 'One two three 1 < 2 > 1 <3'],
  ['thoughts', '<think>\n- hmm **x**\n</think>\n\n# Yes.', 'Yes.'],
  ['escapes', '5 \\* 3 \\# \\n', '5 * 3 # \\n'],
  ['a table', '| a | b |\n|---|:-:|\n| 1 | **2** |\nEnd', 'a, b\n1, 2\nEnd'],
  ['emoji', 'Hi 👍🏽 **you**', 'Hi 👍🏽 you'],
  ['marks at the end', 'Well **', 'Well '],
];

describe('PlainWords', () => {
  it.each(CASES)('leaves the words of %s', (_, markup, words) => {
    expect(plainWords(markup)).toBe(words);
  });

  it.each(CASES)('does so wherever %s is cut', (_, markup, words) => {
    const filter = new PlainWords();
    for (let cut = 0; cut <= markup.length; cut += 1) {
      expect(filter.push(markup.slice(0, cut)) + filter.push(markup.slice(cut)) + filter.end()).toBe(words);
    }
    for (const size of [1, 2, 3]) {
      let out = '';
      for (let at = 0; at < markup.length; at += size) out += filter.push(markup.slice(at, at + size));
      expect(out + filter.end()).toBe(words);
    }
  });

  it('lets words through as they come', () => {
    const filter = new PlainWords();
    expect(filter.push('Yes, that **works')).toBe('Yes, that works');
    expect(filter.push('** well')).toBe(' well');
  });

  it('does not wait for ever for what could become markup', () => {
    const filter = new PlainWords();
    expect(filter.push(`[${'a'.repeat(1000)}`)).toHaveLength(1001);
    expect(filter.push(`<a ${'a'.repeat(1000)}`)).toHaveLength(1003);
  });

  it('takes long input in little time', () => {
    const startMs = performance.now();
    for (const part of ['[', '*', '<a ', '`', '- ', '|', '![', '\\', '_ ', '> ', '1. ', '[a]('])
      plainWords(part.repeat(5000));
    expect(performance.now() - startMs).toBeLessThan(5000);
  });
});
