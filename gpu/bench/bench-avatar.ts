import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadAvatarBundle } from '../src/avatar-bundle.ts';
import type { AvatarBundle } from '../src/avatar-bundle.ts';
import { CostModel } from '../src/cost-model.ts';
import { idleExpression, IDLE_LOOP_FRAMES } from '../src/idle-motion.ts';
import { OnnxModelRunner } from '../src/onnx-model-runner.ts';
import { FILE_RATE, readAudioFile } from '../cli/av-audio-file.ts';
import { readImage } from '../cli/av-image.ts';
import type { Image } from '../cli/av-image.ts';
import { i420ToRgb } from '../cli/i420.ts';
import { measureLips } from './avatar/lip-sync.ts';
import type { Reference } from './avatar/lip-sync.ts';
import { compare } from './avatar/picture-quality.ts';
import type { Box, Quality } from './avatar/picture-quality.ts';
import { measureSeams } from './avatar/seams.ts';
import { machine } from './bench-device.ts';

const HELP = `npm run bench:avatar -- [--bundle DIR] [--json FILE]

How good an avatar is: pictures against renders that training never saw, lips against the phones of a voice that it never
heard, seams, blinks, and what a frame costs here.`;

const DATA = join(import.meta.dirname, 'avatar');

/** What training never saw, side by side in one picture, and the pose of each. */
interface Renders {
  readonly names: readonly string[];
  /** Pictures side by side in a row of the sheet. */
  readonly columns: number;
  readonly poses: readonly (readonly number[])[];
  readonly mouth: Box;
  readonly eyes: Box;
}

type Regions = Readonly<Record<'whole' | 'mouth' | 'eyes', Quality>>;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      bundle: { type: 'string', default: join(import.meta.dirname, '../bundles/mira') },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return;
  }
  const bundle = await loadAvatarBundle(values.bundle);
  print(`${bundle.name}, on ${machine()}`);
  const pictures = await benchPictures(bundle);
  const lips = await benchLips(bundle);
  const pcm = await readAudioFile(join(DATA, 'speech.flac'));
  const seams = await measureSeams(bundle, pcm);
  const blinksPerMinute = countBlinks(bundle);
  const costs = await benchCosts(bundle);
  const bundleMb = (await sizeOf(bundle)) / 1e6;
  print(
    `seam idle↔speech ${seams.idleSpeechMedian.toFixed(2)}×, at most ${seams.idleSpeech.toFixed(2)}× (${seams.idleMidWord.toFixed(2)}× where sound is cut in mid-word), chunk↔chunk ${seams.chunks.toFixed(2)}× the median step`,
  );
  print(`blinks in idle motion: ${blinksPerMinute.toFixed(1)} a minute`);
  for (const { decoder, generateMs, decodeMs, realTimeFactor } of costs) {
    const stages = `generate ${generateMs.toFixed(2)} ms, decode ${decodeMs.toFixed(2)} ms a frame`;
    print(`${decoder}: ${stages}; real-time factor ${realTimeFactor.toFixed(3)}`);
  }
  print(
    `the path without encoding: ${seams.timesRealTime.toFixed(1)}× real time; bundle ${bundleMb.toFixed(1)} MB`,
  );
  if (values.json === undefined) return;
  const figures = {
    machine: machine(),
    bundle: bundle.id,
    pictures,
    lips,
    seams,
    blinksPerMinute,
    costs,
    bundleMb,
  };
  await writeFile(values.json, `${JSON.stringify(figures, null, 2)}\n`);
}

async function benchPictures(bundle: AvatarBundle): Promise<Record<string, Regions>> {
  const folder = join(DATA, bundle.id);
  const renders = JSON.parse(await readFile(join(folder, 'renders.json'), 'utf8')) as Renders;
  const sheet = await readImage(join(folder, 'renders.webp'));
  const count = renders.poses.length;
  const { parameters } = bundle.expression;
  const rows = new Float32Array(count * parameters.length);
  renders.poses.forEach((pose, frame) => {
    for (const { name, index, rest } of parameters) {
      const value = pose[renders.names.indexOf(name)];
      if (value !== undefined) rows[frame * parameters.length + index] = value - rest;
    }
  });
  const found: Record<string, Regions> = {};
  for (const decoder of Object.keys(bundle.decoder.variants)) {
    const runner = new OnnxModelRunner({ decoder });
    try {
      await runner.load(bundle);
      const pictures = new Uint8Array(await runner.renderStill(rows, count));
      found[decoder] = judge(bundle, pictures, sheet, renders);
    } finally {
      await runner.close();
    }
    const { whole, mouth, eyes } = found[decoder];
    const words = ({ psnr, ssim }: Quality): string => `${psnr.toFixed(2)} dB (${ssim.toFixed(3)})`;
    print(`decoder ${decoder}: whole ${words(whole)}, mouth ${words(mouth)}, eyes ${words(eyes)}`);
  }
  return found;
}

