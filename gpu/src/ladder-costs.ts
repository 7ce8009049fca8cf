import { CostModel } from './cost-model.ts';
import { LADDER } from './deadline-ladder.ts';
import type { Rung } from './deadline-ladder.ts';
import type { WarmUp } from './model-runner.ts';

/** Which rungs of the ladder a bundle has on a device, and what they cost there. */
export function ladderCosts(
  { costs, fewestSteps, fastestDecoder }: WarmUp,
  chunkFrames: number,
): { available: Rung[]; relativeCost: (rung: Rung) => number } {
  const relative = new Map(
    LADDER.map(({ rung, steps, decoder, decodeEvery }) => {
      const generate = (steps === 'fewest' && fewestSteps) || costs.generate;
      const decode = (decoder === 'fastest' && fastestDecoder) || costs.decode;
      const generateMs = new CostModel({ generate, decode: [] }).batchMs([chunkFrames]);
      const decodeMs = new CostModel({ generate: [], decode }).batchMs([chunkFrames]);
      return [rung, generateMs + (decodeEvery === 0 ? 0 : decodeMs / decodeEvery)] as const;
    }),
  );
  const fullMs = relative.get('full') ?? 1;
  const available: Rung[] = ['full', 'half-rate', 'hold-picture', 'idle-picture'];
  if (fewestSteps) available.push('fewer-steps');
  if (fastestDecoder) available.push('small-decoder');
  return { available, relativeCost: (rung) => (relative.get(rung) ?? fullMs) / fullMs };
}
