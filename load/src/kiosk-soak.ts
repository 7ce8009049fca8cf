import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { latency, machine, printFigures } from './figures.ts';
import { KioskBrowser, sleep } from './kiosk-browser.ts';
import { KioskLine } from './kiosk-line.ts';
import { freePort, ServerProcess } from './server-process.ts';

/** `node load/src/kiosk-soak.ts`: visitors come and go at a kiosk while each part in turn is killed, and must be greeted again. */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    /** Visitors that come and go undisturbed in each round. */
    visitors: { type: 'string', default: '3' },
    /** What is done in each round, comma-separated: see `KILLS`. */
    kills: { type: 'string', default: 'gpu,media,server,server-killed,network,crash,hang,day' },
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
/** How long a server stays away, and a network. */
const SERVER_AWAY_MS = 8000;
const NETWORK_AWAY_MS = 16_000;
/** Pictures that have arrived are shown for so long at most. */
const BUFFERED_MS = 2000;
/** Then none may be seen; later the page has given the visitor up. */
const STILL_MS = 4000;
/** The page is to be loaded when its day ends. */
const LOADING_MS = 10_000;
const address = (reload: string): string =>
  `${line.url}/kiosk/?kiosk=soak&title=Soak&greeting=Hello%20there.&goodbye=Bye.&reload=${reload}`;
/** Growth of the page over the whole run that is not growth: its own caches. */
const HEAP_SLACK_BYTES = 4_000_000;
const NODES_SLACK = 60;

/** The page after the undisturbed visitors of a round. */
interface PageSize {
  readonly round: number;
  readonly heapBytes: number;
  readonly nodes: number;
  readonly listeners: number;
}

interface Killed {
  readonly round: number;
  readonly what: string;
  /** By itself, within `LIMIT_MS` for each step. */
  readonly cameBack: boolean;
  /** From the kill until the next visitor was greeted, with the time that a server or a network was kept away; null when nobody was. */
  readonly backMs: number | null;
}

const port = await freePort();
const startServer = (): Promise<ServerProcess> =>
  ServerProcess.start({
    PORT: String(port),
    VIZAVI_SLOTS: '2',
    VIZAVI_LOG_LEVEL: 'error',
    ...KioskLine.serverEnv,
  });
const line = await KioskLine.open(port);
let server = await startServer();
const kiosk = await KioskBrowser.start(address('off'));

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
const shownFrames = async (): Promise<number> =>
  (await kiosk.ask(() => document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames)) ?? 0;

