import type { AvatarBundle } from '../src/avatar-bundle.ts';
import type { CudaDriver } from '../src/cuda/cuda-driver.ts';
import type {
  DecodeCall,
  DeviceNetworks,
  GenerateCall,
  NetworksContext,
} from '../src/cuda/device-networks.ts';
import type { ModelledCosts } from './simulator.ts';

/**
 * Networks of the simulated device: they take modelled times and carry a number through. A picture's every word is the
 * first sample of its frame's PCM, so whoever gets the picture can tell whether it is the right one, and whole.
 */
class ModelledNetworks implements DeviceNetworks {
  readonly variant = 'modelled';
  readonly variants = ['modelled'];
  readonly hasFewerSteps = false;
  readonly #bundle: AvatarBundle;
  readonly #driver: CudaDriver;
  readonly #stream: number;
  readonly #costs: ModelledCosts;
  readonly #generate: number;
  readonly #decode: number;
  readonly #latentBytes: number;

  constructor({ bundle, driver, computeStream, options }: NetworksContext) {
    this.#bundle = bundle;
    this.#driver = driver;
    this.#stream = computeStream;
    this.#costs = options as ModelledCosts;
    const image = Buffer.alloc(8);
    this.#generate = driver.loadKernel(image, 'simulated_generate');
    this.#decode = driver.loadKernel(image, 'simulated_decode');
    this.#latentBytes = bundle.latentShape.reduce((product, length) => product * length, 4);
  }

  useVariant(): void {
    // There is but one.
  }

  useSteps(): void {
    // Nor is there more than one generator.
  }

  generate({ frames, pcm, latents, params: face }: GenerateCall): void {
    const { generateMs, generateMsPerFrame } = this.#costs;
    const ns = Math.round((generateMs + frames * generateMsPerFrame) * 1e6);
    const params = [latents, this.#latentBytes, pcm, this.#bundle.samplesPerFrame, frames, ns];
    this.#driver.launch(this.#generate, 1, 1, params, this.#stream);
    const row = this.#bundle.expression.parameters.length;
    if (face !== null) this.#driver.fill(face, 0, frames * row, this.#stream);
  }

  decode({ frames, latents, y, u, v }: DecodeCall): void {
    const { decodeMs, decodeMsPerFrame } = this.#costs;
    const ns = Math.round((decodeMs + frames * decodeMsPerFrame) * 1e6);
    const luma = this.#bundle.width * this.#bundle.height;
    const params = [y, u, v, latents, this.#latentBytes, luma, frames, ns];
    this.#driver.launch(this.#decode, 1, 1, params, this.#stream);
  }

  close(): void {
    // Holds nothing.
  }
}

export async function openNetworks(context: NetworksContext): Promise<DeviceNetworks> {
  return new ModelledNetworks(context);
}
