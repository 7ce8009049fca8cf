import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { VizaviError } from '@vizavi/signaling';
import { invalidBundle, parseManifest } from './manifest.ts';
import type { Manifest, TensorSpec } from './manifest.ts';
import { findBadWeight } from './weight-check.ts';

/** One control of the face. Values given to the generator are added to `rest`; the sum is clamped to min…max. */
export interface ExpressionParameter {
  readonly name: string;
  /** Place in a row of expression. */
  readonly index: number;
  readonly rest: number;
  readonly min: number;
  readonly max: number;
  /** The sound moves it too. */
  readonly audioDriven: boolean;
}

export interface StateTensor {
  /** The generator's input and output of this name carry it from chunk to chunk. */
  readonly input: string;
  readonly output: string;
  readonly shape: readonly number[];
  /** Value of every element before the first chunk. */
  readonly initial: number;
}

/** A checked bundle: everything that the runtime knows of an avatar. Frozen plain data, so threads can be given it. */
export interface AvatarBundle {
  readonly id: string;
  readonly name: string;
  /** The voice that suits the face, by a name that servers may know. */
  readonly voice: string | null;
  /** Absolute path of the folder. */
  readonly dir: string;
  readonly fps: number;
  /** Pixels; both even. */
  readonly width: number;
  readonly height: number;
  /** Bytes of one I420 picture. */
  readonly frameBytes: number;
  /** Hz, mono float32 in −1…1. */
  readonly sampleRate: number;
  readonly samplesPerFrame: number;
  /** Frame f shows the face for the samples of frame f − lookaheadFrames. */
  readonly lookaheadFrames: number;
  /** The recommended chunk and the smallest possible one. */
  readonly chunkFrames: number;
  readonly minChunkFrames: number;
  readonly latentShape: readonly number[];
  readonly expression: { readonly parameters: readonly ExpressionParameter[] };
  readonly generator: {
    /** Absolute path of the one that makes `steps` denoising steps. */
    readonly file: string;
    readonly steps: number;
    /** Other numbers of steps → absolute path. */
    readonly variants: Readonly<Record<string, string>>;
    readonly inputs: readonly TensorSpec[];
    readonly outputs: readonly TensorSpec[];
    /** It tells the face parameters of every frame. */
    readonly hasParams: boolean;
  };
  readonly decoder: {
    /** Name → absolute path. */
    readonly variants: Readonly<Record<string, string>>;
    readonly default: string;
    /** The one with the best pictures, if it is not for every device. */
    readonly finest: string | null;
    readonly inputs: readonly TensorSpec[];
    readonly outputs: readonly TensorSpec[];
  };
  readonly states: readonly StateTensor[];
  readonly licence: Readonly<Manifest['licence']>;
  readonly consent: Readonly<Manifest['consent']>;
}

/**
 * Reads a bundle folder and checks its manifest, and every file's place, size and hash. The networks' tensors are
 * checked when a ModelRunner loads them.
 *
 * @throws VizaviError `invalid_bundle`; the message names the bundle, the field and the fault
 */
export async function loadAvatarBundle(dir: string): Promise<AvatarBundle> {
  const root = resolve(dir);
  const bundle = basename(root);
  const manifest = parseManifest(await readManifest(root, bundle), bundle);
  const { generator, decoder } = manifest.networks;
  const file = (spec: NetworkFile, path: readonly string[]): Promise<string> =>
    checkFile(root, bundle, spec, ['networks', ...path]);
  const network = async (
    spec: NetworkFile,
    path: readonly string[],
    weights: string | undefined,
  ): Promise<string> => {
    const location = await file(spec, path);
    await checkWeights(bundle, location, ['networks', ...path, 'file'], weights);
    return location;
  };

  await locate(root, bundle, manifest.licence.notice, ['licence', 'notice']);
  const generators: Record<string, string> = {};
  const generatorWeights = generator.weights && (await file(generator.weights, ['generator', 'weights']));
  const generatorFile = await network(generator, ['generator'], generatorWeights);
  for (const [steps, variant] of Object.entries(generator.variants)) {
    generators[steps] = await network(variant, ['generator', 'variants', steps], generatorWeights);
  }
  const variants: Record<string, string> = {};
  const decoderWeights = decoder.weights && (await file(decoder.weights, ['decoder', 'weights']));
  for (const [name, variant] of Object.entries(decoder.variants)) {
    variants[name] = await network(variant, ['decoder', 'variants', name], decoderWeights);
  }
  return freeze(describe(root, manifest, { file: generatorFile, variants: generators }, variants));
}