/** Each answers when it happened, if not at once. */
const KILLS: Readonly<Record<string, () => Promise<number | void>>> = {
  gpu: async () => kill(/gpu\/src\/main\.ts/),
  media: async () => kill(/mediasoup-worker/),
  /** As when it is stopped and started by hand: visitors are told. */
  server: async () => {
    await server.stop();
    await sleep(SERVER_AWAY_MS);
    server = await startServer();
  },
  /** As when it runs out of memory: nobody is told. */
  'server-killed': async () => {
    process.kill(server.pid, 'SIGKILL');
    await server.stop();
    await sleep(SERVER_AWAY_MS);
    server = await startServer();
  },
  /** The page, the script, signaling, picture, sound and microphone: everything between the two computers. */
  network: async () => {
    await line.cut();
    await sleep(BUFFERED_MS);
    const before = await shownFrames();
    await sleep(STILL_MS);
    const more = (await shownFrames()) - before;
    await sleep(NETWORK_AWAY_MS - BUFFERED_MS - STILL_MS);
    await line.mend();
    if (more > 0) throw new Error(`${more} pictures came through a network that was cut`);
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
  /** The page loads itself anew at its set time, without help from the script. */
  day: async () => {
    await go();
    const saidBefore = kiosk.output;
    const end = new Date(Date.now() + LOADING_MS);
    end.setMinutes(end.getMinutes() + 1, 0, 0);
    await kiosk.open(address(encodeURIComponent(end.toTimeString().slice(0, 5))));
    const loadedMs = (): Promise<number | null> =>
      kiosk.ask(() => (document.body.hasAttribute('data-alive') ? performance.timeOrigin : null));
    await until('the page of the day', async () => (await loadedMs()) !== null);
    const before = await loadedMs();
    await until('the page of the next day', async () => ![null, before].includes(await loadedMs()));
    if (kiosk.output !== saidBefore) throw new Error(`not by itself: ${kiosk.output}`);
    return end.getTime();
  },
};

async function measurePage(round: number): Promise<PageSize> {
  const cdp = await kiosk.cdp();
  await cdp.send('HeapProfiler.collectGarbage');
  await cdp.send('Performance.enable');
  const { metrics } = await cdp.send('Performance.getMetrics');
  const figure = (name: string): number =>
    metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  await cdp.detach();
  return {
    round,
    heapBytes: figure('JSHeapUsedSize'),
    nodes: figure('Nodes'),
    listeners: figure('JSEventListeners'),
  };
}

/** In the midst of a greeting. */
async function killAndWait(round: number, what: string): Promise<void> {
  await come();
  let killedMs = Date.now();
  try {
    killedMs = (await KILLS[what]?.()) ?? killedMs;
    await go();
    await come();
  } catch (error) {
    kills.push({ round, what, cameBack: false, backMs: null });
    throw new Error(`round ${round}, ${what}`, { cause: error });
  }
  const backMs = Date.now() - killedMs;
  kills.push({ round, what, cameBack: true, backMs });
  note(`  ${what.padEnd(14)} the next visitor was greeted after ${(backMs / 1000).toFixed(1)} s`);
  await go();
}

const pages: PageSize[] = [];
const kills: Killed[] = [];
const faults: string[] = [];
const names = values.kills.split(',');
try {
  const unknown = names.find((name) => !Object.hasOwn(KILLS, name));
  if (unknown !== undefined)
    throw new Error(`--kills: ${unknown} is none of ${Object.keys(KILLS).join(', ')}`);
  note(`bench:kiosk on ${machine()}`);
  await until('the page', async () => (await kiosk.state()) === 'asleep', 30_000);
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    for (let visitor = 0; visitor < Number(values.visitors); visitor += 1) {
      await come();
      await go();
    }
    const page = await measurePage(round);
    pages.push(page);
    const { heapBytes, nodes, listeners } = page;
    note(`round ${round}: ${(heapBytes / 1e6).toFixed(1)} MB heap, ${nodes} nodes, ${listeners} listeners`);
    for (const name of names) await killAndWait(round, name);
  }
} catch (error) {
  faults.push(lines(error));
} finally {
  await kiosk.close();
  await server.stop();
  await line.close();
}

const [first, last] = [pages[0], pages.at(-1)];
if (first && last) {
  if (last.heapBytes > first.heapBytes + HEAP_SLACK_BYTES) faults.push('the heap has grown');
  if (last.nodes > first.nodes + NODES_SLACK) faults.push('the page has grown');
}
note(kiosk.output.trim());
const backMs = Object.fromEntries(
  names.map((name) => [name, latency(kills.flatMap((one) => (one.what === name && one.backMs) || []))]),
);
const figures = {
  machine: machine(),
  rounds: pages.length,
  keptAwayMs: { server: SERVER_AWAY_MS, 'server-killed': SERVER_AWAY_MS, network: NETWORK_AWAY_MS },
  backMs,
  kills,
  pages,
  faults,
};
printFigures({ machine: figures.machine, rounds: figures.rounds, ...backMs });
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(figures, null, 2)}\n`);
for (const fault of faults) note(`FAILED: ${fault}`);
process.exitCode = faults.length === 0 ? 0 : 1;

/** What went wrong, and why. */
function lines(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${lines(error.cause)}`;
}
