import { VizaviError } from '@vizavi/signaling';
import koffi from 'koffi';
import { CudaError } from './cuda-errors.ts';

/** CUDA 12.0: what ONNX Runtime's CUDA providers of today are built for. */
const MIN_VERSION = 12_000;
const PAGE_BYTES = 4096;
const CU_STREAM_NON_BLOCKING = 1;
/** Waiting threads sleep instead of spinning. */
const CU_EVENT_BLOCKING_SYNC = 1;
const CU_MEMHOSTREGISTER_PORTABLE = 1;
const CU_CTX_SCHED_BLOCKING_SYNC = 4;
const NOT_READY = 600;
const PRIMARY_CONTEXT_ACTIVE = 708;
/** CUdevice_attribute. */
const ATTRIBUTE = { multiprocessors: 16, copyEngines: 40, majorVersion: 75, minorVersion: 76 };
/** CUmemorytype of CUDA_MEMCPY2D. */
const MEMORY_HOST = 1n;
const MEMORY_DEVICE = 2n;

/**
 * The driver's functions in use, as prototypes. Handles (CUstream, CUevent, CUcontext, CUmodule, CUfunction) and
 * addresses are numbers: user-space addresses lie below 2^53.
 */
const PROTOTYPES = {
  cuInit: 'int cuInit(uint32_t flags)',
  cuDriverGetVersion: 'int cuDriverGetVersion(_Out_ int *version)',
  cuGetErrorName: 'int cuGetErrorName(int error, _Out_ const char **name)',
  cuDeviceGetCount: 'int cuDeviceGetCount(_Out_ int *count)',
  cuDeviceGet: 'int cuDeviceGet(_Out_ int *device, int ordinal)',
  cuDeviceGetName: 'int cuDeviceGetName(void *name, int length, int device)',
  cuDeviceTotalMem_v2: 'int cuDeviceTotalMem_v2(_Out_ size_t *bytes, int device)',
  cuDeviceGetAttribute: 'int cuDeviceGetAttribute(_Out_ int *value, int attribute, int device)',
  cuDevicePrimaryCtxSetFlags_v2: 'int cuDevicePrimaryCtxSetFlags_v2(int device, uint32_t flags)',
  cuDevicePrimaryCtxRetain: 'int cuDevicePrimaryCtxRetain(_Out_ uint64_t *context, int device)',
  cuDevicePrimaryCtxRelease_v2: 'int cuDevicePrimaryCtxRelease_v2(int device)',
  cuCtxSetCurrent: 'int cuCtxSetCurrent(uint64_t context)',
  cuMemGetInfo_v2: 'int cuMemGetInfo_v2(_Out_ size_t *free, _Out_ size_t *total)',
  cuMemAlloc_v2: 'int cuMemAlloc_v2(_Out_ uint64_t *pointer, size_t bytes)',
  cuMemFree_v2: 'int cuMemFree_v2(uint64_t pointer)',
  cuMemHostRegister_v2: 'int cuMemHostRegister_v2(uint64_t address, size_t bytes, uint32_t flags)',
  cuMemHostUnregister: 'int cuMemHostUnregister(uint64_t address)',
  cuStreamCreate: 'int cuStreamCreate(_Out_ uint64_t *stream, uint32_t flags)',
  cuStreamDestroy_v2: 'int cuStreamDestroy_v2(uint64_t stream)',
  cuStreamSynchronize: 'int cuStreamSynchronize(uint64_t stream)',
  cuStreamWaitEvent: 'int cuStreamWaitEvent(uint64_t stream, uint64_t event, uint32_t flags)',
  cuEventCreate: 'int cuEventCreate(_Out_ uint64_t *event, uint32_t flags)',
  cuEventDestroy_v2: 'int cuEventDestroy_v2(uint64_t event)',
  cuEventRecord: 'int cuEventRecord(uint64_t event, uint64_t stream)',
  cuEventSynchronize: 'int cuEventSynchronize(uint64_t event)',
  cuEventQuery: 'int cuEventQuery(uint64_t event)',
  cuEventElapsedTime: 'int cuEventElapsedTime(_Out_ float *ms, uint64_t from, uint64_t to)',
  cuMemcpyHtoDAsync_v2:
    'int cuMemcpyHtoDAsync_v2(uint64_t device, uint64_t host, size_t bytes, uint64_t stream)',
  cuMemcpyDtoHAsync_v2:
    'int cuMemcpyDtoHAsync_v2(uint64_t host, uint64_t device, size_t bytes, uint64_t stream)',
  cuMemcpyDtoDAsync_v2: 'int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, uint64_t stream)',
  cuMemcpy2DAsync_v2: 'int cuMemcpy2DAsync_v2(void *copy, uint64_t stream)',
  cuMemsetD32Async: 'int cuMemsetD32Async(uint64_t pointer, uint32_t value, size_t count, uint64_t stream)',
  cuModuleLoadData: 'int cuModuleLoadData(_Out_ uint64_t *module, void *image)',
  cuModuleGetFunction: 'int cuModuleGetFunction(_Out_ uint64_t *function, uint64_t module, const char *name)',
  cuLaunchKernel:
    'int cuLaunchKernel(uint64_t function, uint32_t gridX, uint32_t gridY, uint32_t gridZ, uint32_t blockX, uint32_t blockY, uint32_t blockZ, uint32_t sharedBytes, uint64_t stream, void *params, void *extra)',
};
type Call = keyof typeof PROTOTYPES;
type Library = ReturnType<typeof koffi.load>;
type NativeFunction = (...args: unknown[]) => number;

