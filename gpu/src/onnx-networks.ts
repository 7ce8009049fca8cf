import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { AvatarBundle } from './avatar-bundle.ts';
import { invalidBundle } from './manifest.ts';
import { checkNetwork, DECODER, GENERATOR, openDecoders, unsupported } from './network-checks.ts';
import type { Quality } from './model-runner.ts';
import type { LoadOptions } from './onnx-messages.ts';
import { chooseSteps } from './step-choice.ts';

type Tensors = Record<string, Tensor>;

/** The generator's state tensors by the names of its inputs. Values are never changed in place. */
export type ModelState = Readonly<Tensors>;

export interface Generated {
  readonly latents: Float32Array;
  readonly params: Float32Array | null;
  readonly state: ModelState;
}

/** A generator may come with several numbers of denoising steps. */
interface Generators {
  readonly default: InferenceSession;
  readonly fewest: InferenceSession | null;
}

interface Planes {
  readonly y: Uint8Array;
  readonly u: Uint8Array;
  readonly v: Uint8Array;
  /** Views of the planes for each number of frames that has been decoded. */
  readonly tensors: Map<number, Tensors>;
}

/** A bundle's generator and decoder in ONNX Runtime. The only file that knows tensors; calls must not overlap. */
export class OnnxNetworks {
  readonly #bundle: AvatarBundle;
  readonly #generators: Generators;
  readonly #decoders: Map<string, InferenceSession>;
  readonly #planes: Planes;
  #variant: string;
  #steps: Quality['steps'] = 'default';

