import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page, SerializedAXNode } from 'puppeteer-core';
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
  if (path === '/never') return;
  if (path === '/cut') {
    response.destroy();
    return;
  }
  response.setHeader('content-type', 'text/html; charset=utf-8');
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
  await page.evaluate(() => {
    const bubble = document.querySelector('[data-vizavi-bubble]')?.shadowRoot;
    return (bubble ?? document).querySelector('vizavi-avatar')?.stop();
  });
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

/** Whatever would move by itself under this element, pseudo-elements and shadow roots included. */
const moving = (selector: string): Promise<string[]> =>
  page.$eval(selector, (host) => {
    const found: string[] = [];
    const look = (root: ShadowRoot): void => {
      for (const element of root.querySelectorAll('*')) {
        for (const pseudo of ['', '::before', '::after', '::backdrop', '::placeholder']) {
          const style = getComputedStyle(element, pseudo === '' ? null : pseudo);
          const animations = style.animationName === 'none' ? '0s' : style.animationDuration;
          const seconds = `${style.transitionDuration},${animations}`.split(',').map(Number.parseFloat);
          if (Math.max(...seconds) > 0.001) found.push(`${element.tagName}.${element.className}${pseudo}`);
        }
        if (element.shadowRoot) look(element.shadowRoot);
      }
    };
    look(host.shadowRoot!);
    return found;
  });

/** More questions at once than a server takes of one visitor. */
const askTooMuch = (field: string): Promise<void> =>
  page.$eval(field, (element) => {
    const input = element as HTMLInputElement;
    for (let at = 1; at <= 14; at += 1) {
      input.value = `Question ${at}`;
      input.form?.requestSubmit();
    }
  });

/** As if the server had told this. */
const happen = (avatar: string, type: string, fields: object): Promise<void> =>
  page.$eval(
    avatar,
    (element, name, body) => {
      const { session } = element as unknown as { session: { emit(type: string, body: object): void } };
      session.emit(name, body);
    },
    type,
    fields,
  );
const FAILED_UTTERANCE = {
  utteranceId: 'lost',
  outcome: 'failed',
  playedMs: 0,
  error: { code: 'voice_failed', message: 'the voice failed', retryable: true },
};

/** What assistive technology is told of the page: `role name`. */
async function accessible(): Promise<string[]> {
  const names: string[] = [];
  const visit = ({ role, name, children }: SerializedAXNode): void => {
    names.push(`${role} ${name ?? ''}`.trim());
    children?.forEach(visit);
  };
  const tree = await page.accessibility.snapshot({ interestingOnly: false });
  if (tree) visit(tree);
  return names;
}

