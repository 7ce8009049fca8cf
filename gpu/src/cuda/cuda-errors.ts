import { VizaviError } from '@vizavi/signaling';

/** CUresult values that leave the context usable: the call alone has failed (CUDA Driver API, "Data types", CUresult). */
const HARMLESS = new Set([
  1, // INVALID_VALUE
  2, // OUT_OF_MEMORY
  400, // INVALID_HANDLE
  500, // NOT_FOUND
  712, // HOST_MEMORY_ALREADY_REGISTERED
  713, // HOST_MEMORY_NOT_REGISTERED
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
