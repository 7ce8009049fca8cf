import * as THREE from 'three';
import type { ActorFile } from './actor-file.ts';
import { BREATH_CM, FaceShape, headMatrix, REST, smoothstep } from './face-shape.ts';
import type { Pose } from './face-shape.ts';
import { headMaterials } from './materials.ts';
import { openness } from './occlusion.ts';
import { StrandsMesh } from './strands-mesh.ts';

/** A face's parts that let no light through. */
const SOLID = ['M_Face', 'M_BackHead', 'M_GumsTongue', 'M_Teeth'];
/** Light inside the mouth is looked at with closed lips and with these. */
const WIDE = { jawOpen: 0.4, mouthUpperUp: 0.5, mouthLowerDown: 0.5, mouthSmile: 0.3 };
/** From so far between the lips on, cm, it is as light as that. */
const WIDE_GAP_CM = 0.7;
/** Light that finds its way between the teeth, and through the skin of the nostrils. */
const SCATTERED: Readonly<Record<string, number>> = { M_GumsTongue: 0.3, M_Teeth: 0.28, M_Face: 0.07 };
/** A tongue between the teeth is met by the light that falls through the lips. */
const ON_TONGUE = 0.42;
/** Radius of the eyeball at which the iris is measured. */
const PUPIL_SHARE = 0.65;

interface Part {
  readonly mesh: THREE.Mesh<THREE.BufferGeometry, THREE.MeshPhysicalMaterial>;
  /** The head's vertex of each of the part's. */
  readonly vertices: Int32Array;
}

/** The actor on the stage. */
export class Actor {
  readonly group = new THREE.Group();
  readonly #file: ActorFile;
  readonly #shape: FaceShape;
  readonly #parts: readonly Part[];
  readonly #strands: readonly StrandsMesh[];
  /** Turns with the head as a whole. */
  readonly #crown = new THREE.Group();
  readonly #garment: THREE.Mesh<THREE.BufferGeometry, THREE.MeshPhysicalMaterial>;
  readonly #garmentRest: Float32Array;
  #open: { readonly closed: Float32Array; readonly wide: Float32Array } | null = null;

