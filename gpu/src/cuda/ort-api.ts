import { VizaviError } from '@vizavi/signaling';
import koffi from 'koffi';
import type { TypeObject } from 'koffi';

/** The first version with all functions below. */
const VERSION = { major: 1, minor: 23 };

const HANDLE = 'uint64_t';
const OUT = koffi.out(koffi.pointer('uint64_t'));
const INT_OUT = koffi.out(koffi.pointer('int'));
/** A typed array, read or filled in place. */
const ARRAY = koffi.pointer('void');
const TEXTS = koffi.pointer('str');

/**
 * Functions that answer with a status: their place in `struct OrtApi` (onnxruntime_c_api.h; the table only grows at its
 * end) and their parameters.
 */
const CALLS = {
  CreateEnv: [3, 'int', 'str', OUT],
  CreateSession: [7, HANDLE, 'str', HANDLE, OUT],
  CreateSessionOptions: [10, OUT],
  SetSessionLogSeverityLevel: [22, HANDLE, 'int'],
  SetSessionGraphOptimizationLevel: [23, HANDLE, 'int'],
  SetIntraOpNumThreads: [24, HANDLE, 'int'],
  SetInterOpNumThreads: [25, HANDLE, 'int'],
  SessionGetInputCount: [30, HANDLE, OUT],
  SessionGetOutputCount: [31, HANDLE, OUT],
  SessionGetInputTypeInfo: [33, HANDLE, 'size_t', OUT],
  SessionGetOutputTypeInfo: [34, HANDLE, 'size_t', OUT],
  SessionGetInputName: [36, HANDLE, 'size_t', HANDLE, OUT],
  SessionGetOutputName: [37, HANDLE, 'size_t', HANDLE, OUT],
  CreateRunOptions: [39, OUT],
  CreateTensorWithDataAsOrtValue: [49, HANDLE, HANDLE, 'size_t', ARRAY, 'size_t', 'int', OUT],
  CastTypeInfoToTensorInfo: [55, HANDLE, OUT],
  GetTensorElementType: [60, HANDLE, INT_OUT],
  GetDimensionsCount: [61, HANDLE, OUT],
  GetDimensions: [62, HANDLE, ARRAY, 'size_t'],
  CreateMemoryInfo: [68, 'str', 'int', 'int', 'int', OUT],
  AllocatorFree: [76, HANDLE, HANDLE],
  GetAllocatorWithDefaultOptions: [78, OUT],
  RunWithBinding: [133, HANDLE, HANDLE, HANDLE],
  CreateIoBinding: [134, HANDLE, OUT],
  BindInput: [136, HANDLE, 'str', HANDLE],
  BindOutput: [137, HANDLE, 'str', HANDLE],
  AddRunConfigEntry: [165, HANDLE, 'str', 'str'],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, HANDLE, HANDLE],
  CreateCUDAProviderOptions: [205, OUT],
  UpdateCUDAProviderOptions: [206, HANDLE, TEXTS, TEXTS, 'size_t'],
  UpdateCUDAProviderOptionsWithValue: [263, HANDLE, 'str', HANDLE],
  SessionGetMemoryInfoForInputs: [380, HANDLE, ARRAY, 'size_t'],
  SessionGetMemoryInfoForOutputs: [381, HANDLE, ARRAY, 'size_t'],
} as const;

const RELEASES = {
  Env: 92,
  Status: 93,
  MemoryInfo: 94,
  Session: 95,
  Value: 96,
  RunOptions: 97,
  TypeInfo: 98,
  SessionOptions: 100,
  IoBinding: 135,
  CUDAProviderOptions: 208,
} as const;

const GET_ERROR_CODE = 1;
const GET_ERROR_MESSAGE = 2;
const MEMORY_INFO_GET_DEVICE_TYPE = 225;
const TABLE_LENGTH = 1 + Math.max(...Object.values(CALLS).map(([index]) => index));

type Parameter = string | TypeObject | typeof OUT;
type Native<R> = (...args: unknown[]) => R;
export type OrtCall = keyof typeof CALLS;
export type OrtKind = Exclude<keyof typeof RELEASES, 'Status'>;

/** OrtErrorCode, as far as it matters here. */
export const ORT_CODE = {
  invalidArgument: 2,
  noSuchFile: 3,
  noModel: 4,
  invalidProtobuf: 7,
  invalidGraph: 10,
};

/** A call of ONNX Runtime that failed. */
export class OrtError extends VizaviError {
  /** OrtErrorCode. */
  readonly ortCode: number;

  constructor(call: string, ortCode: number, message: string) {
    super('inference_failed', `${call}: ${message.replaceAll(/\s+/g, ' ').trim()}`);
    this.ortCode = ortCode;
  }
}

/** An object of ONNX Runtime. Its owner closes it. */
export class OrtHandle {
  readonly address: number;
  #release: ((address: number) => void) | null;

