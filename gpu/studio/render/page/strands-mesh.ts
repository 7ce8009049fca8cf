import * as THREE from 'three';
import type { ActorFile, Colour, StrandFacts } from './actor-file.ts';
import { LIGHTS } from './stage.ts';

/** Ribbons that face the camera, one for each strand; shaded after Kajiya and Kay (SIGGRAPH 1989) with two highlights. */
export class StrandsMesh {
  readonly mesh: THREE.Mesh<THREE.BufferGeometry, THREE.ShaderMaterial>;
  readonly #facts: StrandFacts;
  readonly #triangles: Int32Array;
  readonly #weights: Float32Array;
  /** Points in the frame of their root triangle, cm. */
  readonly #local: Float32Array;
  readonly #positions: Float32Array<ArrayBuffer>;
  readonly #tangents: Float32Array<ArrayBuffer>;
  readonly #normals: Float32Array<ArrayBuffer>;

  constructor(file: ActorFile, facts: StrandFacts, colour: Colour, rest: Float32Array) {
    const { name, count, steps } = facts;
    this.#facts = facts;
    this.#triangles = file.ints(`${name}.triangles`);
    this.#weights = file.floats(`${name}.weights`);
    this.#local = this.#toLocal(file.floats(`${name}.points`), rest);
    const corners = count * steps * 2;
    this.#positions = new Float32Array(corners * 3);
    this.#tangents = new Float32Array(corners * 3);
    this.#normals = new Float32Array(corners * 3);
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute('position', new THREE.BufferAttribute(this.#positions, 3));
    geometry.setAttribute('tangent3', new THREE.BufferAttribute(this.#tangents, 3));
    geometry.setAttribute('normal', new THREE.BufferAttribute(this.#normals, 3));
    geometry.setAttribute('look', new THREE.BufferAttribute(look(file.floats(`${name}.shade`), facts), 2));
    geometry.setIndex(new THREE.BufferAttribute(ribbons(count, steps), 1));
    this.mesh = new THREE.Mesh(geometry, material(colour));
    this.mesh.frustumCulled = false;
    this.mesh.castShadow = name === 'hair';
    this.update(rest);
  }

  /** @param head vertices before the head turns */
  update(head: Float32Array): void {
    const { count, steps, radius } = this.#facts;
    const frame = new Float64Array(12);
    const points = new Float64Array(steps * 3);
    for (let strand = 0; strand < count; strand += 1) {
      rootFrame(head, this.#triangles, this.#weights, strand, frame);
      for (let step = 0; step < steps; step += 1) {
        const local = (strand * steps + step) * 3;
        for (let axis = 0; axis < 3; axis += 1) {
          points[step * 3 + axis] =
            frame[9 + axis]! +
            this.#local[local]! * frame[axis]! +
            this.#local[local + 1]! * frame[3 + axis]! +
            this.#local[local + 2]! * frame[6 + axis]!;
        }
      }
      for (let step = 0; step < steps; step += 1) this.#ribbon(strand, step, points, radius);
    }
    for (const name of ['position', 'tangent3', 'normal']) {
      const attribute = this.mesh.geometry.getAttribute(name);
      if (attribute instanceof THREE.BufferAttribute) attribute.needsUpdate = true;
    }
  }

  #ribbon(strand: number, step: number, points: Float64Array, radius: number): void {
    const { steps } = this.#facts;
    const from = 3 * Math.max(0, step - 1);
    const to = 3 * Math.min(steps - 1, step + 1);
    const [tx, ty, tz] = [0, 1, 2].map((axis) => points[to + axis]! - points[from + axis]!) as Triple;
    const length = Math.hypot(tx, ty, tz) || 1;
    const flat = Math.hypot(tx, ty) || 1;
    const width = radius * (1 - 0.85 * (step / (steps - 1)) ** 2);
    const [sx, sy] = [-ty / flat, tx / flat];
    const [x, y, z] = [points[3 * step]!, points[3 * step + 1]!, points[3 * step + 2]!];
    // Hair as a whole is round like the skull; each strand is round like a cylinder.
    const out = Math.hypot(x, y - 4.5, z + 0.2) || 1;
    for (let side = 0; side < 2; side += 1) {
      const sign = side === 0 ? -1 : 1;
      const at = ((strand * steps + step) * 2 + side) * 3;
      this.#positions.set([x + sign * sx * width, y + sign * sy * width, z], at);
      this.#tangents.set([tx / length, ty / length, tz / length], at);
      this.#normals.set([x / out + 0.5 * sign * sx, (y - 4.5) / out + 0.5 * sign * sy, (z + 0.2) / out], at);
    }
  }

  #toLocal(points: Float32Array, rest: Float32Array): Float32Array {
    const { count, steps } = this.#facts;
    const local = new Float32Array(points.length);
    const frame = new Float64Array(12);
    for (let strand = 0; strand < count; strand += 1) {
      rootFrame(rest, this.#triangles, this.#weights, strand, frame);
      for (let step = 0; step < steps; step += 1) {
        const at = (strand * steps + step) * 3;
        for (let axis = 0; axis < 3; axis += 1) {
          local[at + axis] = [0, 1, 2].reduce(
            (sum, k) => sum + (points[at + k]! - frame[9 + k]!) * frame[3 * axis + k]!,
            0,
          );
        }
      }
    }
    return local;
  }
}

type Triple = [number, number, number];

/** Three unit axes of the root's triangle and the root itself. */
function rootFrame(
  head: Float32Array,
  triangles: Int32Array,
  weights: Float32Array,
  strand: number,
  out: Float64Array,
): void {
  const [a, b, c] = [0, 1, 2].map((corner) => 3 * triangles[3 * strand + corner]!) as Triple;
  const edge = (to: number): Triple => [
    head[to]! - head[a]!,
    head[to + 1]! - head[a + 1]!,
    head[to + 2]! - head[a + 2]!,
  ];
  const first = unit(edge(b));
  const normal = unit(cross(first, edge(c)));
  out.set(first, 0);
  out.set(cross(normal, first), 3);
  out.set(normal, 6);
  for (let axis = 0; axis < 3; axis += 1) {
    out[9 + axis] =
      head[a + axis]! * weights[3 * strand]! +
      head[b + axis]! * weights[3 * strand + 1]! +
      head[c + axis]! * weights[3 * strand + 2]!;
  }
}

function cross(a: Triple, b: Triple): Triple {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function unit(v: Triple): Triple {
  const length = Math.hypot(...v) || 1;
  return [v[0] / length, v[1] / length, v[2] / length];
}

/** Of each corner: a number of its strand, 0…1, and the light that reaches it. */
function look(shade: Float32Array, { count, steps }: StrandFacts): Float32Array<ArrayBuffer> {
  const out = new Float32Array(count * steps * 4);
  for (let point = 0; point < count * steps; point += 1) {
    const strand = Math.floor(point / steps);
    const number = ((strand * 2_654_435_761) >>> 0) / 2 ** 32;
    out.set([number, shade[point]!, number, shade[point]!], point * 4);
  }
  return out;
}

function ribbons(count: number, steps: number): Uint32Array<ArrayBuffer> {
  const index = new Uint32Array(count * (steps - 1) * 6);
  let at = 0;
  for (let strand = 0; strand < count; strand += 1) {
    for (let step = 0; step < steps - 1; step += 1) {
      const corner = (strand * steps + step) * 2;
      index.set([corner, corner + 1, corner + 2, corner + 1, corner + 3, corner + 2], at);
      at += 6;
    }
  }
  return index;
}

function material(colour: Colour): THREE.ShaderMaterial {
  const lights = LIGHTS.map(({ from, colour: light, onHair }) => {
    const [x, y, z] = unit([...from]);
    const glsl = (values: readonly number[]): string => `vec3(${values.map((v) => v.toFixed(4)).join(',')})`;
    return `add(${glsl([x, y, z])}, ${glsl(light.map((channel) => channel * onHair))});`;
  });
  return new THREE.ShaderMaterial({
    side: THREE.DoubleSide,
    uniforms: { base: { value: new THREE.Color().setRGB(...colour, THREE.SRGBColorSpace) } },
    // Lit at each point, not at each pixel: strands are thinner than a pixel, and lie in dozens of layers.
    vertexShader: `
      attribute vec3 tangent3; attribute vec2 look; uniform vec3 base; varying vec3 vColour;
      vec3 sum, tint, T, N, V, T1, T2;
      float lobe(vec3 t, vec3 h, float sharp) { float d = dot(t, h); return pow(sqrt(max(0., 1. - d * d)), sharp); }
      void add(vec3 world, vec3 light) {
        vec3 L = normalize((viewMatrix * vec4(world, 0.)).xyz), H = normalize(L + V);
        float wrap = clamp((dot(N, L) + .35) / 1.35, 0., 1.), d = dot(T, L), diffuse = sqrt(max(0., 1. - d * d));
        sum += light * wrap * (tint * diffuse * 1.15 + vec3(.06) * lobe(T1, H, 90.) + (tint * 1.2 + .012) * lobe(T2, H, 24.) * .8);
      }
      void main() {
        vec4 p = modelViewMatrix * vec4(position, 1.); gl_Position = projectionMatrix * p;
        T = normalize(normalMatrix * tangent3); N = normalize(normalMatrix * normal); V = normalize(-p.xyz);
        float j = look.x - .5; tint = base * (1. + .5 * j); T1 = normalize(T + N * (.10 + .16 * j)); T2 = normalize(T - N * (.16 + .2 * j));
        sum = tint * (.18 + .14 * N.y) * vec3(.85, .95, 1.1);
        ${lights.join('\n        ')}
        vColour = sum * look.y;
      }`,
    fragmentShader: `
      varying vec3 vColour;
      void main() {
        gl_FragColor = vec4(vColour, 1.);
        #include <tonemapping_fragment>
        #include <colorspace_fragment>
      }`,
  });
}
