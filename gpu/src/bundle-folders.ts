import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { VizaviError } from '@vizavi/signaling';

/**
 * Paths of the bundles to load, the default avatar's first: in the order of `avatars`, or by name where that is `all`.
 *
 * @throws VizaviError `invalid_bundle` when there is none, or one that is named is not there
 */
export async function bundleFolders(dir: string, avatars: readonly string[] | 'all'): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((cause: unknown) => {
    throw new VizaviError('invalid_bundle', `${dir}: no such folder`, { cause });
  });
  // A file system has an order of its own; folders are often mounted by links.
  const known = entries
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map(({ name }) => name);
  known.sort();
  if (known.length === 0) throw new VizaviError('invalid_bundle', `${dir}: no avatar bundle in this folder`);
  const chosen = avatars === 'all' ? known : [...new Set(avatars)];
  const missing = chosen.find((name) => !known.includes(name));
  if (missing !== undefined) {
    const problem = `VIZAVI_AVATARS: there is no bundle ${missing} in ${dir}, only ${known.join(', ')}`;
    throw new VizaviError('invalid_bundle', problem);
  }
  return chosen.map((name) => join(dir, name));
}
