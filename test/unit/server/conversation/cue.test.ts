import { describe, expect, it } from 'vitest';
import type { Manner } from '@vizavi/signaling';
import { withoutCues } from '../../../../server/src/conversation/cue.ts';

async function read(...pieces: readonly string[]): Promise<{ text: string; manner: Manner }> {
  let text = '';
  let manner: Manner = {};
  async function* come(): AsyncGenerator<string> {
    for (const piece of pieces) {
      await Promise.resolve();
      yield piece;
    }
  }
  for await (const piece of withoutCues(come(), (cue) => (manner = { ...manner, ...cue }))) text += piece;
  return { text, manner };
}

describe('a reply without its cues', () => {
  const whole: [string, string, Manner][] = [
    ['[warm] Hello.', 'Hello.', { emotion: 'warm' }],
    [' [Warm] [NOD] Hello.', 'Hello.', { emotion: 'warm', gesture: 'nod' }],
    ['[warm][bow]Hello.', 'Hello.', { emotion: 'warm', gesture: 'bow' }],
    ['[warm, nod] Hi', 'Hi', { emotion: 'warm', gesture: 'nod' }],
    ['[ sad ,shake ]\nNo.', 'No.', { emotion: 'sad', gesture: 'shake' }],
    ['[nod]', '', { gesture: 'nod' }],
    ['[nod] [warm] ', '', { emotion: 'warm', gesture: 'nod' }],
    ['[warm] Let me look. [nod] Here.', 'Let me look. Here.', { emotion: 'warm' }],
    ['Look![nod] [warm] Here.', 'Look! Here.', {}],
    ['Well… [tilt]\n[think, sad] “Yes.” [nod] No?', 'Well… “Yes.” No?', {}],
    ['Price list\n[nod]\nOne.', 'Price list\nOne.', {}],
    ['Goodbye. [bow]', 'Goodbye.', {}],
    ['"Bye." [bow] ', '"Bye."', {}],
    [' Sorry. ', ' Sorry. ', {}],
    ['[door] slams. [window, nod] too.', '[door] slams. [window, nod] too.', {}],
    ['[] [,] [warm', '[] [,] [warm', {}],
    ['Write [nod] here, as in [warm].', 'Write [nod] here, as in [warm].', {}],
    ['So... pi is 3.14... [nod] or so [1].', 'So... pi is 3.14... or so [1].', {}],
    ['[warmth of the sun and all that is in it', '[warmth of the sun and all that is in it', {}],
  ];

  it.each(whole)('of %j is the same wherever it is cut', async (written, text, manner) => {
    for (const size of [1, 2, 3, 5, 100]) {
      const pieces = written.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
      expect(await read(...pieces)).toEqual({ text, manner });
    }
  });

  it('comes as soon as it is written: only what may become a cue waits', async () => {
    const pieces = withoutCues(
      (async function* () {
        yield 'Hello. ';
        yield '[no entry] ';
        await new Promise(() => undefined);
      })(),
      () => undefined,
    );
    expect((await pieces.next()).value).toBe('Hello.');
    expect((await pieces.next()).value).toBe(' [no entry] ');
  });
});