/** Colours of the screen at these places within a box of the page, as parts of its width and height. */
async function colours(
  selector: string,
  places: readonly (readonly [number, number])[],
): Promise<number[][]> {
  const box = (await (await page.$(selector))!.boundingBox())!;
  const picture = await page.screenshot({ clip: box, encoding: 'base64' });
  return page.evaluate(
    async (encoded, wanted) => {
      const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
      // Not as a picture of the page: its policy allows none but the server's.
      const bitmap = await createImageBitmap(new Blob([bytes]));
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')!;
      context.drawImage(bitmap, 0, 0);
      return wanted.map(([x, y]) => [
        ...context.getImageData(x * bitmap.width, y * bitmap.height, 1, 1).data.slice(0, 3),
      ]);
    },
    picture,
    places,
  );
}

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
    const parts = await page.$eval('vizavi-avatar', (element) =>
      [...element.shadowRoot!.querySelectorAll('[part]')].flatMap(({ part }) => [...part]),
    );
    const readme = readFileSync(new URL('../../client/README.md', import.meta.url), 'utf8');
    const documented = /Parts: ([^]*?)\. Custom/.exec(readme)![1]!.match(/(?<=`)\w+(?=`)/g)!;
    expect(documented.toSorted()).toEqual([...new Set(parts)].toSorted());
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

  it('says why a question was refused, and gives it back', async () => {
    await open('controls="full"');
    await page.$eval('vizavi-avatar', (element) => element.start());
    await live();
    const status = (): Promise<string> => page.$eval('vizavi-avatar >>> .status', (line) => line.textContent);
    await askTooMuch('vizavi-avatar >>> input');
    await expect.poll(status, { timeout: 4000 }).toMatch(/wait a moment/);
    const typed = await page.$eval('vizavi-avatar >>> input', ({ value }) => value);
    expect(typed).toMatch(/^Question 1\d$/);

    await happen('vizavi-avatar', 'avatar.speak_ended', FAILED_UTTERANCE);
    expect(await status()).toMatch(/could not be said/);
  });

  it('keeps still for those who want no motion', async () => {
    await open('controls="full"');
    await page.$eval('vizavi-avatar', (element) => {
      element.setAttribute('token-url', '/never');
      element.start().catch(() => undefined);
    });
    expect(await state()).toBe('connecting');
    expect(await moving('vizavi-avatar')).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/stage::after$/),
        expect.stringMatching(/status::before$/),
      ]),
    );
    await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
    expect(await moving('vizavi-avatar')).toEqual([]);
  });

  it('fills the box of every crop, or shows all of the picture in it', async () => {
    await open('controls="none" captions="off"');
    const WALL = [255, 0, 255];
    await page.$eval('vizavi-avatar', async (element) => {
      // What no video covers is seen.
      element.style.setProperty('--vizavi-stage', 'rgb(255, 0, 255)');
      await element.start();
    });
    await live();
    await expect.poll(async () => (await look()).some((value, at) => at % 4 !== 3 && value > 40)).toBe(true);
    const edges = { left: [0.02, 0.5], right: [0.98, 0.5], top: [0.5, 0.02], bottom: [0.5, 0.98] } as const;
    /** Width by height, and the sides at which there is no video. */
    const shown = async (crop: string, fit: string): Promise<{ aspect: number; bare: string[] }> => {
      const aspect = await page.$eval(
        'vizavi-avatar',
        (element, [cropped, fitted]) => {
          element.setAttribute('crop', cropped!);
          element.setAttribute('fit', fitted!);
          const { width, height } = element.getBoundingClientRect();
          return width / height;
        },
        [crop, fit],
      );
      const seen = await colours('vizavi-avatar', Object.values(edges));
      const bare = Object.keys(edges).filter((_, at) =>
        seen[at]!.every((value, channel) => Math.abs(value - WALL[channel]!) < 40),
      );
      return { aspect: Math.round(aspect * 100) / 100, bare };
    };
    expect(await shown('square', 'cover')).toEqual({ aspect: 1, bare: [] });
    expect(await shown('portrait', 'cover')).toEqual({ aspect: 0.75, bare: [] });
    expect(await shown('landscape', 'cover')).toEqual({ aspect: 1.78, bare: [] });
    expect(await shown('bubble', 'cover')).toEqual({ aspect: 1, bare: [] });
    // It is round: the page is seen where a square has its corner.
    expect(await colours('vizavi-avatar', [[0.08, 0.08]])).toEqual([[255, 255, 255]]);

    // The pictures of this avatar are square.
    expect(await shown('square', 'contain')).toEqual({ aspect: 1, bare: [] });
    expect(await shown('portrait', 'contain')).toEqual({ aspect: 0.75, bare: ['top', 'bottom'] });
    expect(await shown('landscape', 'contain')).toEqual({ aspect: 1.78, bare: ['left', 'right'] });
  });

  it('has a name and a role for everything, for those who hear the page', async () => {
    await open('controls="full" listen="push"');
    // The status while it is empty, too: what is not there yet is not listened to.
    expect(await accessible()).toEqual(expect.arrayContaining(['group Meet Mira', 'button Start', 'status']));
    await page.$eval('vizavi-avatar', (element) => element.start());
    await live();
    expect(await accessible()).toEqual(
      expect.arrayContaining([
        'group Mira',
        'Video Mira, an AI avatar, live',
        'status',
        'log',
        'group Conversation',
        'textbox Ask Mira…',
        'button Send',
        'button Hold to talk',
        'button Interrupt (Esc)',
        'button Captions',
        'button End the conversation',
      ]),
    );
  });

  it('says all in the words of the page, and what the page leaves out in English', async () => {
    const warnings: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'warn') warnings.push(message.text());
    });
    await open(`texts='{ "meet": "Das ist {name}", "start": "Los", "badge": "KI Avatar", "nonsense": "?" }'`);
    const text = (): Promise<string> =>
      page.$eval('vizavi-avatar', (element) => element.shadowRoot!.querySelector('.stage')!.textContent);
    expect(await text()).toMatch(/KI Avatar.*Das ist Mira.*You are about to talk to an AI avatar.*Los$/);
    await page.$eval('vizavi-avatar', (element) => {
      element.setAttribute('texts', '{ "start": "Allons-y", "noAnswer": "Pas de réponse" }');
    });
    expect(await text()).toMatch(/AI avatar.*Meet Mira.*Allons-y$/);
    await page.$eval('vizavi-avatar', async (element) => {
      element.setAttribute('token-url', '/cut');
      await element.start().catch(() => undefined);
    });
    expect(await text()).toMatch(/Pas de réponse.*The server cannot be reached/);
    expect(warnings).toEqual(['vizavi: texts: there is no nonsense']);
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
  const shown = (): Promise<string | null> =>
    page.$eval(part('vizavi-avatar'), (element) => element.getAttribute('state')).catch(() => null);
  /** A page with a bubble, before a tap. */
  async function openPage(attributes: string): Promise<void> {
    body = `<h1>An ordinary page</h1><script type="module" src="${server.url}/client/bubble.js"
      data-avatar="mira" data-token-url="/token" ${attributes}></script>`;
    await page.goto(siteUrl);
    await page.waitForSelector(part('.face'));
  }
  async function tap(): Promise<void> {
    await page.click(part('.face'));
    await expect.poll(shown, { timeout: LIVE_MS }).toBe('live');
  }

  it('costs nothing before a tap, talks after it, and goes on on the next page', async () => {
    const fetched: number[] = [];
    page.on('response', (response) => {
      if (response.url().endsWith('.js'))
        void response.buffer().then(
          ({ length }) => fetched.push(length),
          () => undefined,
        );
    });
    await openPage('data-greeting="Hello, shall I help you?"');
    await expect.poll(() => fetched.length).toBeGreaterThan(1);
    await wait(500);
    expect(tokens).toEqual([]);
    expect(fetched.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(40_000);
    await tap();
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

  it('says why a question was refused, in the words of the page, and gives it back', async () => {
    await openPage(`data-texts='{ "ask": "Frag {name}…", "tooFast": "Langsam, bitte." }'`);
    await tap();
    const field = part('.panel > form > input');
    expect(await page.$eval(field, (input) => input.getAttribute('placeholder'))).toBe('Frag Mira…');
    /** As it is seen. */
    const status = (): Promise<string> =>
      page.$eval(part('.status'), (line) => (line.checkVisibility() ? line.textContent : ''));
    await askTooMuch(field);
    await expect.poll(status, { timeout: 4000 }).toBe('Langsam, bitte.');
    expect(await page.$eval(field, (input) => (input as HTMLInputElement).value)).toMatch(/^Question 1\d$/);
    expect(await lines()).toMatch(/Question 2/);

    await happen(part('vizavi-avatar'), 'avatar.speak_ended', FAILED_UTTERANCE);
    expect(await status()).toMatch(/could not be said/);
  });

  it('is told to those who hear the page: each thing by its name, each sentence once', async () => {
    await openPage('');
    expect(await accessible()).toContain('button Talk to Mira, an AI avatar');
    await tap();
    expect(await accessible()).toEqual(
      expect.arrayContaining([
        'dialog Talk to Mira, an AI avatar',
        'group Mira',
        'log Conversation',
        'textbox Ask Mira…',
        'button Send',
        'button Hold to talk',
        'button Minimise',
        'button End the conversation',
      ]),
    );
    // What a screen reader would read out: what comes into live regions, wherever they are.
    await page.$eval('[data-vizavi-bubble]', (host) => {
      const announced: string[] = [];
      Object.assign(globalThis, { announced });
      const note = new MutationObserver((changes) => {
        for (const { addedNodes, target, type } of changes) {
          if (type === 'characterData') announced.push(target.textContent ?? '');
          for (const node of addedNodes) announced.push(node.textContent ?? '');
        }
      });
      const listen = (root: ShadowRoot): void => {
        for (const element of root.querySelectorAll('*')) {
          if (
            element.matches('[role=log], [role=status], [role=alert], [aria-live]') &&
            element.ariaLive !== 'off'
          )
            note.observe(element, { childList: true, subtree: true, characterData: true });
          if (element.shadowRoot) listen(element.shadowRoot);
        }
      };
      listen(host.shadowRoot!);
    });
    const announced = (): Promise<string[]> =>
      page.evaluate(() => (globalThis as unknown as { announced: string[] }).announced);
    await page.$eval(part('vizavi-avatar'), (element) =>
      (element as unknown as { repeat(text: string): Promise<unknown> }).repeat(
        'Good morning to you. Come in.',
      ),
    );
    await expect.poll(lines).toMatch(/Good morning to you. Come in./);
    await happen(part('vizavi-avatar'), 'user.transcription', {
      replyId: 'heard',
      text: 'What time is it?',
      typed: false,
    });
    await expect.poll(announced).toEqual(['Mira: Good morning to you. Come in.', 'You: What time is it?']);
  });

  it('keeps still for those who want no motion', async () => {
    await openPage('data-greeting="Hello, shall I help you?"');
    await page.waitForSelector(part('.teaser:not([hidden])'));
    expect(await moving('[data-vizavi-bubble]')).toContain('DIV.teaser');
    await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
    expect(await moving('[data-vizavi-bubble]')).toEqual([]);
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
