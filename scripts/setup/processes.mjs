import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

/** @typedef {import('./context.mjs').Context} Context */

const IS_WINDOWS = process.platform === 'win32';
const LEASH = new URL('./leash.mjs', import.meta.url).href;
/** A signal that arrives again within this time is the same one by another way: the terminal's and npm's. */
const SAME_SIGNAL_MS = 1000;

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set();
/** @type {NodeJS.Signals | null} */
let stoppedBy = null;

/** Passes each signal on to the children once; without a child it ends this process. */
export function stopOnSignals() {
  const lastMs = new Map();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      const nowMs = Date.now();
      const isSame = nowMs - (lastMs.get(signal) ?? -Infinity) < SAME_SIGNAL_MS;
      lastMs.set(signal, nowMs);
      if (!isSame) stop(signal === 'SIGHUP' ? 'SIGTERM' : signal);
    });
  }
  if (process.env['npm_lifecycle_event']) stopWithParent();
}

/** A killed npm takes the command with it. */
function stopWithParent() {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop('SIGTERM');
  }, 1000);
  timer.unref();
}

function stop(signal) {
  stoppedBy = signal;
  if (children.size === 0) process.exit(exitCode(null, signal));
  // A Windows console delivers Ctrl-C to every process by itself.
  if (!IS_WINDOWS) for (const child of children) child.kill(signal);
}

/**
 * Runs a command of the project with the chosen Node. Away from the terminal's process group, so that a Ctrl-C comes
 * only from here; on a leash, so that it ends even if this process is killed.
 * @param {Context} context
 * @param {string[]} args
 * @returns {Promise<number>} its exit code
 */
export function runNode(context, args) {
  return ended(
    spawn(context.node, ['--import', LEASH, ...args], {
      cwd: context.root,
      env: { ...context.env, VIZAVI_LEASH: '1' },
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      detached: !IS_WINDOWS,
    }),
  );
}

/**
 * Runs a step of set-up, its output into a log file.
 * @param {Context} context
 * @param {string} name of the log
 * @param {string[]} command
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, shell?: boolean }} [options]
 * @returns {Promise<{ code: number, logPath: string, output: string }>}
 */
export async function runStep(context, name, [file, ...args], options = {}) {
  const logPath = join(context.cacheDir, `${name}.log`);
  const log = openSync(logPath, 'w');
  try {
    const env = { ...context.env, ...options.env };
    const child = spawn(file, args, { cwd: context.root, ...options, env, stdio: ['inherit', log, log] });
    const code = await ended(child);
    if (stoppedBy) process.exit(exitCode(null, stoppedBy));
    return { code, logPath, output: readFileSync(logPath, 'utf8') };
  } finally {
    closeSync(log);
  }
}

/** npm, run by the Node that runs this: an old npm need not work with a newer Node. */
export function npmCommand(env = process.env) {
  const cli = env['npm_execpath'];
  if (cli && /npm-cli\.c?js$/.test(cli)) return { command: [process.execPath, cli], shell: false };
  return { command: ['npm'], shell: IS_WINDOWS };
}

/** The line of a log that says what went wrong: npm says it first, apt-get and compilers last. */
export function errorLine(output) {
  const lines = output.split('\n').flatMap((line) => line.trim() || []);
  const npm = lines
    .map((line) => /^npm (?:error|ERR!) (?!code|syscall|errno|path)(.+)$/.exec(line)?.[1])
    .find(Boolean);
  return (
    npm ?? lines.filter((line) => /\berror\b|^E: |failed/i.test(line)).at(-1) ?? lines.at(-1) ?? 'no output'
  );
}

/** As a shell counts: 128 + the number of the signal that ended it. */
export function exitCode(code, signal) {
  return code ?? 128 + (constants.signals[signal] ?? 0);
}

function ended(child) {
  children.add(child);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      children.delete(child);
      reject(error);
    });
    child.once('exit', (code, signal) => {
      children.delete(child);
      resolve(exitCode(code, signal));
    });
  });
}
