import { VizaviError } from '@vizavi/signaling';
import type { AvatarBundle } from './avatar-bundle.ts';

export interface StepChoice {
  /** The generator to begin with. */
  readonly file: string;
  readonly steps: number;
  /** The one with the fewest denoising steps, for when the device cannot keep up; null when it is the same. */
  readonly fewestFile: string | null;
}

/**
 * @param wanted denoising steps, or `auto`: the bundle's default
 * @throws VizaviError `unsupported_device` when the bundle has no generator with so many
 */
export function chooseSteps({ id, generator }: AvatarBundle, wanted: number | 'auto'): StepChoice {
  const files = new Map([
    [generator.steps, generator.file],
    ...Object.entries(generator.variants).map(([steps, file]) => [Number(steps), file] as const),
  ]);
  const steps = wanted === 'auto' ? generator.steps : wanted;
  const file = files.get(steps);
  if (file === undefined) {
    const known = [...files.keys()].sort((a, b) => a - b).join(', ');
    const problem = `${id} has no generator with ${steps} steps, only with: ${known}`;
    throw new VizaviError('unsupported_device', problem);
  }
  const fewest = Math.min(...files.keys());
  return { file, steps, fewestFile: fewest < steps ? (files.get(fewest) ?? null) : null };
}