export interface DeviceDescription {
  readonly name: string;
  /** Such as `12.0`. */
  readonly computeCapability: string;
  readonly totalBytes: number;
  readonly multiprocessors: number;
  /** Copies that can run beside kernels. */
  readonly copyEngines: number;
}

/** Rows of device memory that become rows of host memory, each at its own pitch. All in bytes. */
export interface RowCopy {
  readonly device: number;
  readonly devicePitch: number;
  readonly host: number;
  readonly hostPitch: number;
  readonly rowBytes: number;
  readonly rows: number;
}

/**
 * The CUDA driver API (libcuda). The only file that binds it; a wrong prototype is a crash, so what is bound is checked at
 * load. Contexts belong to threads: each thread that works with a device opens the driver and calls `useDevice`.
 *
 * Every method but `open` throws {@link CudaError}.
 */
export class CudaDriver {
  readonly #calls: Readonly<Record<Call, NativeFunction>>;
  /** 13000 is CUDA 13.0. */
  readonly version: number;
  /** This is the project's simulator: figures mean nothing for a real device. */
  readonly simulated: boolean;
  #rowCopy = new BigUint64Array(16);

  private constructor(library: Library) {
    this.#calls = bind(library);
    this.simulated = isSimulator(library);
    this.#do('cuInit', 0);
    this.version = this.#out('cuDriverGetVersion');
  }

  /**
   * @param library path, or name for the system's loader
   * @throws VizaviError `unsupported_device` that says in one line what is missing
   */
  static open(library = 'libcuda.so.1'): CudaDriver {
    let driver: CudaDriver;
    try {
      driver = new CudaDriver(koffi.load(library));
    } catch (cause) {
      if (cause instanceof VizaviError && !(cause instanceof CudaError)) throw cause;
      const problem = (cause instanceof Error ? cause.message : String(cause)).replaceAll(/\s+/g, ' ');
      throw new VizaviError('unsupported_device', `CUDA driver: ${problem}`, { cause });
    }
    if (driver.version >= MIN_VERSION) return driver;
    const found = `${Math.floor(driver.version / 1000)}.${(driver.version % 1000) / 10}`;
    throw new VizaviError('unsupported_device', `CUDA driver: for CUDA ${found}, must be for 12.0 or later`);
  }

  deviceCount(): number {
    return this.#out('cuDeviceGetCount');
  }

