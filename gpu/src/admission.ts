/** What bounds the number of sessions on a worker. */
export type Bottleneck = 'device' | 'encoders' | 'pacing' | 'configured';

export interface AdmissionInput {
  /** Expected time of a batch in which slots make so many frames each, ms. */
  readonly batchMs: (frames: readonly number[]) => number;
  readonly fps: number;
  readonly chunkFrames: number;
  readonly maxBatchFrames: number;
  /** Inference and encoders share the cores, or inference has a device of its own. */
  readonly device: 'cpu' | 'gpu';
  readonly cores: number;
  /** Encoding takes no cores. */
  readonly hardwareEncoder: boolean;
  /** What the operator allows; null leaves it to the figures. */
  readonly configured: number | null;
}

export interface Admission {
  readonly sessions: number;
  readonly bottleneck: Bottleneck;
}

/** Measured: H.264 superfast and Opus for one 512×512 frame, with what sending it takes. */
const ENCODE_MS_PER_FRAME = 2;
/** Choosing, packing and sending one frame and its sound on the main thread. */
const PACING_MS_PER_FRAME = 0.2;
/** Shares that speech may take; the rest keeps deadlines. */
const DEVICE_SHARE = 0.75;
const INFERENCE_THREAD_SHARE = 0.7;
const PACING_SHARE = 0.75;
const CPU_SHARE = 0.5;
const ENCODER_SHARE = 0.75;

/** How many sessions a worker can serve when all of them speak at once. */
export function sessionsFor(input: AdmissionInput): Admission {
  const { batchMs, fps, chunkFrames, maxBatchFrames, device, cores, hardwareEncoder, configured } = input;
  const perBatch = Math.max(1, Math.floor(maxBatchFrames / chunkFrames));
  const frameMs = Math.min(
    ...[1, perBatch].map((chunks) => {
      const batch = Array<number>(chunks).fill(chunkFrames);
      return batchMs(batch) / (chunks * chunkFrames);
    }),
  );
  const inferenceMs = Math.max(0.01, frameMs);
  const at = (share: number, msPerFrame: number): number => (share * 1000) / (msPerFrame * fps);
  const limits: [Bottleneck, number][] =
    device === 'cpu'
      ? [
          ['device', at(INFERENCE_THREAD_SHARE, inferenceMs)],
          ['encoders', at(CPU_SHARE * cores, inferenceMs + ENCODE_MS_PER_FRAME)],
        ]
      : [
          ['device', at(DEVICE_SHARE, inferenceMs)],
          ['encoders', hardwareEncoder ? Infinity : at(ENCODER_SHARE * (cores - 1), ENCODE_MS_PER_FRAME)],
          ['pacing', at(PACING_SHARE, PACING_MS_PER_FRAME)],
        ];
  if (configured !== null) limits.push(['configured', configured]);
  const [bottleneck, most] = limits.reduce((least, limit) => (limit[1] < least[1] ? limit : least));
  return { sessions: Math.max(1, Math.floor(most)), bottleneck };
}
