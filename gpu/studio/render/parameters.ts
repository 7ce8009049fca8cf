import type { Pose } from './page/face-shape.ts';

/** What the avatar can move, and how far: the order is that of every file of the data set. Weights, radians, cm, 0…1. */
export const PARAMETERS = {
  jawOpen: [0, 0.65],
  mouthFunnel: [0, 0.8],
  mouthPucker: [0, 0.7],
  mouthPress: [0, 0.7],
  mouthRollLower: [0, 0.7],
  mouthRollUpper: [0, 0.5],
  mouthUpperUp: [0, 0.5],
  mouthLowerDown: [0, 0.5],
  mouthStretch: [0, 0.4],
  mouthSmile: [-0.25, 0.7],
  mouthFrown: [0, 0.45],
  mouthShrugLower: [0, 0.5],
  cheekSquint: [0, 0.5],
  eyeBlink: [0, 1],
  eyeSquint: [-0.1, 0.5],
  eyeWide: [0, 0.5],
  browDown: [0, 0.6],
  browInnerUp: [0, 0.7],
  browOuterUp: [0, 0.6],
  gazeX: [-0.6, 0.6],
  gazeY: [-0.5, 0.5],
  tongueUp: [0, 1],
  tongueOut: [0, 1],
  yaw: [-0.105, 0.105],
  pitch: [-0.105, 0.105],
  roll: [-0.105, 0.105],
  shiftX: [-0.8, 0.8],
  shiftY: [-0.5, 0.5],
  breath: [0, 1],
} as const satisfies Readonly<Record<string, readonly [number, number]>>;

export type Parameter = keyof typeof PARAMETERS;
export type Values = Record<Parameter, number>;

const OF_THE_POSE = new Set<string>(['yaw', 'pitch', 'roll', 'breath', 'tongueUp', 'tongueOut']);

export function toPose(values: Values): Partial<Pose> {
  const weights: Record<string, number> = {};
  for (const [name, value] of Object.entries(values)) {
    if (OF_THE_POSE.has(name) || name.startsWith('gaze') || name.startsWith('shift')) continue;
    weights[name] = value;
  }
  // Eyes turn to the viewer's right when gazeX grows, and lids follow up and down.
  const { gazeX, gazeY } = values;
  weights['eyeLookOut_R'] = weights['eyeLookIn_L'] = Math.max(0, -gazeX);
  weights['eyeLookIn_R'] = weights['eyeLookOut_L'] = Math.max(0, gazeX);
  weights['eyeLookUp'] = Math.max(0, gazeY);
  weights['eyeLookDown'] = Math.max(0, -gazeY);
  return {
    weights,
    yaw: values.yaw,
    pitch: values.pitch,
    roll: values.roll,
    shift: [values.shiftX, values.shiftY],
    breath: values.breath,
    tongueUp: values.tongueUp,
    tongueOut: values.tongueOut,
  };
}

/** Mouths of speech, of which random ones are mixed. */
const MOUTHS: readonly Partial<Values>[] = [
  {},
  {},
  { jawOpen: 0.5, mouthLowerDown: 0.22, mouthUpperUp: 0.14, mouthStretch: 0.05 },
  { jawOpen: 0.3, mouthLowerDown: 0.2, mouthUpperUp: 0.14, mouthStretch: 0.2 },
  { jawOpen: 0.14, mouthLowerDown: 0.2, mouthUpperUp: 0.18, mouthStretch: 0.3, mouthSmile: 0.2 },
  { jawOpen: 0.32, mouthFunnel: 0.6, mouthPucker: 0.26, mouthSmile: -0.14 },
  { jawOpen: 0.12, mouthFunnel: 0.35, mouthPucker: 0.6, mouthSmile: -0.2 },
  { mouthPress: 0.55, mouthRollLower: 0.35, mouthRollUpper: 0.3, jawOpen: 0.02 },
  { mouthPress: 0.3, mouthRollLower: 0.2, mouthRollUpper: 0.15 },
  { jawOpen: 0.04, mouthRollLower: 0.4, mouthUpperUp: 0.3, mouthShrugLower: 0.4 },
  { jawOpen: 0.14, mouthLowerDown: 0.12, mouthUpperUp: 0.14, tongueOut: 0.8 },
  { jawOpen: 0.2, mouthLowerDown: 0.18, mouthUpperUp: 0.16, tongueUp: 0.9 },
  { jawOpen: 0.06, mouthLowerDown: 0.25, mouthUpperUp: 0.22, mouthStretch: 0.25 },
  { jawOpen: 0.08, mouthFunnel: 0.5, mouthUpperUp: 0.2, mouthLowerDown: 0.25 },
  { mouthSmile: 0.55, cheekSquint: 0.35, eyeSquint: 0.2 },
  { mouthSmile: 0.6, cheekSquint: 0.4, eyeSquint: 0.25, mouthUpperUp: 0.16, jawOpen: 0.04 },
  { mouthFrown: 0.35, browInnerUp: 0.4 },
];

/** A pose that could be met in a conversation, drawn from the number of the frame alone. */
export function samplePose(seed: number, frame: number): Values {
  const random = generator(seed * 1_000_003 + frame);
  const between = (low: number, high: number): number => low + (high - low) * random();
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const values = Object.fromEntries(Object.keys(PARAMETERS).map((name) => [name, 0])) as Values;
  const mix = between(0.35, 1);
  for (const [mouth, share] of [
    [pick(MOUTHS, random), mix],
    [pick(MOUTHS, random), 1 - mix],
  ] as const) {
    for (const [name, value] of Object.entries(mouth))
      values[name as Parameter] += value * share * between(0.5, 1.2);
  }
  if (random() < 0.3) values.browDown += between(0, 0.5);
  if (random() < 0.3) values.browInnerUp += between(0, 0.6);
  if (random() < 0.3) values.browOuterUp += between(0, 0.5);
  if (random() < 0.2) values.eyeWide += between(0, 0.4);
  if (random() < 0.25) values.mouthSmile += between(0, 0.35);
  const lid = random();
  if (lid < 0.2) values.eyeBlink = between(0.1, 1);
  else if (lid < 0.27) values.eyeBlink = 1;
  values.gazeX = 0.22 * normal();
  values.gazeY = 0.16 * normal();
  for (const name of ['yaw', 'pitch', 'roll'] as const) values[name] = 0.05 * normal();
  values.shiftX = 0.3 * normal();
  values.shiftY = 0.2 * normal();
  values.breath = random();
  for (const [name, [low, high]] of Object.entries(PARAMETERS)) {
    values[name as Parameter] = Math.min(high, Math.max(low, values[name as Parameter]));
  }
  return values;
}

function pick<T>(items: readonly T[], random: () => number): T {
  return items[Math.floor(random() * items.length)]!;
}

/** mulberry32: small, and the same everywhere. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
