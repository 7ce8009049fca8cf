import * as THREE from 'three';
import { headMatrix } from './face-shape.ts';
import type { Pose } from './face-shape.ts';

/** The studio's camera: some 15 pixels of a 512-pixel picture for a centimetre of the face. */
export function studioCamera(): THREE.PerspectiveCamera {
  const camera = new THREE.PerspectiveCamera(20, 1, 10, 400);
  camera.position.set(0, 2.6, 104);
  camera.lookAt(0, 1.0, 0);
  return camera;
}

export type Point = readonly [number, number, number];

/** Where the camera sees a point of the turned head: x from the left and y from the top, in shares of the picture. */
export function project(camera: THREE.PerspectiveCamera, point: Point, pose: Pose): [number, number] {
  const [x, y, z] = headMatrix(pose).map(
    ([a, b, c, d]) => a! * point[0] + b! * point[1] + c! * point[2] + d!,
  );
  camera.updateMatrixWorld();
  const seen = new THREE.Vector3(x, y, z).project(camera);
  return [(seen.x + 1) / 2, (1 - seen.y) / 2];
}
