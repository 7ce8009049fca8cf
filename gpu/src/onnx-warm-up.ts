import type { AvatarBundle } from './avatar-bundle.ts';
import type { ChunkCost } from './model-runner.ts';
import type { OnnxNetworks } from './onnx-networks.ts';

const COMPARED_RUNS = 5;
const TIMED_RUNS = 15;
/** Times are settled when a run takes no less than this share of the fastest so far, three times in a row. */
const SETTLED_SHARE = 0.95;
const MAX_SETTLING_RUNS = 20;

/** Chooses the fastest decoder of this machine and measures what chunks cost with it. */
export async function warmUp(networks: OnnxNetworks, bundle: AvatarBundle): Promise<ChunkCost[]> {
  const medians = new Map<string, number>();
  for (const variant of networks.variants.length > 1 ? networks.variants : []) {
    networks.useVariant(variant);
    medians.set(variant, await measure(networks, bundle, bundle.chunkFrames, COMPARED_RUNS));
  }
  const [fastest] = [...medians].sort(([, a], [, b]) => a - b);
  if (fastest) networks.useVariant(fastest[0]);
  await networks.settleVariant();

  const sizes = new Set([1, 2, bundle.chunkFrames].filter((frames) => frames >= bundle.minChunkFrames));
  const costs: ChunkCost[] = [];
  for (const frames of sizes) {
    costs.push({ frames, medianMs: await measure(networks, bundle, frames, TIMED_RUNS) });
  }
  return costs;
}

/** Median time of one chunk in ms, after the times have settled. */
async function measure(
  networks: OnnxNetworks,
  bundle: AvatarBundle,
  frames: number,
  runs: number,
): Promise<number> {
  const pcm = Float32Array.from({ length: frames * bundle.samplesPerFrame }, (_, sample) => {
    const seconds = sample / bundle.sampleRate;
    return 0.2 * Math.sin(2 * Math.PI * 140 * seconds) * Math.sin(2 * Math.PI * 4 * seconds);
  });
  const expression = new Float32Array(frames * bundle.expression.parameters.length);
  const picture = new Uint8Array(bundle.frameBytes);
  let state = networks.initialState();
  const time = async (): Promise<number> => {
    const startMs = performance.now();
    const generated = await networks.generate(pcm, expression, frames, state);
    state = generated.state;
    await networks.decode(generated.latents, frames);
    for (let frame = 0; frame < frames; frame += 1) networks.copyFrame(frame, picture);
    return performance.now() - startMs;
  };

  let fastestMs = Infinity;
  for (let run = 0, settled = 0; run < MAX_SETTLING_RUNS && settled < 3; run += 1) {
    const timeMs = await time();
    settled = timeMs >= fastestMs * SETTLED_SHARE ? settled + 1 : 0;
    fastestMs = Math.min(fastestMs, timeMs);
  }
  const timesMs: number[] = [];
  for (let run = 0; run < runs; run += 1) timesMs.push(await time());
  return timesMs.sort((a, b) => a - b)[runs >> 1] ?? 0;
}
