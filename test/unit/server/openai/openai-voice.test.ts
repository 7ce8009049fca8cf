import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OpenAiVoice } from '../../../../server/src/voice/openai-voice.ts';
import type { SkippedText, SpeechChunk } from '../../../../server/src/voice/voice.ts';
import { OpenAiServer } from '../../../support/openai-server.ts';

const TEXT = 'Good morning to you. This is the second sentence. And this is the third one.';

describe('OpenAiVoice', () => {
  let server: OpenAiServer;
  beforeAll(async () => {
    server = await OpenAiServer.open();
  });
  afterAll(() => server.close());
  beforeEach(() => {
    server.script();
    server.usually({});
  });

  const open = (over: object = {}): OpenAiVoice =>
    new OpenAiVoice({
      baseUrl: server.baseUrl,
      apiKey: 'key-123456',
      model: 'tts',
      voices: ['slt', 'rms'],
      timeoutMs: 10_000,
      ...over,
    });
  const hear = async (voice: OpenAiVoice, text: string, options = {}): Promise<SpeechChunk[]> => {
    const chunks: SpeechChunk[] = [];
    for await (const chunk of voice.speak(text, options)) chunks.push(chunk);
    return chunks;
  };
  const sent = (): unknown[] => server.asked.map(({ body }) => body['input']);

  it('asks for PCM, clause by clause, with the voice that is wanted', async () => {
    const chunks = await hear(open(), TEXT, { voice: 'rms' });
    expect(chunks.map(({ text }) => text)).toEqual(sent());
    expect(server.asked[0]).toMatchObject({
      path: '/v1/audio/speech',
      body: { model: 'tts', voice: 'rms', input: 'Good morning to you.', response_format: 'pcm' },
    });
  });

  it('asks for one clause ahead, and no more', async () => {
    const speech = open().speak(TEXT);
    await speech.next();
    await expect.poll(() => server.asked.length).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(server.asked).toHaveLength(2);
    await speech.return();
  });

  it('sounds as the provider made it, wherever the bytes were cut', async () => {
    const pcm = Int16Array.from({ length: 24_000 }, (_, n) => 9000 * Math.sin(n / 7));
    server.usually({ sound: pcm });
    const [chunk] = await hear(open(), 'Hello.');
    // Silence is taken off: a few samples at the first crossing.
    const at = pcm.findIndex((sample) => sample === chunk?.pcm[0]);
    expect(at).toBeLessThan(10);
    expect(chunk?.pcm).toEqual(pcm.subarray(at, at + (chunk?.pcm.length ?? 0)));
    expect(chunk?.pcm.length).toBeGreaterThan(23_900);
  });

  it('pauses between sentences, and after the last one when more follows', async () => {
    const [alone] = await hear(open(), 'Good morning.');
    const [followed] = await hear(open(), 'Good morning.', { more: true });
    expect((followed?.durationMs ?? 0) - (alone?.durationMs ?? 0)).toBeCloseTo(260, 6);
  });

  it('sends every script to a provider that reads it, and leaves pictographs out', async () => {
    const pcm = new Int16Array(24_000).fill(5000);
    server.usually({ sound: pcm });
    const skipped: SkippedText[] = [];
    const onSkipped = (run: SkippedText): number => skipped.push(run);
    await hear(open(), 'Привет 👍🏽 🇫🇷, 世界! © 2026', { onSkipped });
    expect(sent().join(' ')).toBe('Привет , 世界! © 2026');
    expect(skipped).toEqual([{ text: '👍🏽 🇫🇷', textStart: 7, textEnd: 16 }]);
    expect(await hear(open(), '🙂 …')).toEqual([]);
  });

  it('asks once more when a clause breaks off, and says it whole', async () => {
    const [whole] = await hear(open(), 'Good morning.');
    server.script({ trouble: { after: 3, kind: 'cut' } });
    expect(await hear(open(), 'Good morning.')).toEqual([whole]);
  });

  it.each([
    ['refuses', { status: 401, message: 'bad key key-123456' }],
    ['sends another format', { body: { type: 'audio/mpeg', content: 'ID3xxxx' } }],
    [
      'sends another format and does not say so',
      { body: { type: 'audio/pcm', content: 'RIFFxxxxWAVEfmt ' } },
    ],
    ['sends an error as sound', { body: { type: 'application/json', content: '{}' } }],
  ])('fails when the provider %s', async (_, behaviour) => {
    server.usually(behaviour);
    const failure = await hear(open(), TEXT).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'voice_failed', retryable: false });
    expect(String(failure)).not.toContain('123456');
  });

  it('gives up a clause that does not come, and closes all requests', async () => {
    server.usually({ trouble: { after: 1, kind: 'stall' } });
    await expect(hear(open({ timeoutMs: 300 }), TEXT)).rejects.toMatchObject({ code: 'voice_failed' });
    expect(await Promise.all(server.asked.map(({ left }) => left))).toEqual([true]);
  });

  it('closes its requests when it is interrupted', async () => {
    server.usually({ trouble: { after: 1, kind: 'stall' } });
    const abort = new AbortController();
    const heard = hear(open(), TEXT, { signal: abort.signal });
    heard.catch(() => undefined);
    await expect.poll(() => server.asked.length).toBe(1);
    abort.abort();
    await expect(heard).rejects.toMatchObject({ code: 'interrupted' });
    expect(await server.asked[0]?.left).toBe(true);
  });

  it('ends a clause that has no end', async () => {
    server.usually({ sound: new Int16Array(24_000 * 130).fill(1000) });
    await expect(hear(open(), 'Hello.')).rejects.toMatchObject({ code: 'voice_failed' });
  });

  it('needs the name of a voice', () => {
    expect(() => open({ voices: [] })).toThrow(expect.objectContaining({ code: 'invalid_config' }));
  });
});
