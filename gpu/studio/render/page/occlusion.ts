import * as THREE from 'three';

const DIRECTIONS = 96;
const SIZE = 512;
/** Half the side of the square that is looked at, cm; the head lies inside. */
const REACH = 17;
/** A surface does not shade itself. */
const BIAS = 0.12;

/**
 * How much of the sky each vertex sees past the others, 0…1: the scene's depth from many directions, looked up for each
 * vertex that faces that way.
 */
export function openness(
  renderer: THREE.WebGLRenderer,
  casters: readonly THREE.Mesh[],
  positions: Float32Array,
  normals: Float32Array,
): Float32Array<ArrayBuffer> {
  const target = new THREE.WebGLRenderTarget(SIZE, SIZE, { type: THREE.FloatType, format: THREE.RGBAFormat });
  const depth = new THREE.ShaderMaterial({
    side: THREE.DoubleSide,
    vertexShader: `varying float vDepth;
      void main() { vec4 p = modelViewMatrix * vec4(position, 1.); vDepth = -p.z; gl_Position = projectionMatrix * p; }`,
    fragmentShader: 'varying float vDepth; void main() { gl_FragColor = vec4(vDepth); }',
  });
  const scene = new THREE.Scene();
  scene.background = new THREE.Color(1e4, 1e4, 1e4);
  for (const caster of casters) {
    const copy = new THREE.Mesh(caster.geometry, depth);
    copy.frustumCulled = false;
    scene.add(copy);
  }
  const camera = new THREE.OrthographicCamera(-REACH, REACH, REACH, -REACH, 1, 120);
  const pixels = new Float32Array(SIZE * SIZE * 4);
  const count = positions.length / 3;
  const seen = new Float32Array(count);
  const possible = new Float32Array(count);
  const centre = new THREE.Vector3(0, -1, 1);
  const toView = new THREE.Matrix4();
  const mapping = renderer.toneMapping;
  renderer.toneMapping = THREE.NoToneMapping;
  for (let k = 0; k < DIRECTIONS; k += 1) {
    const direction = spiral(k);
    camera.position.copy(centre).addScaledVector(direction, 60);
    camera.up.set(0, Math.abs(direction.y) > 0.9 ? 0 : 1, Math.abs(direction.y) > 0.9 ? 1 : 0);
    camera.lookAt(centre);
    camera.updateMatrixWorld();
    renderer.setRenderTarget(target);
    renderer.render(scene, camera);
    renderer.readRenderTargetPixels(target, 0, 0, SIZE, SIZE, pixels);
    toView.copy(camera.matrixWorldInverse);
    const e = toView.elements;
    for (let vertex = 0; vertex < count; vertex += 1) {
      const at = 3 * vertex;
      const facing =
        normals[at]! * direction.x + normals[at + 1]! * direction.y + normals[at + 2]! * direction.z;
      if (facing <= 0.05) continue;
      possible[vertex]! += facing;
      const [x, y, z] = [positions[at]!, positions[at + 1]!, positions[at + 2]!];
      const u = Math.floor(((e[0] * x + e[4] * y + e[8] * z + e[12]) / REACH + 1) * 0.5 * SIZE);
      const v = Math.floor(((e[1] * x + e[5] * y + e[9] * z + e[13]) / REACH + 1) * 0.5 * SIZE);
      const far = -(e[2] * x + e[6] * y + e[10] * z + e[14]);
      const outside = u < 0 || v < 0 || u >= SIZE || v >= SIZE;
      if (outside || far < pixels[(v * SIZE + u) * 4]! + BIAS) seen[vertex]! += facing;
    }
  }
  renderer.setRenderTarget(null);
  renderer.toneMapping = mapping;
  target.dispose();
  return seen.map((sum, vertex) => (possible[vertex]! > 0 ? sum / possible[vertex]! : 0));
}

/** Evenly over the sphere (Fibonacci lattice). */
function spiral(k: number): THREE.Vector3 {
  const y = 1 - (2 * (k + 0.5)) / DIRECTIONS;
  const radius = Math.sqrt(1 - y * y);
  const angle = k * Math.PI * (3 - Math.sqrt(5));
  return new THREE.Vector3(Math.cos(angle) * radius, y, Math.sin(angle) * radius);
}
