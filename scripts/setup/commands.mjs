import { cpus } from 'node:os';
import { browserStep } from './browser.mjs';
import { clientStep } from './client.mjs';
import { say } from './console.mjs';
import { dependenciesStep } from './dependencies.mjs';
import { runExample } from './examples.mjs';
import { mediaWorkerStep } from './media-worker.mjs';
import { nodeStep } from './node.mjs';
import { runNode } from './processes.mjs';

const ESLINT = [
  'node_modules/eslint/bin/eslint.js',
  '--cache',
  '--cache-location',
  'node_modules/.cache/eslint',
  '--max-warnings=0',
  '.',
];
const PRETTIER = ['node_modules/prettier/bin/prettier.cjs', '--log-level=warn', '--cache', '--check', '.'];
/** Programs with different globals: Node's, the browser's, both. */
const TYPE_SCRIPT_PROJECTS = ['.', 'client', 'test', 'gpu/studio/render'];

const checks = [
  {
    name: 'tsc',
    run: async (context) =>
      Math.max(
        ...(await Promise.all(
          TYPE_SCRIPT_PROJECTS.map((project) =>
            runNode(context, ['node_modules/typescript/bin/tsc', '-p', project]),
          ),
        )),
      ),
  },
  { name: 'eslint', run: (context) => runNode(context, ESLINT) },
  { name: 'prettier', run: (context) => runNode(context, PRETTIER) },
];

/** Runs named steps until one fails. */
async function runAll(context, steps) {
  for (const [index, { name, run }] of steps.entries()) {
    say(name);
    const code = await run(context);
    const rest = steps.slice(index + 1).map((step) => step.name);
    if (code !== 0 && rest.length > 0) say(`${name} failed; not run: ${rest.join(', ')}`);
    if (code !== 0) return code;
  }
  return 0;
}

/** A GPU worker's encoders run on libuv's pool; its supervisor gives it so many threads. */
const withPool = (context) => ({
  ...context,
  env: { UV_THREADPOOL_SIZE: String(Math.max(4, cpus().length)), ...context.env },
});

const basis = [nodeStep, dependenciesStep];
const runtime = [...basis, mediaWorkerStep, clientStep];

/** What `npm start` and the others are: the steps that each needs, and what it then runs. */
export const commands = {
  start: {
    steps: runtime,
    run: (context, args) => runNode(context, ['server/src/main.ts', ...args]),
  },
  test: {
    steps: [...runtime, browserStep],
    run: (context, args) =>
      runAll(context, [
        ...checks,
        { name: 'vitest', run: () => runNode(context, ['node_modules/vitest/vitest.mjs', 'run', ...args]) },
      ]),
  },
  check: {
    steps: basis,
    run: (context) =>
      runAll(context, [
        ...checks,
        { name: 'types of the client', run: () => runNode(context, ['scripts/build-client.mjs', '--types']) },
      ]),
  },
  example: { steps: runtime, run: runExample },
  'bench:live': {
    steps: [...runtime, browserStep],
    run: (context, args) => runNode(context, ['load/src/bench-live.ts', ...args]),
  },
  'bench:talk': {
    steps: [...runtime, browserStep],
    run: (context, args) => runNode(context, ['load/src/bench-talk.ts', ...args]),
  },
  'bench:kiosk': {
    steps: [...runtime, browserStep],
    run: (context, args) => runNode(context, ['load/src/kiosk-soak.ts', ...args]),
  },
  'bench:audience': {
    steps: [...runtime, browserStep],
    run: (context, args) => runNode(context, ['load/src/audience.ts', ...args]),
  },
  'bench:gpu': {
    steps: basis,
    run: (context, args) => runNode(withPool(context), ['gpu/bench/bench-gpu.ts', ...args]),
  },
  'bench:avatar': {
    steps: basis,
    run: (context, args) => runNode(context, ['gpu/bench/bench-avatar.ts', ...args]),
  },
  vizavi: {
    steps: basis,
    run: (context, args) => runNode(withPool(context), ['gpu/cli/vizavi.ts', ...args]),
  },
  trace: {
    steps: basis,
    run: (context, args) => runNode(withPool(context), ['gpu/bench/trace.ts', ...args]),
  },
  /** For images: mediasoup's worker alone; prints its path. */
  'media-worker': {
    steps: [mediaWorkerStep],
    run: (context) => {
      process.stdout.write(`${context.env['MEDIASOUP_WORKER_BIN']}\n`);
      return 0;
    },
  },
};
