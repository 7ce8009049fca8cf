import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Brain, Exchange, ReplyRequest } from '../../server/src/brain/brain.ts';

/** A brain that is ready to be asked {@link QUESTION}. */
export interface OpenedBrain {
  readonly brain: Brain;
  readonly close: () => Promise<void>;
}

/** Every brain of this suite knows the answer. */
export const QUESTION = 'What does vizavi need to run?';

/** A request with all that a test does not care about. */
export function request(over: Partial<ReplyRequest> & { readonly ask?: string } = {}): ReplyRequest {
  const { ask = QUESTION, ...rest } = over;
  return {
    instructions: null,
    history: [{ role: 'visitor', text: ask }],
    tools: [],
    callTool: () => Promise.reject(new Error('there is no tool')),
    signal: new AbortController().signal,
    ...rest,
  };
}

/** The whole reply. */
export async function answer(brain: Brain, asked: ReplyRequest = request()): Promise<string> {
  let text = '';
  for await (const piece of brain.reply(asked)) text += piece;
  return text;
}

const LONG_TALK: readonly Exchange[] = Array.from({ length: 400 }, (_, index) => ({
  role: index % 2 === 0 ? 'visitor' : 'avatar',
  text: `This is turn ${index} of a talk about nothing in particular. `.repeat(20),
}));

/** What every Brain does. */
export function brainContract(name: string, open: () => Promise<OpenedBrain>): void {
  describe(`Brain: ${name}`, () => {
    let opened: OpenedBrain;
    let brain: Brain;
    beforeAll(async () => {
      opened = await open();
      ({ brain } = opened);
    });
    afterAll(() => opened.close());

    it('answers in plain words', async () => {
      const text = await answer(brain);
      expect(text.trim().length).toBeGreaterThan(20);
      expect(text).not.toMatch(/[*`#[\]<>|]|https?:/);
    });

    it('has a name for figures', () => {
      expect(brain.name).toMatch(/^[a-z][a-z0-9-]*$/);
    });

    it('answers several at once, each its own', async () => {
      const [one, two] = await Promise.all([answer(brain), answer(brain)]);
      expect(one).toBe(two);
    });

    it.each([
      ['spaces', '   '],
      ['punctuation', '?!?'],
      ['emoji', '🙂'],
      ['another script', 'Что это такое?'],
      ['markup', '# **[x](y)** `z` <b>'],
      ['an unknown word of 5,000 characters', 'x'.repeat(5000)],
      ['20,000 characters', 'what does it need and why is that so '.repeat(540)],
    ])('says something to %s', async (_, ask) => {
      expect((await answer(brain, request({ ask }))).trim()).not.toBe('');
    });

    it('stands a conversation of hours', async () => {
      const history = [...LONG_TALK, { role: 'visitor' as const, text: QUESTION }];
      expect((await answer(brain, request({ history }))).trim()).not.toBe('');
    });

    it('says nothing once it is interrupted', async () => {
      const signal = AbortSignal.abort();
      await expect(answer(brain, request({ signal }))).rejects.toMatchObject({ code: 'interrupted' });
    });

    it('stops when it is interrupted in mid-reply, and answers the next', async () => {
      const abort = new AbortController();
      const reply = brain.reply(request({ signal: abort.signal }))[Symbol.asyncIterator]();
      expect((await reply.next()).done).toBe(false);
      abort.abort();
      await expect(reply.next()).rejects.toMatchObject({ code: 'interrupted' });
      expect((await reply.next()).done).toBe(true);
      expect(await answer(brain)).not.toBe('');
    });

    it('can be left in mid-reply', async () => {
      for await (const piece of brain.reply(request())) {
        expect(piece).not.toBe('');
        break;
      }
      await delay(0);
      expect(await answer(brain)).not.toBe('');
    });

    it('may be closed twice, and answers nothing then', async () => {
      const other = await open();
      await other.brain.close();
      await other.brain.close();
      await expect(answer(other.brain)).rejects.toMatchObject({ code: 'brain_failed' });
      await other.close();
    });
  });
}
