import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, withProgress } from './console.mjs';
import { errorLine, npmCommand, runStep } from './processes.mjs';

/**
 * Whether npm's record of what it installed (node_modules/.package-lock.json, written last) is what the lockfile asks
 * for, on this platform.
 * @param {{ packages: Record<string, any> }} wanted
 * @param {{ packages: Record<string, any> }} installed
 * @param {{ platform: string, arch: string }} [machine]
 */
export function isInstalled(wanted, installed, { platform, arch } = process) {
  const suits = ({ os, cpu }) => allows(os, platform) && allows(cpu, arch);
  return (
    Object.values(installed.packages).every(suits) &&
    Object.entries(wanted.packages).every(([path, entry]) => {
      const found = installed.packages[path];
      if (!found) return path === '' || entry.optional === true;
      return found.version === entry.version && found.integrity === entry.integrity;
    })
  );
}

export const dependenciesStep = {
  name: 'npm packages',
  mend: 'npm ci',

  ready({ root }) {
    const installed = readJson(join(root, 'node_modules', '.package-lock.json'));
    return installed !== null && isInstalled(readJson(join(root, 'package-lock.json')), installed);
  },

  async provide(context) {
    const { command, shell } = npmCommand();
    const isFirst = readJson(join(context.root, 'node_modules', '.package-lock.json')) === null;
    const reason = isFirst ? 'first run' : 'package-lock.json has changed';
    await withProgress('installing npm packages', reason, async () => {
      const ci = [...command, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
      // Both packages bring their binaries for the CPU along; their scripts would look for others elsewhere.
      const env = { SKIP_FFMPEG: 'true', ONNXRUNTIME_NODE_INSTALL: 'skip' };
      const { code, output, logPath } = await runStep(context, 'npm-ci', ci, { shell, env });
      if (code !== 0) {
        fail(
          `npm packages could not be installed: ${errorLine(output)} (log: ${logPath})`,
          dependenciesStep.mend,
        );
      }
    });
  },
};

/** npm's `os` and `cpu` fields: names, or names with a `!` that are excluded. */
function allows(list, value) {
  if (!list) return true;
  return !list.includes(`!${value}`) && (list.includes(value) || list.every((name) => name.startsWith('!')));
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}