  private constructor(
    bundle: AvatarBundle,
    generators: Generators,
    decoders: Map<string, InferenceSession>,
    variant: string,
  ) {
    this.#bundle = bundle;
    this.#generators = generators;
    this.#decoders = decoders;
    this.#variant = variant;
    const pixels = bundle.width * bundle.height * bundle.chunkFrames;
    this.#planes = {
      y: new Uint8Array(pixels),
      u: new Uint8Array(pixels / 4),
      v: new Uint8Array(pixels / 4),
      tensors: new Map(),
    };
  }

  /**
   * Opens the sessions and makes one frame with each, so that a kernel that this CPU lacks shows now.
   *
   * @throws VizaviError `invalid_bundle` naming the field; `unsupported_device`
   */
  static async open({ bundle, threads, decoder, steps }: LoadOptions): Promise<OnnxNetworks> {
    const openGenerator = async (file: string): Promise<InferenceSession> => {
      const session = await openSession(bundle, file, threads, GENERATOR);
      checkNetwork(bundle, GENERATOR, bundle.generator, describe(session));
      return session;
    };
    const { file: generatorFile, fewestFile } = chooseSteps(bundle, steps);
    const generators = {
      default: await openGenerator(generatorFile),
      fewest: fewestFile === null ? null : await openGenerator(fewestFile),
    };
    const { decoders, first } = await openDecoders(bundle, decoder, async (name, file) => {
      const session = await openSession(bundle, file, threads, [...DECODER, 'variants', name]);
      checkNetwork(bundle, DECODER, bundle.decoder, describe(session));
      const networks = new OnnxNetworks(bundle, generators, new Map([[name, session]]), name);
      await networks.#tryOut();
      return session;
    });
    return new OnnxNetworks(bundle, generators, decoders, first);
  }

  get variant(): string {
    return this.#variant;
  }

  /** The decoders that run on this machine. */
  get variants(): string[] {
    return [...this.#decoders.keys()];
  }

  useVariant(name: string): void {
    this.#variant = name;
  }

  /** A generator with fewer steps than the default one is there. */
  get hasFewerSteps(): boolean {
    return this.#generators.fewest !== null;
  }

  useSteps(steps: Quality['steps']): void {
    this.#steps = steps;
  }

  /** Frees the other decoders. */
  async keep(names: readonly string[]): Promise<void> {
    for (const [name, session] of this.#decoders) {
      if (names.includes(name)) continue;
      this.#decoders.delete(name);
      await session.release();
    }
  }

  initialState(): ModelState {
    return Object.fromEntries(
      this.#bundle.states.map(({ input, shape, initial }) => [
        input,
        new Tensor('float32', new Float32Array(size(shape)).fill(initial), shape),
      ]),
    );
  }

  async generate(
    pcm: Float32Array,
    expression: Float32Array,
    frames: number,
    state: ModelState,
  ): Promise<Generated> {
    const { expression: face, states, generator } = this.#bundle;
    const wanted = [
      'latents',
      ...(generator.hasParams ? ['params'] : []),
      ...states.map(({ output }) => output),
    ];
    const session = (this.#steps === 'fewest' ? this.#generators.fewest : null) ?? this.#generators.default;
    const outputs = await session.run(
      {
        ...state,
        pcm: new Tensor('float32', pcm, [1, pcm.length]),
        expression: new Tensor('float32', expression, [1, frames, face.parameters.length]),
      },
      wanted,
    );
    return {
      latents: floats(outputs, 'latents'),
      params: generator.hasParams ? floats(outputs, 'params') : null,
      state: Object.fromEntries(states.map(({ input, output }) => [input, tensorOf(outputs, output)])),
    };
  }

  /** Decodes up to `chunkFrames` frames; `copyFrame` then gives them until the next call. */
  async decode(latents: Float32Array, frames: number): Promise<void> {
    const session = this.#decoders.get(this.#variant);
    if (!session) throw new Error(`the decoder ${this.#variant} is closed`);
    await session.run(
      { latents: new Tensor('float32', latents, [frames, ...this.#bundle.latentShape]) },
      this.#planesFor(frames),
    );
  }

  /** Writes a decoded frame as one I420 picture. */
  copyFrame(index: number, out: Uint8Array): void {
    const { y, u, v } = this.#planes;
    const luma = this.#bundle.width * this.#bundle.height;
    const chroma = luma / 4;
    out.set(y.subarray(index * luma, (index + 1) * luma), 0);
    out.set(u.subarray(index * chroma, (index + 1) * chroma), luma);
    out.set(v.subarray(index * chroma, (index + 1) * chroma), luma + chroma);
  }

  async close(): Promise<void> {
    const { fewest, ...generators } = this.#generators;
    const sessions = [generators.default, ...(fewest ? [fewest] : []), ...this.#decoders.values()];
    for (const session of sessions) await session.release();
  }

  async #tryOut(): Promise<void> {
    const { minChunkFrames: frames, samplesPerFrame, expression, latentShape, id, states } = this.#bundle;
    const pcm = new Float32Array(frames * samplesPerFrame);
    const rows = new Float32Array(frames * expression.parameters.length);
    const { latents, state } = await this.generate(pcm, rows, frames, this.initialState());
    if (latents.length !== frames * size(latentShape)) {
      throw invalidBundle(
        id,
        ['latent', 'shape'],
        `the generator gives ${latents.length / frames} values a frame`,
      );
    }
    for (const [index, { input, shape }] of states.entries()) {
      const { dims } = tensorOf(state, input);
      if (dims.join() !== shape.join()) {
        const problem = `is [${shape.join(', ')}], but the generator gives [${dims.join(', ')}]`;
        throw invalidBundle(id, ['state', index, 'shape'], problem);
      }
    }
    await this.decode(latents, frames);
  }

  /** Output tensors that ONNX Runtime writes into, made once for each number of frames. */
  #planesFor(frames: number): Tensors {
    const { y, u, v, tensors } = this.#planes;
    const { width, height } = this.#bundle;
    const known = tensors.get(frames);
    if (known) return known;
    const plane = (memory: Uint8Array, rows: number, columns: number): Tensor =>
      new Tensor('uint8', memory.subarray(0, frames * rows * columns), [frames, rows, columns]);
    const made = {
      y: plane(y, height, width),
      u: plane(u, height / 2, width / 2),
      v: plane(v, height / 2, width / 2),
    };
    tensors.set(frames, made);
    return made;
  }
}

async function openSession(
  bundle: AvatarBundle,
  file: string,
  threads: number,
  path: readonly string[],
): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(file, {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
    });
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    // ONNX Runtime's words for an operator or type that this build or CPU has no kernel for.
    if (/NOT_IMPLEMENTED|could not find an implementation|not a registered/i.test(problem)) {
      throw unsupported(bundle, path.slice(1).join('.'), error);
    }
    throw invalidBundle(bundle.id, [...path, 'file'], problem, error);
  }
}

function describe({ inputMetadata, outputMetadata }: InferenceSession): {
  inputs: readonly InferenceSession.ValueMetadata[];
  outputs: readonly InferenceSession.ValueMetadata[];
} {
  return { inputs: inputMetadata, outputs: outputMetadata };
}

function tensorOf(tensors: Readonly<Record<string, unknown>>, name: string): Tensor {
  const tensor = tensors[name];
  if (tensor instanceof Tensor) return tensor;
  throw new Error(`the network gave no ${name}`);
}

function floats(tensors: Readonly<Record<string, unknown>>, name: string): Float32Array {
  return tensorOf(tensors, name).data as Float32Array;
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
