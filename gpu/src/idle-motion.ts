import type { AvatarBundle, ExpressionParameter } from './avatar-bundle.ts';

/** Length of the loop: 10 s at 25 fps. */
export const IDLE_LOOP_FRAMES = 250;

/** A loop with uneven blinks, and glances to both sides. */
const DEFAULT_SEED = 2;

/** In the loop: 18 a minute. */
const BREATHS = 3;

/** A value of −1…1, one for each frame of the loop. */
type Curve = Float32Array;
type Random = () => number;

interface Motion {
  /** Mean and swing of the parameter, added to its rest value. */
  readonly mean: number;
  readonly swing: number;
  readonly curve: keyof Curves;
}

interface Curves {
  readonly blink: Curve;
  readonly gazeX: Curve;
  readonly gazeY: Curve;
  readonly smile: Curve;
  readonly brow: Curve;
  readonly browOuter: Curve;
  readonly yaw: Curve;
  readonly pitch: Curve;
  readonly roll: Curve;
  readonly breath: Curve;
  readonly nod: Curve;
}

/** What moves in silence, by the names that bundles use; what a bundle does not have stays still. */
const MOTIONS: Readonly<Record<string, Motion>> = {
  eyeBlink: { mean: 0, swing: 1, curve: 'blink' },
  gazeX: { mean: 0, swing: 0.3, curve: 'gazeX' },
  gazeY: { mean: 0, swing: 0.2, curve: 'gazeY' },
  mouthSmile: { mean: 0.1, swing: 0.07, curve: 'smile' },
  cheekSquint: { mean: 0.05, swing: 0.04, curve: 'smile' },
  eyeSquint: { mean: 0, swing: 0.03, curve: 'smile' },
  browInnerUp: { mean: 0.06, swing: 0.06, curve: 'brow' },
  browOuterUp: { mean: 0.05, swing: 0.05, curve: 'browOuter' },
  // Radians, cm.
  yaw: { mean: 0, swing: 0.04, curve: 'yaw' },
  pitch: { mean: 0, swing: 0.018, curve: 'pitch' },
  roll: { mean: 0, swing: 0.02, curve: 'roll' },
  shiftX: { mean: 0, swing: 0.14, curve: 'roll' },
  shiftY: { mean: 0, swing: 0.05, curve: 'pitch' },
  breath: { mean: 0.5, swing: 0.5, curve: 'breath' },
};

/** Somebody speaks: a face that is turned to them, looks at them, smiles a little more and nods at times. */
const ATTENTIVE: Readonly<Record<string, Motion>> = {
  ...MOTIONS,
  gazeX: { mean: 0, swing: 0.1, curve: 'gazeX' },
  gazeY: { mean: 0.02, swing: 0.06, curve: 'gazeY' },
  mouthSmile: { mean: 0.2, swing: 0.05, curve: 'smile' },
  cheekSquint: { mean: 0.12, swing: 0.04, curve: 'smile' },
  eyeSquint: { mean: -0.04, swing: 0.03, curve: 'smile' },
  eyeWide: { mean: 0.1, swing: 0.03, curve: 'brow' },
  browInnerUp: { mean: 0.16, swing: 0.08, curve: 'brow' },
  browOuterUp: { mean: 0.14, swing: 0.06, curve: 'browOuter' },
  yaw: { mean: 0, swing: 0.02, curve: 'yaw' },
  pitch: { mean: 0.02, swing: 0.045, curve: 'nod' },
  roll: { mean: 0.035, swing: 0.012, curve: 'roll' },
};

/** Eyes turn against the head, so that a look rests where it is: of each angle in radians, what the gaze gives for one. */
const STEADY: Readonly<Record<string, { readonly angle: 'yaw' | 'pitch'; readonly gain: number }>> = {
  gazeX: { angle: 'yaw', gain: -1.7 },
  gazeY: { angle: 'pitch', gain: 1.7 },
};

export type Activity = 'idle' | 'listening';

