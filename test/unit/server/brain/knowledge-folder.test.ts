import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readFolder } from '../../../../server/src/brain/knowledge-folder.ts';

describe('readFolder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vizavi-test-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const write = (name: string, content: string | Uint8Array): void => {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
  };
  const refusal = (message: RegExp): object => ({
    code: 'invalid_config',
    message: expect.stringMatching(message) as string,
  });

  it('reads all Markdown files, those below too, in the order of their paths', async () => {
    write('b.md', '# B\nbee');
    write('a/z.MD', '# Z\nzed');
    write('a.txt', '# no');
    write('.hidden/x.md', '# no\nno');
    write('opening-hours.md', 'nine to five');
    symlinkSync(join(folder, 'b.md'), join(folder, 'c.md'));
    expect((await readFolder(folder)).map(({ title, sentences }) => [title, ...sentences])).toEqual([
      ['Z', 'zed.'],
      ['B', 'bee.'],
      ['B', 'bee.'],
      ['Opening hours', 'nine to five.'],
    ]);
  });

  it('refuses a folder that is not there, and one without text', async () => {
    await expect(readFolder(join(folder, 'nowhere'))).rejects.toMatchObject(refusal(/nowhere: ENOENT/));
    await expect(readFolder(folder)).rejects.toMatchObject(refusal(/holds no Markdown text/));
    write('a.md', '# Nothing but a heading\n```\ncode\n```\n');
    await expect(readFolder(folder)).rejects.toMatchObject(refusal(/holds no Markdown text/));
  });

  it('names the file that it cannot read', async () => {
    symlinkSync(join(folder, 'gone'), join(folder, 'dangling.md'));
    await expect(readFolder(folder)).rejects.toMatchObject(refusal(/dangling\.md .*: ENOENT/));
  });

  it('names the file that is no text', async () => {
    write('latin.md', Uint8Array.of(0x63, 0x61, 0x66, 0xe9));
    await expect(readFolder(folder)).rejects.toMatchObject(refusal(/latin\.md .* is not UTF-8/));
  });

  it('refuses more than it can search', async () => {
    write('large.md', 'word '.repeat(500_000));
    await expect(readFolder(folder)).rejects.toMatchObject(refusal(/more than 2 MB/));
    rmSync(join(folder, 'large.md'));
    for (let index = 0; index <= 500; index += 1) write(`${index}.md`, 'a');
    await expect(readFolder(folder)).rejects.toMatchObject(refusal(/more than 500 Markdown files/));
  });
});