  private constructor(file: ActorFile, materials: Map<string, THREE.MeshPhysicalMaterial>) {
    this.#file = file;
    this.#shape = new FaceShape(file);
    this.#parts = [...materials].map(([name, material]) => part(file, name, material));
    for (const { mesh } of this.#parts) this.group.add(mesh);
    const { hair, brows, lashes } = file.facts.spec;
    const colours = { hair: hair.color, brow: brows.color, lash: lashes.color };
    this.#strands = file.facts.strands.map(
      (facts) => new StrandsMesh(file, facts, colours[facts.name], this.#shape.rest),
    );
    for (const { mesh } of this.#strands) this.#crown.add(mesh);
    this.#crown.matrixAutoUpdate = false;
    this.#garment = garment(file);
    this.#garmentRest = file.floats('garment.points').slice();
    this.group.add(this.#crown, this.#garment);
    this.#setIris();
  }

  static async load(file: ActorFile): Promise<Actor> {
    return new Actor(file, await headMaterials(file));
  }

  /** Once, before the first picture: what light reaches where. */
  measureLight(renderer: THREE.WebGLRenderer): void {
    const solid = this.#parts.filter(({ mesh }) => SOLID.includes(mesh.name)).map(({ mesh }) => mesh);
    const hair = this.#strands.filter(({ mesh }) => mesh.castShadow).map(({ mesh }) => mesh);
    const measure = (pose: Pose): Float32Array => {
      this.pose(pose);
      return openness(
        renderer,
        [...solid, ...hair, this.#garment],
        this.#shape.positions,
        this.#shape.normals,
      );
    };
    const { rest } = this.#file.facts.spec;
    const wide = measure({ ...REST, weights: { ...rest, ...WIDE } });
    const closed = measure({ ...REST, weights: rest });
    this.#open = { closed, wide };
  }

  pose(pose: Pose): void {
    this.#shape.set(pose);
    const opened = Math.min(1, this.#shape.lipGap / WIDE_GAP_CM);
    const tongue = new Map(
      this.#shape.tongue.map(({ vertex, weight }) => [
        vertex,
        weight * ON_TONGUE * Math.max(pose.tongueOut, 0.7 * pose.tongueUp),
      ]),
    );
    for (const { mesh, vertices } of this.#parts) {
      gather(mesh, 'position', this.#shape.positions, vertices);
      gather(mesh, 'normal', this.#shape.normals, vertices);
      const open = mesh.geometry.getAttribute('open');
      const least = (mesh.name === 'M_Face' ? 1 : opened) * (SCATTERED[mesh.name] ?? 0);
      vertices.forEach((vertex, index) => {
        const closed = this.#open?.closed[vertex] ?? 1;
        const wide = this.#open?.wide[vertex] ?? 1;
        const front =
          mesh.name === 'M_Face' ? 1 : smoothstep(2.0, 0.9, Math.abs(this.#shape.rest[3 * vertex]!));
        open.setX(
          index,
          Math.max(least * front, closed + opened * (wide - closed)) + opened * (tongue.get(vertex) ?? 0),
        );
      });
      open.needsUpdate = true;
    }
    // Hair stands on skin that expressions hardly move.
    for (const strands of this.#strands) if (!strands.mesh.castShadow) strands.update(this.#shape.shaped);
    const [x, y, z] = headMatrix(pose);
    this.#crown.matrix.set(...(x as Row), ...(y as Row), ...(z as Row), 0, 0, 0, 1);
    this.#crown.matrixWorldNeedsUpdate = true;
    this.#breathe(pose);
  }

  /** Shoulders rise; the collar follows a little of the head's turn. */
  #breathe(pose: Pose): void {
    const turn = headMatrix(pose);
    const at = this.#garment.geometry.getAttribute('position');
    const rest = this.#garmentRest;
    for (let vertex = 0; vertex < at.count; vertex += 1) {
      const p = [rest[3 * vertex]!, rest[3 * vertex + 1]!, rest[3 * vertex + 2]!];
      const collar = 0.55 * smoothstep(-12.5, -9, p[1]!);
      const lift = pose.breath * BREATH_CM * smoothstep(-30, -14, p[1]!);
      const moved = turn.map((row, axis) => {
        const turned = row[0]! * p[0]! + row[1]! * p[1]! + row[2]! * p[2]! + row[3]!;
        return p[axis]! + collar * (turned - p[axis]!);
      });
      at.setXYZ(vertex, moved[0]!, moved[1]! + lift, moved[2]!);
    }
    at.needsUpdate = true;
  }

  /** Of each vertex of an eyeball: how far it lies from the pupil, cm. */
  #setIris(): void {
    const { rest } = this.#shape;
    for (const { mesh, vertices } of this.#parts) {
      if (!mesh.name.startsWith('M_Sclera')) continue;
      const front = vertices.reduce((best, v) => (rest[3 * v + 2]! > rest[3 * best + 2]! ? v : best));
      const middle = [0, 1].map(
        (axis) => vertices.reduce((sum, v) => sum + rest[3 * v + axis]!, 0) / vertices.length,
      );
      const pupil = [0, 1].map(
        (axis) => middle[axis]! * (1 - PUPIL_SHARE) + rest[3 * front + axis]! * PUPIL_SHARE,
      );
      const iris = new Float32Array(vertices.length * 2);
      vertices.forEach((v, index) => {
        iris[2 * index] = rest[3 * v]! - pupil[0]!;
        iris[2 * index + 1] = rest[3 * v + 1]! - pupil[1]!;
      });
      mesh.geometry.setAttribute('iris', new THREE.BufferAttribute(iris, 2));
    }
  }
}

type Row = [number, number, number, number];

/** One material's triangles, with a vertex for each pair of place and texture coordinates. */
function part(file: ActorFile, name: string, material: THREE.MeshPhysicalMaterial): Part {
  const [corners, uvCorners, uvs] = [
    file.ints(`${name}.triangles`),
    file.ints(`${name}.uvs`),
    file.floats('uvs'),
  ];
  const known = new Map<string, number>();
  const vertices: number[] = [];
  const coordinates: number[] = [];
  const index = Uint32Array.from(corners, (vertex, corner) => {
    const uv = uvCorners[corner]!;
    const key = `${vertex},${uv}`;
    let place = known.get(key);
    if (place === undefined) {
      place = vertices.push(vertex) - 1;
      known.set(key, place);
      // The tiles lie side by side.
      coordinates.push(uvs[2 * uv]! - Math.floor(uvs[2 * uv]!), uvs[2 * uv + 1]!);
    }
    return place;
  });
  const geometry = new THREE.BufferGeometry();
  for (const attribute of ['position', 'normal']) {
    geometry.setAttribute(attribute, new THREE.BufferAttribute(new Float32Array(vertices.length * 3), 3));
  }
  geometry.setAttribute('uv', new THREE.BufferAttribute(new Float32Array(coordinates), 2));
  geometry.setAttribute('open', new THREE.BufferAttribute(new Float32Array(vertices.length).fill(1), 1));
  geometry.setIndex(new THREE.BufferAttribute(index, 1));
  const mesh = new THREE.Mesh(geometry, material);
  mesh.name = name;
  mesh.frustumCulled = false;
  mesh.castShadow = SOLID.includes(name);
  mesh.receiveShadow = true;
  return { mesh, vertices: Int32Array.from(vertices) };
}

function gather(mesh: THREE.Mesh, name: string, from: Float32Array, vertices: Int32Array): void {
  const attribute = mesh.geometry.getAttribute(name);
  vertices.forEach((vertex, index) => {
    attribute.setXYZ(index, from[3 * vertex]!, from[3 * vertex + 1]!, from[3 * vertex + 2]!);
  });
  attribute.needsUpdate = true;
}

function garment(file: ActorFile): THREE.Mesh<THREE.BufferGeometry, THREE.MeshPhysicalMaterial> {
  const { color, sheen } = file.facts.spec.garment;
  const geometry = new THREE.BufferGeometry();
  geometry.setAttribute('position', new THREE.BufferAttribute(file.floats('garment.points').slice(), 3));
  geometry.setAttribute('uv', new THREE.BufferAttribute(file.floats('garment.stitches'), 2));
  geometry.setIndex(new THREE.BufferAttribute(Uint32Array.from(file.ints('garment.triangles')), 1));
  geometry.computeVertexNormals();
  const material = new THREE.MeshPhysicalMaterial({
    color: new THREE.Color().setRGB(...color, THREE.SRGBColorSpace),
    roughness: 0.92,
    // Fine: at this distance a coarse stitch would only flicker, and cost the encoder bits.
    bumpMap: stitches(),
    bumpScale: 0.35,
    sheen: 0.8,
    sheenRoughness: 0.6,
    sheenColor: new THREE.Color(...sheen),
    side: THREE.DoubleSide,
  });
  const mesh = new THREE.Mesh(geometry, material);
  mesh.castShadow = mesh.receiveShadow = true;
  mesh.frustumCulled = false;
  return mesh;
}

/** Relief of a stocking stitch. */
function stitches(): THREE.Texture {
  const size = 64;
  const data = new Uint8Array(size * size * 4);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const u = (x % 32) / 32 - 0.5;
      const v = ((y + Math.abs(u) * 22) % 32) / 32;
      const height = 60 + Math.sin(v * Math.PI) * Math.cos(u * Math.PI) * 180;
      data.set([height, height, height, 255], (y * size + x) * 4);
    }
  }
  const texture = new THREE.DataTexture(data, size, size);
  texture.wrapS = texture.wrapT = THREE.RepeatWrapping;
  texture.repeat.set(1, 1);
  texture.anisotropy = 8;
  texture.magFilter = THREE.LinearFilter;
  texture.minFilter = THREE.LinearMipmapLinearFilter;
  texture.generateMipmaps = true;
  texture.needsUpdate = true;
  return texture;
}
