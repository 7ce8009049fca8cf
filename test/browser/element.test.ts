import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser } from '@vizavi/load/browser';
import { createToken } from '@vizavi/load/live-probe';
import { ServerProcess } from '@vizavi/load/server-process';
// Tells the compiler what `vizavi-avatar` is.
import type {} from '../../client/src/element.ts';
import { reactPage } from '../support/react-page.ts';

/** Where pictures of the pages are left for a person to look at. */
const PICTURES = join(tmpdir(), 'vizavi-test-pictures');
const SENTENCE = 'Papa bought a big blue piano, and mama opened all the windows to hear him play it.';
const LIVE_MS = 20_000;

let server: ServerProcess;
let browser: Browser;
let closeBrowser: () => Promise<void>;
/** A site of somebody else, with a policy that allows vizavi's scripts, sockets and pictures, and no styles in the page. */
let site: Server;
let siteUrl: string;
let body = '';
/** Given to the pages of this test. */
let tokens: string[] = [];
let page: Page;

beforeAll(async () => {
  mkdirSync(PICTURES, { recursive: true });
  server = await ServerProcess.start({ VIZAVI_SLOTS: '2' });
  const { url } = server;
  const policy = [
    "default-src 'none'",
    `script-src ${url} 'nonce-test'`,
    "style-src 'nonce-test'",
    `img-src ${url}`,
    'media-src blob: mediastream:',
    `connect-src 'self' ${url} ${url.replace('http', 'ws')}`,
  ].join('; ');
  site = createServer((request, response) => void answer(request.url ?? '/', response, policy));
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  siteUrl = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  ({ browser, close: closeBrowser } = await openBrowser());
}, 120_000);

async function answer(path: string, response: ServerResponse, policy: string): Promise<void> {
  if (path === '/token') {
    response.setHeader('content-type', 'application/json');
    const token = await createToken(server.url);
    tokens.push(token);
    response.end(JSON.stringify({ token }));
    return;
  }
  response.setHeader('content-type', 'text/html');
  response.setHeader('content-security-policy', policy);
  response.end(`<!doctype html><html lang="en"><title>A page</title>
    <style nonce="test">body { margin: 0; } button { background: red !important; } vizavi-avatar { width: 480px; }</style>${body}`);
}

afterAll(async () => {
  await closeBrowser();
  site.closeAllConnections();
  site.close();
  await server.stop();
});

let complaints: string[] = [];
beforeEach(async () => {
  page = await browser.newPage();
  await page.setViewport({ width: 1100, height: 760 });
  complaints = [];
  tokens = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) complaints.push(message.text());
  });
});
afterEach(async () => {
  await page.evaluate(() => document.querySelector('vizavi-avatar')?.stop());
  // A conversation that has not ended holds a slot.
  for (const token of tokens)
    await expect.poll(() => sessionState(token), { timeout: 10_000 }).toMatch(/closed|gone/);
  await page.close();
  expect(complaints).toEqual([]);
});

async function sessionState(token: string): Promise<string> {
  const { sub } = JSON.parse(atob(token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/'))) as {
    sub: string;
  };
  const response = await fetch(`${server.url}/v1/sessions/${sub}`);
  return ((await response.json()) as { state?: string }).state ?? 'gone';
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function open(attributes: string, content = ''): Promise<void> {
  body = `<vizavi-avatar src="${server.url}" token-url="/token" avatar="mira" ${attributes}>${content}</vizavi-avatar>
    <script type="module" src="${server.url}/client/element.js"></script>`;
  await page.goto(siteUrl);
  await page.waitForFunction(() => customElements.get('vizavi-avatar') !== undefined);
}

const state = (): Promise<string | null> =>
  page.$eval('vizavi-avatar', (element) => element.getAttribute('state'));
const live = (): Promise<void> => expect.poll(state, { timeout: LIVE_MS }).toBe('live');
const caption = (): Promise<string> =>
  page.$eval('vizavi-avatar', (element) => element.shadowRoot?.querySelector('.caption')?.textContent ?? '');
/** The picture that is shown, so small that codecs do not show. */
const look = (): Promise<number[]> =>
  page.$eval('vizavi-avatar', (element) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 32, height: 32 });
    const context = canvas.getContext('2d')!;
    context.drawImage(element.shadowRoot!.querySelector('video')!, 0, 0, 32, 32);
    return [...context.getImageData(0, 0, 32, 32).data];
  });

