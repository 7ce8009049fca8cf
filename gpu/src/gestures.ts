import type { Gesture } from '@vizavi/signaling';

/** What is added to parameters of the face, by the names that bundles use; angles in radians. */
type Moves = Readonly<Record<string, number>>;

interface Course {
  readonly seconds: number;
  /** `t`: 0 at its beginning, 1 at its end; nothing is moved at both. */
  readonly at: (t: number) => Moves;
}

/** Of an angle of the head in radians, what the gaze gives against it: a look rests where it is. */
const STEADY = { yaw: -1.7, pitch: 1.7 } as const;

const COURSES: Readonly<Record<Gesture, Course>> = {
  /** Down twice, the second time less. */
  nod: { seconds: 0.96, at: (t) => turned({ pitch: 0.085 * arc(t / 0.55) + 0.05 * arc((t - 0.5) / 0.5) }) },
  /** To both sides, and less and less. */
  shake: {
    seconds: 1.2,
    at: (t) => turned({ yaw: 0.095 * Math.sin(4 * Math.PI * t) * held(t) * (1 - 0.4 * t) }),
  },
  tilt: {
    seconds: 1.6,
    at: (t) => scaled({ roll: 0.085, browInnerUp: 0.16, browOuterUp: 0.1, mouthSmile: 0.08 }, held(t)),
  },
  brows: { seconds: 0.9, at: (t) => scaled({ browInnerUp: 0.4, browOuterUp: 0.42, eyeWide: 0.3 }, held(t)) },
  /** Up and aside, away from whom it talks with. */
  think: {
    seconds: 1.7,
    at: (t) =>
      scaled({ gazeX: 0.42, gazeY: 0.3, yaw: 0.045, roll: 0.03, browInnerUp: 0.2, browDown: 0.08 }, held(t)),
  },
  bow: {
    seconds: 1.5,
    at: (t) =>
      scaled({ pitch: 0.1, gazeY: -0.1, eyeSquint: 0.1, mouthSmile: 0.2, cheekSquint: 0.1 }, held(t)),
  },
};

/** What a gesture adds so many seconds after its beginning; null before it and once it is over. */
export function gestureAt(gesture: Gesture, seconds: number): Moves | null {
  const course = COURSES[gesture];
  return seconds > 0 && seconds < course.seconds ? course.at(seconds / course.seconds) : null;
}

export function gestureFrames(gesture: Gesture, fps: number): number {
  return Math.ceil(COURSES[gesture].seconds * fps);
}

function turned(angles: { readonly yaw?: number; readonly pitch?: number }): Moves {
  const { yaw = 0, pitch = 0 } = angles;
  return { yaw, pitch, gazeX: STEADY.yaw * yaw, gazeY: STEADY.pitch * pitch };
}

function scaled(moves: Moves, by: number): Moves {
  return Object.fromEntries(Object.entries(moves).map(([name, value]) => [name, value * by]));
}

/** Up and down again while x goes from 0 to 1; nothing outside. */
function arc(x: number): number {
  return x <= 0 || x >= 1 ? 0 : 0.5 - 0.5 * Math.cos(2 * Math.PI * x);
}

/** There within the first quarter, away in the last third. */
function held(t: number): number {
  return smooth(t / 0.25) * smooth((1 - t) / 0.33);
}

function smooth(x: number): number {
  const t = Math.min(1, Math.max(0, x));
  return t * t * (3 - 2 * t);
}
