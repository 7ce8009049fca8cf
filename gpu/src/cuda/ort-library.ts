import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { VizaviError } from '@vizavi/signaling';
import { OrtApi, OrtError } from './ort-api.ts';
import { OrtRuntime } from './ort-session.ts';

const CUDA_PROVIDER = 'libonnxruntime_providers_cuda.so';

export interface OnnxRuntimeFiles {
  /** Path of libonnxruntime. */
  readonly library: string;
  /** Path of its CUDA provider, which must be of the same release; ONNX Runtime looks for it beside the library. */
  readonly cudaProvider: string | null;
}

/**
 * @param folder that holds the libraries; null: the one of onnxruntime-node
 * @throws VizaviError `unsupported_device`
 */
export function findOnnxRuntime(folder: string | null): OnnxRuntimeFiles {
  const dir = folder ?? nodeFolder();
  const names = existsSync(dir) ? readdirSync(dir) : [];
  const name = names.sort().find((candidate) => /^libonnxruntime\.so(?:\.\d+)*$/.test(candidate));
  if (name === undefined) {
    throw new VizaviError('unsupported_device', `ONNX Runtime: there is no libonnxruntime.so in ${dir}`);
  }
  return {
    library: join(dir, name),
    cudaProvider: names.includes(CUDA_PROVIDER) ? join(dir, CUDA_PROVIDER) : null,
  };
}

/** One line that names what ONNX Runtime lacks for CUDA on this machine; null when nothing. The device is not asked. */
export function whyNoCuda({ library, cudaProvider }: OnnxRuntimeFiles): string | null {
  if (cudaProvider === null) return `ONNX Runtime: there is no ${CUDA_PROVIDER} in ${dirname(library)}`;
  const api = OrtApi.open(library);
  try {
    new OrtRuntime(api, { name: 'cuda', device: 0, stream: 0 }).close();
    return null;
  } catch (error) {
    if (!(error instanceof OrtError)) throw error;
    // The dynamic loader's words stand at the end: "… with error: libcudnn.so.9: cannot open shared object file: …".
    return `ONNX Runtime ${api.version}, CUDA provider: ${error.message.split('with error: ').at(-1) ?? ''}`;
  }
}

function nodeFolder(): string {
  const main = createRequire(import.meta.url).resolve('onnxruntime-node');
  return join(dirname(main), '..', 'bin', 'napi-v6', process.platform, process.arch);
}
