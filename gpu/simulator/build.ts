import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { VizaviError } from '@vizavi/signaling';

const FOLDER = import.meta.dirname;
const FLAGS = ['-O2', '-std=gnu11', '-shared', '-fPIC', '-pthread', '-fvisibility=hidden'];

/**
 * Compiles the simulated CUDA driver where that is not done yet; returns the library's path.
 *
 * @throws VizaviError `unsupported_device` where there is no C compiler
 */
export async function buildSimulator(): Promise<string> {
  const sources = (await readdir(FOLDER)).filter((name) => /\.[ch]$/.test(name)).sort();
  const hash = createHash('sha256').update(FLAGS.join());
  for (const source of sources) hash.update(await readFile(join(FOLDER, source)));
  const folder = join(tmpdir(), 'vizavi-cuda-simulator');
  const library = join(folder, `libcuda-${hash.digest('hex').slice(0, 16)}.so`);
  if (existsSync(library)) return library;
  await mkdir(folder, { recursive: true });
  // Two processes may build at once: each its own file, and the last name wins whole.
  const built = `${library}.${process.pid}`;
  const units = sources.filter((name) => name.endsWith('.c')).map((name) => join(FOLDER, name));
  try {
    await promisify(execFile)(process.env['CC'] ?? 'cc', [...FLAGS, '-o', built, ...units]);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new VizaviError('unsupported_device', `the CUDA simulator needs a C compiler: ${problem}`, {
      cause,
    });
  }
  await rename(built, library);
  return library;
}