const tables = new WeakMap<AvatarBundle, Map<string, readonly Float32Array[]>>();

/**
 * The additive expression row of a frame of the idle motion: blinks, small glances, brows and a slow smile. The motion
 * repeats seamlessly every IDLE_LOOP_FRAMES; any integer is a valid index. The same seed gives the same motion. Rows are
 * shared: do not write into them.
 */
export function idleExpression(
  bundle: AvatarBundle,
  frameIndex: number,
  seed = DEFAULT_SEED,
  activity: Activity = 'idle',
): Float32Array {
  const known = tables.get(bundle) ?? new Map<string, readonly Float32Array[]>();
  const key = `${activity} ${seed}`;
  const rows = known.get(key) ?? makeRows(bundle, seed, activity === 'idle' ? MOTIONS : ATTENTIVE);
  tables.set(bundle, known.set(key, rows));
  return rows[wrap(frameIndex)] as Float32Array;
}

function makeRows(
  bundle: AvatarBundle,
  seed: number,
  motions: Readonly<Record<string, Motion>>,
): Float32Array[] {
  const random = xorshift(seed);
  const curves: Curves = {
    blink: blinks(bundle.fps, random),
    ...gaze(bundle.fps, random),
    smile: wander(random),
    brow: wander(random),
    browOuter: wander(random),
    yaw: wander(random),
    pitch: wander(random),
    roll: wander(random),
    breath: breaths(),
    nod: nods(bundle.fps, random),
  };
  const at = (motion: Motion | undefined, frame: number): number =>
    motion ? motion.mean + motion.swing * (curves[motion.curve][frame] ?? 0) : 0;
  const { parameters } = bundle.expression;
  return Array.from({ length: IDLE_LOOP_FRAMES }, (_, frame) =>
    Float32Array.from(parameters, (parameter) => {
      const motion = Object.hasOwn(motions, parameter.name) ? motions[parameter.name] : undefined;
      if (!motion) return 0;
      const against = Object.hasOwn(STEADY, parameter.name) ? STEADY[parameter.name] : undefined;
      const steady = against ? against.gain * at(motions[against.angle], frame) : 0;
      return clamp(at(motion, frame) + steady, parameter);
    }),
  );
}

/** A slow movement that never rests: a few waves whose periods divide the loop. */
function wander(random: Random): Curve {
  const waves = [1, 2, 3, 5].map((cycles) => ({
    cycles,
    phase: random() * 2 * Math.PI,
    height: 1 / Math.sqrt(cycles),
  }));
  const total = waves.reduce((sum, { height }) => sum + height, 0);
  return Float32Array.from({ length: IDLE_LOOP_FRAMES }, (_, frame) => {
    const turn = (2 * Math.PI * frame) / IDLE_LOOP_FRAMES;
    const sum = waves.reduce(
      (value, { cycles, phase, height }) => value + height * Math.sin(cycles * turn + phase),
      0,
    );
    return sum / total;
  });
}

/** Breathing out takes longer than breathing in. */
function breaths(): Curve {
  return Float32Array.from({ length: IDLE_LOOP_FRAMES }, (_, frame) => {
    const turn = (2 * Math.PI * BREATHS * frame) / IDLE_LOOP_FRAMES;
    return -Math.cos(turn + 0.35 * Math.sin(turn));
  });
}

/** Every 2 to 4 s a nod, at times a second one behind it. */
function nods(fps: number, random: Random): Curve {
  const curve = new Float32Array(IDLE_LOOP_FRAMES);
  for (const start of instants(fps, random, 2, 4)) {
    const times = random() < 0.4 ? 2 : 1;
    for (let nod = 0; nod < times; nod += 1) {
      const length = 0.5 * fps;
      for (let frame = 0; frame < length; frame += 1) {
        const at = wrap(start + Math.round(nod * length) + frame);
        curve[at] = Math.max(curve[at] ?? 0, 0.5 - 0.5 * Math.cos((2 * Math.PI * (frame + 0.5)) / length));
      }
    }
  }
  return curve;
}