function describe(
  dir: string,
  manifest: Manifest,
  generator: { readonly file: string; readonly variants: Record<string, string> },
  variants: Record<string, string>,
): AvatarBundle {
  const { audio, networks, width, height } = manifest;
  return {
    id: manifest.id,
    name: manifest.name,
    voice: manifest.voice ?? null,
    dir,
    fps: manifest.fps,
    width,
    height,
    frameBytes: (width * height * 3) / 2,
    sampleRate: audio.sampleRate,
    samplesPerFrame: audio.samplesPerFrame,
    lookaheadFrames: audio.lookaheadFrames,
    chunkFrames: manifest.chunkFrames,
    minChunkFrames: manifest.minChunkFrames,
    latentShape: manifest.latent.shape,
    expression: {
      parameters: manifest.expression.parameters.map(({ name, index, rest, min, max, audioDriven }) => ({
        name,
        index,
        rest,
        min,
        max,
        audioDriven,
      })),
    },
    generator: {
      ...generator,
      steps: networks.generator.steps,
      inputs: networks.generator.inputs,
      outputs: networks.generator.outputs,
      hasParams: networks.generator.outputs.some(({ name }) => name === 'params'),
    },
    decoder: {
      variants,
      default: networks.decoder.default,
      finest: networks.decoder.finest ?? null,
      inputs: networks.decoder.inputs,
      outputs: networks.decoder.outputs,
    },
    states: manifest.state.map(({ input, output, shape, initial }) => ({ input, output, shape, initial })),
    licence: manifest.licence,
    consent: manifest.consent,
  };
}

async function readManifest(root: string, bundle: string): Promise<unknown> {
  const path = join(root, 'manifest.json');
  let json: string;
  try {
    json = await readFile(path, 'utf8');
  } catch (cause) {
    throw new VizaviError('invalid_bundle', `${bundle}: there is no readable ${path}`, { cause });
  }
  try {
    return JSON.parse(json);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new VizaviError('invalid_bundle', `${bundle}: manifest.json is not JSON: ${problem}`, { cause });
  }
}

interface NetworkFile {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

async function checkFile(
  root: string,
  bundle: string,
  spec: NetworkFile,
  path: readonly string[],
): Promise<string> {
  const location = await locate(root, bundle, spec.file, [...path, 'file']);
  const { size } = await stat(location);
  if (size !== spec.bytes) {
    throw invalidBundle(bundle, [...path, 'bytes'], `is ${spec.bytes}, but ${spec.file} has ${size}`);
  }
  const hash = createHash('sha256');
  await pipeline(createReadStream(location), hash);
  if (hash.digest('hex') !== spec.sha256) {
    throw invalidBundle(bundle, [...path, 'sha256'], `is not the hash of ${spec.file}`);
  }
  return location;
}

/** A picture hides what a NaN has spoiled: it turns black, or is not there. */
async function checkWeights(
  bundle: string,
  location: string,
  path: readonly string[],
  shared: string | undefined,
): Promise<void> {
  let bad: string | null;
  try {
    bad = await findBadWeight(location, shared);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw invalidBundle(bundle, path, `is no ONNX file: ${problem}`, cause);
  }
  if (bad !== null) throw invalidBundle(bundle, path, `the weights "${bad}" are not all finite`);
}

/** The real path of a bundle's file. The schema keeps names inside the folder; links could still lead out of it. */
async function locate(root: string, bundle: string, file: string, path: readonly string[]): Promise<string> {
  let location: string;
  try {
    location = await realpath(join(root, file));
  } catch (cause) {
    throw invalidBundle(bundle, path, `there is no file ${file}`, cause);
  }
  if (!location.startsWith((await realpath(root)) + sep)) {
    throw invalidBundle(bundle, path, `${file} leads out of the bundle folder`);
  }
  if (!(await stat(location)).isFile()) throw invalidBundle(bundle, path, `${file} is not a file`);
  return location;
}

function freeze<T extends object>(value: T): Readonly<T> {
  for (const child of Object.values(value))
    if (typeof child === 'object' && child !== null) freeze(child as object);
  return Object.freeze(value);
}
