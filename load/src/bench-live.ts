import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { openBrowser } from './browser.ts';
import { measureCapacity } from './capacity.ts';
import { latency, machine, printFigures, spread } from './figures.ts';
import { createToken, LiveProbe, speechPcm } from './live-probe.ts';
import { ServerProcess } from './server-process.ts';
import { measureSteady } from './steady.ts';

const { values } = parseArgs({
  options: {
    /** Write the figures here too. */
    json: { type: 'string' },
    trials: { type: 'string', default: '20' },
    /** Length of the run that is watched for lateness, lip sync and memory. */
    seconds: { type: 'string', default: '300' },
    /** Most sessions that speak at once. */
    sessions: { type: 'string', default: '6' },
  },
});
const trials = Number(values.trials);
const note = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

const server = await ServerProcess.start({ VIZAVI_SLOTS: String(Math.max(2, Number(values.sessions))) });
const { browser, close } = await openBrowser();
try {
  note(`bench:live on ${machine()}, ${await browser.version()}`);
  const pcm = await speechPcm();

  note(`joining, ${trials} times …`);
  const joinMs: number[] = [];
  for (let trial = 0; trial <= trials; trial += 1) {
    const probe = await LiveProbe.open(browser, server.url, pcm);
    const ms = await probe.join(await createToken(server.url));
    // The first one warms caches up.
    if (trial > 0) joinMs.push(ms);
    await probe.close();
  }

  const probe = await LiveProbe.open(browser, server.url, pcm);
  await probe.join(await createToken(server.url));
  await probe.learnRest();
  note(`text → frame and interrupt, ${trials} times …`);
  const text: { frameMs: number; soundMs: number }[] = [];
  const interrupts: { soundMs: number; mouthMs: number; answerMs: number }[] = [];
  for (let trial = 0; trial <= trials; trial += 1) {
    const voiced = await probe.untilVoiced('text');
    await new Promise((resolve) => setTimeout(resolve, 300 + trial * 13));
    const stopped = await probe.interrupt();
    await probe.quiet();
    if (trial === 0) continue;
    text.push(voiced);
    interrupts.push(stopped);
  }
  note(`repeatAudio → frame, ${trials} times …`);
  const audio: { frameMs: number; soundMs: number }[] = [];
  for (let trial = 0; trial < trials; trial += 1) {
    audio.push(await probe.untilVoiced('audio'));
    await probe.interrupt();
    await probe.quiet();
  }

  note(`speaking for ${values.seconds} s …`);
  const steady = await measureSteady(probe, server, Number(values.seconds) * 1000);
  await probe.close();
  await close();

  note(`up to ${values.sessions} sessions speaking at once …`);
  const capacity = await measureCapacity(server, Number(values.sessions), 15_000);

  const figures = {
    machine: machine(),
    trials,
    joinMs: latency(joinMs),
    textToFrameMs: latency(text.map((sample) => sample.frameMs)),
    textToSoundMs: latency(text.map((sample) => sample.soundMs)),
    audioToFrameMs: latency(audio.map((sample) => sample.frameMs)),
    interruptMs: latency(interrupts.map((sample) => Math.max(sample.soundMs, sample.mouthMs))),
    interruptSoundMs: latency(interrupts.map((sample) => sample.soundMs)),
    interruptRestMs: latency(interrupts.map((sample) => sample.mouthMs)),
    onTimeShare: steady.onTimeShare,
    frames: steady.frames,
    shownFps: steady.shownFps,
    avOffsetMs: spread(steady.lipOffsetsMs),
    playoutOffsetMs: spread(steady.playoutOffsetsMs),
    sessionsSpeaking: capacity.sessionsSpeaking,
    capacity: capacity.levels,
    rssGrowth: steady.rssGrowth,
    rss: steady.rss,
    stages: steady.stages,
  };
  printFigures(figures);
  if (values.json) await writeFile(values.json, `${JSON.stringify(figures, null, 2)}\n`);
} finally {
  await close();
  await server.stop();
}
