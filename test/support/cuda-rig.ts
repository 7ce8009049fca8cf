import { buildSimulator } from '../../gpu/simulator/build.ts';
import { CudaSimulator, readProfile } from '../../gpu/simulator/simulator.ts';
import type { ProfileName } from '../../gpu/simulator/simulator.ts';
import type { AvatarBundle } from '../../gpu/src/avatar-bundle.ts';
import type { PipelineMode } from '../../gpu/src/cuda/cuda-messages.ts';
import { CudaModelRunner } from '../../gpu/src/cuda/cuda-model-runner.ts';
import type { FrameRing } from '../../gpu/src/frame-ring.ts';
import type { ChunkRequest } from '../../gpu/src/model-runner.ts';

const MODELLED = new URL('../../gpu/simulator/modelled-networks.ts', import.meta.url).href;

export interface CudaRig {
  readonly simulator: CudaSimulator;
  readonly runner: CudaModelRunner;
  /** What the runner has said of its end. */
  readonly fatal: Error[];
}

/** A CudaModelRunner on the simulated device, with networks that carry a number from the sound to the picture. */
export async function openCudaRig(
  bundle: AvatarBundle,
  options: { mode?: PipelineMode; profile?: ProfileName; speed?: number; hangMs?: number } = {},
): Promise<CudaRig> {
  const driver = await buildSimulator();
  const simulator = new CudaSimulator(driver);
  const profile = readProfile(options.profile ?? 'g7e');
  simulator.use(profile, { speed: options.speed ?? 0 });
  const fatal: Error[] = [];
  const runner = new CudaModelRunner({
    device: 0,
    driver,
    mode: options.mode ?? 'async',
    depth: 3,
    decoder: 'auto',
    steps: 'auto',
    networks: { module: MODELLED, options: profile.networks },
    onFatal: (error) => fatal.push(error),
    ...(options.hangMs === undefined ? {} : { hangMs: options.hangMs }),
  });
  try {
    await runner.load(bundle);
  } catch (error) {
    await runner.close();
    throw error;
  }
  return { simulator, runner, fatal };
}

/** A chunk whose frames carry the numbers from `first` on. Takes its ring entries. */
export function numberedChunk(
  bundle: AvatarBundle,
  slotId: number,
  ring: FrameRing,
  first: number,
  frames: number,
  shown = [...Array(frames).keys()],
): ChunkRequest {
  const pcm = new Float32Array(frames * bundle.samplesPerFrame);
  for (let frame = 0; frame < frames; frame += 1)
    pcm[frame * bundle.samplesPerFrame] = numberToSample(first + frame);
  return {
    slotId,
    pcm,
    expression: new Float32Array(frames * bundle.expression.parameters.length),
    frames,
    shown,
    reset: false,
    entries: shown.map(() => ring.acquire() ?? -1),
  };
}

const bits = new Uint32Array(1);
const sample = new Float32Array(bits.buffer);

/** Finite for every number below 2^31 − 2^24. */
function numberToSample(number: number): number {
  bits[0] = number;
  return sample[0] ?? 0;
}

/** The number that a picture carries; null when its words differ: it is torn. */
export function numberOf(picture: Uint8Array): number | null {
  const words = new Uint32Array(picture.buffer, picture.byteOffset, picture.byteLength / 4);
  const first = words[0] ?? 0;
  return words.every((word) => word === first) ? first : null;
}
