import { describe, expect, it } from 'vitest';
import { PARAMETERS, samplePose, toPose } from '../../../gpu/studio/render/parameters.ts';

const FRAMES = 2000;
const poses = Array.from({ length: FRAMES }, (_, frame) => samplePose(1, frame));

function share(test: (pose: (typeof poses)[number]) => boolean): number {
  return poses.filter(test).length / FRAMES;
}

describe('poses of the data set', () => {
  it('follow from the seed and the number of the frame alone', () => {
    expect(samplePose(1, 1234)).toEqual(poses[1234]);
    expect(samplePose(2, 1234)).not.toEqual(poses[1234]);
  });

  it('stay within the ranges', () => {
    for (const pose of poses) {
      for (const [name, [low, high]] of Object.entries(PARAMETERS)) {
        const value = pose[name as keyof typeof pose];
        expect(value >= low && value <= high, `${name} ${value}`).toBe(true);
      }
    }
  });

  it('hold what a conversation needs: open mouths, closed lips, blinks, turned heads', () => {
    expect(share(({ jawOpen }) => jawOpen > 0.25)).toBeGreaterThan(0.05);
    expect(share(({ mouthPress }) => mouthPress > 0.3)).toBeGreaterThan(0.04);
    expect(share(({ eyeBlink }) => eyeBlink > 0.9)).toBeGreaterThan(0.05);
    expect(share(({ yaw }) => Math.abs(yaw) > 0.08)).toBeGreaterThan(0.05);
  });

  it('turn both eyes to the same side', () => {
    const { weights } = toPose({ ...samplePose(1, 0), gazeX: 0.4, gazeY: -0.2 });
    expect(weights).toMatchObject({ eyeLookIn_R: 0.4, eyeLookOut_L: 0.4, eyeLookOut_R: 0, eyeLookDown: 0.2 });
  });
});
