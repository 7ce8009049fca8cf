import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleFolders } from '../../../gpu/src/bundle-folders.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'vizavi-bundles-'));
  for (const name of ['zoe', 'anna', 'theo']) await mkdir(join(dir, name));
  await symlink(join(dir, 'zoe'), join(dir, 'linked'));
  await writeFile(join(dir, 'README.md'), '');
});
afterAll(() => rm(dir, { recursive: true }));

describe('bundleFolders', () => {
  const names = async (avatars: readonly string[] | 'all'): Promise<string[]> =>
    (await bundleFolders(dir, avatars)).map((folder) => basename(folder));

  it('takes all of them by name, or those that are named in their order', async () => {
    expect(await names('all')).toEqual(['anna', 'linked', 'theo', 'zoe']);
    expect(await names(['zoe', 'anna', 'zoe'])).toEqual(['zoe', 'anna']);
  });

  it.each([
    ['nobody', ['anna', 'nobody'], 'there is no bundle nobody'],
    ['a file', ['README.md'], 'there is no bundle README.md'],
    ['a folder outside', ['../secrets'], 'there is no bundle ../secrets'],
  ])('says who is missing: %s', async (_name, avatars, words) => {
    await expect(bundleFolders(dir, avatars)).rejects.toMatchObject({
      code: 'invalid_bundle',
      message: expect.stringContaining(words) as string,
    });
  });

  it('says that there is no folder, or nothing in it', async () => {
    await expect(bundleFolders(join(dir, 'nowhere'), 'all')).rejects.toThrow('no such folder');
    await expect(bundleFolders(join(dir, 'zoe'), 'all')).rejects.toThrow('no avatar bundle');
  });
});
