import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AvatarBundle } from '../src/avatar-bundle.ts';
import { loadAvatarBundle } from '../src/avatar-bundle.ts';
import { CostModel } from '../src/cost-model.ts';
import type { MeasuredCosts } from '../src/cost-model.ts';
import { OnnxModelRunner } from '../src/onnx-model-runner.ts';
import { chooseSteps } from '../src/step-choice.ts';
import { contactSheet } from './contact-sheet.ts';

/** What a bundle holds and what it costs on this machine, lines as they become known; writes a contact sheet. */
export async function* inspect(dir: string, sheetFile: string): AsyncGenerator<string> {
  const bundle = await loadAvatarBundle(dir);
  yield* [...describe(bundle), ...(await sizes(bundle)), '', 'On this machine, one core, ms a frame:'];
  for (const decoder of Object.keys(bundle.decoder.variants)) {
    for (const steps of decoder === bundle.decoder.default ? stepsOf(bundle) : [bundle.generator.steps]) {
      yield `  ${await measure(bundle, decoder, steps)}`;
    }
  }
  const runner = new OnnxModelRunner({ decoder: bundle.decoder.default });
  try {
    await runner.load(bundle);
    await runner.warmUp();
    await writeFile(sheetFile, await contactSheet(bundle, runner));
  } finally {
    await runner.close();
  }
  yield* ['', `Contact sheet: ${sheetFile}`];
}

function describe(bundle: AvatarBundle): string[] {
  const { name, id, width, height, fps, sampleRate, lookaheadFrames, chunkFrames, latentShape } = bundle;
  const { parameters } = bundle.expression;
  const heard = parameters.filter(({ audioDriven }) => audioDriven).length;
  return [
    `${name} (${id}): ${width}×${height}, ${fps} frames a second`,
    `  sound: ${sampleRate} Hz, look-ahead ${(lookaheadFrames * 1000) / fps} ms; chunks of ${chunkFrames} frames`,
    `  latent: [${latentShape.join(', ')}]; denoising steps: ${stepsOf(bundle).join(', ')}, by default ${bundle.generator.steps}`,
    `  ${parameters.length} parameters, ${heard} of them moved by the sound: ${parameters.map((p) => p.name).join(' ')}`,
    `  licence: ${bundle.licence.weights}; ${bundle.consent.subject}: ${bundle.consent.statement}`,
  ];
}

function stepsOf({ generator }: AvatarBundle): number[] {
  return [generator.steps, ...Object.keys(generator.variants).map(Number)].sort((a, b) => a - b);
}

async function sizes(bundle: AvatarBundle): Promise<string[]> {
  const files = [bundle.generator.file, ...Object.values(bundle.decoder.variants)];
  const lines = await Promise.all(
    files.map(
      async (file) => `  ${file.slice(bundle.dir.length + 1)}: ${megabytes((await stat(file)).size)}`,
    ),
  );
  return [...lines, `  manifest: ${join(bundle.dir, 'manifest.json')}`];
}

async function measure(bundle: AvatarBundle, decoder: string, steps: number): Promise<string> {
  chooseSteps(bundle, steps);
  const runner = new OnnxModelRunner({ decoder, steps });
  try {
    await runner.load(bundle);
    const { costs } = await runner.warmUp();
    const perFrame = (part: Partial<MeasuredCosts>, frames: number): string =>
      (new CostModel({ generate: [], decode: [], ...part }).batchMs([frames]) / frames).toFixed(2);
    const { generate, decode } = costs;
    const all = (new CostModel(costs).batchMs([bundle.chunkFrames]) * bundle.fps) / bundle.chunkFrames / 1000;
    return (
      `decoder ${decoder}, ${steps} ${steps === 1 ? 'step' : 'steps'}: ` +
      `generate ${perFrame({ generate }, bundle.chunkFrames)}, decode ${perFrame({ decode }, bundle.chunkFrames)}` +
      ` (alone ${perFrame({ decode }, bundle.minChunkFrames)}); real-time factor ${all.toFixed(3)}`
    );
  } catch (error) {
    return `decoder ${decoder}: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    await runner.close();
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}
