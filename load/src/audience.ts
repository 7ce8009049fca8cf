import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { StageStats } from '@vizavi/signaling';
import type { Page } from 'puppeteer-core';
import { openBrowser } from './browser.ts';
import { latency, machine, percentile } from './figures.ts';
import { ServerProcess } from './server-process.ts';
import { Viewer } from './viewer.ts';

/** `node load/src/audience.ts`: one presenter's desk in a real browser, and many who watch its one session. */
const { values } = parseArgs({
  options: {
    viewers: { type: 'string', default: '20' },
    /** Length of the calm part, and of the part in which viewers come and go. */
    seconds: { type: 'string', default: '20' },
    /** Write the figures here too. */
    json: { type: 'string' },
  },
});
const count = Number(values.viewers);
const durationMs = Number(values.seconds) * 1000;
const SENTENCE =
  'Everything that you see is made from the sound of my voice, for each of you at the same time. ';
const FRAMES_PER_SECOND = 25;
/** How often half of the audience leaves and comes back. */
const BURST_PERIOD_MS = 4000;

const note = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** The page's own session, as the desk shows it to the console. */
interface Desk {
  readonly vizavi: { session: { repeat(text: string): Promise<unknown>; stats(): Promise<DeskStats> } };
}
interface DeskStats {
  readonly stages: StageStats | null;
  readonly freezeCount: number | null;
  readonly framesPresented: number;
}

const server = await ServerProcess.start({ VIZAVI_SLOTS: '4', VIZAVI_MAX_VIEWERS: String(2 * count + 5) });
const { browser, close } = await openBrowser();
const viewers: Viewer[] = [];
try {
  note(`an audience of ${count} on ${machine()}, ${await browser.version()}`);
  const desk = await browser.newPage();
  const token = await openDesk(desk);
  talk(desk);

  note(`${count} join at once …`);
  const joinMs = await join(count, token);
  await sleep(2000);
  const slotsLeased = await metric('vizavi_slots_leased');

  note('all watch …');
  const calm = await watch(desk, viewers, durationMs);

  note('half of them leave and come back, again and again …');
  const stayers = viewers.slice(0, Math.ceil(count / 2));
  const rejoinMs: number[] = [];
  const done = new AbortController();
  const churn = comeAndGo(token, stayers.length, done.signal, rejoinMs);
  const busy = await watch(desk, stayers, durationMs);
  done.abort();
  await churn;

  const figures = {
    machine: machine(),
    viewers: count,
    slotsLeased,
    slotsLeasedAfter: await metric('vizavi_slots_leased'),
    joinMs: latency(joinMs),
    rejoinMs: latency(rejoinMs),
    rejoined: rejoinMs.length,
    calm,
    whileOthersComeAndGo: busy,
  };
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
  if (values.json) await writeFile(values.json, `${JSON.stringify(figures, null, 2)}\n`);
  const most = Math.max(slotsLeased, figures.slotsLeasedAfter);
  if (most > 1) {
    note(`FAILED: ${count} viewers of one session leased ${most} slots; one is enough for all of them`);
    process.exitCode = 1;
  }
} finally {
  await Promise.all(viewers.map((viewer) => viewer.leave()));
  await close();
  await server.stop();
}

/** Starts a session at the desk; answers the audience's token. */
async function openDesk(page: Page): Promise<string> {
  await page.setViewport({ width: 1440, height: 900 });
  await page.goto(`${server.url}/present/?deck=/present/example/deck.json`);
  await page.waitForSelector('#start:not([hidden])');
  await page.click('#start');
  await page.waitForFunction(() => document.body.dataset['state'] === 'live', { timeout: 60_000 });
  await page.click('#share');
  const link = await page.$eval('#audience-link', (field) => (field as HTMLInputElement).value);
  await page.keyboard.press('Escape');
  return new URLSearchParams(new URL(link).hash.slice(1)).get('token') ?? '';
}

/** Speaks until the browser closes. */
function talk(page: Page): void {
  void page
    .evaluate(async (text) => {
      const { session } = (globalThis as unknown as Desk).vizavi;
      for (;;) await session.repeat(text);
    }, SENTENCE.repeat(3))
    .catch(() => undefined);
}