  describe(ordinal: number): DeviceDescription {
    const device = this.#device(ordinal);
    const name = Buffer.alloc(128);
    this.#do('cuDeviceGetName', name, name.length, device);
    const attribute = (number: number): number => this.#out('cuDeviceGetAttribute', number, device);
    return {
      name: name.toString('utf8', 0, name.indexOf(0)),
      computeCapability: `${attribute(ATTRIBUTE.majorVersion)}.${attribute(ATTRIBUTE.minorVersion)}`,
      totalBytes: this.#out('cuDeviceTotalMem_v2', device),
      multiprocessors: attribute(ATTRIBUTE.multiprocessors),
      copyEngines: attribute(ATTRIBUTE.copyEngines),
    };
  }

  /** Makes the device's primary context, which ONNX Runtime uses too, current for this thread. */
  useDevice(ordinal: number): void {
    const device = this.#device(ordinal);
    // Waiting for a stream must not burn a core. Another thread may have made the context already.
    const flags = this.#calls.cuDevicePrimaryCtxSetFlags_v2(device, CU_CTX_SCHED_BLOCKING_SYNC);
    if (flags !== 0 && flags !== PRIMARY_CONTEXT_ACTIVE) this.#check('cuDevicePrimaryCtxSetFlags', flags);
    this.#do('cuCtxSetCurrent', this.#out('cuDevicePrimaryCtxRetain', device));
  }

  releaseDevice(ordinal: number): void {
    this.#do('cuDevicePrimaryCtxRelease_v2', this.#device(ordinal));
  }

  memory(): { readonly freeBytes: number; readonly totalBytes: number } {
    const [free, total] = [[0], [0]];
    this.#do('cuMemGetInfo_v2', free, total);
    return { freeBytes: free[0] ?? 0, totalBytes: total[0] ?? 0 };
  }

  /** Device memory. */
  allocate(bytes: number): number {
    return this.#out('cuMemAlloc_v2', bytes);
  }

  /** Waits for the device. */
  free(pointer: number): void {
    this.#do('cuMemFree_v2', pointer);
  }

  /**
   * Pins host memory, whole pages of it: the caller leaves a page of its own at both ends. Memory must live until `unpin`.
   * Returns the address of `offset`.
   */
  pin(memory: ArrayBufferLike, offset: number, bytes: number): number {
    const address = this.addressOf(memory, offset);
    const first = pageOf(address);
    const end = pageOf(address + bytes + PAGE_BYTES - 1);
    this.#do('cuMemHostRegister_v2', first, end - first, CU_MEMHOSTREGISTER_PORTABLE);
    return address;
  }

  /** Of host memory, for copies; the memory must live as long as they may run. */
  addressOf(memory: ArrayBufferLike, offset: number): number {
    return Number(koffi.address(new Uint8Array(memory, offset)));
  }

  unpin(address: number): void {
    this.#do('cuMemHostUnregister', pageOf(address));
  }

  createStream(): number {
    return this.#out('cuStreamCreate', CU_STREAM_NON_BLOCKING);
  }

  destroyStream(stream: number): void {
    this.#do('cuStreamDestroy_v2', stream);
  }

  /** Waits until the device has done all that the stream holds. */
  synchronizeStream(stream: number): void {
    this.#do('cuStreamSynchronize', stream);
  }

  /** An event with time; who waits for it sleeps. */
  createEvent(): number {
    return this.#out('cuEventCreate', CU_EVENT_BLOCKING_SYNC);
  }

  destroyEvent(event: number): void {
    this.#do('cuEventDestroy_v2', event);
  }

  record(event: number, stream: number): void {
    this.#do('cuEventRecord', event, stream);
  }

  /** What the stream is given from now on starts after the event; an event never recorded is past. */
  streamWait(stream: number, event: number): void {
    this.#do('cuStreamWaitEvent', stream, event, 0);
  }

  /** Waits, asleep, for the event's last recording. */
  synchronize(event: number): void {
    this.#do('cuEventSynchronize', event);
  }

  isDone(event: number): boolean {
    const result = this.#calls.cuEventQuery(event);
    if (result === NOT_READY) return false;
    this.#check('cuEventQuery', result);
    return true;
  }

