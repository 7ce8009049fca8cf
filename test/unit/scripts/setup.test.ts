import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findBrowser } from '../../../scripts/setup/browser.mjs';
import { hashFiles } from '../../../scripts/setup/client.mjs';
import { withLock } from '../../../scripts/setup/lock.mjs';
import { errorLine } from '../../../scripts/setup/processes.mjs';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vizavi-test-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('rebuilds when a source changes, comes or goes, and not otherwise', () => {
  mkdirSync(join(folder, 'src/deep'), { recursive: true });
  writeFileSync(join(folder, 'src/a.ts'), 'a');
  writeFileSync(join(folder, 'src/deep/b.ts'), 'b');
  const hash = () => hashFiles(folder, ['src']);
  const first = hash();
  expect(hash()).toBe(first);
  writeFileSync(join(folder, 'src/a.ts'), 'A');
  const changed = hash();
  expect(changed).not.toBe(first);
  rmSync(join(folder, 'src/deep/b.ts'));
  expect(hash()).not.toBe(changed);
});

it('lets one set-up work at a time, and leaves no lock behind', async () => {
  const events: string[] = [];
  const work = (name: string) => async () => {
    events.push(`${name} starts`);
    await Promise.resolve();
    events.push(`${name} ends`);
  };
  await Promise.all([withLock(folder, work('a')), withLock(folder, work('b'))]);
  expect(events).toEqual(['a starts', 'a ends', 'b starts', 'b ends']);
  expect(readdirSync(folder)).toEqual([]);
});

it('takes over the lock of a process that is gone', async () => {
  // No system gives out an id this high.
  writeFileSync(join(folder, 'setup.lock'), '999999999');
  await expect(withLock(folder, () => Promise.resolve('done'))).resolves.toBe('done');
});

it('frees the lock when the work fails', async () => {
  await expect(withLock(folder, () => Promise.reject(new Error('no network')))).rejects.toThrow('no network');
  expect(readdirSync(folder)).toEqual([]);
});

it('names a browser path that does not exist', () => {
  expect(() => findBrowser({ CHROME_PATH: join(folder, 'chrome') })).toThrow(
    /CHROME_PATH: .* does not exist/,
  );
  const chrome = join(folder, 'chromium');
  writeFileSync(chrome, '');
  expect(findBrowser({ PUPPETEER_EXECUTABLE_PATH: chrome })).toBe(chrome);
  expect(findBrowser({ PATH: folder }, 'linux')).toBe(chrome);
});

it('picks the line that says what went wrong', () => {
  const npm =
    'npm error code ENOTFOUND\nnpm error network request to x failed\nnpm error A complete log of this run …\n';
  expect(errorLine(npm)).toBe('network request to x failed');
  expect(errorLine('Reading package lists...\nE: Unable to locate package chromium\n')).toContain(
    'Unable to locate',
  );
  expect(errorLine('')).toBe('no output');
});
