import { availableParallelism, cpus } from 'node:os';
import { VizaviError } from '@vizavi/signaling';
import { buildSimulator } from '../simulator/build.ts';
import { CudaSimulator, readProfile } from '../simulator/simulator.ts';
import type { Profile } from '../simulator/simulator.ts';
import { CudaDriver } from '../src/cuda/cuda-driver.ts';
import { findOnnxRuntime, whyNoCuda } from '../src/cuda/ort-library.ts';

/** What a benchmark runs on: a CUDA device with ONNX Runtime, or the simulated one. */
export interface BenchDevice {
  /** Path or name of the driver's library. */
  readonly library: string;
  /** With every figure: the device, or that it is simulated. */
  readonly title: string;
  /** Null on a real device. */
  readonly simulation: { readonly simulator: CudaSimulator; readonly profile: Profile } | null;
  /** Folder of ONNX Runtime's libraries; null: onnxruntime-node's. */
  readonly onnxRuntimeDir: string | null;
}

export function machine(): string {
  return `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, Node ${process.versions.node}`;
}

/**
 * @param simulate even where there is a device
 * @param model which device is simulated
 * @throws Error when there is no such model
 */
export async function openBenchDevice(simulate: boolean, model: string): Promise<BenchDevice> {
  const onnxRuntimeDir = process.env['VIZAVI_ONNXRUNTIME'] ?? null;
  const library = process.env['VIZAVI_CUDA_DRIVER'] ?? 'libcuda.so.1';
  try {
    if (simulate) throw new VizaviError('unsupported_device', 'as asked for');
    const driver = CudaDriver.open(library);
    const missing = whyNoCuda(findOnnxRuntime(onnxRuntimeDir));
    if (missing !== null) throw new VizaviError('unsupported_device', missing);
    const { name, computeCapability } = driver.describe(0);
    const title = `MEASURED on ${name} (compute capability ${computeCapability}), ${machine()}`;
    return { library, title, simulation: null, onnxRuntimeDir };
  } catch (error) {
    if (!(error instanceof VizaviError)) throw error;
    const simulated = await buildSimulator();
    const simulator = new CudaSimulator(simulated);
    const profile = readProfile(model);
    simulator.use(profile);
    const title = `SIMULATED ${profile.name} (no figure here is measured on a GPU: ${error.message}), ${machine()}`;
    return { library: simulated, title, simulation: { simulator, profile }, onnxRuntimeDir };
  }
}
