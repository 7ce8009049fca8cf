import type { ActorFile } from './actor-file.ts';

/** How the face looks. Angles in radians, weights of expressions by their FACS-like name, both sides at once without suffix. */
export interface Pose {
  readonly weights: Readonly<Record<string, number>>;
  readonly yaw: number;
  readonly pitch: number;
  readonly roll: number;
  /** Shift of the head, cm. */
  readonly shift: readonly [number, number];
  /** 0…1: how far the chest is raised. */
  readonly breath: number;
  /** 0…1: tip of the tongue to the upper teeth, and out between them. */
  readonly tongueUp: number;
  readonly tongueOut: number;
}

export const REST: Pose = {
  weights: {},
  yaw: 0,
  pitch: 0,
  roll: 0,
  shift: [0, 0],
  breath: 0,
  tongueUp: 0,
  tongueOut: 0,
};

/** Vertices of the landmarks 61 to 63 and below them 67 to 65. */
const INNER_LIPS = [
  [5533, 5966],
  [6216, 5517],
  [6207, 6470],
] as const;
/** Where the head turns. */
const PIVOT = [0, -6, -2] as const;
/** The neck follows less and less below this height, down to the garment that does not turn. */
const NECK = { top: -5.5, bottom: -13 };

/** The head's vertices for a pose, and their normals: expressions first, then the turn of the head. */
export class FaceShape {
  readonly rest: Float32Array<ArrayBuffer>;
  /** After expressions, before the head turns: strands are rooted in these. */
  readonly shaped: Float32Array<ArrayBuffer>;
  readonly positions: Float32Array<ArrayBuffer>;
  readonly normals: Float32Array<ArrayBuffer>;
  readonly #triangles: Int32Array[];
  readonly #expressions = new Map<string, { vertices: Int32Array; delta: Float32Array }>();
  readonly #tongue: { vertex: number; weight: number }[] = [];
  /** How much each vertex turns with the head. */
  readonly #follows: Float32Array;

