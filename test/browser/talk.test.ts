import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, openProbe } from '@vizavi/load/browser';
import { ServerProcess } from '@vizavi/load/server-process';
import { createToken } from '@vizavi/load/live-probe';
import type { TalkProbe } from '@vizavi/load/talk-probe';
import { OpenAiServer } from '../support/openai-server.ts';
import { FliteVoice } from '../../server/src/voice/flite-voice.ts';

interface Scope {
  readonly probe: TalkProbe;
}
const ASKED = 'What can you do?';

let providers: OpenAiServer;
let server: ServerProcess;
let browser: Browser;
let close: () => Promise<void>;
let page: Page;
let question: string;

beforeAll(async () => {
  providers = await OpenAiServer.open();
  const url = { VIZAVI_OPENAI_URL: providers.baseUrl, VIZAVI_SLOTS: '1' };
  server = await ServerProcess.start({ ...url, VIZAVI_CHAT_MODEL: 'test', VIZAVI_EARS_MODEL: 'test' });
  ({ browser, close } = await openBrowser());
  page = await openProbe(browser, server.url, 'talk-probe.ts');
  const voice = new FliteVoice();
  const samples: number[] = [];
  for await (const { pcm } of voice.speak('What can you do for me today?', { voice: 'rms' }))
    samples.push(...pcm);
  await voice.close();
  question = Buffer.from(Int16Array.from(samples).buffer).toString('base64');
  await page.evaluate(
    (token) => (globalThis as unknown as Scope).probe.talk(token),
    await createToken(server.url),
  );
}, 120_000);

afterAll(async () => {
  await close();
  await server.stop();
  await providers.close();
});

const say = (): Promise<unknown> =>
  page.evaluate((sound) => (globalThis as unknown as Scope).probe.say(sound), question);
const until = (type: string, sinceMs: number): Promise<boolean> =>
  page.evaluate(
    (name, since) => (globalThis as unknown as Scope).probe.until(name, since, 20_000),
    type,
    sinceMs,
  );
const now = (): Promise<number> => page.evaluate(() => performance.now());
const bodies = (type: string): Promise<Record<string, unknown>[]> =>
  page.evaluate(
    (name) =>
      (globalThis as unknown as Scope).probe.events
        .filter((event) => event.type === name)
        .map(({ body }) => body),
    type,
  );
interface Message {
  readonly role: string;
  readonly content: string;
}
/** What the chat was asked, each time. */
const chats = (): Message[][] =>
  providers.asked.flatMap(({ path, body }) => (path.includes('chat') ? [body['messages'] as Message[]] : []));
/** The loudest that was played in the last `ms`. */
const loudest = (ms: number): Promise<number> =>
  page.evaluate(
    (span) =>
      Math.max(
        0,
        ...(globalThis as unknown as Scope).probe.sound
          .filter((sample) => sample.ms > performance.now() - span)
          .map(({ rms }) => rms),
      ),
    ms,
  );

describe('somebody who speaks to the avatar', () => {
  it('is heard, understood, and answered aloud', async () => {
    providers.script(
      { pieces: [ASKED] },
      { pieces: ['I can ', 'talk with you, ', 'as long as you like. '.repeat(6)] },
    );
    await say();
    expect(await until('avatar.speak_started', 0)).toBe(true);
    expect(await bodies('user.transcription')).toMatchObject([{ text: ASKED, typed: false }]);
    await expect.poll(() => loudest(500), { timeout: 5000 }).toBeGreaterThan(0.02);
    expect(JSON.stringify(chats().at(-1))).toContain(ASKED);
  }, 60_000);

  it('silences the avatar by speaking, and the brain is told how far it got', async () => {
    const sinceMs = await now();
    providers.usually({ pieces: ['Stop, please.'] }, 'transcriptions');
    providers.usually({ pieces: ['All right.'] }, 'chat');
    await say();
    expect(await until('user.speak_started', sinceMs)).toBe(true);
    expect(await until('avatar.reply_ended', sinceMs)).toBe(true);
    const [reply] = await bodies('avatar.reply_ended');
    expect(reply).toMatchObject({ outcome: 'interrupted' });
    expect(String(reply?.['heard']).length).toBeLessThan(String(reply?.['text']).length);
    expect(await until('user.transcription', sinceMs)).toBe(true);
    expect(await until('avatar.speak_started', sinceMs)).toBe(true);
    const messages = chats().at(-1) ?? [];
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
    expect(messages[2]?.content).toContain(String(reply?.['heard']));
  }, 60_000);

  it('hears a line of its own when the brain is broken, and can go on', async () => {
    await expect.poll(async () => (await bodies('avatar.reply_ended')).length, { timeout: 20_000 }).toBe(2);
    const sinceMs = await now();
    providers.usually({ pieces: ['Are you there?'] }, 'transcriptions');
    providers.usually({ status: 401, message: 'no such key' }, 'chat');
    await say();
    expect(await until('avatar.reply_ended', sinceMs)).toBe(true);
    expect((await bodies('avatar.reply_ended')).at(-1)).toMatchObject({ outcome: 'spoken' });
    expect(String((await bodies('avatar.reply_ended')).at(-1)?.['text'])).toContain('Sorry');
    providers.usually({ pieces: ['Hello there.'] }, 'chat');
    const answer = await page.evaluate(() =>
      (globalThis as unknown as Scope).probe.session.message('And in writing?'),
    );
    expect(answer).toMatchObject({ outcome: 'spoken', text: 'Hello there.' });
  }, 60_000);
});
