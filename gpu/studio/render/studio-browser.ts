import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { readFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { build } from 'esbuild';
import puppeteer from 'puppeteer-core';
import type { Browser, Page } from 'puppeteer-core';
import type { Pose } from './page/face-shape.ts';

/** Software rendering that needs no display and no GPU. */
const FLAGS = [
  '--no-sandbox',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--ignore-gpu-blocklist',
  '--disable-background-networking',
];
const READY_MS = 300_000;

export interface StudioOptions {
  /** Folder that `vizavi_studio.build_actor` has written. */
  readonly actorDir: string;
  /** Pixels along each side. */
  readonly size: number;
  readonly oversampling: number;
}

/** The actor in a headless browser. */
export class StudioBrowser {
  readonly #server: Server;
  readonly #browser: Browser;
  readonly #page: Page;

  private constructor(server: Server, browser: Browser, page: Page) {
    this.#server = server;
    this.#browser = browser;
    this.#page = page;
  }

  static async open({ actorDir, size, oversampling }: StudioOptions): Promise<StudioBrowser> {
    const bundle = await build({
      entryPoints: [join(import.meta.dirname, 'page/page.ts')],
      bundle: true,
      format: 'esm',
      target: 'es2023',
      write: false,
    });
    const script = bundle.outputFiles[0]?.contents ?? new Uint8Array();
    const server = createServer((request, response) => {
      const path = new URL(request.url ?? '/', 'http://localhost').pathname;
      const send = (type: string, body: string | Uint8Array): void => {
        response.setHeader('content-type', type);
        response.end(body);
      };
      if (path === '/')
        send(
          'text/html',
          '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>',
        );
      else if (path === '/page.js') send('text/javascript', script);
      else if (path.startsWith('/actor/')) {
        const file = join(actorDir, normalize(path.slice('/actor/'.length)).replace(/^(\.\.\/)+/, ''));
        readFile(file).then(
          (bytes) => {
            send(file.endsWith('.png') ? 'image/png' : 'application/octet-stream', bytes);
          },
          () => {
            response.statusCode = 404;
            response.end();
          },
        );
      } else {
        response.statusCode = 404;
        response.end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const executablePath = process.env['VIZAVI_CHROMIUM'] ?? '/usr/bin/chromium';
    const browser = await puppeteer.launch({ executablePath, args: FLAGS, protocolTimeout: READY_MS });
    try {
      const page = await browser.newPage();
      page.on('pageerror', (error) => {
        process.stderr.write(`page: ${String(error)}\n`);
      });
      page.on('console', (message) => {
        if (['error', 'warn'].includes(message.type()) && !message.text().includes('GPU stall'))
          process.stderr.write(`page: ${message.text().slice(0, 2000)}\n`);
      });
      await page.goto(`http://127.0.0.1:${port}/?size=${size}&oversampling=${oversampling}`);
      await page.waitForFunction('window.studio', { timeout: READY_MS });
      return new StudioBrowser(server, browser, page);
    } catch (error) {
      await browser.close();
      server.close();
      throw error;
    }
  }

  async png(pose: Partial<Pose>): Promise<Buffer> {
    const url = await this.#page.evaluate((shown) => {
      window.studio?.show(shown);
      return window.studio?.png() ?? '';
    }, pose);
    return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
  }

  /** RGB, row by row. */
  async rgb(pose: Partial<Pose>): Promise<Buffer> {
    const text = await this.#page.evaluate((shown) => {
      window.studio?.show(shown);
      return window.studio?.rgb() ?? '';
    }, pose);
    return Buffer.from(text, 'base64');
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#server.close();
  }
}