  constructor(file: ActorFile) {
    this.rest = file.floats('vertices');
    this.shaped = new Float32Array(this.rest.length);
    this.positions = new Float32Array(this.rest.length);
    this.normals = new Float32Array(this.rest.length);
    this.#triangles = file.facts.materials.map((name) => file.ints(`${name}.triangles`));
    for (const name of file.facts.expressions) {
      this.#expressions.set(name, {
        vertices: file.ints(`${name}.vertices`),
        delta: file.floats(`${name}.delta`),
      });
    }
    this.#follows = new Float32Array(this.rest.length / 3);
    for (let vertex = 0; vertex < this.#follows.length; vertex += 1) {
      this.#follows[vertex] = follows(this.rest[3 * vertex + 1] ?? 0);
    }
    this.#findTongue(file);
  }

  set(pose: Pose): void {
    const { shaped } = this;
    shaped.set(this.rest);
    for (const [name, weight] of Object.entries(pose.weights)) {
      if (weight === 0) continue;
      const names = this.#expressions.has(name) ? [name] : [`${name}_L`, `${name}_R`];
      for (const each of names) this.#add(each, weight);
    }
    for (const { vertex, weight } of this.#tongue) {
      const lift = (pose.tongueUp * 1.2 + pose.tongueOut * 0.7) * weight;
      shaped[3 * vertex + 1]! += lift;
      shaped[3 * vertex + 2]! += (pose.tongueUp * 0.3 + pose.tongueOut * 1.6) * weight;
    }
    this.#turn(pose);
    this.#computeNormals();
  }

  /** Of the tongue's vertices, 0…1: how much of its movement each makes. */
  get tongue(): readonly { readonly vertex: number; readonly weight: number }[] {
    return this.#tongue;
  }

  /** Widest distance between the inner edges of the lips, cm. */
  get lipGap(): number {
    return Math.max(
      ...INNER_LIPS.map(([upper, lower]) => this.shaped[3 * upper + 1]! - this.shaped[3 * lower + 1]!),
    );
  }

  #add(name: string, weight: number): void {
    const expression = this.#expressions.get(name);
    if (!expression) throw new Error(`there is no expression ${name}`);
    const { vertices, delta } = expression;
    for (let index = 0; index < vertices.length; index += 1) {
      const at = 3 * vertices[index]!;
      this.shaped[at]! += weight * delta[3 * index]!;
      this.shaped[at + 1]! += weight * delta[3 * index + 1]!;
      this.shaped[at + 2]! += weight * delta[3 * index + 2]!;
    }
  }

  #turn(pose: Pose): void {
    const turn = headMatrix(pose);
    const { shaped, positions } = this;
    for (let vertex = 0; vertex < this.#follows.length; vertex += 1) {
      const weight = this.#follows[vertex]!;
      for (let axis = 0; axis < 3; axis += 1) {
        const at = 3 * vertex;
        const moved =
          turn[axis]![0]! * shaped[at]! +
          turn[axis]![1]! * shaped[at + 1]! +
          turn[axis]![2]! * shaped[at + 2]! +
          turn[axis]![3]!;
        const still = shaped[at + axis]!;
        positions[at + axis] = still + weight * (moved - still);
      }
    }
  }

  #computeNormals(): void {
    const { positions: p, normals } = this;
    normals.fill(0);
    for (const triangles of this.#triangles) {
      for (let index = 0; index < triangles.length; index += 3) {
        const [a, b, c] = [3 * triangles[index]!, 3 * triangles[index + 1]!, 3 * triangles[index + 2]!];
        const [ux, uy, uz] = [p[b]! - p[a]!, p[b + 1]! - p[a + 1]!, p[b + 2]! - p[a + 2]!];
        const [vx, vy, vz] = [p[c]! - p[a]!, p[c + 1]! - p[a + 1]!, p[c + 2]! - p[a + 2]!];
        for (const at of [a, b, c]) {
          normals[at]! += uy * vz - uz * vy;
          normals[at + 1]! += uz * vx - ux * vz;
          normals[at + 2]! += ux * vy - uy * vx;
        }
      }
    }
    for (let at = 0; at < normals.length; at += 3) {
      const length = Math.hypot(normals[at]!, normals[at + 1]!, normals[at + 2]!) || 1;
      for (let axis = 0; axis < 3; axis += 1) normals[at + axis]! /= length;
    }
  }

  /** The tongue is one mesh with the gums: what moves with the jaw, inside the arch of the teeth. */
  #findTongue(file: ActorFile): void {
    const jaw = this.#expressions.get('jawOpen');
    if (!jaw) return;
    const lower = new Set<number>();
    jaw.vertices.forEach((vertex, index) => {
      if (jaw.delta[3 * index + 1]! < -1) lower.add(vertex);
    });
    for (const vertex of new Set(file.ints('M_GumsTongue.triangles'))) {
      const [x, z] = [Math.abs(this.rest[3 * vertex]!), this.rest[3 * vertex + 2]!];
      const weight = smoothstep(3.5, 8.6, z) * smoothstep(2.1, 1.5, x) * smoothstep(9.6, 9.1, z);
      if (lower.has(vertex) && weight > 0) this.#tongue.push({ vertex, weight });
    }
  }
}

/** Rows of a 3×4 matrix: the turn about the pivot, then the shift. */
export function headMatrix({ yaw, pitch, roll, shift, breath }: Pose): number[][] {
  const [sy, cy] = [Math.sin(yaw), Math.cos(yaw)];
  const [sp, cp] = [Math.sin(pitch), Math.cos(pitch)];
  const [sr, cr] = [Math.sin(roll), Math.cos(roll)];
  const rows = [
    [cy * cr + sy * sp * sr, -cy * sr + sy * sp * cr, sy * cp],
    [cp * sr, cp * cr, -sp],
    [-sy * cr + cy * sp * sr, sy * sr + cy * sp * cr, cy * cp],
  ];
  const move = [shift[0], shift[1] + breath * BREATH_CM * 0.6, 0];
  return rows.map((row, axis) => {
    const turned = row.reduce((sum, value, k) => sum + value * PIVOT[k]!, 0);
    return [...row, PIVOT[axis]! - turned + move[axis]!];
  });
}

/** How far the shoulders rise. */
export const BREATH_CM = 0.28;

/** 1: turns with the head; 0: stays. */
export function follows(y: number): number {
  return smoothstep(NECK.bottom, NECK.top, y);
}

export function smoothstep(low: number, high: number, x: number): number {
  const t = Math.min(1, Math.max(0, (x - low) / (high - low)));
  return t * t * (3 - 2 * t);
}
