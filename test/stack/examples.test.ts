import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { freePort } from '@vizavi/load/server-process';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const EXAMPLES = ['chat', 'kiosk', 'sales-demo'];
const READY_MS = 60_000;

/** An example as its README says it is started, with its two servers. */
class Example implements AsyncDisposable {
  /** Where vizavi is. */
  readonly vizavi: string;
  readonly #child;
  readonly #exited: Promise<unknown>;
  #output = '';

  private constructor(name: string, port: number, sitePort: number) {
    this.vizavi = `http://localhost:${port}`;
    const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
      scripts: { example: string };
    };
    // What npm runs, without npm.
    this.#child = spawn(`${scripts.example} ${name}`, {
      shell: true,
      cwd: ROOT,
      env: {
        ...process.env,
        PORT: String(port),
        EXAMPLE_PORT: String(sitePort),
        VIZAVI_SLOTS: '1',
        VIZAVI_AVATARS: 'mira',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#exited = once(this.#child, 'exit');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on('data', (data: Buffer) => (this.#output += data.toString()));
    }
  }

  static async start(name: string): Promise<Example> {
    return new Example(name, await freePort(), await freePort());
  }

  /** The address that it says the example is at, once an avatar is there. */
  async address(): Promise<string> {
    const deadline = Date.now() + READY_MS;
    for (;;) {
      const [, address] = /\[vizavi\] .* is at (http:\S+)/.exec(this.#output) ?? [];
      if (address) return address;
      if (this.#child.exitCode !== null || Date.now() > deadline) throw new Error(this.#output);
      await sleep(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#exited;
  }
}

/** A page whose scripts all load; answers their addresses. */
async function scriptsOf(address: string): Promise<string[]> {
  const page = await fetch(address);
  expect(page.status, address).toBe(200);
  expect(page.headers.get('content-type')).toMatch('text/html');
  const html = await page.text();
  const scripts = [...html.matchAll(/<script[^>]*\ssrc="([^"]+)"/g)].map(
    ([, src]) => new URL(src ?? '', page.url).href,
  );
  expect(scripts.length, html).toBeGreaterThan(0);
  for (const script of scripts) await expectScript(script);
  return scripts;
}

async function expectScript(address: string): Promise<void> {
  const script = await fetch(address);
  expect(script.status, address).toBe(200);
  expect(script.headers.get('content-type'), address).toMatch('text/javascript');
  expect((await script.text()).length, address).toBeGreaterThan(0);
}

it('says in each README by which line the example is started', () => {
  const folders = readdirSync(`${ROOT}client/examples`);
  expect(folders.sort()).toEqual(EXAMPLES);
  for (const name of folders) {
    const readme = readFileSync(`${ROOT}client/examples/${name}/README.md`, 'utf8');
    expect(readme).toMatch(new RegExp(`^ {4}npm run example ${name}\\b`, 'm'));
  }
});

it('chat: the shop has its bubble, its large avatar, and tokens for both', async () => {
  await using example = await Example.start('chat');
  const { vizavi } = example;
  const address = await example.address();
  expect(await scriptsOf(address)).toEqual([`${vizavi}/client/bubble.js`, `${address}tools.js`]);
  expect(await scriptsOf(`${address}advice.html`)).toContain(`${vizavi}/client/element.js`);
  // The bubble loads the client itself.
  await expectScript(`${vizavi}/client/vizavi.js`);
  const answered = await fetch(`${address}avatar-token`, { method: 'POST' });
  expect([answered.status, await answered.json()]).toEqual([
    201,
    expect.objectContaining({ state: 'joining' }),
  ]);
  expect((await fetch(`${vizavi}/v1/sessions`, { method: 'POST' })).status).toBe(401);
});

it('kiosk: the page comes with its modules and the client', async () => {
  await using example = await Example.start('kiosk');
  const { vizavi } = example;
  const address = await example.address();
  expect(address).toBe(`${vizavi}/kiosk/`);
  const scripts = await scriptsOf(address);
  const own = scripts.find((script) => script.endsWith('/kiosk.mjs'));
  expect(own).toBeDefined();
  await expectScript(new URL('client/vizavi.js', own).href);
});

it('sales-demo: the presenter gets from the start page to a desk with the deck', async () => {
  await using example = await Example.start('sales-demo');
  const { vizavi } = example;
  const address = await example.address();
  const page = await fetch(address);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('action="/sessions"')]);
  const begun = await fetch(`${address}sessions`, { method: 'POST', redirect: 'manual' });
  const desk = new URL(begun.headers.get('location') ?? '', address);
  expect([begun.status, desk.origin, desk.pathname]).toEqual([303, vizavi, '/present/']);
  const hash = new URLSearchParams(desk.hash.slice(1));
  expect(hash.get('token')).toBeTruthy();
  expect(await scriptsOf(desk.href)).toEqual([`${vizavi}/present/desk.js`]);
  await expectScript(new URL('/client/vizavi.js', vizavi).href);
  const deck = await fetch(desk.searchParams.get('deck') ?? '');
  expect(await deck.json()).toHaveProperty('slides');
  // The audience's link leads by way of the company's server to a page of vizavi.
  expect(await scriptsOf(hash.get('audience') ?? '')).toEqual([`${vizavi}/present/watch.js`]);
});
