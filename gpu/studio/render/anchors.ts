import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REST } from './page/face-shape.ts';
import type { Pose } from './page/face-shape.ts';
import { project, studioCamera } from './page/camera.ts';
import type { Point } from './page/camera.ts';

/** Landmarks (iBUG 68) whose middle is followed: each eye with its brow, and the lips. */
const FOLLOWED = {
  rightEye: [18, 19, 20, 36, 37, 38, 39, 40, 41],
  leftEye: [23, 24, 25, 42, 43, 44, 45, 46, 47],
  mouth: [48, 51, 54, 56, 57, 58],
} as const;

/** Middles of the eyes and of the mouth in a picture of `size` pixels, for each pose: [[x, y] right eye, left eye, mouth]. */
export async function anchors(
  actorDir: string,
  size: number,
): Promise<(pose: Partial<Pose>) => [number, number][]> {
  const { landmarks } = JSON.parse(await readFile(join(actorDir, 'actor.json'), 'utf8')) as {
    landmarks: readonly Point[];
  };
  const middles = Object.values(FOLLOWED).map((numbers) => middle(numbers.map((k) => landmarks[k]!)));
  const camera = studioCamera();
  return (pose) =>
    middles.map((point) => {
      const [x, y] = project(camera, point, { ...REST, ...pose });
      return [Number((x * size).toFixed(2)), Number((y * size).toFixed(2))];
    });
}

function middle(points: readonly Point[]): Point {
  const sum = (axis: 0 | 1 | 2): number =>
    points.reduce((total, point) => total + point[axis], 0) / points.length;
  return [sum(0), sum(1), sum(2)];
}
