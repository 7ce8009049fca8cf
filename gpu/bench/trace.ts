import { parseArgs } from 'node:util';
import { Timeline, writeTrace } from '../src/timeline.ts';
import { openBenchDevice } from './bench-device.ts';
import { SessionBench } from './session-bench.ts';
import { runVideo } from './video-bench.ts';

const SESSIONS = 8;
const CHUNKS = 8;
const PROCESS = { sync: 1, async: 2 };

/** Records the lane at work and writes a file for ui.perfetto.dev or chrome://tracing. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      simulate: { type: 'boolean', default: false },
      profile: { type: 'string', default: 'g7e' },
    },
  });
  const file = positionals[0] ?? 'trace.json';
  const device = await openBenchDevice(values.simulate, values.profile);
  const kind = device.simulation ? 'SIMULATED' : 'measured';
  const events: object[] = [];
  for (const mode of ['sync', 'async'] as const) {
    const timeline = new Timeline();
    const memory = mode === 'sync' ? 'pageable' : 'pinned';
    const setting = { width: 1280, height: 720, output: 'rgb', memory, mode, hostWork: true } as const;
    await runVideo(device, setting, { chunks: CHUNKS, timeline });
    events.push(...timeline.events(`Wan-like decoder, ${mode} (${kind})`, PROCESS[mode]));
  }
  const timeline = new Timeline();
  const bench = await SessionBench.open(device, 'async', timeline);
  await bench.run(SESSIONS, 1);
  await bench.close();
  events.push(...timeline.events(`${SESSIONS} sessions of the default bundle (${kind})`, 3));
  await writeTrace(file, events);
  process.stdout.write(`${device.title}\n${file}: open it in https://ui.perfetto.dev\n`);
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`trace: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
