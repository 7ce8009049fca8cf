import type { NetworkTensor } from '../network-checks.ts';
import type { OrtApi, OrtHandle } from './ort-api.ts';

/** OrtLoggingLevel: what fails is thrown, so only what ends the process is printed. */
const LOG_FATAL = 4;
const OPTIMIZE_ALL = 99;
const DEVICE_ALLOCATOR = 0;
const MEMORY_DEFAULT = 0;

/** ONNXTensorElementDataType. */
const ELEMENTS: ReadonlyMap<string, { readonly code: number; readonly bytes: number }> = new Map([
  ['float32', { code: 1, bytes: 4 }],
  ['uint8', { code: 2, bytes: 1 }],
  ['int64', { code: 7, bytes: 8 }],
  ['float16', { code: 10, bytes: 2 }],
]);

/**
 * What runs the networks. `cuda`: everything is enqueued on the stream (a CUstream) and nothing waits for it. `cpu`: addresses
 * are the host's, and runs are over when they return; `settle`, where given, waits until tensors may be touched.
 */
export type OrtProvider =
  | { readonly name: 'cuda'; readonly device: number; readonly stream: number }
  | { readonly name: 'cpu'; readonly threads: number; readonly settle?: () => void };

/** One environment of ONNX Runtime and one provider. Close its sessions first. */
export class OrtRuntime {
  readonly api: OrtApi;
  readonly provider: OrtProvider;
  /** Where the provider's tensors lie. */
  readonly deviceMemory: OrtHandle;
  readonly hostMemory: OrtHandle;
  readonly runOptions: OrtHandle;
  readonly #env: OrtHandle;
  readonly #options: OrtHandle;