/** So many viewers at once; answers how long each took until both streams were asked for. */
async function join(howMany: number, token: string): Promise<number[]> {
  const joining = Array.from({ length: howMany }, async () => {
    const viewer = new Viewer(server.url, token);
    viewers.push(viewer);
    const fromMs = performance.now();
    await viewer.join();
    return performance.now() - fromMs;
  });
  return Promise.all(joining);
}

async function comeAndGo(
  token: string,
  staying: number,
  signal: AbortSignal,
  joinMs: number[],
): Promise<void> {
  while (!signal.aborted) {
    const leaving = viewers.splice(staying);
    await Promise.all(leaving.map((viewer) => viewer.leave()));
    await sleep(BURST_PERIOD_MS / 2);
    joinMs.push(...(await join(leaving.length, token)));
    await sleep(BURST_PERIOD_MS / 2);
  }
}

interface Watched {
  /** Of the avatar's frames: neither late, nor dropped, nor repeated. */
  readonly onTimeShare: number;
  /** Where the worker stood on its deadline ladder at the end: below `full` the machine has no time to spare. */
  readonly rung: string;
  readonly frames: { sent: number; late: number; dropped: number; repeated: number };
  /** Frames a second that a viewer received. */
  readonly receivedFps: { median: number; worstViewer: number };
  /** Fewest frames that any viewer received in any one second. */
  readonly worstSecond: number;
  /** Seconds of all viewers in which a fifth of the frames or more were missing, share. */
  readonly hitchShare: number;
  /** What the desk's browser showed, frames a second. */
  readonly deskFps: number;
  readonly deskFreezes: number;
}

async function watch(page: Page, audience: readonly Viewer[], forMs: number): Promise<Watched> {
  const before = await deskStats(page);
  const startMs = performance.now();
  const first = audience.map(({ received }) => received.frames);
  const perSecond: number[] = [];
  let last = first;
  let lastMs = startMs;
  while (performance.now() - startMs < forMs) {
    await sleep(1000);
    const nowMs = performance.now();
    const now = audience.map(({ received }) => received.frames);
    perSecond.push(...now.map((frames, index) => ((frames - (last[index] ?? 0)) * 1000) / (nowMs - lastMs)));
    [last, lastMs] = [now, nowMs];
  }
  const seconds = (performance.now() - startMs) / 1000;
  // Counters are reported once a second.
  await sleep(1200);
  const after = await deskStats(page);
  const fps = last.map((frames, index) => (frames - (first[index] ?? 0)) / seconds);
  const change = (name: 'framesSent' | 'framesLate' | 'framesDropped' | 'framesRepeated'): number =>
    (after.stages?.[name] ?? 0) - (before.stages?.[name] ?? 0);
  const frames = {
    sent: change('framesSent'),
    late: change('framesLate'),
    dropped: change('framesDropped'),
    repeated: change('framesRepeated'),
  };
  const missed = frames.late + frames.dropped + frames.repeated;
  return {
    onTimeShare: round(Math.max(0, 1 - missed / (frames.sent + frames.dropped)), 4),
    rung: after.stages?.rung ?? 'full',
    frames,
    receivedFps: { median: percentile(fps, 0.5), worstViewer: round(Math.min(...fps), 1) },
    worstSecond: round(Math.min(...perSecond), 1),
    hitchShare: round(
      perSecond.filter((rate) => rate <= FRAMES_PER_SECOND * 0.8).length / perSecond.length,
      4,
    ),
    deskFps: round((after.framesPresented - before.framesPresented) / (seconds + 1.2), 1),
    deskFreezes: (after.freezeCount ?? 0) - (before.freezeCount ?? 0),
  };
}

function deskStats(page: Page): Promise<DeskStats> {
  return page.evaluate(async () => {
    const { stages, freezeCount, framesPresented } = await (
      globalThis as unknown as Desk
    ).vizavi.session.stats();
    return { stages, freezeCount, framesPresented };
  });
}

/** The sum of a metric over its labels. */
async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  if (lines.length === 0) throw new Error(`no metric ${name}`);
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