function judge(bundle: AvatarBundle, pictures: Uint8Array, sheet: Image, renders: Renders): Regions {
  const { width, height, frameBytes } = bundle;
  const count = renders.poses.length;
  const mean = (box: Box): Quality => {
    const each = Array.from({ length: count }, (_, frame) => {
      const picture = pictures.subarray(frame * frameBytes, (frame + 1) * frameBytes);
      const made = { width, height, rgb: i420ToRgb(picture, width, height) };
      const [left, top] = [(frame % renders.columns) * width, Math.floor(frame / renders.columns) * height];
      return compare(made, cut(sheet, left, top, width, height), box);
    });
    const average = (of: (quality: Quality) => number): number =>
      each.reduce((sum, quality) => sum + of(quality), 0) / count;
    return { psnr: average(({ psnr }) => psnr), ssim: average(({ ssim }) => ssim) };
  };
  return { whole: mean([0, 0, width, height]), mouth: mean(renders.mouth), eyes: mean(renders.eyes) };
}

function cut(sheet: Image, left: number, top: number, width: number, height: number): Image {
  const out = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    const start = ((top + y) * sheet.width + left) * 3;
    out.set(sheet.rgb.subarray(start, start + width * 3), y * width * 3);
  }
  return { width, height, rgb: out };
}

async function benchLips(bundle: AvatarBundle): Promise<Awaited<ReturnType<typeof measureLips>>[]> {
  const reference = JSON.parse(await readFile(join(DATA, 'speech.json'), 'utf8')) as Reference;
  const sound = await readAudioFile(join(DATA, 'speech.flac'));
  const step = FILE_RATE / bundle.sampleRate;
  // Written at the bundle's rate and read at thrice that: the samples between are the resampler's.
  const pcm = Float32Array.from(
    { length: Math.floor(sound.length / step) },
    (_, k) => (sound[k * step] ?? 0) / 32_768,
  );
  const found = [];
  const known = [bundle.generator.steps, ...Object.keys(bundle.generator.variants).map(Number)];
  for (const steps of known.sort((a, b) => a - b)) {
    const lips = await measureLips(bundle, steps, pcm, reference);
    found.push(lips);
    print(
      `${steps} ${steps === 1 ? 'step' : 'steps'}, voice ${reference.voice}: jaw r ${lips.jawCorrelation.toFixed(3)}, ` +
        `lag ${lips.lagMs.toFixed(0)} ms, closures met ${percent(lips.closuresMet)}, right ${percent(lips.closuresRight)}`,
    );
  }
  return found;
}

function countBlinks(bundle: AvatarBundle): number {
  const lid = bundle.expression.parameters.find(({ name }) => name === 'eyeBlink');
  if (!lid) return 0;
  const shut = Array.from(
    { length: IDLE_LOOP_FRAMES },
    (_, row) => (idleExpression(bundle, row)[lid.index] ?? 0) > 0.5,
  );
  const blinks = shut.filter((now, row) => now && shut.at(row - 1) !== true).length;
  return (blinks * 60 * bundle.fps) / IDLE_LOOP_FRAMES;
}

async function benchCosts(
  bundle: AvatarBundle,
): Promise<{ decoder: string; generateMs: number; decodeMs: number; realTimeFactor: number }[]> {
  const found = [];
  for (const decoder of Object.keys(bundle.decoder.variants)) {
    const runner = new OnnxModelRunner({ decoder });
    try {
      await runner.load(bundle);
      const { costs } = await runner.warmUp();
      const perFrame = (part: Partial<typeof costs>): number =>
        new CostModel({ generate: [], decode: [], ...part }).batchMs([bundle.chunkFrames]) /
        bundle.chunkFrames;
      const [generateMs, decodeMs] = [
        perFrame({ generate: costs.generate }),
        perFrame({ decode: costs.decode }),
      ];
      found.push({
        decoder,
        generateMs,
        decodeMs,
        realTimeFactor: ((generateMs + decodeMs) * bundle.fps) / 1000,
      });
    } finally {
      await runner.close();
    }
  }
  return found;
}

async function sizeOf(bundle: AvatarBundle): Promise<number> {
  const files = await readdir(bundle.dir);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(bundle.dir, file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main();
