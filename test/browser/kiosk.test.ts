import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBrowser } from '@vizavi/load/browser';
import { freePort, ServerProcess } from '@vizavi/load/server-process';

/** Where pictures of the page are left for a person to look at. */
const PICTURES = join(tmpdir(), 'vizavi-test-pictures');
const PATIENT = 'kiosk=test&title=City%20Museum&reload=off&goodbye=Bye.';
const SETTINGS = `${PATIENT}&timeout=5`;
const GREETING = 'Seven green bottles are standing on the wall.';
const LONG = 30_000;
/** Enough to load the page before its day ends. */
const LOADING_MS = 15_000;

/** What the camera sees. */
const films = mkdtempSync(join(tmpdir(), 'vizavi-camera-'));
const FILM = join(films, 'somebody-comes.y4m');

let port: number;
let server: ServerProcess;
let browser: Browser;
let closeBrowser: () => Promise<void>;
let page: Page;

const startServer = (): Promise<ServerProcess> =>
  // Tests leave in the midst of conversations.
  ServerProcess.start({
    PORT: String(port),
    VIZAVI_SLOTS: '2',
    VIZAVI_GRACE_SEC: '1',
    VIZAVI_JOIN_TIMEOUT_SEC: '5',
  });

beforeAll(async () => {
  mkdirSync(PICTURES, { recursive: true });
  writeFileSync(FILM, somebodyComes());
  port = await freePort();
  server = await startServer();
  ({ browser, close: closeBrowser } = await openBrowser([
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    `--use-file-for-fake-video-capture=${FILM}`,
  ]));
}, 90_000);
afterAll(async () => {
  await closeBrowser();
  await server.stop();
  rmSync(films, { recursive: true });
});
beforeEach(async () => {
  page = await browser.newPage();
  await page.setViewport({ width: 1080, height: 1920 });
});
afterEach(async () => {
  await page.close();
});

const open = async (settings = `${SETTINGS}&greeting=${encodeURIComponent(GREETING)}`): Promise<void> => {
  await page.goto(`http://127.0.0.1:${port}/kiosk/?${settings}`);
  await page.waitForSelector('[data-alive]');
};
const state = (): Promise<string | undefined> => page.evaluate(() => document.body.dataset['state']);
const words = (): Promise<string> => page.evaluate(() => document.body.innerText);
const frames = (): Promise<number> =>
  page.$eval('video', (video) => video.getVideoPlaybackQuality().totalVideoFrames);
const touch = (): Promise<void> => page.mouse.click(540, 700);
const inState = (wanted: string, timeout = LONG): Promise<void> =>
  expect.poll(state, { timeout, interval: 50 }).toBe(wanted);
