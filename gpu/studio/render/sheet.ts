/** Step 2: `node render/sheet.ts BUILD [FILE] [POSE…]`: a contact sheet of the actor, to be looked at. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SHEET } from './poses.ts';
import { StudioBrowser } from './studio-browser.ts';

const [build, file = join(build ?? '', 'sheet.png'), ...names] = process.argv.slice(2);
if (build === undefined) throw new Error('node render/sheet.ts BUILD [FILE] [POSE…]');
const chosen = Object.entries(SHEET).filter(([name]) => names.length === 0 || names.includes(name));
const studio = await StudioBrowser.open({ actorDir: join(build, 'actor'), size: 512, oversampling: 2 });
try {
  const started = performance.now();
  await mkdir(dirname(file), { recursive: true });
  for (const [name, pose] of chosen) {
    await writeFile(file.replace(/\.png$/, `.${name}.png`), await studio.png(pose));
  }
  const seconds = (performance.now() - started) / 1000 / chosen.length;
  process.stdout.write(`${chosen.length} poses, ${seconds.toFixed(2)} s each\n`);
} finally {
  await studio.close();
}
