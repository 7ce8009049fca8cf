import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Context
 * @property {string} root the checkout
 * @property {string} cacheDir outlives checkouts: Node, mediasoup's worker, logs
 * @property {string} node the Node binary that runs commands
 * @property {NodeJS.ProcessEnv} env the environment of commands; steps add to it
 */

/** @returns {Context} */
export function createContext(env = process.env) {
  const cacheDir = cachePath(env);
  mkdirSync(cacheDir, { recursive: true });
  return {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    cacheDir,
    node: process.execPath,
    env: { ...env },
  };
}

/** @param {NodeJS.ProcessEnv} env */
export function cachePath(env) {
  return env['VIZAVI_CACHE'] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'vizavi');
}
