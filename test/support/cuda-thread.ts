import { once } from 'node:events';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { CudaDriver } from '../../gpu/src/cuda/cuda-driver.ts';
import { CudaError } from '../../gpu/src/cuda/cuda-errors.ts';

type Method = {
  [Name in keyof CudaDriver]: CudaDriver[Name] extends (...args: never[]) => unknown ? Name : never;
}[keyof CudaDriver];
type Request = readonly [Method, ...args: unknown[]];
interface Reply {
  readonly value?: unknown;
  readonly failed?: { readonly message: string; readonly result: number; readonly fatal: boolean };
}

/** A thread of its own with the driver open; what it is asked for, it does there, one call after the other. */
export class CudaThread {
  readonly #worker: Worker;

  constructor(library: string) {
    this.#worker = new Worker(new URL(import.meta.url), { workerData: { cudaThread: library } });
  }

  /** The call's value, or `failed` with what the CudaError said. */
  async call<Name extends Method>(method: Name, ...args: Parameters<CudaDriver[Name]>): Promise<Reply> {
    this.#worker.postMessage([method, ...args] satisfies Request);
    const [reply] = (await once(this.#worker, 'message')) as [Reply];
    return reply;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

const { cudaThread: library } = (workerData ?? {}) as { cudaThread?: string };
if (parentPort && library !== undefined) {
  const driver = CudaDriver.open(library);
  parentPort.on('message', ([method, ...args]: Request) => {
    let reply: Reply;
    try {
      reply = { value: (driver[method] as (...args: unknown[]) => unknown).apply(driver, args) };
    } catch (error) {
      if (!(error instanceof CudaError)) throw error;
      const { message, result, fatal } = error;
      reply = { failed: { message, result, fatal } };
    }
    parentPort?.postMessage(reply);
  });
}
