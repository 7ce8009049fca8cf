import type { Dimension, Manifest, TensorSpec } from './manifest.ts';

export interface ManifestFault {
  readonly path: (string | number)[];
  readonly message: string;
}

/** What no field of a manifest shows alone: whether the fields agree with each other. */
export function checkManifest(manifest: Manifest): ManifestFault[] {
  return [
    ...checkSizes(manifest),
    ...checkTiming(manifest),
    ...checkExpression(manifest),
    ...checkState(manifest),
    ...checkGenerator(manifest),
    ...checkDecoder(manifest),
    ...checkPicture(manifest),
    ...checkConsent(manifest),
  ];
}

/** Floats of one tensor; 64 MB. A typing error must not take the machine's memory. */
const MAX_VALUES = 2 ** 24;

function* checkSizes({ latent, state, chunkFrames, expression }: Manifest): Iterable<ManifestFault> {
  const sizes: [(string | number)[], readonly number[]][] = [
    [
      ['latent', 'shape'],
      [chunkFrames, ...latent.shape],
    ],
    [
      ['expression', 'parameters'],
      [chunkFrames, expression.parameters.length],
    ],
    ...state.map(({ shape }, index): [(string | number)[], number[]] => [['state', index, 'shape'], shape]),
  ];
  for (const [path, shape] of sizes) {
    const values = shape.reduce((product, length) => product * length, 1);
    if (values > MAX_VALUES) yield { path, message: `${values} values are more than ${MAX_VALUES}` };
  }
}

function* checkTiming({ audio, fps, chunkFrames, minChunkFrames }: Manifest): Iterable<ManifestFault> {
  if (audio.samplesPerFrame * fps !== audio.sampleRate) {
    yield {
      path: ['audio', 'samplesPerFrame'],
      message: `is ${audio.samplesPerFrame}, but sampleRate / fps is ${audio.sampleRate / fps}`,
    };
  }
  if (audio.samplesPerFrame * chunkFrames !== audio.chunkSamples) {
    yield {
      path: ['audio', 'chunkSamples'],
      message: `is ${audio.chunkSamples}, but chunkFrames × samplesPerFrame is ${audio.samplesPerFrame * chunkFrames}`,
    };
  }
  const lookaheadMs = (audio.lookaheadFrames * 1000) / fps;
  if (Math.abs(audio.lookaheadMs - lookaheadMs) > 0.5) {
    yield {
      path: ['audio', 'lookaheadMs'],
      message: `is ${audio.lookaheadMs}, but lookaheadFrames last ${lookaheadMs} ms`,
    };
  }
  if (minChunkFrames > chunkFrames) {
    yield {
      path: ['minChunkFrames'],
      message: `is ${minChunkFrames}, more than chunkFrames (${chunkFrames})`,
    };
  }
}

function* checkExpression({ expression }: Manifest): Iterable<ManifestFault> {
  const names = new Set<string>();
  for (const [position, { index, name, rest, min, max }] of expression.parameters.entries()) {
    const path = ['expression', 'parameters', position];
    if (index !== position) yield { path: [...path, 'index'], message: `is ${index}, must be ${position}` };
    if (names.has(name)) yield { path: [...path, 'name'], message: `"${name}" is given twice` };
    if (min >= max) yield { path: [...path, 'max'], message: `must be greater than min (${min})` };
    else if (rest < min || rest > max) {
      yield { path: [...path, 'rest'], message: `is ${rest}, outside min…max (${min}…${max})` };
    }
    names.add(name);
  }
}

function* checkState({ state, networks }: Manifest): Iterable<ManifestFault> {
  const { inputs, outputs } = networks.generator;
  for (const [position, entry] of state.entries()) {
    const path = ['state', position];
    const size = entry.shape.reduce((product, length) => product * length, 1);
    for (const [part, tensors] of [
      ['input', inputs],
      ['output', outputs],
    ] as const) {
      const spec = tensors.find((tensor) => tensor.name === entry[part]);
      if (!spec) {
        yield { path: [...path, part], message: `the generator has no ${part} "${entry[part]}"` };
      } else if (!sameShape(spec.shape, entry.shape) || spec.dtype !== entry.dtype) {
        yield { path: [...path, 'shape'], message: `differs from the generator's ${part} "${entry[part]}"` };
      }
    }
    if (entry.layout?.some((part) => part.offset + part.size > size)) {
      yield { path: [...path, 'layout'], message: `reaches past the ${size} values of the state` };
    }
  }
}

