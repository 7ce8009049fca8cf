import type { StageStats } from '@vizavi/signaling';
import { soundLagMs } from './lip-sync.ts';
import type { LiveProbe } from './live-probe.ts';
import type { ServerProcess } from './server-process.ts';

const PARAGRAPH =
  'Good morning, and welcome. My name is Mira, and everything that you see is made from the sound of my voice. ' +
  'Maybe Bob and Pam will move the big blue piano to the window. Perfect! ' +
  'Ask me anything you like, and I will do my best to answer, one small piece of a second at a time.';

const FRAME_PERIOD_MS = 40;

export interface SteadyFigures {
  /** Share of frames sent on time: neither late, nor dropped, nor repeated. */
  readonly onTimeShare: number;
  readonly frames: { sent: number; late: number; dropped: number; repeated: number };
  /** Frames a second that the page showed. */
  readonly shownFps: number;
  /** Sound after picture, from mouth and energy, one for each paragraph. */
  readonly lipOffsetsMs: readonly number[];
  /** The browser's own estimate (estimatedPlayoutTimestamp). */
  readonly playoutOffsetsMs: readonly number[];
  /** Growth of the memory of all server processes over the second half of the run, share. */
  readonly rssGrowth: number;
  readonly rss: Record<string, number>;
  /** Per frame, milliseconds; `share` is of the 40 ms that a frame lasts. `send` is how late it left. */
  readonly stages: Record<string, { median: number; p95: number; share: number }>;
}

/** Lets the avatar speak for a long time and watches it. */
export async function measureSteady(
  probe: LiveProbe,
  server: ServerProcess,
  durationMs: number,
): Promise<SteadyFigures> {
  const lipOffsetsMs: number[] = [];
  const playoutOffsetsMs: number[] = [];
  const memory: number[] = [];
  const before = stagesOf(await probe.stats());
  const startMs = await probe.now();
  let shown = 0;
  while ((await probe.now()) - startMs < durationMs) {
    const fromMs = await probe.now();
    await probe.say(PARAGRAPH);
    const { mouth, sound } = await probe.samples(fromMs);
    shown += mouth.length;
    const offset = soundLagMs(
      mouth.map((sample) => ({ ms: sample.ms, value: sample.mouth })),
      sound.map((sample) => ({ ms: sample.ms, value: sample.rms })),
    );
    if (!Number.isNaN(offset)) lipOffsetsMs.push(offset);
    const stats = await probe.stats();
    if (typeof stats['avOffsetMs'] === 'number') playoutOffsetsMs.push(stats['avOffsetMs']);
    memory.push(server.memory().total);
  }
  const elapsedMs = (await probe.now()) - startMs;
  // Counters are reported once a second.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const after = stagesOf(await probe.stats());
  const frames = {
    sent: after.framesSent - before.framesSent,
    late: after.framesLate - before.framesLate,
    dropped: after.framesDropped - before.framesDropped,
    repeated: after.framesRepeated - before.framesRepeated,
  };
  const middle = memory[Math.floor(memory.length / 2)] ?? Number.NaN;
  return {
    onTimeShare: 1 - (frames.late + frames.dropped + frames.repeated) / (frames.sent + frames.dropped),
    frames,
    shownFps: Math.round((shown / elapsedMs) * 10_000) / 10,
    lipOffsetsMs,
    playoutOffsetsMs,
    rssGrowth: Math.round(((memory.at(-1) ?? Number.NaN) / middle - 1) * 1000) / 1000,
    rss: server.memory().processes,
    stages: shares(after),
  };
}

function shares(stats: StageStats): SteadyFigures['stages'] {
  return Object.fromEntries(
    Object.entries(stats.stages).map(([name, time]) => [
      name,
      { ...time, share: Math.round((time.median / FRAME_PERIOD_MS) * 1000) / 1000 },
    ]),
  );
}

function stagesOf(stats: Record<string, unknown>): StageStats {
  const stages = stats['stages'];
  if (!stages) throw new Error('the server has no figures of this session yet');
  return stages as StageStats;
}