  /** Between two events that are past; float32 precision. */
  elapsedMs(from: number, to: number): number {
    const ms = [0];
    this.#do('cuEventElapsedTime', ms, from, to);
    return ms[0] ?? 0;
  }

  copyToDevice(device: number, hostAddress: number, bytes: number, stream: number): void {
    this.#do('cuMemcpyHtoDAsync_v2', device, hostAddress, bytes, stream);
  }

  /** Beside the host's work only when the host memory is pinned. */
  copyToHost(hostAddress: number, device: number, bytes: number, stream: number): void {
    this.#do('cuMemcpyDtoHAsync_v2', hostAddress, device, bytes, stream);
  }

  copyOnDevice(to: number, from: number, bytes: number, stream: number): void {
    this.#do('cuMemcpyDtoDAsync_v2', to, from, bytes, stream);
  }

  /** CUDA_MEMCPY2D, 16 words of 8 bytes: source x, y, type, host, device, array, pitch; the same of the target; width, height. */
  copyRowsToHost(copy: RowCopy, stream: number): void {
    const words = this.#rowCopy;
    words.fill(0n);
    words[2] = MEMORY_DEVICE;
    words[4] = BigInt(copy.device);
    words[6] = BigInt(copy.devicePitch);
    words[9] = MEMORY_HOST;
    words[10] = BigInt(copy.host);
    words[13] = BigInt(copy.hostPitch);
    words[14] = BigInt(copy.rowBytes);
    words[15] = BigInt(copy.rows);
    this.#do('cuMemcpy2DAsync_v2', words, stream);
  }

  /** Writes a 32-bit value `count` times. */
  fill(pointer: number, value: number, count: number, stream: number): void {
    this.#do('cuMemsetD32Async', pointer, value, count, stream);
  }

  /** @param image PTX or a cubin */
  loadKernel(image: Buffer, name: string): number {
    return this.#out('cuModuleGetFunction', this.#out('cuModuleLoadData', image), name);
  }

  /** @param params each an 8-byte argument of the kernel */
  launch(
    kernel: number,
    grid: number,
    block: number,
    params: readonly (number | bigint)[],
    stream: number,
  ): void {
    // Pointers to the values, and the values, in one array: what the driver reads lives as long as the call.
    const count = params.length;
    const words = new BigUint64Array(2 * count);
    const address = koffi.address(words);
    params.forEach((value, index) => {
      words[index] = address + BigInt(8 * (count + index));
      words[count + index] = BigInt(value);
    });
    this.#do('cuLaunchKernel', kernel, grid, 1, 1, block, 1, 1, 0, stream, words, null);
  }

  #device(ordinal: number): number {
    return this.#out('cuDeviceGet', ordinal);
  }

  /** A call whose first parameter receives the result. */
  #out(call: Call, ...args: unknown[]): number {
    const out = [0];
    this.#do(call, out, ...args);
    return Number(out[0]);
  }

  #do(call: Call, ...args: unknown[]): void {
    this.#check(call, this.#calls[call](...args));
  }

  #check(call: string, result: number): void {
    if (result === 0) return;
    const name: (string | null)[] = [null];
    const known = this.#calls.cuGetErrorName(result, name) === 0;
    throw new CudaError(call, result, (known ? name[0] : null) ?? 'unknown error');
  }
}

function bind(library: Library): Readonly<Record<Call, NativeFunction>> {
  const bound: Partial<Record<Call, NativeFunction>> = {};
  for (const [name, prototype] of Object.entries(PROTOTYPES)) {
    try {
      bound[name as Call] = library.func(prototype) as NativeFunction;
    } catch (cause) {
      throw new VizaviError('unsupported_device', `CUDA driver: it has no ${name}`, { cause });
    }
  }
  return bound as Record<Call, NativeFunction>;
}

/** Whether a library has the simulator's mark. */
function isSimulator(library: Library): boolean {
  try {
    return (library.func('int vizaviSimulator()') as () => number)() === 1;
  } catch {
    return false;
  }
}

function pageOf(address: number): number {
  return address - (address % PAGE_BYTES);
}
