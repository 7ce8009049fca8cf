import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';
import type { Browser, CDPSession, Page } from 'puppeteer-core';
import { chromiumPath } from './browser.ts';
import { freePort } from './server-process.ts';

const START = fileURLToPath(new URL('../../client/examples/kiosk/start.sh', import.meta.url));
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
  '--window-size=1080,1920',
];
/** Of one question to a page that may hang. */
const ANSWER_LIMIT_MS = 2000;

/** A kiosk as its owners start it, with the script that they use; what the page shows is seen from outside. */
export class KioskBrowser {
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #port: number;
  #browser: Browser | null = null;
  #output = '';

  private constructor(child: ChildProcess, profile: string, port: number) {
    this.#child = child;
    this.#profile = profile;
    this.#port = port;
    child.stderr?.on('data', (data: Buffer) => {
      this.#output += data.toString();
    });
  }

  static async start(address: string): Promise<KioskBrowser> {
    const port = await freePort();
    const profile = mkdtempSync(join(tmpdir(), 'vizavi-kiosk-'));
    const child = spawn(START, [address], {
      env: {
        ...process.env,
        CHROMIUM: chromiumPath(),
        KIOSK_PROFILE: profile,
        KIOSK_FLAGS: [...FLAGS, `--remote-debugging-port=${port}`].join(' '),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return new KioskBrowser(child, profile, port);
  }

  /** What the script has said. */
  get output(): string {
    return this.#output;
  }

  /** The page, in whatever browser the script has started by now; null while there is none. */
  async page(): Promise<Page | null> {
    try {
      if (!this.#browser?.connected) {
        this.#browser = await puppeteer.connect({
          browserURL: `http://127.0.0.1:${this.#port}`,
          defaultViewport: null,
          protocolTimeout: 10_000,
        });
      }
      const pages = await this.#browser.pages();
      return pages.find((page) => page.url().includes('/kiosk/')) ?? null;
    } catch {
      this.#browser = null;
      return null;
    }
  }

  /** What `read` finds in the page; null when the page does not answer. */
  async ask<T>(read: () => T): Promise<T | null> {
    const page = await this.page();
    if (!page) return null;
    const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), ANSWER_LIMIT_MS));
    return Promise.race([page.evaluate(read).catch(() => null), late]);
  }

  /** Loads the page with other settings; a browser that is started anew has the first ones again. */
  async open(address: string): Promise<void> {
    const page = await this.page();
    if (!page) throw new Error('the kiosk has no page');
    await page.goto(address);
  }

  state(): Promise<string | null> {
    return this.ask(() => document.body.dataset['state'] ?? null);
  }

  /** A visitor touches the middle of the screen, or a button. */
  async touch(selector = 'body'): Promise<void> {
    const page = await this.page();
    const touched = page?.evaluate((where) => {
      const element = document.querySelector<HTMLElement>(where);
      element?.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));
      element?.click();
    }, selector);
    await Promise.race([touched?.catch(() => undefined), sleep(ANSWER_LIMIT_MS)]);
  }

  async cdp(): Promise<CDPSession> {
    const page = await this.page();
    if (!page) throw new Error('the kiosk has no page');
    return page.createCDPSession();
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    await this.#browser?.disconnect();
    this.#child.kill('SIGTERM');
    await ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