describe('<vizavi-avatar>', () => {
  it('says that it is an AI, starts with the keyboard, moves, speaks with captions, and falls silent on Esc', async () => {
    await open('controls="full" listen="push" captions="on"');
    const text = (): Promise<string> =>
      page.$eval('vizavi-avatar', (element) => element.shadowRoot?.querySelector('.card')?.textContent ?? '');
    expect(await text()).toMatch(/AI avatar/);
    await page.screenshot({ path: join(PICTURES, 'element-before.png') });
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await live();

    await expect.poll(async () => (await look()).some((value, at) => at % 4 !== 3 && value > 40)).toBe(true);
    const first = await look();
    await expect
      .poll(async () => (await look()).some((value, at) => Math.abs(value - first[at]!) > 4), {
        timeout: 15_000,
      })
      .toBe(true);

    const spoken = page.$eval(
      'vizavi-avatar',
      async (element, sentence) => (await element.repeat(sentence)).outcome,
      SENTENCE,
    );
    await expect.poll(caption, { timeout: 10_000 }).toMatch(/piano/);
    await page.screenshot({ path: join(PICTURES, 'element-live.png') });
    // Somewhere inside of the element, as after a click on it.
    await page.$eval('vizavi-avatar', (element) => element.shadowRoot?.querySelector('input')?.focus());
    await page.keyboard.press('Escape');
    expect(await spoken).toBe('interrupted');
    expect(await caption()).toBe('');
  });

  it('can be used with the keyboard alone, in the order in which it is seen', async () => {
    await open('controls="full" listen="push"');
    await page.$eval('vizavi-avatar', (element) => element.start());
    await live();
    const speaking = page.$eval('vizavi-avatar', (element, text) => element.repeat(text), SENTENCE);
    speaking.catch(() => undefined);
    await expect.poll(caption, { timeout: 10_000 }).not.toBe('');
    await page.evaluate(() => {
      (document.activeElement as HTMLElement | null)?.blur();
    });
    const order: (string | null)[] = [];
    for (let at = 0; at < 6; at += 1) {
      await page.keyboard.press('Tab');
      order.push(
        await page.$eval(
          'vizavi-avatar',
          (element) => element.shadowRoot?.activeElement?.getAttribute('aria-label') ?? null,
        ),
      );
    }
    expect(order).toEqual([
      'Ask Mira…',
      'Send',
      'Hold to talk',
      'Interrupt (Esc)',
      'Captions',
      'End the conversation',
    ]);
    await page.keyboard.press('Enter');
    await expect.poll(state).toBe('ended');
    await speaking.catch(() => undefined);
  });

  it('lets the page replace its pieces and hear what happens', async () => {
    await open(
      'captions="on" controls="none"',
      '<button slot="start" id="mine">Meet her</button><p slot="caption" id="words"></p>',
    );
    await page.evaluate(() => {
      const heard: string[] = [];
      Object.assign(globalThis, { heard });
      // On the document: the events come up to it.
      for (const name of ['state', 'ready', 'speak-started', 'speak-ended', 'transcript', 'stopped'])
        document.addEventListener(`vizavi:${name}`, () => heard.push(name));
    });
    await page.click('#mine');
    await live();
    await page.$eval('vizavi-avatar', async (element) => element.repeat('Good morning.'));
    await page.$eval('vizavi-avatar', (element) => element.stop());
    const names = await page.evaluate(() => (globalThis as unknown as { heard: string[] }).heard);
    for (const name of ['state', 'ready', 'speak-started', 'speak-ended', 'transcript', 'stopped'])
      expect(names).toContain(name);
    await expect.poll(state).toBe('ended');
  });

  it('tells when it cannot start, and why', async () => {
    await open('token="nonsense"');
    const refused = await page.$eval('vizavi-avatar', async (element) => {
      const codes: string[] = [];
      element.addEventListener('vizavi:error', (event) =>
        codes.push((event as CustomEvent<{ error: { code: string } }>).detail.error.code),
      );
      const error = await element.start().catch((cause: unknown) => cause as { code: string });
      return [error?.code, ...codes];
    });
    expect(refused).toEqual(['unauthorized', 'unauthorized']);
    expect(await state()).toBe('failed');
  });

  it('shows no wall where the page wants none', async () => {
    await open('background="transparent" controls="none"');
    await page.$eval('vizavi-avatar', (element) => element.start());
    await live();
    const alphas = (): Promise<number[] | null> =>
      page.$eval('vizavi-avatar', (element) => {
        const root = element.shadowRoot!;
        if (!root.querySelector('.stage')?.hasAttribute('data-cut')) return null;
        const copy = Object.assign(document.createElement('canvas'), { width: 64, height: 64 });
        const context = copy.getContext('2d')!;
        return new Promise<number[]>((resolve) => {
          root.querySelector('video')!.requestVideoFrameCallback(() => {
            // In the frame in which it was painted: what WebGL has drawn is gone after it.
            requestAnimationFrame(() => {
              context.drawImage(root.querySelector('canvas')!, 0, 0, 64, 64);
              const at = (x: number, y: number): number => context.getImageData(x, y, 1, 1).data[3]!;
              resolve([at(1, 1), at(62, 1), at(1, 30), at(62, 30), at(32, 30), at(32, 60)]);
            });
          });
        });
      });
    await expect.poll(alphas, { timeout: 15_000 }).toEqual([0, 0, 0, 0, 255, 255]);
    for (const [name, background] of [
      ['light', '#f4f6f8'],
      ['dark', '#101418'],
      ['patterned', 'repeating-linear-gradient(45deg, #fc6 0 20px, #39f 20px 40px)'],
    ] as const) {
      await page.evaluate((value) => (document.body.style.background = value), background);
      await wait(200);
      await page.screenshot({ path: join(PICTURES, `element-${name}.png`) });
    }
  });
});

