import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, withProgress } from './console.mjs';
import { errorLine, runStep } from './processes.mjs';

const SOURCES = ['client/src', 'signaling/src', 'scripts/build-client.mjs', 'package-lock.json'];

export const clientStep = {
  name: 'browser client',
  mend: 'node scripts/build-client.mjs',

  ready({ root }) {
    return existsSync(join(root, 'client/dist/vizavi.js')) && readStamp(root) === hashFiles(root, SOURCES);
  },

  async provide(context) {
    const { root } = context;
    const reason = readStamp(root) === null ? 'first run' : 'sources have changed';
    await withProgress('building the browser client', reason, async () => {
      const hash = hashFiles(root, SOURCES);
      const { code, output } = await runStep(context, 'client', [context.node, 'scripts/build-client.mjs']);
      if (code !== 0) fail(`the browser client could not be built: ${errorLine(output)}`, clientStep.mend);
      writeFileSync(stampPath(root), hash);
    });
  },
};

/** One hash over names and contents of files, and of all files in folders. */
export function hashFiles(root, paths) {
  const hash = createHash('sha256');
  for (const path of paths.flatMap((entry) => filesIn(root, entry))) {
    hash
      .update(path)
      .update('\0')
      .update(readFileSync(join(root, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

function filesIn(root, path) {
  const entries = readdirSyncOrNull(join(root, path));
  if (!entries) return [path];
  return entries.sort().flatMap((name) => filesIn(root, `${path}/${name}`));
}

function readdirSyncOrNull(path) {
  try {
    return readdirSync(path);
  } catch (error) {
    if (error.code === 'ENOTDIR') return null;
    throw error;
  }
}

function stampPath(root) {
  return join(root, 'client/dist/.stamp');
}

function readStamp(root) {
  return existsSync(stampPath(root)) ? readFileSync(stampPath(root), 'utf8') : null;
}
