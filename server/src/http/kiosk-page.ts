import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { VizaviError } from '@vizavi/signaling';
import type { MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import type { HttpEnv } from './access.ts';

const KIOSK_DIR = fileURLToPath(new URL('../../public/kiosk', import.meta.url));
const POSTER_DIR = fileURLToPath(new URL('../../public/posters', import.meta.url));
const CLIENT_DIR = fileURLToPath(new URL('../../../client/dist', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  jpg: 'image/jpeg',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};
/** These have places of their own. */
const UNVERSIONED = ['index.html', 'sw.js', 'boot.js'];
const FRESH_MS = 2000;

interface PageFiles {
  /** Changes with any of the files. */
  readonly version: string;
  /** By their path under `/kiosk/<version>/`. */
  readonly files: ReadonlyMap<string, Buffer<ArrayBuffer>>;
  readonly html: string;
  readonly serviceWorker: string;
  readonly boot: string;
}

/**
 * The kiosk's page with all that it loads, under an address that holds its version: pages and modules of two versions
 * never meet, whatever is kept where while the server is away.
 */
export class KioskPage {
  readonly #nowMs: () => number;
  #read: { readonly atMs: number; readonly files: Promise<PageFiles> } | null = null;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  files(): Promise<PageFiles> {
    const nowMs = this.#nowMs();
    if (!this.#read || Math.abs(nowMs - this.#read.atMs) > FRESH_MS) {
      this.#read = { atMs: nowMs, files: readPage() };
    }
    return this.#read.files;
  }

  async version(): Promise<string> {
    return (await this.files()).version;
  }
}

async function readPage(): Promise<PageFiles> {
  const read = async (folder: string, prefix: string, pattern: RegExp) => {
    const names = (await readdir(folder).catch(() => [])).filter((name) => pattern.test(name)).sort();
    return Promise.all(
      names.map(async (name) => [prefix + name, await readFile(join(folder, name))] as const),
    );
  };
  const all = [
    ...(await read(KIOSK_DIR, '', /\.(html|css|mjs|js|svg)$/)),
    ...(await read(CLIENT_DIR, 'client/', /^(vizavi|chunk-[\w-]+)\.js$/)),
    ...(await read(POSTER_DIR, 'posters/', /\.jpg$/)),
  ];
  const hash = createHash('sha256');
  for (const [name, content] of all) hash.update(`${name}\0${content.length}\0`).update(content);
  const version = hash.digest('hex').slice(0, 16);
  const files = new Map(all);
  const text = (name: string): string =>
    (files.get(name)?.toString() ?? '').replaceAll('__VERSION__', version);
  const html = text('index.html');
  const boot = text('boot.js');
  const names = [...files.keys()].filter((name) => !UNVERSIONED.includes(name));
  const serviceWorker = text('sw.js').replace('/* FILES */', names.map((name) => `'${name}'`).join(', '));
  for (const name of UNVERSIONED) files.delete(name);
  return { version, files, html, serviceWorker, boot };
}

/** The page itself; comes before the routes of other pages. */
export function addKioskPage(app: OpenAPIHono<HttpEnv>, page: KioskPage): void {
  app.get('/kiosk', ({ req, redirect }) => redirect(`/kiosk/${new URL(req.url).search}`));
  app.get('/kiosk/', async (context) => {
    const { html, version } = await page.files();
    return context.body(html, 200, { 'content-type': TYPES['html'] ?? '', 'x-kiosk-version': version });
  });
  app.get('/kiosk/sw.js', async (context) => {
    const { serviceWorker } = await page.files();
    return context.body(serviceWorker, 200, { 'content-type': TYPES['js'] ?? '' });
  });
  app.get('/kiosk/boot.js', async (context) => {
    const { boot } = await page.files();
    return context.body(boot, 200, { 'content-type': TYPES['js'] ?? '' });
  });
  app.get('/kiosk/:version/:name{.+}', async (context) => {
    const { version, name } = context.req.param();
    const current = await page.files();
    const content = version === current.version ? current.files.get(name) : undefined;
    if (!content) throw new VizaviError('not_found', `There is no ${context.req.path} (any more).`);
    return context.body(content, 200, {
      'content-type': TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
    });
  });
}

/** A camera on the device, and sessions, words and beacons from where its owner says. Comes before other headers. */
export function kioskHeaders(): MiddlewareHandler<HttpEnv> {
  const headers = secureHeaders({
    strictTransportSecurity: false,
    permissionsPolicy: { microphone: ['self'], camera: ['self'], geolocation: [] },
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:', 'blob:'],
      mediaSrc: ["'self'", 'blob:', 'mediastream:'],
      workerSrc: ["'self'"],
      connectSrc: ["'self'", 'http:', 'https:', 'ws:', 'wss:'],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  });
  return headers;
}