  constructor(address: number, release: (address: number) => void) {
    this.address = address;
    this.#release = release;
  }

  close(): void {
    this.#release?.(this.address);
    this.#release = null;
  }
}

/**
 * ONNX Runtime's C API. The only file that binds it: a wrong place or prototype is a crash. Handles and addresses are numbers:
 * user-space addresses lie below 2^53.
 */
export class OrtApi {
  /** Such as `1.30.0`. */
  readonly version: string;
  readonly #calls: Readonly<Record<OrtCall, Native<number>>>;
  readonly #releases: Readonly<Record<keyof typeof RELEASES, Native<void>>>;
  readonly #errorCode: Native<number>;
  readonly #errorMessage: Native<string>;
  readonly #deviceType: Native<void>;
  #live = 0;

  private constructor(version: string, table: number) {
    this.version = version;
    const pointers = koffi.decode(BigInt(table), koffi.array(HANDLE, TABLE_LENGTH)) as BigUint64Array;
    const bind = (index: number, result: string, parameters: readonly Parameter[]): Native<unknown> =>
      koffi.decode(pointers[index], koffi.proto(result, [...parameters])) as Native<unknown>;
    this.#calls = mapValues(
      CALLS,
      ([index, ...parameters]) => bind(index, HANDLE, parameters) as Native<number>,
    );
    this.#releases = mapValues(RELEASES, (index) => bind(index, 'void', [HANDLE]) as Native<void>);
    this.#errorCode = bind(GET_ERROR_CODE, 'int', [HANDLE]) as Native<number>;
    this.#errorMessage = bind(GET_ERROR_MESSAGE, 'str', [HANDLE]) as Native<string>;
    this.#deviceType = bind(MEMORY_INFO_GET_DEVICE_TYPE, 'void', [HANDLE, INT_OUT]);
  }

  /**
   * @param library path of libonnxruntime
   * @throws VizaviError `unsupported_device` that says in one line what is missing
   */
  static open(library: string): OrtApi {
    try {
      const base = koffi.load(library).func('OrtGetApiBase', HANDLE, [])() as number;
      const [getApi, getVersion] = koffi.decode(BigInt(base), koffi.array(HANDLE, 2)) as BigUint64Array;
      const version = (koffi.decode(getVersion, koffi.proto('str', [])) as Native<string>)();
      const [major, minor = 0] = version.split('.').map(Number);
      if (major !== VERSION.major || minor < VERSION.minor) {
        throw new Error(`it is ${version}, must be ${VERSION.major}.${VERSION.minor} or later`);
      }
      const table = (koffi.decode(getApi, koffi.proto(HANDLE, ['uint32_t'])) as Native<number>)(
        VERSION.minor,
      );
      if (table === 0) throw new Error(`${version} has no C API ${VERSION.minor}`);
      return new OrtApi(version, table);
    } catch (cause) {
      const problem = (cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s+/g, ' ');
      throw new VizaviError('unsupported_device', `ONNX Runtime (${library}): ${problem}`, { cause });
    }
  }

  /** Objects that were made and are not closed yet. */
  get live(): number {
    return this.#live;
  }

  /** @throws OrtError */
  do(call: OrtCall, ...args: unknown[]): void {
    const status = this.#calls[call](...args);
    if (status === 0) return;
    const error = new OrtError(call, this.#errorCode(status), this.#errorMessage(status));
    this.#releases.Status(status);
    throw error;
  }

  /** What the call writes to its last parameter. @throws OrtError */
  get(call: OrtCall, ...args: unknown[]): number {
    const out = [0];
    this.do(call, ...args, out);
    return out[0] ?? 0;
  }

  /** An object that the call writes to its last parameter. @throws OrtError */
  create(kind: OrtKind, call: OrtCall, ...args: unknown[]): OrtHandle {
    const address = this.get(call, ...args);
    this.#live += 1;
    return new OrtHandle(address, () => {
      this.#live -= 1;
      this.#releases[kind](address);
    });
  }

  /** A C string. */
  text(address: number): string {
    return koffi.decode.string(BigInt(address));
  }

  /** Whether memory that an OrtMemoryInfo tells of is the host's. */
  isHost(memoryInfo: number): boolean {
    const type = [0];
    this.#deviceType(memoryInfo, type);
    return type[0] === 0;
  }
}

/** Where a view's memory lies. The caller keeps the view alive. */
export function addressOf(view: ArrayBufferView): number {
  return Number(koffi.address(view));
}

function mapValues<K extends string, V, R>(
  record: Readonly<Record<K, V>>,
  map: (value: V) => R,
): Record<K, R> {
  return Object.fromEntries(Object.entries<V>(record).map(([key, value]) => [key, map(value)])) as Record<
    K,
    R
  >;
}
