import type { SessionEvent } from '@vizavi/signaling';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerProcess } from '@vizavi/load/server-process';
import { Viewer } from '@vizavi/load/viewer';
import { OpenAiServer } from '../support/openai-server.ts';

const KEY = 'sk-nobody-may-see-this';
const LINE = 'I am lost for words.';
const PATIENT = { timeout: 20_000 };

let providers: OpenAiServer;
let server: ServerProcess;
let viewer: Viewer;
const events: SessionEvent[] = [];

beforeAll(async () => {
  providers = await OpenAiServer.open();
  server = await ServerProcess.start({
    VIZAVI_SLOTS: '1',
    VIZAVI_OPENAI_URL: providers.baseUrl,
    VIZAVI_OPENAI_KEY: KEY,
    VIZAVI_CHAT_MODEL: 'chat',
    VIZAVI_VOICE_MODEL: 'speech',
    VIZAVI_VOICES: 'slt',
    VIZAVI_FALLBACK_LINE: LINE,
  });
  const response = await fetch(`${server.url}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  viewer = new Viewer(server.url, ((await response.json()) as { token: string }).token);
  viewer.listen((event) => events.push(event));
  await viewer.join();
}, 60_000);
afterAll(async () => {
  await viewer.leave();
  await server.stop();
  await providers.close();
});

/** What the avatar has said, as its viewers read it. */
function said(): string[] {
  return events.flatMap(({ type, body }) => (type === 'avatar.transcription' ? [body.text.trim()] : []));
}

describe('a session with providers', () => {
  it('answers with their words in their voice', async () => {
    providers.usually({ pieces: ['Good ', 'morning.'] }, 'chat');
    await viewer.message('Hello?');
    await expect.poll(said, PATIENT).toEqual(['Good morning.']);
    expect(providers.asked.map(({ path }) => path)).toContain('/v1/audio/speech');
  });

  it("says its line in the voice that it has of its own when the provider's breaks off, and lives on", async () => {
    events.length = 0;
    providers.usually({ trouble: { after: 1, kind: 'cut' } }, 'speech');
    await expect(viewer.repeat('This will never be heard.')).resolves.toBe('failed');
    await expect.poll(said, PATIENT).toEqual([LINE]);
    providers.usually({}, 'speech');
    await expect(viewer.repeat('Here I am again.')).resolves.toBe('spoken');
  });

  it('says it when the key is refused, and keeps the key to itself', async () => {
    events.length = 0;
    providers.usually({ status: 401, message: `Incorrect API key provided: ${KEY}` }, 'speech');
    await expect(viewer.repeat('Nor will this.')).resolves.toBe('failed');
    await expect.poll(said, PATIENT).toEqual([LINE]);
    providers.usually({}, 'speech');
    providers.usually({ status: 401, message: `Incorrect API key provided: ${KEY}` }, 'chat');
    await viewer.message('And now?');
    await expect.poll(said, PATIENT).toEqual([LINE, LINE]);
    expect(providers.asked.at(-1)?.authorization).toBe(`Bearer ${KEY}`);
    expect(JSON.stringify(events)).not.toContain(KEY);
  });
});
