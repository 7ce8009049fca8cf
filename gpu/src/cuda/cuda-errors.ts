import { VizaviError } from '@vizavi/signaling';

/** CUresult values that leave the context usable: the call alone has failed (CUDA Driver API, "Data types", CUresult). */
const HARMLESS = new Set([
  1, // INVALID_VALUE
  2, // OUT_OF_MEMORY
  101, // INVALID_DEVICE
  200, // INVALID_IMAGE
  201, // INVALID_CONTEXT: this thread has none
  209, // NO_BINARY_FOR_GPU
  218, // INVALID_PTX
  222, // UNSUPPORTED_PTX_VERSION
  400, // INVALID_HANDLE
  500, // NOT_FOUND
  600, // NOT_READY
  701, // LAUNCH_OUT_OF_RESOURCES
  712, // HOST_MEMORY_ALREADY_REGISTERED
  713, // HOST_MEMORY_NOT_REGISTERED
  801, // NOT_SUPPORTED
]);

/** A call of the CUDA driver that failed. */
export class CudaError extends VizaviError {
  /** CUresult. */
  readonly result: number;
  /** The context is lost: every further call fails, and only a new process helps. */
  readonly fatal: boolean;

  /** @param name the driver's own, such as `CUDA_ERROR_OUT_OF_MEMORY` */
  constructor(call: string, result: number, name: string) {
    super('inference_failed', `${call}: ${name} (${result})`);
    this.result = result;
    this.fatal = !HARMLESS.has(result);
  }
}
