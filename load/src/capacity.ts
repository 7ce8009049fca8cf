import { createToken } from './live-probe.ts';
import type { ServerProcess } from './server-process.ts';
import { Viewer } from './viewer.ts';

const SENTENCE =
  'Everything that you see is made from the sound of my voice, and maybe Bob and Pam will move the big blue piano. ';

export interface Level {
  readonly sessions: number;
  readonly framesSent: number;
  /** Late, dropped or repeated. */
  readonly framesNotOnTime: number;
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
      const viewer = new Viewer(server.url, await createToken(server.url));
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
        framesNotOnTime: after.notOnTime - before.notOnTime,
        viewerFps: Math.round(((after.received - before.received) / seconds / viewers.length) * 10) / 10,
      };
      levels.push(level);
      if (level.framesNotOnTime / level.framesSent <= 0.001) sessionsSpeaking = viewers.length;
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

async function totals(
  viewers: readonly Viewer[],
): Promise<{ sent: number; notOnTime: number; received: number }> {
  const stages = await Promise.all(viewers.map((viewer) => viewer.stages()));
  return {
    sent: stages.reduce((sum, stage) => sum + (stage?.framesSent ?? 0), 0),
    notOnTime: stages.reduce(
      (sum, stage) => sum + (stage ? stage.framesLate + stage.framesDropped + stage.framesRepeated : 0),
      0,
    ),
    received: viewers.reduce((sum, viewer) => sum + viewer.received.frames, 0),
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
