import type { AvatarBundle } from './avatar-bundle.ts';
import { chooseDecoder } from './decoder-choice.ts';
import type { DecoderChoice } from './decoder-choice.ts';
import type { MeasuredCosts } from './cost-model.ts';
import type { WarmUp } from './model-runner.ts';
import type { OnnxNetworks } from './onnx-networks.ts';

const COMPARED_RUNS = 5;
const TIMED_RUNS = 15;
/** Times are settled when a run takes no less than this share of the fastest so far, three times in a row. */
const SETTLED_SHARE = 0.95;
const MAX_SETTLING_RUNS = 20;
/** A decoder too large for this machine need not be known so exactly. */
const ENOUGH_MS = 2000;
const FEWEST_RUNS = 5;

/** Chooses the decoder where that is left open, and measures what chunks cost with it. */
export async function warmUp(
  networks: OnnxNetworks,
  bundle: AvatarBundle,
  wanted: string,
): Promise<{ warmUp: WarmUp; decoders: DecoderChoice }> {
  const medians = new Map<string, number>();
  for (const variant of networks.variants) {
    networks.useVariant(variant);
    medians.set(variant, (await measure(networks, bundle, bundle.chunkFrames, COMPARED_RUNS)).decodeMs);
  }
  const decoders = chooseDecoder(medians, wanted, bundle.decoder.finest);
  const { chosen, fastest } = decoders;
  await networks.keep([chosen, fastest ?? chosen]);

  const sizes = [...new Set([1, 2, bundle.chunkFrames])].filter((frames) => frames >= bundle.minChunkFrames);
  const timeAll = async (variant: string | null): Promise<MeasuredCosts> => {
    if (variant !== null) networks.useVariant(variant);
    const generate = [];
    const decode = [];
    for (const frames of sizes) {
      const { generateMs, decodeMs } = await measure(networks, bundle, frames, TIMED_RUNS, variant !== null);
      generate.push({ frames, medianMs: generateMs });
      decode.push({ frames, medianMs: decodeMs });
    }
    return { generate, decode };
  };
  const fastestDecoder = fastest === null ? null : (await timeAll(fastest)).decode;
  networks.useSteps('fewest');
  const fewestSteps = networks.hasFewerSteps ? (await timeAll(null)).generate : null;
  networks.useSteps('default');
  return { warmUp: { costs: await timeAll(chosen), fewestSteps, fastestDecoder }, decoders };
}

/** Median times of one chunk in ms, after they have settled. Copying the frames out counts as decoding, which may be left out. */
async function measure(
  networks: OnnxNetworks,
  bundle: AvatarBundle,
  frames: number,
  runs: number,
  decodes = true,
): Promise<{ generateMs: number; decodeMs: number }> {
  const pcm = Float32Array.from({ length: frames * bundle.samplesPerFrame }, (_, sample) => {
    const seconds = sample / bundle.sampleRate;
    return 0.2 * Math.sin(2 * Math.PI * 140 * seconds) * Math.sin(2 * Math.PI * 4 * seconds);
  });
  const expression = new Float32Array(frames * bundle.expression.parameters.length);
  const picture = new Uint8Array(bundle.frameBytes);
  let state = networks.initialState();
  const time = async (): Promise<{ generateMs: number; decodeMs: number }> => {
    const startMs = performance.now();
    const generated = await networks.generate(pcm, expression, frames, state);
    const generatedMs = performance.now();
    state = generated.state;
    if (decodes) {
      await networks.decode(generated.latents, frames);
      for (let frame = 0; frame < frames; frame += 1) networks.copyFrame(frame, picture);
    }
    return { generateMs: generatedMs - startMs, decodeMs: performance.now() - generatedMs };
  };

  let fastestMs = Infinity;
  for (let run = 0, settled = 0; run < MAX_SETTLING_RUNS && settled < 3; run += 1) {
    const { generateMs, decodeMs } = await time();
    settled = generateMs + decodeMs >= fastestMs * SETTLED_SHARE ? settled + 1 : 0;
    fastestMs = Math.min(fastestMs, generateMs + decodeMs);
  }
  const times = [];
  const endMs = performance.now() + ENOUGH_MS;
  for (let run = 0; run < runs && (run < FEWEST_RUNS || performance.now() < endMs); run += 1) {
    times.push(await time());
  }
  const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
  return {
    generateMs: median(times.map(({ generateMs }) => generateMs)),
    decodeMs: median(times.map(({ decodeMs }) => decodeMs)),
  };
}
