import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runStep } from './processes.mjs';

/** The command that mends a missing package by hand. */
export function aptCommand(packages) {
  return `${isRoot() ? '' : 'sudo '}apt-get install -y ${packages.join(' ')}`;
}

/** Whether this is a Debian-like system on which this user may install packages without being asked for a password. */
export function canInstall() {
  if (process.platform !== 'linux' || !findOnPath('apt-get')) return false;
  return isRoot() || spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
}

/** @returns {Promise<{ code: number, logPath: string, output: string }>} */
export async function aptInstall(context, packages) {
  const sudo = isRoot() ? '' : 'sudo ';
  const install = `DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  return runStep(context, 'apt', ['sh', '-c', `${sudo}apt-get update && ${sudo}env ${install}`]);
}

/** @returns {string | undefined} */
export function findOnPath(name, env = process.env) {
  return (env['PATH'] ?? '')
    .split(delimiter)
    .map((dir) => join(dir, name))
    .find((path) => existsSync(path));
}

function isRoot() {
  return process.getuid?.() === 0;
}
