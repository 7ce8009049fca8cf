import { availableParallelism } from 'node:os';
import { VizaviError } from '@vizavi/signaling';
import { z } from 'zod';

const environment = z.object({
  VIZAVI_URL: z.url().default('http://127.0.0.1:8080'),
  VIZAVI_WORKER_SECRET: z.string().min(16),
  VIZAVI_WORKER_ID: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .optional(),
  VIZAVI_BUNDLES: z.string().min(1),
  VIZAVI_AVATARS: z.string().min(1).default('all'),
  VIZAVI_SLOTS: z.coerce.number().int().min(1).max(256).optional(),
  VIZAVI_DECODER: z.string().default('auto'),
  VIZAVI_STEPS: z
    .union([z.literal('auto'), z.coerce.number().int().min(1).max(64)], 'must be auto or a number of steps')
    .default('auto'),
  VIZAVI_DEVICE: z
    .string()
    .regex(/^(?:auto|cpu|cuda:\d{1,2})$/, 'must be auto, cpu or cuda:0')
    .default('auto'),
  VIZAVI_ONNXRUNTIME: z.string().min(1).optional(),
  VIZAVI_CUDA_DRIVER: z.string().min(1).default('libcuda.so.1'),
  VIZAVI_LOG_LEVEL: z.enum(['silent', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
  /** Set by a supervisor: the worker ends when its standard input does. */
  VIZAVI_SUPERVISED: z.enum(['0', '1']).default('0'),
});

export interface Config {
  readonly url: string;
  readonly workerSecret: string;
  readonly workerId: string;
  readonly bundlesDir: string;
  /** Folders in it to load, or all of them. */
  readonly avatars: readonly string[] | 'all';
  /** Null: as many as the measured costs allow. */
  readonly slots: number | null;
  /** A decoder variant of the bundle by name, or `auto`: the finest on a GPU, else the fastest. */
  readonly decoder: string;
  /** Denoising steps of the generator, or `auto`: the bundle's default. */
  readonly steps: number | 'auto';
  /** `auto`: the first CUDA device where everything that it needs is there, else the CPU. */
  readonly device: 'auto' | 'cpu' | `cuda:${number}`;
  /** Folder with ONNX Runtime's libraries for CUDA; null: those of onnxruntime-node. */
  readonly onnxRuntimeDir: string | null;
  /** The CUDA driver's library. */
  readonly cudaDriver: string;
  readonly logLevel: string;
  readonly supervised: boolean;
  readonly cores: number;
}

/** @throws VizaviError `invalid_config`, naming the variable */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new VizaviError('invalid_config', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  const { data } = parsed;
  return Object.freeze({
    url: data.VIZAVI_URL,
    workerSecret: data.VIZAVI_WORKER_SECRET,
    workerId: data.VIZAVI_WORKER_ID ?? `worker-${crypto.randomUUID().slice(0, 8)}`,
    bundlesDir: data.VIZAVI_BUNDLES,
    avatars:
      data.VIZAVI_AVATARS === 'all' ? 'all' : data.VIZAVI_AVATARS.split(',').map((name) => name.trim()),
    slots: data.VIZAVI_SLOTS ?? null,
    decoder: data.VIZAVI_DECODER,
    steps: data.VIZAVI_STEPS,
    device: data.VIZAVI_DEVICE as Config['device'],
    onnxRuntimeDir: data.VIZAVI_ONNXRUNTIME ?? null,
    cudaDriver: data.VIZAVI_CUDA_DRIVER,
    logLevel: data.VIZAVI_LOG_LEVEL,
    supervised: data.VIZAVI_SUPERVISED === '1',
    cores: availableParallelism(),
  });
}