describe('the bubble', () => {
  const part = (selector: string): string => `[data-vizavi-bubble] >>> ${selector}`;
  const view = (): Promise<string | undefined> =>
    page.$eval(
      '[data-vizavi-bubble]',
      (host) => host.shadowRoot?.querySelector<HTMLElement>('[data-view]')?.dataset['view'],
    );
  const lines = (): Promise<string> => page.$eval(part('.said'), (list) => list.textContent);

  it('costs nothing before a tap, talks after it, and goes on on the next page', async () => {
    body = `<h1>An ordinary page</h1><script type="module" src="${server.url}/client/bubble.js"
      data-avatar="mira" data-token-url="/token" data-greeting="Hello, shall I help you?"></script>`;
    const fetched: number[] = [];
    page.on('response', (response) => {
      if (response.url().endsWith('.js'))
        void response.buffer().then(
          ({ length }) => fetched.push(length),
          () => undefined,
        );
    });
    await page.goto(siteUrl);
    await page.waitForSelector(part('.face'));
    await expect.poll(() => fetched.length).toBeGreaterThan(1);
    await wait(500);
    expect(tokens).toEqual([]);
    expect(fetched.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(40_000);
    await page.click(part('.face'));
    const shown = (): Promise<string | null> =>
      page.$eval(part('vizavi-avatar'), (element) => element.getAttribute('state')).catch(() => null);
    await expect.poll(shown, { timeout: LIVE_MS }).toBe('live');
    expect(await lines()).toMatch(/AI avatar/);
    await expect.poll(lines, { timeout: 10_000 }).toMatch(/Hello, shall I help you/);
    await page.screenshot({ path: join(PICTURES, 'bubble-open.png') });
    await page.click(part('.minimise'));
    expect(await view()).toBe('mini');

    await page.goto(`${siteUrl}/next`);
    await expect.poll(shown, { timeout: LIVE_MS }).toBe('live');
    expect(await view()).toBe('mini');
    await expect.poll(lines).toMatch(/Hello, shall I help you/);
    await page.click(part('.back'));
    await page.click(part('.close'));
    expect(await view()).toBe('closed');
    expect(tokens).toHaveLength(1);
  });
});

describe('the React hooks', () => {
  it('show a session and its transcript, also in strict mode, and end it with the component', async () => {
    body = `<div id="root"></div><script nonce="test" type="module">${await reactPage(server.url)}</script>`;
    await page.goto(siteUrl);
    const text = (): Promise<string> => page.$eval('#root', (root) => root.textContent);
    await expect.poll(text, { timeout: LIVE_MS }).toMatch(/^live/);
    // Not with the mouse: the page moves while the picture comes.
    const press = (id: string): Promise<void> =>
      page.$eval(id, (button) => {
        (button as HTMLButtonElement).click();
      });
    await press('#say');
    await expect.poll(text, { timeout: 10_000 }).toMatch(/avatar: Hello from React/);
    await page.waitForSelector('vizavi-avatar[state="idle"]');
    await press('#leave');
    await expect.poll(() => sessionState(tokens[0]!), { timeout: 10_000 }).toMatch(/closed|gone/);
  });
});
