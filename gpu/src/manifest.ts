import { VizaviError } from '@vizavi/signaling';
import { z } from 'zod';
import { checkManifest } from './manifest-checks.ts';

const count = z.int().positive();
const text = z.string().trim().min(1);
/** Free words for readers of the manifest; the runtime ignores them. */
const note = z.string().optional();
const tensorName = z.string().regex(/^\w{1,64}$/, 'must be 1 to 64 letters, digits or "_"');
const file = z
  .string()
  .regex(
    /^[\w-][\w.-]*(?:\/[\w-][\w.-]*)*$/,
    'must be a file inside the bundle folder, such as "decoder.onnx"',
  );
const dimension = z.union([count, z.string().regex(/^(?:[1-9]\d*\*)?T$/)], {
  error: 'must be a positive integer, "T" (frames of the call) or "n*T"',
});

const tensor = z.strictObject({
  name: tensorName,
  dtype: z.enum(['float32', 'uint8']),
  shape: z.array(dimension).min(1),
  note,
});

const networkFile = z.strictObject({
  file,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hex digits'),
  bytes: count,
});

const stateTensor = z.strictObject({
  input: tensorName,
  output: tensorName,
  dtype: z.literal('float32'),
  shape: z.array(count).min(1),
  initial: z.number(),
  layout: z.array(z.strictObject({ name: text, offset: z.int().nonnegative(), size: count })).optional(),
  note,
});

const expressionParameter = z.strictObject({
  index: z.int().nonnegative(),
  name: tensorName,
  rest: z.number(),
  min: z.number(),
  max: z.number(),
  audioDriven: z.boolean(),
  note,
});

const evenSize = z.int().min(16).max(4096).multipleOf(2);

/** `vizavi-bundle/1`. Unknown fields are refused, so that a typing error does not pass as an omission. */
const manifestSchema = z
  .strictObject({
    format: z.literal('vizavi-bundle/1'),
    id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be lower-case letters, digits and "-"'),
    name: text,
    /** The voice that suits the face; a server that does not have it takes its own first one. */
    voice: text.optional(),
    fps: z.number().positive().max(120),
    width: evenSize,
    height: evenSize,
    pixelFormat: z.literal('I420'),
    colorSpace: z.strictObject({
      matrix: z.literal('bt601'),
      primaries: text,
      transfer: text,
      range: z.literal('limited'),
    }),
    audio: z.strictObject({
      sampleRate: z.int().min(8000).max(48000),
      channels: z.literal(1),
      dtype: z.literal('float32'),
      range: z.tuple([z.literal(-1), z.literal(1)]),
      samplesPerFrame: count,
      chunkSamples: count,
      lookaheadMs: z.number().nonnegative(),
      lookaheadFrames: z.int().nonnegative(),
      timing: note,
      frontEnd: note,
    }),
    chunkFrames: count,
    minChunkFrames: count,
    latent: z.strictObject({ shape: z.array(count).min(1), dtype: z.literal('float32') }),
    networks: z.strictObject({
      generator: networkFile.extend({
        /** Denoising steps that `file` makes, … */
        steps: z.int().min(1).max(64).default(1),
        /** … and files with other numbers of them. */
        variants: z.record(z.string().regex(/^[1-9]\d?$/), networkFile).default({}),
        /** A file from which all of these read their weights. */
        weights: networkFile.optional(),
        opset: count,
        inputs: z.array(tensor),
        outputs: z.array(tensor),
        note,
      }),
      decoder: z.strictObject({
        variants: z.record(z.string().regex(/^\w+$/), networkFile),
        default: text,
        /** The one with the best pictures, if only devices with time to spare can keep up with it. */
        finest: text.optional(),
        /** A file from which all of these read weights. */
        weights: networkFile.optional(),
        opset: count,
        inputs: z.array(tensor),
        outputs: z.array(tensor),
        note,
      }),
    }),
    state: z.array(stateTensor),
    expression: z.strictObject({
      mode: z.literal('additive'),
      parameters: z.array(expressionParameter).min(1),
      note,
    }),
    crop: z
      .strictObject({
        x: z.int().nonnegative(),
        y: z.int().nonnegative(),
        width: count,
        height: count,
        note,
      })
      .optional(),
    licence: z.strictObject({ weights: text, plate: text.optional(), notice: file, sources: z.array(text) }),
    consent: z.strictObject({
      subject: z.enum(['synthetic', 'person']),
      statement: text,
      /** Where the written consent is kept; required for a person. */
      record: text.optional(),
    }),
    /** Figures of whoever made the bundle; the runtime measures its own. */
    measured: z.record(z.string(), z.unknown()).optional(),
  })
  .superRefine((manifest, context) => {
    for (const fault of checkManifest(manifest)) context.addIssue({ code: 'custom', ...fault });
  });

export type Manifest = z.infer<typeof manifestSchema>;
export type TensorSpec = Readonly<z.infer<typeof tensor>>;
export type Dimension = TensorSpec['shape'][number];

/**
 * @param bundle the name by which errors call the bundle
 * @throws VizaviError `invalid_bundle`, naming the first field at fault
 */
export function parseManifest(json: unknown, bundle: string): Manifest {
  const parsed = manifestSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  if (issue?.code === 'unrecognized_keys') {
    throw invalidBundle(bundle, [...issue.path, issue.keys[0] ?? ''], 'unknown field');
  }
  throw invalidBundle(bundle, issue?.path ?? [], issue?.message ?? 'invalid');
}

/** The one form of a bundle's faults: `mira: manifest.audio.sampleRate: what is wrong`. */
export function invalidBundle(
  bundle: string,
  path: readonly PropertyKey[],
  problem: string,
  cause?: unknown,
): VizaviError {
  const field = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return new VizaviError('invalid_bundle', `${bundle}: manifest${field}: ${problem}`, { cause });
}
