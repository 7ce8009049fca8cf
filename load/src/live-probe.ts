import type { Browser, Page } from 'puppeteer-core';
import { openVoice } from '@vizavi/server/voice';
import { openProbe } from './browser.ts';
import type { Probe } from './probe.ts';

/** A session that has a slot, from a server in development mode. @throws Error when none is free */
export async function createToken(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ queue: false }),
  });
  const body = (await response.json()) as { token?: string; error?: { message: string } };
  if (!body.token) throw new Error(body.error?.message ?? `HTTP ${response.status}`);
  return body.token;
}

/** A sentence of the embedded voice, 16 kHz. */
export async function speechPcm(): Promise<Int16Array> {
  const voice = await openVoice();
  try {
    const chunks: Int16Array[] = [];
    for await (const chunk of voice.speak('Papa bought a big blue piano, and mama is happy about it.')) {
      chunks.push(chunk.pcm);
    }
    return Int16Array.from(chunks.flatMap((chunk) => [...chunk]));
  } finally {
    await voice.close();
  }
}

/** The page's side of a session, from here. */
export class LiveProbe {
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
  }

  static async open(browser: Browser, url: string, pcm: Int16Array): Promise<LiveProbe> {
    const page = await openProbe(browser, url);
    const base64 = Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength).toString('base64');
    await page.evaluate((data) => {
      Object.assign(globalThis, { speechUrl: `data:application/octet-stream;base64,${data}` });
    }, base64);
    return new LiveProbe(page);
  }

  join(token: string): Promise<number> {
    return this.#page.evaluate((value) => (globalThis as unknown as Scope).probe.join(value), token);
  }

  learnRest(): Promise<void> {
    return this.#page.evaluate(() => (globalThis as unknown as Scope).probe.learnRest());
  }

  untilVoiced(action: 'text' | 'audio'): ReturnType<Probe['untilVoiced']> {
    return this.#page.evaluate((what) => (globalThis as unknown as Scope).probe.untilVoiced(what), action);
  }

  interrupt(): ReturnType<Probe['interrupt']> {
    return this.#page.evaluate(() => (globalThis as unknown as Scope).probe.interrupt());
  }

  quiet(): Promise<void> {
    return this.#page.evaluate(() => (globalThis as unknown as Scope).probe.quiet());
  }

  /** Says `text`; resolves when it was spoken. */
  async say(text: string): Promise<void> {
    await this.#page.evaluate(async (value) => {
      await (globalThis as unknown as Scope).probe.session.repeat(value);
    }, text);
  }

  stats(): Promise<Record<string, unknown>> {
    return this.#page.evaluate(
      async () =>
        (await (globalThis as unknown as Scope).probe.session.stats()) as unknown as Record<string, unknown>,
    );
  }

  now(): Promise<number> {
    return this.#page.evaluate(() => performance.now());
  }

  samples(sinceMs: number): Promise<ReturnType<Probe['samples']>> {
    return this.#page.evaluate((ms) => (globalThis as unknown as Scope).probe.samples(ms), sinceMs);
  }

  async close(): Promise<void> {
    await this.#page.evaluate(() => (globalThis as unknown as Scope).probe.leave());
    await this.#page.close();
  }
}

interface Scope {
  readonly probe: Probe;
}
