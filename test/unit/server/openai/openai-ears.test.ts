import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EARS_SAMPLE_RATE } from '../../../../server/src/ears/ears.ts';
import { OpenAiEars } from '../../../../server/src/ears/openai-ears.ts';
import { OpenAiServer } from '../../../support/openai-server.ts';

describe('OpenAiEars', () => {
  let server: OpenAiServer;
  beforeAll(async () => {
    server = await OpenAiServer.open();
  });
  afterAll(() => server.close());
  beforeEach(() => {
    server.script();
  });

  const pcm = Int16Array.from({ length: EARS_SAMPLE_RATE }, (_, n) => 3000 * Math.sin(n / 10));
  const open = (over: object = {}): OpenAiEars =>
    new OpenAiEars({
      baseUrl: server.baseUrl,
      apiKey: 'key-123456',
      model: 'whisper',
      timeoutMs: 5000,
      ...over,
    });
  const { signal } = new AbortController();

  it('sends a WAV file that holds the sound, and the language as the API wants it', async () => {
    expect(await open().transcribe(pcm, { language: 'en-GB', signal })).toBe('Hello there.');
    const { body, path } = server.asked[0] ?? {};
    expect(path).toBe('/v1/audio/transcriptions');
    expect(body).toMatchObject({ model: 'whisper', language: 'en', response_format: 'json' });
    const file = body?.['file'] as File;
    expect(file.type).toBe('audio/wav');
    const wav = Buffer.from(await file.arrayBuffer());
    expect(wav.toString('latin1', 0, 4) + wav.toString('latin1', 8, 16)).toBe('RIFFWAVEfmt ');
    expect(wav.readUInt32LE(4)).toBe(wav.length - 8);
    expect(wav.readUInt32LE(24)).toBe(EARS_SAMPLE_RATE);
    expect(wav.readUInt32LE(40)).toBe(pcm.length * 2);
    expect(new Int16Array(wav.buffer.slice(wav.byteOffset + 44, wav.byteOffset + wav.length))).toEqual(pcm);
  });

  it('leaves the language to the provider when it is not told', async () => {
    await open().transcribe(pcm, { signal });
    expect(server.asked[0]?.body).not.toHaveProperty('language');
  });

  it('sends what is heard in a part of a longer recording', async () => {
    await open().transcribe(pcm.subarray(1000, 5000), { signal });
    const file = server.asked[0]?.body['file'] as File;
    expect(file.size).toBe(44 + 8000);
  });

  it.each([
    ['an error', { status: 500 }],
    ['a cut', { trouble: { after: 0, kind: 'cut' } }],
  ] as const)('asks once more after %s, and only once', async (_, behaviour) => {
    server.script(behaviour);
    expect(await open().transcribe(pcm, { signal })).toBe('Hello there.');
    server.script(behaviour, behaviour);
    await expect(open().transcribe(pcm, { signal })).rejects.toMatchObject({ code: 'ears_failed' });
    expect(server.asked).toHaveLength(2);
  });

  it('says what was refused', async () => {
    server.script({ status: 401, message: 'bad key key-123456' });
    const failure = await open()
      .transcribe(pcm, { signal })
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ears_failed', retryable: false });
    expect(String(failure)).toContain('401 bad key');
    expect(String(failure)).not.toContain('123456');
  });

  it.each([
    ['late', { delayMs: 20_000 }],
    ['never complete', { trouble: { after: 0, kind: 'stall' } }],
  ] as const)('gives up an answer that is %s', async (_, behaviour) => {
    server.script(behaviour);
    const heard = open({ timeoutMs: 50 }).transcribe(pcm, { signal });
    await expect(heard).rejects.toMatchObject({ code: 'timeout' });
    expect(await server.asked[0]?.left).toBe(true);
  });

  it.each(['{"words": 1}', '[]', 'oops'])('fails on %s in place of an answer', async (content) => {
    server.script({ body: { type: 'application/json', content } });
    await expect(open().transcribe(pcm, { signal })).rejects.toMatchObject({ code: 'ears_failed' });
  });

  it('closes the request when it is interrupted', async () => {
    server.script({ delayMs: 20_000 });
    const abort = new AbortController();
    const heard = open().transcribe(pcm, { signal: abort.signal });
    heard.catch(() => undefined);
    await expect.poll(() => server.asked.length).toBe(1);
    abort.abort();
    await expect(heard).rejects.toMatchObject({ code: 'interrupted' });
    expect(await server.asked[0]?.left).toBe(true);
  });
});