  /** @throws OrtError when the provider is not there */
  constructor(api: OrtApi, provider: OrtProvider) {
    this.api = api;
    this.provider = provider;
    this.#env = api.create('Env', 'CreateEnv', LOG_FATAL, 'vizavi');
    const memory = (name: string, device: number): OrtHandle =>
      api.create('MemoryInfo', 'CreateMemoryInfo', name, DEVICE_ALLOCATOR, device, MEMORY_DEFAULT);
    this.hostMemory = memory('Cpu', 0);
    this.deviceMemory = provider.name === 'cuda' ? memory('Cuda', provider.device) : memory('Cpu', 0);
    this.runOptions = api.create('RunOptions', 'CreateRunOptions');
    this.#options = api.create('SessionOptions', 'CreateSessionOptions');
    try {
      this.#configure(this.#options.address);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** @throws OrtError */
  openSession(file: string): OrtSession {
    const { api } = this;
    return new OrtSession(
      this,
      api.create('Session', 'CreateSession', this.#env.address, file, this.#options.address),
    );
  }

  close(): void {
    const handles = [this.#options, this.runOptions, this.deviceMemory, this.hostMemory, this.#env];
    for (const handle of handles) handle.close();
  }

  #configure(options: number): void {
    const { api, provider } = this;
    api.do('SetSessionLogSeverityLevel', options, LOG_FATAL);
    api.do('SetSessionGraphOptimizationLevel', options, OPTIMIZE_ALL);
    api.do('SetIntraOpNumThreads', options, provider.name === 'cpu' ? provider.threads : 1);
    api.do('SetInterOpNumThreads', options, 1);
    if (provider.name === 'cpu') return;
    // Without it every run would end with a wait for the stream.
    api.do('AddRunConfigEntry', this.runOptions.address, 'disable_synchronize_execution_providers', '1');
    const settings = {
      device_id: String(provider.device),
      // The other ways try algorithms at the first run of each batch size, in the midst of sessions.
      cudnn_conv_algo_search: 'HEURISTIC',
      arena_extend_strategy: 'kSameAsRequested',
    };
    const cuda = api.create('CUDAProviderOptions', 'CreateCUDAProviderOptions');
    try {
      const [keys, values] = [Object.keys(settings), Object.values(settings)];
      api.do('UpdateCUDAProviderOptions', cuda.address, keys, values, keys.length);
      // After the others: they would reset it.
      api.do('UpdateCUDAProviderOptionsWithValue', cuda.address, 'user_compute_stream', provider.stream);
      api.do('SessionOptionsAppendExecutionProvider_CUDA_V2', options, cuda.address);
    } finally {
      cuda.close();
    }
  }
}

/** A network. */
export class OrtSession {
  readonly runtime: OrtRuntime;
  readonly handle: OrtHandle;
  readonly inputs: readonly NetworkTensor[];
  readonly outputs: readonly NetworkTensor[];

  constructor(runtime: OrtRuntime, handle: OrtHandle) {
    this.runtime = runtime;
    this.handle = handle;
    this.inputs = this.#describe('Input');
    this.outputs = this.#describe('Output');
  }

  /** Inputs and outputs that the network reads or writes in host memory though its provider has its own. */
  hostTensors(): string[] {
    if (this.runtime.provider.name === 'cpu') return [];
    return [...this.#onHost('Inputs', this.inputs), ...this.#onHost('Outputs', this.outputs)];
  }

  close(): void {
    this.handle.close();
  }

  #onHost(side: 'Inputs' | 'Outputs', tensors: readonly NetworkTensor[]): string[] {
    const { api } = this.runtime;
    const infos = new BigUint64Array(tensors.length);
    api.do(`SessionGetMemoryInfoFor${side}`, this.handle.address, infos, infos.length);
    return tensors.flatMap(({ name }, index) => (api.isHost(Number(infos[index])) ? [name] : []));
  }

  #describe(side: 'Input' | 'Output'): NetworkTensor[] {
    const { api } = this.runtime;
    const { address } = this.handle;
    const allocator = api.get('GetAllocatorWithDefaultOptions');
    return Array.from({ length: api.get(`SessionGet${side}Count`, address) }, (_, index) => {
      const text = api.get(`SessionGet${side}Name`, address, index, allocator);
      const name = api.text(text);
      api.do('AllocatorFree', allocator, text);
      const info = api.create('TypeInfo', `SessionGet${side}TypeInfo`, address, index);
      try {
        const tensor = api.get('CastTypeInfoToTensorInfo', info.address);
        if (tensor === 0) return { name, isTensor: false };
        const type = elementName(api.get('GetTensorElementType', tensor));
        const dims = new BigInt64Array(api.get('GetDimensionsCount', tensor));
        api.do('GetDimensions', tensor, dims, dims.length);
        const shape = [...dims].map((length) => (length < 0n ? null : Number(length)));
        return { name, isTensor: true, type, shape };
      } finally {
        info.close();
      }
    });
  }
}

/** A tensor with its shape in one kind of call. */
export interface BoundTensor {
  readonly name: string;
  readonly side: 'Input' | 'Output';
  readonly type: string;
  readonly shape: readonly number[];
}

interface Place {
  readonly call: 'BindInput' | 'BindOutput';
  readonly dims: BigInt64Array;
  readonly element: number;
  readonly bytes: number;
  /** Address → the tensor there. */
  readonly values: Map<number, OrtHandle>;
  address: number;
}

/**
 * A network's calls of one shape. Tensors stay where they were last placed. Each address is described to ONNX Runtime once,
 * so it must be of memory that lives as long as the binding.
 */
export class OrtBinding {
  readonly #session: OrtSession;
  readonly #memory: number;
  /** 0: ONNX Runtime's own, which wait for the device. */
  readonly #runOptions: number;
  readonly #handle: OrtHandle;
  readonly #places: ReadonlyMap<string, Place>;

  /** @param memory `host`: ONNX Runtime copies inputs when they are placed and outputs when a run ends, and waits */
  constructor(session: OrtSession, tensors: readonly BoundTensor[], memory: 'device' | 'host' = 'device') {
    const { api, deviceMemory, hostMemory, runOptions } = session.runtime;
    this.#session = session;
    this.#memory = (memory === 'host' ? hostMemory : deviceMemory).address;
    this.#runOptions = memory === 'host' ? 0 : runOptions.address;
    this.#places = new Map(tensors.map((tensor) => [tensor.name, placeOf(tensor)]));
    this.#handle = api.create('IoBinding', 'CreateIoBinding', session.handle.address);
  }

  /** @throws OrtError */
  place(name: string, address: number): void {
    const place = this.#places.get(name);
    if (!place) throw new Error(`the binding has no tensor ${name}`);
    if (place.address === address) return;
    const { api } = this.#session.runtime;
    let value = place.values.get(address);
    if (!value) {
      const { dims, bytes, element } = place;
      const call = 'CreateTensorWithDataAsOrtValue';
      value = api.create('Value', call, this.#memory, address, bytes, dims, dims.length, element);
      place.values.set(address, value);
    }
    api.do(place.call, this.#handle.address, name, value.address);
    place.address = address;
  }

  /** @throws OrtError */
  run(): void {
    const { handle, runtime } = this.#session;
    if (runtime.provider.name === 'cpu') runtime.provider.settle?.();
    runtime.api.do('RunWithBinding', handle.address, this.#runOptions, this.#handle.address);
  }

  close(): void {
    this.#handle.close();
    for (const { values } of this.#places.values()) for (const value of values.values()) value.close();
  }
}

/** Size of a tensor. */
export function bytesOf({ type, shape }: BoundTensor): number {
  return shape.reduce((product, length) => product * length, elementOf(type).bytes);
}

function placeOf(tensor: BoundTensor): Place {
  const { side, type, shape } = tensor;
  return {
    call: `Bind${side}`,
    dims: BigInt64Array.from(shape, BigInt),
    element: elementOf(type).code,
    bytes: bytesOf(tensor),
    values: new Map(),
    address: 0,
  };
}

function elementOf(type: string): { readonly code: number; readonly bytes: number } {
  const element = ELEMENTS.get(type);
  if (element) return element;
  throw new Error(`no tensors of ${type}`);
}

function elementName(code: number): string {
  for (const [name, element] of ELEMENTS) if (element.code === code) return name;
  return `element type ${code}`;
}
