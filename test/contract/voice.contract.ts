import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SkippedText, SpeakOptions, SpeechChunk, Voice } from '../../server/src/voice/voice.ts';

const PARAGRAPH =
  'Hello, my name is Mira. Everything you see is made from the sound of my voice, a fifth of a second at a time. ' +
  'Maybe Bob and Pam will move the big blue piano? Perfect! Ask me anything, and I will answer.';

/** Texts that a person, a model or an attacker may send, and whether anything can be heard of them. */
const TORTURE: readonly (readonly [name: string, text: string, audible: boolean])[] = [
  ['nothing', '', false],
  ['spaces', ' \t\n ', false],
  ['emoji alone', '🙂🙂', false],
  ['another script', 'привет', false],
  ['punctuation alone', '?! … “” — .', false],
  ['a lone quote', '"', false],
  ['numbers and quotes', 'Dr. Smith paid $1,234.56 at 10:30 — “really?” he said… 50% off!', true],
  ['a word of 500 characters', 'a'.repeat(500), true],
  ['an option of the command line', '-o /tmp/x', true],
  ['markup', '<speak><break time="99s"/>hello</speak>', true],
  ['a path and a format', '../../etc/passwd %s%n', true],
  ['a NUL', 'before\0after', true],
  ['half a surrogate pair', 'one \ud83d two', true],
  ['right-to-left marks', '\u202eHello\u202c \u200fthere\u200e', true],
  ['accents', 'Café naïve, señor Müller!', true],
];

async function hear(voice: Voice, text: string, options?: SpeakOptions): Promise<SpeechChunk[]> {
  const chunks: SpeechChunk[] = [];
  for await (const chunk of voice.speak(text, options)) chunks.push(chunk);
  return chunks;
}

/** What every Voice does. `open` gives one that is ready. */
export function voiceContract(name: string, open: () => Promise<Voice>): void {
  describe(`Voice: ${name}`, () => {
    let voice: Voice;
    beforeAll(async () => {
      voice = await open();
    });
    afterAll(() => voice.close());

    it('says a text in chunks that follow each other without a gap', async () => {
      const chunks = await hear(voice, PARAGRAPH);
      expect(chunks.length).toBeGreaterThan(3);
      let endMs = 0;
      for (const { pcm, startMs, durationMs } of chunks) {
        expect(pcm.length).toBeGreaterThan(0);
        expect(durationMs).toBeCloseTo((pcm.length * 1000) / voice.sampleRate, 6);
        expect(startMs).toBeCloseTo(endMs, 6);
        endMs = startMs + durationMs;
      }
    });

    it('tells where each chunk stands in the text, and leaves no word out', async () => {
      const chunks = await hear(voice, PARAGRAPH);
      let end = 0;
      for (const { text, textStart, textEnd } of chunks) {
        expect(text).toBe(PARAGRAPH.slice(textStart, textEnd));
        expect(PARAGRAPH.slice(end, textStart).trim()).toBe('');
        end = textEnd;
      }
      expect(end).toBe(PARAGRAPH.length);
    });

    it('can be heard, and does not clip', async () => {
      for (const name of voice.voices) {
        for (const { pcm } of await hear(voice, 'Hello, how are you today?', { voice: name })) {
          const power = pcm.reduce((sum, sample) => sum + sample * sample, 0) / pcm.length;
          expect(Math.sqrt(power)).toBeGreaterThan(500);
          expect(pcm.filter((sample) => Math.abs(sample) >= 32_767).length).toBeLessThan(3);
        }
      }
    });

    it('says the same words in the same way', async () => {
      expect(await hear(voice, 'Hello there.')).toEqual(await hear(voice, 'Hello there.'));
    });

    it('speaks to many in turns: a short text is done before a long one that came first', async () => {
      const order: string[] = [];
      const say = async (who: string, text: string): Promise<void> => {
        for await (const { pcm } of voice.speak(text)) if (pcm.length > 0) order.push(who);
        order.push(`${who} is done`);
      };
      await Promise.all([say('long', PARAGRAPH.repeat(2)), say('short', 'Good morning. I am Mira.')]);
      expect(order.filter((who) => who === 'long').length).toBeGreaterThan(6);
      expect(order.slice(0, order.indexOf('short is done'))).toContain('long');
      expect(order.at(-1)).toBe('long is done');
    });

    it('falls silent when it is interrupted in mid-speech, and speaks again', async () => {
      const abort = new AbortController();
      const speech = voice.speak(PARAGRAPH, { signal: abort.signal })[Symbol.asyncIterator]();
      await speech.next();
      const next = speech.next();
      abort.abort();
      await expect(next.then(() => speech.next())).rejects.toMatchObject({ code: 'interrupted' });
      expect((await speech.next()).done).toBe(true);
      expect(await hear(voice, 'Hello.')).toHaveLength(1);
    });

    it('does not begin what was interrupted before', async () => {
      const saying = hear(voice, PARAGRAPH, { signal: AbortSignal.abort() });
      await expect(saying).rejects.toMatchObject({ code: 'interrupted' });
    });

    it('can be left in mid-speech', async () => {
      for (let i = 0; i < 5; i += 1) {
        for await (const { textStart } of voice.speak(PARAGRAPH)) {
          expect(textStart).toBe(0);
          break;
        }
      }
      expect(await hear(voice, 'Hello.')).toHaveLength(1);
    });

    it('refuses a voice that it does not have', async () => {
      await expect(hear(voice, 'Hello.', { voice: 'nobody' })).rejects.toMatchObject({
        code: 'invalid_text',
      });
    });

    it('reports what it cannot say, once for each run, and says the rest', async () => {
      const text = 'Good 👍🏽 morning, 世界! Привет мир. Bye.';
      const skipped: SkippedText[] = [];
      const chunks = await hear(voice, text, { onSkipped: (run) => skipped.push(run) });
      expect(skipped.map((run) => run.text)).toEqual(['👍🏽', '世界', 'Привет мир']);
      for (const run of skipped) expect(text.slice(run.textStart, run.textEnd)).toBe(run.text);
      expect(chunks.map((chunk) => chunk.text)).toEqual(['Good 👍🏽 morning, 世界!', 'Bye.']);
    });

    it.each(TORTURE)('stands %s', async (_, text, audible) => {
      const chunks = await hear(voice, text);
      expect(chunks.length > 0).toBe(audible);
      for (const chunk of chunks) expect(chunk.text).toBe(text.slice(chunk.textStart, chunk.textEnd));
      expect(await hear(voice, 'Hello.')).toHaveLength(1);
    });

    it('stands 5,000 characters without a space, and an interrupt in the midst of them', async () => {
      const abort = new AbortController();
      const speech = voice.speak('z1'.repeat(2500), { signal: abort.signal })[Symbol.asyncIterator]();
      expect((await speech.next()).done).toBe(false);
      abort.abort();
      await expect(speech.next()).rejects.toMatchObject({ code: 'interrupted' });
    });

    it('says nothing more once it is closed, and may be closed twice', async () => {
      const other = await open();
      const speech = other.speak(PARAGRAPH)[Symbol.asyncIterator]();
      await speech.next();
      await other.close();
      await expect(
        (async () => {
          while (!(await speech.next()).done);
        })(),
      ).rejects.toMatchObject({ code: 'voice_failed' });
      await expect(hear(other, 'Hello.')).rejects.toMatchObject({ code: 'voice_failed' });
      await other.close();
    });
  });
}