/** The loudest that is heard in a second. */
const loudness = (): Promise<number> =>
  page.$eval('video', async (video) => {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(video.srcObject as MediaStream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let loudest = 0;
    for (let count = 0; count < 40; count += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      analyser.getFloatTimeDomainData(samples);
      loudest = Math.max(loudest, ...samples.map(Math.abs));
    }
    await context.close();
    return loudest;
  });

describe('a visitor', () => {
  it('is told that the avatar is an AI before anything is said', async () => {
    await open();
    expect(await words()).toMatch(/touch to talk/i);
    expect(await words()).toMatch(/AI avatar/);
    await page.screenshot({ path: join(PICTURES, 'kiosk-asleep.png') });
    const { sessions } = await sessionsOnServer();
    expect(sessions).toBe(0);
  });

  it('is greeted, seen and heard, after a touch', async () => {
    await open();
    await touch();
    await inState('greeting');
    await expect.poll(words, { timeout: LONG }).toMatch(/green bottles/);
    expect(await loudness()).toBeGreaterThan(0.05);
    const before = await frames();
    await expect.poll(frames, { timeout: LONG }).toBeGreaterThan(before + 10);
    await page.screenshot({ path: join(PICTURES, 'kiosk-greeting.png') });
    await inState('talking');
  });

  it('is greeted after a key, too', async () => {
    await open();
    await page.keyboard.press('Enter');
    await inState('greeting');
  });

  it('who says nothing is asked, counted down, and forgotten', async () => {
    await open();
    await touch();
    await inState('leaving', 60_000);
    await expect.poll(words).toMatch(/still there/i);
    const left = (): Promise<number> => page.$eval('#count', (element) => Number(element.textContent));
    const before = await left();
    await expect.poll(left, { timeout: 10_000 }).toBeLessThan(before);
    await page.screenshot({ path: join(PICTURES, 'kiosk-leaving.png') });
    await inState('asleep', 40_000);
    expect(await words()).not.toMatch(/green bottles|bye/i);
    await expect
      .poll(() =>
        page.evaluate(() => ({
          local: localStorage.length,
          session: sessionStorage.length,
          cookies: document.cookie,
          stream: document.querySelector('video')?.srcObject ?? null,
        })),
      )
      .toEqual({ local: 0, session: 0, cookies: '', stream: null });
    await expect.poll(async () => (await sessionsOnServer()).sessions, { timeout: LONG }).toBe(0);
  });

  it('who touches the screen goes on', async () => {
    await open();
    await touch();
    await inState('leaving', 60_000);
    await touch();
    await inState('talking', 5000);
  });

  it('who is done is let go', async () => {
    await open();
    await touch();
    await inState('talking');
    await page.click('#done');
    await inState('asleep');
  });

  it('is noticed by the camera, of which a sign tells', async () => {
    await open(`${SETTINGS}&presence=camera`);
    await expect.poll(words, { timeout: LONG }).toMatch(/no picture is kept/i);
    await expect.poll(state, { timeout: LONG }).not.toBe('asleep');
  });
});

describe('the page', () => {
  it('names settings that are wrong, and works', async () => {
    await open(`${PATIENT}&timeout=soon&colour=red&dim=late`);
    const text = await words();
    for (const wrong of ['timeout:', 'colour:', 'dim:']) expect(text).toContain(wrong);
    await touch();
    await inState('greeting');
  });

  it('leaves a visitor nothing of the browser', async () => {
    await open();
    await page.mouse.move(540, 1700);
    await page.mouse.wheel({ deltaY: 800 });
    await page.keyboard.press('PageDown');
    const lost = await page.evaluate(() => {
      const refused = (event: Event): boolean => !document.body.dispatchEvent(event);
      const options = { bubbles: true, cancelable: true };
      return {
        menu: refused(new MouseEvent('contextmenu', options)),
        selection: refused(new Event('selectstart', options)),
        drag: refused(new Event('dragstart', options)),
        zoom: refused(new WheelEvent('wheel', { ...options, ctrlKey: true })),
        reload: refused(new KeyboardEvent('keydown', { ...options, key: 'r', ctrlKey: true })),
        help: refused(new KeyboardEvent('keydown', { ...options, key: 'F1' })),
        pull: getComputedStyle(document.documentElement).overscrollBehaviorY,
        cursors: [...document.querySelectorAll('*')].every(
          (element) => element.closest('head') !== null || getComputedStyle(element).cursor === 'none',
        ),
        scrolled: [...document.querySelectorAll('*')].some((element) => element.scrollTop > 0),
        visible: [...document.querySelectorAll('button, input, a, select, textarea')].filter((element) =>
          element.checkVisibility(),
        ).length,
      };
    });
    expect(lost).toEqual({
      menu: true,
      selection: true,
      drag: true,
      zoom: true,
      reload: true,
      help: true,
      pull: 'none',
      cursors: true,
      scrolled: false,
      visible: 0,
    });
  });

  it('shows its state to staff with the PIN alone', async () => {
    await open(`${SETTINGS}&pin=4711`);
    const hold = async (): Promise<void> => {
      await page.mouse.move(20, 20);
      await page.mouse.down();
      await page.waitForSelector('#staff button', { timeout: LONG });
      await page.mouse.up();
    };
    const press = async (digits: string): Promise<void> => {
      for (const digit of digits) await page.locator(`#staff button ::-p-text(${digit})`).click();
    };
    await hold();
    await press('0000');
    expect(await words()).not.toMatch(/visitors/);
    await hold();
    await press('4711');
    expect(await words()).toMatch(/visitors/);
    expect(await state()).toBe('asleep');
  });

  it('keeps the screen lit, again whenever it is seen again, but not at night', async () => {
    await page.evaluateOnNewDocument(pretendWakeLock);
    const held = (): Promise<Lights> => page.evaluate(() => (globalThis as unknown as Lit).lights);
    const see = (isSeen: boolean): Promise<void> =>
      page.evaluate((seen) => (globalThis as unknown as Lit).see(seen), isSeen);
    await open();
    await expect.poll(held, { timeout: LONG }).toEqual({ asked: ['screen'], lit: true });
    await see(false);
    // The page looks every second: it asks for nothing that a hidden page is refused.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await held()).toEqual({ asked: ['screen'], lit: false });
    await see(true);
    await expect.poll(held).toEqual({ asked: ['screen', 'screen'], lit: true });
    // What the browser takes back of its own accord.
    await page.evaluate(() => (globalThis as unknown as Lit).goOut());
    await expect.poll(held, { timeout: 5000 }).toEqual({ asked: ['screen', 'screen', 'screen'], lit: true });

    const aroundNow = [-1, 1].map((hours) => timeOfDay(Date.now() + hours * 3600_000)).join('-');
    await open(`${SETTINGS}&dim=${encodeURIComponent(aroundNow)}`);
    await page.waitForSelector('#night:not([hidden])');
    expect(await held()).toEqual({ asked: [], lit: false });
    // Whoever is there sees something.
    await touch();
    await expect.poll(held, { timeout: LONG }).toEqual({ asked: ['screen'], lit: true });
  });

  it('is loaded anew at the end of its day, when the visitor has gone, and takes the next one', async () => {
    const end = new Date();
    end.setHours(4, 30, 0, 0);
    await page.evaluateOnNewDocument(shiftClock, end.getTime() - LOADING_MS - Date.now());
    const clock = (): Promise<number> => page.evaluate(() => Date.now());
    const loaded = (): Promise<number> => page.evaluate(() => performance.timeOrigin);
    await open(PATIENT.replace('reload=off', 'reload=04:30'));
    expect(await clock()).toBeLessThan(end.getTime());
    await touch();
    await expect.poll(state).not.toBe('asleep');
    const first = await loaded();
    await expect.poll(clock, { timeout: LOADING_MS + 5000 }).toBeGreaterThan(end.getTime() + 2000);
    expect(await loaded()).toBe(first);

    await inState('talking');
    await page.click('#done');
    await expect.poll(loaded, { timeout: LONG }).toBeGreaterThan(first);
    await page.waitForSelector('[data-alive]');
    const second = await loaded();
    await touch();
    await inState('greeting');
    // Once a day.
    expect(await loaded()).toBe(second);
  });

  it('tells the server how it is doing', async () => {
    await open();
    await touch();
    const report = async (): Promise<unknown> => {
      const response = await fetch(`${server.url}/v1/kiosks/test`);
      return response.json();
    };
    await expect.poll(report, { timeout: LONG }).toMatchObject({ state: 'greeting', visitors: 1 });
    expect(JSON.stringify(await report())).not.toContain('bottles');
  });
});

describe('when things break, a visitor is greeted again', () => {
  it('goes on with the same visitor after the GPU worker was killed', async () => {
    await open(`${PATIENT}&greeting=${encodeURIComponent(`${GREETING} ${GREETING} ${GREETING}`)}`);
    await touch();
    await expect.poll(words, { timeout: LONG }).toMatch(/green bottles/);
    for (const pid of server.children(/gpu\/src\/main\.ts/)) process.kill(pid, 'SIGKILL');
    await expect.poll(words, { timeout: LONG }).toMatch(/right back/);
    await inState('talking', 60_000);
    const before = await frames();
    await expect.poll(frames, { timeout: LONG }).toBeGreaterThan(before + 10);
  });

  it('after the server was away, during which the page can be loaded', async () => {
    await open();
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready;
    });
    await touch();
    await inState('greeting');
    await server.stop();
    await inState('resting');
    await page.screenshot({ path: join(PICTURES, 'kiosk-resting.png') });
    await open();
    expect(await words()).toMatch(/touch to talk|short break/i);
    await inState('resting');
    server = await startServer();
    await expect
      .poll(
        async () => {
          if (
            await page.evaluate(() => ['asleep', 'resting'].includes(document.body.dataset['state'] ?? ''))
          ) {
            await touch();
          }
          return state();
        },
        { timeout: 60_000, interval: 500 },
      )
      .toMatch(/greeting|talking/);
  });
});

