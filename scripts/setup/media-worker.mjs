import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { machine, release } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fail, say, withProgress } from './console.mjs';
import { canInstall } from './debian.mjs';
import { errorLine, runStep } from './processes.mjs';

const EXECUTABLE = process.platform === 'win32' ? 'mediasoup-worker.exe' : 'mediasoup-worker';
/** A download that is silent for this long has failed. */
const SILENCE_MS = 20_000;
const BUILD_SCRIPT = 'scripts/build-mediasoup-worker.sh';

export const mediaWorkerStep = {
  name: "mediasoup's worker",
  mend: 'npm rebuild mediasoup --ignore-scripts=false --foreground-scripts',

  ready(context) {
    const given = context.env['MEDIASOUP_WORKER_BIN'];
    if (given && !existsSync(given))
      fail(`MEDIASOUP_WORKER_BIN: ${given} does not exist`, 'unset MEDIASOUP_WORKER_BIN');
    const found = given || workerPaths(context).find((path) => existsSync(path));
    if (found) context.env['MEDIASOUP_WORKER_BIN'] = found;
    return Boolean(found);
  },

  async provide(context) {
    const reason = await download(context);
    if (reason !== null) await build(context, reason);
  },
};

/** Where the worker may be: downloaded, built by this project, built by mediasoup's own install script. */
export function workerPaths({ root, cacheDir }) {
  const { version } = mediasoupPackage(root);
  const revision = /^REVISION=(\S+)$/m.exec(readFileSync(join(root, BUILD_SCRIPT), 'utf8'))?.[1];
  return [
    downloadedPath(cacheDir, version),
    join(cacheDir, `mediasoup-worker-${version}-${process.platform}-${machine()}-${revision}`),
    join(root, 'node_modules/mediasoup/worker/out/Release', EXECUTABLE),
  ];
}

/**
 * Upstream's names: https://github.com/versatica/mediasoup/releases
 * @param {string} version
 * @param {{ platform: string, arch: string }} [machine]
 */
export function prebuiltName(version, { platform, arch } = process, kernel = release()) {
  return `mediasoup-worker-${version}-${platform}-${arch}${platform === 'linux' ? `-kernel${parseInt(kernel, 10)}` : ''}.tgz`;
}

/** @returns {Promise<string | null>} why there is no prebuilt worker; null when it is in place */
async function download({ root, cacheDir, env }) {
  const { version, repository } = mediasoupPackage(root);
  if (env['MEDIASOUP_SKIP_WORKER_PREBUILT_DOWNLOAD']) return 'download skipped';
  const releases = `${repository.url.replace(/^git\+/, '').replace(/\.git$/, '')}/releases/download`;
  const base = env['MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL'] || releases;
  const folder = join(cacheDir, 'mediasoup-worker.tmp');
  try {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    say(`downloading mediasoup's worker ${version} (first run) …`);
    await fetchFile(`${base}/${version}/${prebuiltName(version)}`, join(folder, 'worker.tgz'));
    const { status } = spawnSync('tar', ['-xzf', 'worker.tgz'], { cwd: folder, stdio: 'ignore' });
    const binary = join(folder, EXECUTABLE);
    if (status !== 0 || !existsSync(binary)) return 'the download cannot be unpacked';
    chmodSync(binary, 0o755);
    if (!runs(binary)) return "the downloaded one does not run on this machine's system";
    renameSync(binary, downloadedPath(cacheDir, version));
    return null;
  } catch (error) {
    return `download failed: ${error.cause?.code ?? error.cause?.message ?? error.message}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fetchFile(url, path) {
  const abort = new AbortController();
  const giveUp = () => abort.abort(new Error(`nothing received for ${SILENCE_MS / 1000} s`));
  const timer = setTimeout(giveUp, SILENCE_MS);
  try {
    const response = await fetch(url, { signal: abort.signal });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const body = Readable.fromWeb(response.body).on('data', () => timer.refresh());
    await pipeline(body, createWriteStream(path));
  } finally {
    clearTimeout(timer);
  }
}

async function build(context, reason) {
  if (!canInstall()) {
    fail(
      `mediasoup's worker is missing (${reason}), and it is built only on Debian as root or with sudo`,
      mediaWorkerStep.mend,
    );
  }
  const sources = join(context.root, 'node_modules/mediasoup');
  const command = ['bash', join(context.root, BUILD_SCRIPT), context.cacheDir, sources];
  const logPath = join(context.cacheDir, 'mediasoup-worker.log');
  await withProgress(
    "building mediasoup's worker, 6 to 7 minutes on two cores, once per machine",
    reason,
    async () => {
      const { code, output } = await runStep(context, 'mediasoup-worker', command);
      if (code !== 0)
        fail(
          `mediasoup's worker could not be built: ${errorLine(output)}`,
          `see ${logPath}, then run the command again`,
        );
    },
    () => buildProgress(readFileSync(logPath, 'utf8')),
  );
}

/** Ninja's `[n/m]` once it compiles, until then what the build script last said. */
export function buildProgress(scriptLog) {
  const ninjaLog = /\(log: (.+)\)$/m.exec(scriptLog)?.[1];
  const steps =
    ninjaLog && existsSync(ninjaLog) ? readFileSync(ninjaLog, 'utf8').match(/^\[\d+\/\d+\]/gm) : null;
  return steps?.at(-1) ?? /\[mediasoup-worker\] (.+)\s*$/.exec(scriptLog)?.[1] ?? '';
}

/** Without MEDIASOUP_VERSION the worker exits with 41 before it does anything else; upstream tells by the same. */
function runs(binary) {
  return spawnSync(binary, [], { env: {}, stdio: 'ignore' }).status === 41;
}

function downloadedPath(cacheDir, version) {
  return join(cacheDir, `mediasoup-worker-${version}-${process.platform}-${process.arch}-prebuilt`);
}

function mediasoupPackage(root) {
  return JSON.parse(readFileSync(join(root, 'node_modules/mediasoup/package.json'), 'utf8'));
}
