import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EARS_SAMPLE_RATE } from '../../server/src/ears/ears.ts';
import type { Ears } from '../../server/src/ears/ears.ts';
import { FliteVoice } from '../../server/src/voice/flite-voice.ts';

/** What is said to all ears. */
export const SAID = 'Hello there.';

export interface OpenedEars {
  readonly ears: Ears;
  readonly close: () => Promise<void>;
}

/** What all Ears do. They understand {@link SAID}; `open` gives ones that are ready. */
export function earsContract(name: string, open: () => Promise<OpenedEars>): void {
  describe(`Ears: ${name}`, () => {
    let opened: OpenedEars;
    let ears: Ears;
    let speech: Int16Array;
    const { signal } = new AbortController();
    beforeAll(async () => {
      opened = await open();
      ({ ears } = opened);
      const voice = new FliteVoice();
      for await (const { pcm } of voice.speak(SAID)) speech = pcm;
      await voice.close();
    });
    afterAll(() => opened.close());

    it('understand what is said', async () => {
      const text = await ears.transcribe(speech, { language: 'en', signal });
      expect(text.toLowerCase()).toContain('hello');
      expect(text).toBe(text.trim());
    });

    it('understand without being told the language, and several at once', async () => {
      const texts = await Promise.all([1, 2, 3].map(() => ears.transcribe(speech, { signal })));
      for (const text of texts) expect(text.toLowerCase()).toContain('hello');
    });

    it('leave the sound as it was', async () => {
      const before = speech.slice();
      await ears.transcribe(speech, { signal });
      expect(speech).toEqual(before);
    });

    it('hear nothing in nothing', async () => {
      expect(await ears.transcribe(new Int16Array(0), { signal })).toBe('');
      expect(await ears.transcribe(new Int16Array(EARS_SAMPLE_RATE / 100), { signal })).toBe('');
    });

    it('stop when they are interrupted, before and in the midst of it', async () => {
      const before = ears.transcribe(speech, { signal: AbortSignal.abort() });
      await expect(before).rejects.toMatchObject({ code: 'interrupted' });
      const abort = new AbortController();
      const during = ears.transcribe(speech, { signal: abort.signal });
      abort.abort();
      await expect(during).rejects.toMatchObject({ code: 'interrupted' });
      expect(await ears.transcribe(speech, { signal })).not.toBe('');
    });

    it('may be closed twice, and hear nothing then', async () => {
      const other = await open();
      await other.ears.close();
      await other.ears.close();
      const deaf = other.ears.transcribe(speech, { signal });
      await expect(deaf).rejects.toMatchObject({ code: 'ears_failed' });
      await other.close();
    });
  });
}
