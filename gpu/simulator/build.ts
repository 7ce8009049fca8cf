import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { VizaviError } from '@vizavi/signaling';

const FOLDER = import.meta.dirname;
const FLAGS = [
  ...['-O2', '-std=gnu11', '-shared', '-fPIC', '-pthread', '-fvisibility=hidden'],
  ...['-Wall', '-Wextra', '-Werror'],
  // Its thread outlives the JavaScript thread that loaded it: the library must not be unloaded with that.
  '-Wl,-z,nodelete',
];

/**
 * Compiles the simulated CUDA driver where that is not done yet; returns the library's path.
 *
 * @throws VizaviError `unsupported_device` where no C compiler can make it
 */
export async function buildSimulator(): Promise<string> {
  const sources = (await readdir(FOLDER)).filter((name) => /\.[ch]$/.test(name)).sort();
  const hash = createHash('sha256').update(FLAGS.join());
  for (const source of sources) hash.update(await readFile(join(FOLDER, source)));
  const folder = join(tmpdir(), 'vizavi-cuda-simulator');
  const library = join(folder, `libcuda-${hash.digest('hex').slice(0, 16)}.so`);
  if (existsSync(library)) return library;
  await mkdir(folder, { recursive: true });
  // Several may build at once: each its own file, and the last rename wins whole.
  const built = `${library}.${randomUUID()}`;
  const units = sources.filter((name) => name.endsWith('.c')).map((name) => join(FOLDER, name));
  const compiler = process.env['CC'] ?? 'cc';
  try {
    await promisify(execFile)(compiler, [...FLAGS, '-o', built, ...units]);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const problem = missing
      ? `there is no C compiler: ${compiler} (set CC)`
      : (cause as { stderr?: string }).stderr?.trim() || String(cause);
    throw new VizaviError('unsupported_device', `CUDA simulator: ${problem}`, { cause });
  }
  await rename(built, library);
  return library;
}