function* checkGenerator({ networks, audio, expression, latent, state }: Manifest): Iterable<ManifestFault> {
  const { inputs, outputs, steps, variants } = networks.generator;
  const path = ['networks', 'generator'];
  if (Object.hasOwn(variants, String(steps))) {
    yield { path: [...path, 'variants', String(steps)], message: 'is the number of steps of "file" itself' };
  }
  const row = expression.parameters.length;
  yield* checkTensor(inputs, [...path, 'inputs'], 'pcm', 'float32', [1, `${audio.samplesPerFrame}*T`]);
  yield* checkTensor(inputs, [...path, 'inputs'], 'expression', 'float32', [1, 'T', row]);
  yield* checkFed(inputs, [...path, 'inputs'], ['pcm', 'expression', ...state.map(({ input }) => input)]);
  yield* checkTensor(outputs, [...path, 'outputs'], 'latents', 'float32', ['T', ...latent.shape]);
  if (outputs.some(({ name }) => name === 'params')) {
    yield* checkTensor(outputs, [...path, 'outputs'], 'params', 'float32', [1, 'T', row]);
  }
}

function* checkDecoder({ networks, latent, width, height }: Manifest): Iterable<ManifestFault> {
  const { inputs, outputs, variants, finest } = networks.decoder;
  const path = ['networks', 'decoder'];
  for (const [field, name] of Object.entries({ default: networks.decoder.default, finest })) {
    if (name !== undefined && !Object.hasOwn(variants, name)) {
      yield { path: [...path, field], message: `"${name}" is not one of the variants` };
    }
  }
  if (finest === networks.decoder.default) {
    yield { path: [...path, 'finest'], message: `"${finest}" is the default, which every device takes` };
  }
  yield* checkTensor(inputs, [...path, 'inputs'], 'latents', 'float32', ['T', ...latent.shape]);
  yield* checkFed(inputs, [...path, 'inputs'], ['latents']);
  yield* checkTensor(outputs, [...path, 'outputs'], 'y', 'uint8', ['T', height, width]);
  yield* checkTensor(outputs, [...path, 'outputs'], 'u', 'uint8', ['T', height / 2, width / 2]);
  yield* checkTensor(outputs, [...path, 'outputs'], 'v', 'uint8', ['T', height / 2, width / 2]);
}

function* checkPicture({ crop, width, height }: Manifest): Iterable<ManifestFault> {
  if (crop && (crop.x + crop.width > width || crop.y + crop.height > height)) {
    yield { path: ['crop'], message: `reaches outside the picture of ${width}×${height}` };
  }
}

function* checkConsent({ consent }: Manifest): Iterable<ManifestFault> {
  if (consent.subject === 'person' && consent.record === undefined) {
    yield {
      path: ['consent', 'record'],
      message: "a real person's likeness needs the place of the written consent",
    };
  }
}

function* checkTensor(
  tensors: readonly TensorSpec[],
  path: (string | number)[],
  name: string,
  dtype: TensorSpec['dtype'],
  shape: readonly Dimension[],
): Iterable<ManifestFault> {
  const position = tensors.findIndex((tensor) => tensor.name === name);
  const spec = tensors[position];
  if (!spec) {
    yield { path, message: `has no tensor "${name}"` };
  } else if (spec.dtype !== dtype) {
    yield { path: [...path, position, 'dtype'], message: `of "${name}" is ${spec.dtype}, must be ${dtype}` };
  } else if (!sameShape(spec.shape, shape)) {
    const message = `of "${name}" is [${spec.shape.join(', ')}], must be [${shape.join(', ')}]`;
    yield { path: [...path, position, 'shape'], message };
  }
}

/** A network runs only when each of its inputs is given; each tensor is described once. */
function* checkFed(
  inputs: readonly TensorSpec[],
  path: (string | number)[],
  known: readonly string[],
): Iterable<ManifestFault> {
  for (const [position, { name }] of inputs.entries()) {
    if (!known.includes(name))
      yield { path: [...path, position, 'name'], message: `nothing feeds "${name}"` };
    if (inputs.findIndex((input) => input.name === name) !== position) {
      yield { path: [...path, position, 'name'], message: `"${name}" is given twice` };
    }
  }
}

function sameShape(a: readonly Dimension[], b: readonly Dimension[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}
