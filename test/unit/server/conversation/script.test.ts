import { setImmediate as turn } from 'node:timers/promises';
import { VizaviError } from '@vizavi/signaling';
import { describe, expect, it } from 'vitest';
import { Script } from '../../../../server/src/conversation/script.ts';
import type { Sentence } from '../../../../server/src/conversation/script.ts';

/** Pieces that come when the test says so. */
class Writer implements AsyncIterable<string> {
  readonly #waiting: ((result: IteratorResult<string>) => void)[] = [];
  readonly #failing: ((error: unknown) => void)[] = [];
  readonly #ready: IteratorResult<string>[] = [];

  write(piece: string): void {
    this.#give({ value: piece, done: false });
  }

  end(): void {
    this.#give({ value: undefined, done: true });
  }

  fail(error: Error): void {
    this.#failing.shift()?.(error);
  }

  [Symbol.asyncIterator](): AsyncIterator<string> {
    return {
      next: () => {
        const ready = this.#ready.shift();
        if (ready) return Promise.resolve(ready);
        return new Promise((resolve, reject) => {
          this.#waiting.push(resolve);
          this.#failing.push(reject);
        });
      },
    };
  }

  #give(result: IteratorResult<string>): void {
    this.#failing.shift();
    const waiting = this.#waiting.shift();
    if (waiting) waiting(result);
    else this.#ready.push(result);
  }
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<string> {
  for (const text of texts) {
    await Promise.resolve();
    yield text;
  }
}

async function all(script: Script): Promise<Sentence[]> {
  const sentences: Sentence[] = [];
  for await (const sentence of script) sentences.push(sentence);
  return sentences;
}

describe('a script', () => {
  it('gives whole sentences out, however it is written, and loses no letter', async () => {
    const text = 'Hello there. I am Mira, and pi is 3.14159 or so. Dr. Smith says “hi!” Shall we begin?';
    for (const size of [1, 2, 3, 7, 200]) {
      const cut = Array.from({ length: Math.ceil(text.length / size) }, (_, n) =>
        text.slice(n * size, (n + 1) * size),
      );
      const sentences = await all(new Script(pieces(...cut)));
      expect(sentences.map((sentence) => sentence.text).join('')).toBe(text);
      expect(sentences[0]?.text.trim()).toBe('Hello there.');
      expect(sentences.some((sentence) => sentence.text.includes('3.14159 or so.'))).toBe(true);
      expect(sentences.map(({ more }) => more)).toEqual([...sentences.slice(1).map(() => true), false]);
    }
  });

  it('gives a sentence out as soon as another begins, not when all is written', async () => {
    const writer = new Writer();
    const script = new Script(writer);
    const sentences = script[Symbol.asyncIterator]();
    writer.write('It costs nothing. ');
    const first = sentences.next();
    let known = false;
    void first.then(() => (known = true));
    await turn();
    expect(known).toBe(false);
    writer.write('You');
    expect((await first).value).toEqual({ text: 'It costs nothing. ', more: true });
    await script.begun;
    writer.end();
    expect((await sentences.next()).value).toEqual({ text: 'You', more: false });
    expect((await sentences.next()).done).toBe(true);
  });

  it('begins a long sentence at its comma', async () => {
    const writer = new Writer();
    const sentences = new Script(writer)[Symbol.asyncIterator]();
    const start = 'A streaming avatar server is a program that lets a face speak live, ';
    writer.write(`${start}and that does so in a browser`);
    expect((await sentences.next()).value).toEqual({ text: start, more: true });
  });

  it('says what was written before it failed, and then that it failed', async () => {
    const writer = new Writer();
    const sentences = new Script(writer)[Symbol.asyncIterator]();
    writer.write('One. Two');
    expect((await sentences.next()).value).toMatchObject({ text: 'One. ' });
    await turn();
    writer.fail(new VizaviError('brain_failed', 'gone'));
    await expect(sentences.next()).rejects.toMatchObject({ code: 'brain_failed' });
  });

  it('can be cancelled while somebody waits for it, and tells its writer once', async () => {
    let cancelled = 0;
    const script = new Script(new Writer(), () => (cancelled += 1));
    const waiting = script[Symbol.asyncIterator]().next();
    script.cancel();
    script.cancel();
    await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
    await script.begun;
    expect(cancelled).toBe(1);
  });

  it('is over at once when nothing is written', async () => {
    expect(await all(new Script(pieces()))).toEqual([]);
    expect(await all(new Script(pieces('  \n ')))).toEqual([]);
  });
});
