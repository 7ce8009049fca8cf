import type { AvatarBundle } from '../avatar-bundle.ts';
import type { Quality } from '../model-runner.ts';
import type { CudaDriver } from './cuda-driver.ts';

/** An address in device memory (CUdeviceptr). Below 2^53, so a number holds it exactly. */
export type DevicePointer = number;

/** One slot's generator call. All tensors lie on the device; shapes are the manifest's with T = `frames`. */
export interface GenerateCall {
  readonly frames: number;
  readonly pcm: DevicePointer;
  readonly expression: DevicePointer;
  /** In the order of the bundle's `states`. Input and output differ: the next chunk swaps them. */
  readonly states: readonly { readonly input: DevicePointer; readonly output: DevicePointer }[];
  readonly latents: DevicePointer;
  /** Null where the generator has no such output. */
  readonly params: DevicePointer | null;
}

/** One decoder call over frames of one slot or of many: a stateless decoder does not know whose they are. */
export interface DecodeCall {
  readonly frames: number;
  /** Shape [frames, ...latentShape]. */
  readonly latents: DevicePointer;
  /** uint8, [frames, height, width]. */
  readonly y: DevicePointer;
  /** uint8, [frames, height / 2, width / 2]. */
  readonly u: DevicePointer;
  readonly v: DevicePointer;
}

/**
 * A bundle's networks on a device. Calls only enqueue on the compute stream that the networks were opened with; when
 * they return, nothing need have run. All calls come from one thread.
 */
export interface DeviceNetworks {
  /** The decoder in use. */
  readonly variant: string;
  /** The decoders that this device runs. */
  readonly variants: readonly string[];
  useVariant(name: string): void;
  /** A generator with fewer denoising steps than the default one is there. */
  readonly hasFewerSteps: boolean;
  useSteps(steps: Quality['steps']): void;
  /** @throws VizaviError `inference_failed` */
  generate(call: GenerateCall): void;
  /** @throws VizaviError `inference_failed` */
  decode(call: DecodeCall): void;
  /** The device must have finished. */
  close(): void;
}

/** What a module needs to open a bundle's networks on a device. */
export interface NetworksContext {
  readonly bundle: AvatarBundle;
  readonly driver: CudaDriver;
  /** Ordinal of the device; it is current in this thread. */
  readonly device: number;
  readonly computeStream: number;
  /** A decoder variant by name, or `auto`. */
  readonly decoder: string;
  /** Denoising steps, or `auto`. */
  readonly steps: number | 'auto';
  /** The module's own. */
  readonly options: unknown;
}

/** A module that opens networks: ONNX Runtime's, or the modelled ones of a simulation. */
export interface NetworksModule {
  /** @throws VizaviError `invalid_bundle`, `unsupported_device` */
  readonly openNetworks: (context: NetworksContext) => Promise<DeviceNetworks>;
}
