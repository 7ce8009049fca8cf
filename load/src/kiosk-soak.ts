import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { machine } from './figures.ts';
import { KioskBrowser, sleep } from './kiosk-browser.ts';
import { freePort, ServerProcess } from './server-process.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    /** Visitors that come and go undisturbed in each round. */
    visitors: { type: 'string', default: '3' },
    /** Which parts are killed in each round, comma-separated. */
    kills: { type: 'string', default: 'gpu,media,server,network,crash,hang' },
    /** Write the figures here too. */
    json: { type: 'string' },
  },
});
const note = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
/** Until a visitor must be greeted again; a crashed page is missed after 80 s. */
const LIMIT_MS = 150_000;
const POLL_MS = 100;
const AWAY_MS = 8000;
const ADDRESS = '/kiosk/?kiosk=soak&title=Soak&greeting=Hello%20there.&goodbye=Bye.&reload=off';
/** Growth of the page over the whole run that is not growth: its own caches. */
const HEAP_SLACK_BYTES = 4_000_000;
const NODES_SLACK = 60;

interface Round {
  readonly heapBytes: number;
  readonly nodes: number;
  readonly listeners: number;
  /** Milliseconds until the next visitor was greeted, by what was killed. */
  readonly greetedMs: Record<string, number>;
}

const port = await freePort();
const startServer = (): Promise<ServerProcess> =>
  ServerProcess.start({ PORT: String(port), VIZAVI_SLOTS: '2', VIZAVI_LOG_LEVEL: 'error' });
let server = await startServer();
const kiosk = await KioskBrowser.start(`${server.url}${ADDRESS}`);

async function until(what: string, check: () => Promise<boolean>, limitMs = LIMIT_MS): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await check())) {
    if (Date.now() > deadline)
      throw new Error(`${what}: not within ${limitMs / 1000} s, ${await kiosk.state()}`);
    await sleep(POLL_MS);
  }
}

/** The face moves, and the greeting is being said. */
const isGreeted = async (): Promise<boolean> =>
  (await kiosk.ask(
    () =>
      ['greeting', 'talking'].includes(document.body.dataset['state'] ?? '') &&
      document.body.hasAttribute('data-picture') &&
      document.getElementById('caption')?.textContent !== '',
  )) === true;

/** A visitor comes, however often they have to touch the screen, and is greeted. */
async function come(): Promise<void> {
  let touchedMs = 0;
  await until('greeted', async () => {
    const state = await kiosk.state();
    if ((state === 'asleep' || state === 'resting') && Date.now() - touchedMs > 2000) {
      touchedMs = Date.now();
      await kiosk.touch();
    }
    return isGreeted();
  });
}

/** Whoever is there goes, as far as the page answers. */
async function go(): Promise<void> {
  await until('asleep', async () => {
    const state = await kiosk.state();
    if (state === 'greeting' || state === 'talking') await kiosk.touch('#done');
    return state === 'asleep' || state === 'resting' || state === null;
  });
}

const kill = (pattern: RegExp): void => {
  for (const pid of server.children(pattern)) process.kill(pid, 'SIGKILL');
};
const KILLS: Record<string, () => Promise<void>> = {
  gpu: async () => kill(/gpu\/src\/main\.ts/),
  media: async () => kill(/mediasoup-worker/),
  server: async () => {
    await server.stop();
    await sleep(AWAY_MS);
    server = await startServer();
  },
  network: async () => {
    const cdp = await kiosk.cdp();
    const emulate = (offline: boolean) =>
      cdp.send('Network.emulateNetworkConditions', {
        offline,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: -1,
      });
    await cdp.send('Network.enable');
    await emulate(true);
    await sleep(AWAY_MS * 2);
    await emulate(false);
    await cdp.detach();
  },
  crash: async () => {
    const cdp = await kiosk.cdp();
    cdp.send('Page.crash').catch(() => undefined);
    await sleep(500);
  },
  hang: async () => {
    void kiosk.ask(() => {
      for (;;);
    });
    await sleep(500);
  },
};

async function measurePage(): Promise<Pick<Round, 'heapBytes' | 'nodes' | 'listeners'>> {
  const cdp = await kiosk.cdp();
  await cdp.send('HeapProfiler.collectGarbage');
  await cdp.send('Performance.enable');
  const { metrics } = await cdp.send('Performance.getMetrics');
  const figure = (name: string): number =>
    metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  await cdp.detach();
  return {
    heapBytes: figure('JSHeapUsedSize'),
    nodes: figure('Nodes'),
    listeners: figure('JSEventListeners'),
  };
}

const rounds: Round[] = [];
const faults: string[] = [];
try {
  note(`bench:kiosk on ${machine()}`);
  await until('the page', async () => (await kiosk.state()) === 'asleep', 30_000);
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    for (let visitor = 0; visitor < Number(values.visitors); visitor += 1) {
      await come();
      await go();
    }
    const page = await measurePage();
    const greetedMs: Record<string, number> = {};
    for (const name of values.kills.split(',')) {
      // In the midst of the greeting.
      await come();
      const killedMs = Date.now();
      await KILLS[name]?.();
      await go();
      await come();
      greetedMs[name] = Date.now() - killedMs;
      note(`  ${name.padEnd(8)} the next visitor was greeted after ${(greetedMs[name] / 1000).toFixed(1)} s`);
      await go();
    }
    rounds.push({ ...page, greetedMs });
    const { heapBytes, nodes, listeners } = page;
    note(`round ${round}: ${(heapBytes / 1e6).toFixed(1)} MB heap, ${nodes} nodes, ${listeners} listeners`);
  }
} catch (error) {
  faults.push(error instanceof Error ? error.message : String(error));
} finally {
  await kiosk.close();
  await server.stop();
}

const [first, last] = [rounds[0], rounds.at(-1)];
if (first && last) {
  if (last.heapBytes > first.heapBytes + HEAP_SLACK_BYTES) faults.push('the heap has grown');
  if (last.nodes > first.nodes + NODES_SLACK) faults.push('the page has grown');
}
note(kiosk.output.trim());
if (values.json !== undefined) {
  await writeFile(values.json, JSON.stringify({ machine: machine(), rounds, faults }, null, 2));
}
for (const fault of faults) note(`FAILED: ${fault}`);
process.exitCode = faults.length === 0 ? 0 : 1;
