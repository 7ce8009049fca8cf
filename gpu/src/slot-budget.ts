import type { ChunkCost } from './model-runner.ts';

/** Measured: H.264 superfast and Opus for one 512×512 frame, with what sending it takes. */
const ENCODE_MS_PER_FRAME = 2;
/** Share of the inference thread, and of all cores, that speech may take: the rest keeps deadlines. */
const INFERENCE_SHARE = 0.7;
const CPU_SHARE = 0.5;
const FRAMES_PER_SECOND = 25;

/** How many slots a CPU worker offers: all of them can speak at once. */
export function slotsFor(costs: readonly (readonly ChunkCost[])[], cores: number): number {
  const perFrame = costs.flatMap((bundle) => bundle.map((cost) => cost.medianMs / cost.frames));
  const inferenceMs = Math.max(0.1, Math.min(...perFrame));
  const byThread = (INFERENCE_SHARE * 1000) / (inferenceMs * FRAMES_PER_SECOND);
  const byCores = (CPU_SHARE * cores * 1000) / ((inferenceMs + ENCODE_MS_PER_FRAME) * FRAMES_PER_SECOND);
  return Math.max(1, Math.floor(Math.min(byThread, byCores)));
}
