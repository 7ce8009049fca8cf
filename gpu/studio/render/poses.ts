import type { Pose } from './page/face-shape.ts';

/** Poses by which an actor is judged, in the order of the contact sheet. */
export const SHEET: Readonly<Record<string, Partial<Pose>>> = {
  rest: {},
  aa: { weights: { jawOpen: 0.5, mouthLowerDown: 0.22, mouthUpperUp: 0.14, mouthStretch: 0.05 } },
  oh: { weights: { jawOpen: 0.32, mouthFunnel: 0.6, mouthPucker: 0.26, mouthSmile: -0.14 } },
  pp: { weights: { mouthPress: 0.55, mouthRollLower: 0.35, mouthRollUpper: 0.3, jawOpen: 0.02 } },
  ff: { weights: { jawOpen: 0.04, mouthRollLower: 0.4, mouthUpperUp: 0.3, mouthShrugLower: 0.4 } },
  th: { weights: { jawOpen: 0.14, mouthLowerDown: 0.12, mouthUpperUp: 0.14 }, tongueOut: 0.8 },
  ll: { weights: { jawOpen: 0.2, mouthLowerDown: 0.18, mouthUpperUp: 0.16 }, tongueUp: 0.9 },
  smile: {
    weights: { mouthSmile: 0.6, cheekSquint: 0.4, eyeSquint: 0.25, mouthUpperUp: 0.16, jawOpen: 0.04 },
  },
  blink: { weights: { eyeBlink: 1, eyeSquint: -0.1 } },
  turn: { yaw: 0.105, pitch: 0.05, roll: -0.04, breath: 1 },
  away: { yaw: -0.105, pitch: -0.06, roll: 0.06 },
  brows: { weights: { browInnerUp: 0.5, browOuterUp: 0.4, eyeWide: 0.2 } },
};
