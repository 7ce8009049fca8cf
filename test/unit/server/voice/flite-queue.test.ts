import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FliteQueue } from '../../../../server/src/voice/flite-queue.ts';

const BREAKING = new URL('../../../support/flite-thread-that-breaks.ts', import.meta.url);

describe('FliteQueue', () => {
  let queue: FliteQueue;
  beforeEach(() => {
    queue = new FliteQueue(BREAKING);
  });
  afterEach(() => queue.close());

  const say = async (text: string, urgent = false, signal = new AbortController().signal): Promise<number> =>
    (await queue.synthesise('slt', text, urgent, signal)).length;

  it.each(['throw', 'exit', 'refuse'])(
    'fails what the thread was at when it does "%s", and nothing else',
    async (text) => {
      const [one, broken, three] = await Promise.allSettled([say('1'), say(text), say('333')]);
      expect(one).toMatchObject({ value: 1 });
      expect(broken).toMatchObject({ reason: { code: 'voice_failed', retryable: true } });
      expect(three).toMatchObject({ value: 3 });
      expect(await say('4444')).toBe(4);
    },
  );

  it('serves a first sound before what is made ahead, and otherwise in turn', async () => {
    const order: string[] = [];
    const note = async (text: string, urgent: boolean): Promise<void> => {
      await say(text, urgent);
      order.push(text);
    };
    await Promise.all([note('a', false), note('b', false), note('c', false), note('first', true)]);
    expect(order).toEqual(['a', 'first', 'b', 'c']);
  });

  it('drops what is interrupted, waiting or in work, and goes on with the others', async () => {
    const abort = new AbortController();
    const settled = Promise.allSettled([
      say('a', false, abort.signal),
      say('b', false, abort.signal),
      say('ccc'),
    ]);
    abort.abort();
    const [a, b, c] = await settled;
    for (const dropped of [a, b]) expect(dropped).toMatchObject({ reason: { code: 'interrupted' } });
    expect(c).toMatchObject({ value: 3 });
  });

  it('rejects all that is left when it closes, and leaves no folder behind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vizavi-test-'));
    vi.stubEnv('TMPDIR', folder);
    const other = new FliteQueue(BREAKING);
    vi.unstubAllEnvs();
    expect(readdirSync(folder)).toHaveLength(1);
    const saying = other.synthesise('slt', 'hello', false, new AbortController().signal);
    const closing = Promise.all([other.close(), other.close()]);
    await expect(saying).rejects.toMatchObject({ code: 'voice_failed' });
    await closing;
    expect(readdirSync(folder)).toEqual([]);
    rmdirSync(folder);
  });
});
