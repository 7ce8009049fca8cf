import { describe, expect, it } from 'vitest';
import { readSections } from '../../../../server/src/brain/sections.ts';

const sentences = (markdown: string): readonly string[] =>
  readSections(markdown, 'file.md').flatMap((section) => section.sentences);

describe('readSections', () => {
  it('cuts a file at its headings, of both kinds, and names each section', () => {
    const sections = readSections(
      'Before.\n# A **b**\none\n\nTwo!\n## Part #\nthree\n\nLast\n----\nfour',
      'x.md',
    );
    expect(sections).toEqual([
      { title: 'A b', heading: 'A b', asked: [], sentences: ['Before.'] },
      { title: 'A b', heading: 'A b', asked: [], sentences: ['one.', 'Two!'] },
      { title: 'A b', heading: 'Part', asked: [], sentences: ['three.'] },
      { title: 'A b', heading: 'Last', asked: [], sentences: ['four.'] },
    ]);
  });

  it('takes other ways to ask from a comment, and drops other comments', () => {
    const [section] = readSections('# A\n<!-- asked: how much, what\nfor -->\nText. <!-- no -->', 'x.md');
    expect(section).toMatchObject({ asked: ['how much', 'what', 'for'], sentences: ['Text.'] });
  });

  it('names a file without a heading after itself', () => {
    expect(readSections('Text.', 'our-opening_hours.md')[0]?.title).toBe('Our opening hours');
  });

  it.each([
    ['lines of one paragraph', 'one\ntwo. Three', ['one two.', 'Three.']],
    ['abbreviations', 'Dr. Smith paid. So did we.', ['Dr. Smith paid.', 'So did we.']],
    ['a short list', 'You need:\n\n* two cores\n* Node,\n* time.', ['You need: two cores, Node and time.']],
    [
      'a list of sentences',
      'Do this:\n1. Open it. Look.\n2. Close it',
      ['Do this.', 'Open it.', 'Look.', 'Close it.'],
    ],
    ['an item of two lines', '- one\n  two\n- three', ['one two.', 'three.']],
    ['links, code and emphasis', 'See [the *docs*](http://x) or `run`.', ['See the docs or run.']],
    [
      'tables, code, pictures and rulers',
      '| a |\n|---|\n| b |\n\n![x](y)\n\n---\n\n~~~\ncode\n~~~\nText',
      ['Text.'],
    ],
    ['front matter and DOS line ends', '---\r\ntitle: x\r\n---\r\nText\r\nhere', ['Text here.']],
    ['nothing', '', []],
    ['a fence that never ends', '```\n# code\n', []],
  ])('speaks %s', (_, markdown, spoken) => {
    expect(sentences(markdown)).toEqual(spoken);
  });
});
