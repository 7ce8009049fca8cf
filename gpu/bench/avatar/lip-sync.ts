import type { AvatarBundle } from '../../src/avatar-bundle.ts';
import { OnnxNetworks } from '../../src/onnx-networks.ts';

/** How a face should move to a sound: `vizavi_studio.held_out` writes it. One value for each frame of 40 ms. */
export interface Reference {
  readonly voice: string;
  readonly jawOpen: readonly number[];
  /** 1 while p, b or m keep the lips closed. */
  readonly closed: readonly number[];
  readonly active: readonly number[];
}

export interface LipSync {
  readonly steps: number;
  /** Pearson's r of jawOpen while there is speech. */
  readonly jawCorrelation: number;
  /** The shift at which it is highest, ms; positive: the picture is late. */
  readonly lagMs: number;
  /** Share of the closures of p, b and m with closed lips within 40 ms. */
  readonly closuresMet: number;
  /** Share of closed lips during speech that are near such a closure, or in a pause. */
  readonly closuresRight: number;
}

/** Lips are taken for closed with so much of the closed shape, and no more than so much of an open jaw. */
const PRESSED = 0.25;
const JAW_CLOSED = 0.08;
const MAX_LAG_FRAMES = 6;

/** Lets the generator hear a sound from silence on and compares what it makes of it. */
export async function measureLips(
  bundle: AvatarBundle,
  steps: number,
  pcm: Float32Array,
  reference: Reference,
): Promise<LipSync> {
  const networks = await OnnxNetworks.open({ bundle, threads: 1, decoder: bundle.decoder.default, steps });
  const width = bundle.expression.parameters.length;
  const frames = reference.jawOpen.length;
  const { lookaheadFrames, samplesPerFrame, chunkFrames } = bundle;
  const all: number[][] = [];
  try {
    let state = networks.initialState();
    for (let at = 0; at < frames + lookaheadFrames; at += chunkFrames) {
      const block = new Float32Array(chunkFrames * samplesPerFrame);
      block.set(pcm.subarray(at * samplesPerFrame, (at + chunkFrames) * samplesPerFrame));
      const made = await networks.generate(block, new Float32Array(chunkFrames * width), chunkFrames, state);
      state = made.state;
      for (let frame = 0; frame < chunkFrames; frame += 1) {
        all.push([...(made.params ?? []).slice(frame * width, (frame + 1) * width)]);
      }
    }
  } finally {
    await networks.close();
  }
  const shown = all.slice(lookaheadFrames, lookaheadFrames + frames);
  const column = (name: string): number[] => {
    const index = bundle.expression.parameters.find((parameter) => parameter.name === name)?.index ?? -1;
    return shown.map((row) => row[index] ?? 0);
  };
  const jaw = column('jawOpen');
  const press = column('mouthPress');
  const spoken = reference.active.map((value) => value > 0.5);
  const shut = jaw.map((open, frame) => (press[frame] ?? 0) >= PRESSED && open <= JAW_CLOSED);
  const asked = reference.closed.map((value) => value > 0.5);
  return {
    steps,
    jawCorrelation: correlation(jaw, reference.jawOpen, spoken, 0),
    lagMs: bestLag(jaw, reference.jawOpen, spoken) * (1000 / bundle.fps),
    closuresMet: met(asked, shut),
    closuresRight: met(
      shut,
      asked.map((closed, frame) => closed || spoken[frame] !== true),
    ),
  };
}

/** r of `made`, `lag` frames later, and `asked`. */
function correlation(
  made: readonly number[],
  asked: readonly number[],
  counted: readonly boolean[],
  lag: number,
): number {
  const pairs = asked.flatMap((value, frame): [number, number][] => {
    const late = made[frame + lag];
    return counted[frame] === true && late !== undefined ? [[late, value]] : [];
  });
  const mean = (part: 0 | 1): number => pairs.reduce((sum, pair) => sum + pair[part], 0) / pairs.length;
  const [a, b] = [mean(0), mean(1)];
  const sum = (of: (x: number, y: number) => number): number =>
    pairs.reduce((total, [x, y]) => total + of(x - a, y - b), 0);
  return sum((x, y) => x * y) / Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y));
}

/** Frames; between whole ones by the parabola through the three highest. */
function bestLag(made: readonly number[], asked: readonly number[], counted: readonly boolean[]): number {
  const lags = Array.from({ length: 2 * MAX_LAG_FRAMES + 1 }, (_, index) => index - MAX_LAG_FRAMES);
  const values = lags.map((lag) => correlation(made, asked, counted, lag));
  const top = values.indexOf(Math.max(...values));
  const [before = 0, at = 0, after = 0] = values.slice(top - 1, top + 2);
  const bend = before - 2 * at + after;
  return (lags[top] ?? 0) + (bend === 0 ? 0 : (0.5 * (before - after)) / bend);
}

/** Share of the runs in `asked` with a true frame in `given`, at most one frame off. */
function met(asked: readonly boolean[], given: readonly boolean[]): number {
  let runs = 0;
  let hits = 0;
  for (let frame = 0; frame < asked.length; frame += 1) {
    if (asked[frame] !== true || asked[frame - 1] === true) continue;
    let end = frame;
    while (asked[end] === true) end += 1;
    runs += 1;
    if (given.slice(Math.max(0, frame - 1), end + 1).includes(true)) hits += 1;
  }
  return runs === 0 ? 1 : hits / runs;
}