/** What the page has asked of the screen. */
interface Lights {
  asked: string[];
  lit: boolean;
}
interface Lit {
  lights: Lights;
  see: (isSeen: boolean) => void;
  goOut: () => void;
}

/** In the page, before its scripts: a wake lock that goes when the page is hidden, as browsers do it. */
function pretendWakeLock(): void {
  const scope = globalThis as unknown as Lit;
  const lights: Lights = { asked: [], lit: false };
  let last = { released: true };
  const goOut = (): void => {
    last.released = true;
    lights.lit = false;
  };
  const request = async (type: string): Promise<object> => {
    lights.asked.push(type);
    if (document.hidden) throw new DOMException('hidden', 'NotAllowedError');
    lights.lit = true;
    last = { released: false };
    return Object.assign(last, { release: async () => goOut() });
  };
  let isSeen = true;
  Object.defineProperty(document, 'hidden', { get: () => !isSeen });
  Object.defineProperty(navigator, 'wakeLock', { value: { request } });
  const see = (seen: boolean): void => {
    isSeen = seen;
    if (!seen) goOut();
    document.dispatchEvent(new Event('visibilitychange'));
  };
  Object.assign(scope, { lights, see, goOut });
}

/** In the page, before its scripts: its wall clock goes so much ahead. */
function shiftClock(shiftMs: number): void {
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...given: [] | [number]) {
      if (given.length === 0) super(RealDate.now() + shiftMs);
      else super(...given);
    }
    static override now(): number {
      return RealDate.now() + shiftMs;
    }
  } as DateConstructor;
}

/** Such as 04:30. */
function timeOfDay(ms: number): string {
  return new Date(ms).toTimeString().slice(0, 5);
}

async function sessionsOnServer(): Promise<{ sessions: number }> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const open = [...text.matchAll(/^vizavi_sessions\{state="(?:joining|live|queued)"\} (\d+)/gm)];
  return { sessions: open.reduce((sum, [, count]) => sum + Number(count), 0) };
}

/** Ten seconds: an empty room, then somebody who stays in its middle; 160 × 120 at 10 frames a second, as Y4M. */
function somebodyComes(): Buffer {
  const [width, height] = [160, 120];
  const parts = [Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`)];
  for (let count = 0; count < 100; count += 1) {
    const frame = Buffer.alloc((width * height * 3) / 2, 128);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const isSomebody = count >= 50 && y > 25 && Math.abs(x - 80 - 3 * Math.sin(count / 4)) < 24;
        frame[y * width + x] = isSomebody ? 40 + (x % 12) * 4 : 110 + y / 2 + 30 * Math.sin(x / 20);
      }
    }
    parts.push(Buffer.from('FRAME\n'), frame);
  }
  return Buffer.concat(parts);
}
