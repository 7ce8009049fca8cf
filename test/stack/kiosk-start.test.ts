import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { freePort } from '@vizavi/load/server-process';

const START = fileURLToPath(new URL('../../client/examples/kiosk/start.sh', import.meta.url));
const SILENCE_SEC = 3;
/** Enough for the script to notice silence and to act. */
const ENOUGH_MS = 12_000;
const UNKNOWN: Answer = { status: 404, body: { error: { code: 'not_found', message: 'Not heard of.' } } };
const seen = (lastSeenSec: number, state = 'asleep'): Answer => ({
  status: 200,
  body: { state, lastSeenSec },
});

interface Answer {
  readonly status: number;
  readonly body: object;
}

/** The script with a browser that does nothing, before a server that knows of the kiosk what `answer` says; null: no server. */
class Kiosk implements AsyncDisposable {
  readonly asked: string[] = [];
  answer: Answer | null = null;
  #folder = mkdtempSync(join(tmpdir(), 'vizavi-kiosk-start-'));
  #starts = join(this.#folder, 'starts');
  #output = '';
  #close: () => Promise<void> = async () => undefined;

  static async start(answer: Answer | null, settings = 'kiosk=lobby'): Promise<Kiosk> {
    const kiosk = new Kiosk();
    kiosk.answer = answer;
    await kiosk.#start(settings);
    return kiosk;
  }

  /** How often the browser was started, each time with its process id. */
  get browsers(): readonly number[] {
    return readFileSync(this.#starts, 'utf8').trim().split('\n').map(Number);
  }

  /** What the script has said. */
  get output(): string {
    return this.#output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    rmSync(this.#folder, { recursive: true });
  }

  async #start(settings: string): Promise<void> {
    writeFileSync(this.#starts, '');
    const browser = join(this.#folder, 'browser');
    writeFileSync(browser, `#!/bin/sh\necho $$ >>"${this.#starts}"\nexec sleep 600\n`, { mode: 0o755 });
    const server = createServer((request, response) => {
      this.asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      const { status, body } = this.answer ?? { status: 500, body: {} };
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    let port = await freePort();
    if (this.answer) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      ({ port } = server.address() as AddressInfo);
    }
    const script = spawn(START, [`http://127.0.0.1:${port}/kiosk/?${settings}`], {
      env: {
        ...process.env,
        CHROMIUM: browser,
        KIOSK_PROFILE: this.#folder,
        KIOSK_SILENCE: String(SILENCE_SEC),
        KIOSK_TOKEN: 'its-token',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    script.stderr.on('data', (data: Buffer) => (this.#output += data.toString()));
    this.#close = async () => {
      const ended = once(script, 'exit');
      script.kill('SIGTERM');
      await ended;
      server.close();
    };
    await expect.poll(() => this.browsers[0], { timeout: 10_000 }).toBeGreaterThan(0);
  }
}

const startedAnew = (kiosk: Kiosk): Promise<void> =>
  expect.poll(() => kiosk.browsers.length, { timeout: ENOUGH_MS }).toBeGreaterThan(1);
async function leftAlone(kiosk: Kiosk): Promise<void> {
  await sleep(ENOUGH_MS);
  expect(kiosk.browsers, kiosk.output).toHaveLength(1);
}

// Each waits for most of its time.
describe.concurrent('start.sh of the kiosk', () => {
  it('leaves a page alone that tells how it is', async () => {
    await using kiosk = await Kiosk.start(seen(1));
    await leftAlone(kiosk);
    expect(kiosk.asked[0]).toBe('GET /v1/kiosks/lobby Bearer its-token');
  });

  it('starts the browser anew when the page is silent, and ends the old one', async () => {
    await using kiosk = await Kiosk.start(seen(100));
    await startedAnew(kiosk);
    expect(() => process.kill(kiosk.browsers[0] ?? 0, 0)).toThrow('ESRCH');
    expect(kiosk.output).toMatch(/nothing was heard of the page for 100 s/);
  });

  it('starts the browser anew when the page hangs', async () => {
    await using kiosk = await Kiosk.start(seen(1, 'hung'));
    await startedAnew(kiosk);
    expect(kiosk.output).toMatch(/the page hangs/);
  });

  it('starts the browser anew when it has ended', async () => {
    await using kiosk = await Kiosk.start(seen(1));
    process.kill(kiosk.browsers[0] ?? 0, 'SIGKILL');
    await startedAnew(kiosk);
  });

  it('starts the browser anew when a server that has forgotten the kiosk hears nothing of it', async () => {
    await using kiosk = await Kiosk.start(seen(1));
    await expect.poll(() => kiosk.asked.length, { timeout: ENOUGH_MS }).toBeGreaterThan(0);
    expect(kiosk.browsers).toHaveLength(1);
    kiosk.answer = UNKNOWN;
    await startedAnew(kiosk);
    expect(kiosk.output).toMatch(/the server has heard nothing of the page/);
  });

  it('leaves a page alone that soon tells a server that has forgotten it', async () => {
    await using kiosk = await Kiosk.start(UNKNOWN);
    await expect.poll(() => kiosk.asked.length, { timeout: ENOUGH_MS }).toBeGreaterThan(0);
    kiosk.answer = seen(1);
    await leftAlone(kiosk);
  });

  it('leaves a page alone that tells another server', async () => {
    await using kiosk = await Kiosk.start(UNKNOWN, 'kiosk=lobby&beacon=off');
    await leftAlone(kiosk);
  });

  it('waits while the server is away', async () => {
    await using kiosk = await Kiosk.start(null);
    await leftAlone(kiosk);
  });

  it('waits while the server, or what stands before it, refuses', async () => {
    await using kiosk = await Kiosk.start({ status: 502, body: {} });
    await sleep(ENOUGH_MS / 2);
    kiosk.answer = { status: 404, body: { message: 'of a proxy' } };
    await leftAlone(kiosk);
  });
});
