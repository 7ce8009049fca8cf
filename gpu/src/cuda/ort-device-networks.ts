import { VizaviError } from '@vizavi/signaling';
import type { AvatarBundle } from '../avatar-bundle.ts';
import { invalidBundle } from '../manifest.ts';
import { checkNetwork, DECODER, GENERATOR, openDecoders, unsupported } from '../network-checks.ts';
import type { Quality } from '../model-runner.ts';
import { chooseSteps } from '../step-choice.ts';
import type { DecodeCall, DeviceNetworks, GenerateCall, NetworksContext } from './device-networks.ts';
import { ORT_CODE, OrtApi, OrtError } from './ort-api.ts';
import { findOnnxRuntime, whyNoCuda } from './ort-library.ts';
import { OrtNetwork } from './ort-network.ts';
import type { NetworkSpec } from './ort-network.ts';
import { OrtRuntime } from './ort-session.ts';
import type { OrtProvider } from './ort-session.ts';

export interface OrtNetworksOptions {
  /** With ONNX Runtime's libraries; null: those of onnxruntime-node. */
  readonly folder: string | null;
}

/** Codes of files that are no networks; all others tell of this device or of this build. */
const BAD_FILE: readonly number[] = [
  ORT_CODE.invalidArgument,
  ORT_CODE.noSuchFile,
  ORT_CODE.noModel,
  ORT_CODE.invalidProtobuf,
  ORT_CODE.invalidGraph,
];

/**
 * The simulated device's memory is the host's, so there the CPU provider does the same calls.
 *
 * @throws VizaviError `invalid_bundle`; `unsupported_device` that says in one line what is missing
 */
export async function openNetworks(context: NetworksContext): Promise<OrtDeviceNetworks> {
  const { driver, device, computeStream: stream } = context;
  const files = findOnnxRuntime((context.options as OrtNetworksOptions).folder);
  const missing = driver.simulated ? null : whyNoCuda(files);
  if (missing !== null) throw new VizaviError('unsupported_device', missing);
  const provider: OrtProvider = driver.simulated
    ? { name: 'cpu', threads: 1, settle: () => driver.synchronizeStream(stream) }
    : { name: 'cuda', device, stream };
  return OrtDeviceNetworks.open(OrtApi.open(files.library), context, provider);
}

/** A bundle's networks in ONNX Runtime; their tensors lie and stay where the caller says. */
export class OrtDeviceNetworks implements DeviceNetworks {
  readonly #runtime: OrtRuntime;
  readonly #states: AvatarBundle['states'];
  readonly #generators: Generators;
  readonly #decoders: ReadonlyMap<string, OrtNetwork>;
  #variant: string;
  #steps: Quality['steps'] = 'default';

  private constructor(
    runtime: OrtRuntime,
    states: AvatarBundle['states'],
    generators: Generators,
    decoders: ReadonlyMap<string, OrtNetwork>,
    variant: string,
  ) {
    this.#runtime = runtime;
    this.#states = states;
    this.#generators = generators;
    this.#decoders = decoders;
    this.#variant = variant;
  }

  /**
   * Opens the networks and runs each once.
   *
   * @throws VizaviError `invalid_bundle` naming the field; `unsupported_device`
   */
  static async open(
    api: OrtApi,
    { bundle, decoder, steps }: Pick<NetworksContext, 'bundle' | 'decoder' | 'steps'>,
    provider: OrtProvider,
  ): Promise<OrtDeviceNetworks> {
    const runtime = new OrtRuntime(api, provider);
    const opened: OrtNetwork[] = [];
    const open = (network: Opening): OrtNetwork => {
      const made = openNetwork(runtime, bundle, network);
      opened.push(made);
      return made;
    };
    try {
      const openGenerator = (file: string): OrtNetwork =>
        open({ file, filePath: GENERATOR, spec: bundle.generator, specPath: GENERATOR });
      const { file: generatorFile, fewestFile } = chooseSteps(bundle, steps);
      const generators = {
        default: openGenerator(generatorFile),
        fewest: fewestFile === null ? null : openGenerator(fewestFile),
      };
      const { decoders, first } = await openDecoders(
        bundle,
        decoder,
        async (name, file) =>
          open({ file, filePath: [...DECODER, 'variants', name], spec: bundle.decoder, specPath: DECODER }),
        provider.name === 'cuda',
      );
      return new OrtDeviceNetworks(runtime, bundle.states, generators, decoders, first);
    } catch (error) {
      for (const network of opened) network.close();
      runtime.close();
      throw error instanceof VizaviError && !(error instanceof OrtError)
        ? error
        : unsupported(bundle, 'its networks', error);
    }
  }

