import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from './console.mjs';

const POLL_MS = 500;

/**
 * Runs `work` while no other set-up with the same folder does.
 * @template T
 * @param {string} dir
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(dir, work) {
  const path = join(dir, 'setup.lock');
  await acquire(path);
  const release = () => rmSync(path, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

async function acquire(path) {
  let waiting = false;
  while (!tryCreate(path)) {
    const owner = ownerOf(path);
    if (owner !== null && !isAlive(owner)) {
      breakLock(path, owner);
      continue;
    }
    if (!waiting) say(`waiting for another set-up (process ${owner ?? '?'}; if there is none: rm ${path}) …`);
    waiting = true;
    await sleep(POLL_MS);
  }
}

function tryCreate(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Null while the owner has not written its id yet, or when the lock has just gone. */
function ownerOf(path) {
  try {
    return Number(readFileSync(path, 'utf8')) || null;
  } catch {
    return null;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The rename decides which of several waiters removes a dead owner's lock; a live one's is put back. */
function breakLock(path, deadOwner) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    if (ownerOf(aside) === deadOwner) rmSync(aside);
    else renameSync(aside, path);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}
