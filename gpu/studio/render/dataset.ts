/**
 * Step 3: `node render/dataset.ts BUILD FRAMES [SEED]`: pictures of random poses. Goes on where it was stopped: a frame's
 * pose follows from its number. Writes BUILD/frames/000000.png … and BUILD/frames/poses.json, which says where eyes and
 * mouth are in each picture too.
 */
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { anchors } from './anchors.ts';
import { PARAMETERS, samplePose, toPose } from './parameters.ts';
import { StudioBrowser } from './studio-browser.ts';

const SIZE = 512;
const [build, count, seed = '1'] = process.argv.slice(2);
if (build === undefined || count === undefined) throw new Error('node render/dataset.ts BUILD FRAMES [SEED]');
const folder = join(build, 'frames');
const frames = Number(count);
await mkdir(folder, { recursive: true });
const names = Object.keys(PARAMETERS) as (keyof typeof PARAMETERS)[];
const poses = Array.from({ length: frames }, (_, frame) => samplePose(Number(seed), frame));
const rows = poses.map((values) => names.map((name) => Number(values[name].toFixed(5))));
const where = await anchors(join(build, 'actor'), SIZE);
await writeFile(
  join(folder, 'poses.json'),
  JSON.stringify({
    seed: Number(seed),
    names,
    ranges: Object.values(PARAMETERS),
    rows,
    restAnchors: where({}),
    anchors: poses.map((values) => where(toPose(values))),
  }),
);
const missing = poses.flatMap((values, frame) => {
  const file = join(folder, `${String(frame).padStart(6, '0')}.png`);
  return existsSync(file) ? [] : [{ file, values }];
});
process.stdout.write(`${frames - missing.length} of ${frames} frames are there\n`);
const studio = await StudioBrowser.open({ actorDir: join(build, 'actor'), size: SIZE, oversampling: 2 });
const startedMs = performance.now();
try {
  for (const [index, { file, values }] of missing.entries()) {
    // Whole or not at all: a killed run leaves no half pictures.
    await writeFile(`${file}.part`, await studio.png(toPose(values)));
    await rename(`${file}.part`, file);
    if ((index + 1) % 25 === 0) {
      const perFrame = (performance.now() - startedMs) / 1000 / (index + 1);
      const leftMinutes = ((missing.length - index - 1) * perFrame) / 60;
      process.stdout.write(
        `${index + 1}/${missing.length}, ${perFrame.toFixed(2)} s each, ${leftMinutes.toFixed(0)} min left\n`,
      );
    }
  }
} finally {
  await studio.close();
}