  get variant(): string {
    return this.#variant;
  }

  get variants(): string[] {
    return [...this.#decoders.keys()];
  }

  useVariant(name: string): void {
    this.#variant = name;
  }

  get hasFewerSteps(): boolean {
    return this.#generators.fewest !== null;
  }

  useSteps(steps: Quality['steps']): void {
    this.#steps = steps;
  }

  generate({ frames, pcm, expression, states, latents, params }: GenerateCall): void {
    const generator = (this.#steps === 'fewest' ? this.#generators.fewest : null) ?? this.#generators.default;
    const binding = generator.binding(frames);
    binding.place('pcm', pcm);
    binding.place('expression', expression);
    binding.place('latents', latents);
    if (params !== null) binding.place('params', params);
    for (const [index, { input, output }] of this.#states.entries()) {
      const state = states[index];
      if (!state) continue;
      binding.place(input, state.input);
      binding.place(output, state.output);
    }
    binding.run();
  }

  decode({ frames, latents, y, u, v }: DecodeCall): void {
    const decoder = this.#decoders.get(this.#variant);
    if (!decoder) throw new VizaviError('inference_failed', `there is no decoder ${this.#variant}`);
    const binding = decoder.binding(frames);
    binding.place('latents', latents);
    binding.place('y', y);
    binding.place('u', u);
    binding.place('v', v);
    binding.run();
  }

  close(): void {
    const { fewest, ...generators } = this.#generators;
    for (const network of [generators.default, fewest, ...this.#decoders.values()]) network?.close();
    this.#runtime.close();
  }
}

/** A generator may come with several numbers of denoising steps. */
interface Generators {
  readonly default: OrtNetwork;
  readonly fewest: OrtNetwork | null;
}

interface Opening {
  readonly file: string;
  /** Where the manifest names the file, and where it describes the tensors. */
  readonly filePath: readonly string[];
  readonly spec: NetworkSpec;
  readonly specPath: readonly string[];
}

/** @throws VizaviError `invalid_bundle`; OrtError for what this device cannot run */
function openNetwork(
  runtime: OrtRuntime,
  bundle: AvatarBundle,
  { file, filePath, spec, specPath }: Opening,
): OrtNetwork {
  const fault = (codes: readonly number[], path: readonly string[], error: unknown): unknown =>
    error instanceof OrtError && codes.includes(error.ortCode)
      ? invalidBundle(bundle.id, path, error.message, error)
      : error;
  let session;
  try {
    session = runtime.openSession(file);
  } catch (error) {
    throw fault(BAD_FILE, [...filePath, 'file'], error);
  }
  const network = new OrtNetwork(session, spec);
  try {
    checkNetwork(bundle, specPath, spec, session);
    const host = session.hostTensors();
    if (host.length > 0) throw new Error(`it takes ${host.join(', ')} from host memory or gives it there`);
    network.tryOut(bundle.minChunkFrames);
    return network;
  } catch (error) {
    network.close();
    // A shape that differs from the manifest's shows when the network runs, where it leaves the dimension open.
    throw fault([ORT_CODE.invalidArgument], specPath, error);
  }
}
