import { createToken } from './live-probe.ts';
import type { ServerProcess } from './server-process.ts';
import { Viewer } from './viewer.ts';

const SENTENCE =
  'Everything that you see is made from the sound of my voice, and maybe Bob and Pam will move the big blue piano. ';

export interface Level {
  readonly sessions: number;
  readonly framesSent: number;
  readonly late: number;
  readonly dropped: number;
  readonly repeated: number;
  readonly viewerFps: number;
}

/** Raises the number of sessions that speak at once until frames miss their time. */
export async function measureCapacity(
  server: ServerProcess,
  most: number,
  levelMs: number,
): Promise<{ sessionsSpeaking: number; levels: Level[] }> {
  const levels: Level[] = [];
  const viewers: Viewer[] = [];
  const done = new AbortController();
  const talks: Promise<void>[] = [];
  let sessionsSpeaking = 0;
  try {
    while (viewers.length < most) {
      const token = await createToken(server.url).catch(() => null);
      // The worker takes no more sessions than it has measured.
      if (token === null) break;
      const viewer = new Viewer(server.url, token);
      viewers.push(viewer);
      await viewer.join();
      talks.push(talk(viewer, done.signal));
      await sleep(3000);
      const before = await totals(viewers);
      const fromMs = performance.now();
      await sleep(levelMs);
      const after = await totals(viewers);
      const seconds = (performance.now() - fromMs) / 1000;
      const level: Level = {
        sessions: viewers.length,
        framesSent: after.sent - before.sent,
        late: after.late - before.late,
        dropped: after.dropped - before.dropped,
        repeated: after.repeated - before.repeated,
        viewerFps: Math.round(((after.received - before.received) / seconds / viewers.length) * 10) / 10,
      };
      levels.push(level);
      const missed = level.late + level.dropped + level.repeated;
      if (missed / level.framesSent <= 0.001) sessionsSpeaking = viewers.length;
    }
  } finally {
    done.abort();
    await Promise.all(viewers.map((viewer) => viewer.leave()));
    await Promise.allSettled(talks);
  }
  return { sessionsSpeaking, levels };
}

async function talk(viewer: Viewer, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const outcome = await Promise.race([viewer.repeat(SENTENCE.repeat(3)), aborted(signal)]);
    if (outcome !== 'spoken') return;
  }
}

function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve('aborted');
    });
  });
}

interface Totals {
  sent: number;
  late: number;
  dropped: number;
  repeated: number;
  received: number;
}

async function totals(viewers: readonly Viewer[]): Promise<Totals> {
  const sum: Totals = { sent: 0, late: 0, dropped: 0, repeated: 0, received: 0 };
  for (const viewer of viewers) {
    const stages = await viewer.stages();
    sum.sent += stages?.framesSent ?? 0;
    sum.late += stages?.framesLate ?? 0;
    sum.dropped += stages?.framesDropped ?? 0;
    sum.repeated += stages?.framesRepeated ?? 0;
    sum.received += viewer.received.frames;
  }
  return sum;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