/** Blinks every 3 to 6 s, at irregular times; one of them is a double blink: 18 a minute. */
function blinks(fps: number, random: Random): Curve {
  const curve = new Float32Array(IDLE_LOOP_FRAMES);
  const starts = instants(fps, random, 3.4, 6.4);
  const double = Math.floor(random() * starts.length);
  starts.push((starts[double] ?? 0) + Math.round(0.32 * fps));
  for (const start of starts) {
    for (let frame = 0; frame < fps; frame += 1) {
      const at = wrap(start + frame);
      curve[at] = Math.max(curve[at] ?? 0, lid((frame + 1) / fps));
    }
  }
  return curve;
}

/** How far the lid is closed, by seconds since the blink began: closed in 80 ms, open again 120 ms later. */
function lid(seconds: number): number {
  if (seconds <= 0.08) return smooth(seconds / 0.08);
  return 1 - smooth((seconds - 0.08) / 0.12);
}

/**
 * Fixations of 0.7 to 2.5 s with saccades of two frames between them: mostly on the viewer's eyes, at times a glance
 * aside; around the point an eye drifts a little, as eyes do.
 */
function gaze(fps: number, random: Random): Pick<Curves, 'gazeX' | 'gazeY'> {
  const gazeX = new Float32Array(IDLE_LOOP_FRAMES);
  const gazeY = new Float32Array(IDLE_LOOP_FRAMES);
  const starts = instants(fps, random, 0.7, 2.5);
  const points = starts.map((_, index) => {
    const reach = index % 4 === 2 ? 0.6 : 0.12;
    const side = random() < 0.5 ? -1 : 1;
    return { x: side * reach * (0.6 + 0.4 * random()), y: reach * (random() - 0.6) };
  });
  const driftX = wander(random);
  const driftY = wander(random);
  for (const [index, start] of starts.entries()) {
    const from = points.at(index - 1) ?? { x: 0, y: 0 };
    const to = points[index] ?? from;
    const next = starts[index + 1] ?? (starts[0] ?? 0) + IDLE_LOOP_FRAMES;
    for (let frame = start; frame < next; frame += 1) {
      const way = Math.min(1, (frame - start + 1) / 2);
      const at = wrap(frame);
      gazeX[at] = from.x + (to.x - from.x) * way + 0.08 * (driftX[at] ?? 0);
      gazeY[at] = from.y + (to.y - from.y) * way + 0.08 * (driftY[at] ?? 0);
    }
  }
  return { gazeX, gazeY };
}

/** Ascending frames round the loop whose distances, also the one across the seam, lie between the given seconds. */
function instants(fps: number, random: Random, minSeconds: number, maxSeconds: number): number[] {
  const loopSeconds = IDLE_LOOP_FRAMES / fps;
  const count = Math.max(1, Math.round(loopSeconds / ((minSeconds + maxSeconds) / 2)));
  const mean = loopSeconds / count;
  const spread = Math.max(0, Math.min(mean - minSeconds, maxSeconds - mean));
  // Differences of jitters cancel round the loop; each distance stays within mean ± spread.
  let seconds = random() * mean;
  const jitters = Array.from({ length: count }, () => random() * spread);
  return jitters.map((jitter) => {
    const at = Math.floor((seconds + jitter) * fps);
    seconds += mean;
    return at;
  });
}

function clamp(value: number, { rest, min, max }: ExpressionParameter): number {
  return Math.min(max - rest, Math.max(min - rest, value));
}

function smooth(x: number): number {
  const t = Math.min(1, Math.max(0, x));
  return t * t * (3 - 2 * t);
}

function wrap(frame: number): number {
  return ((frame % IDLE_LOOP_FRAMES) + IDLE_LOOP_FRAMES) % IDLE_LOOP_FRAMES;
}

/** Marsaglia, "Xorshift RNGs", 2003. */
function xorshift(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
