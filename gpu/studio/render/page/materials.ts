import * as THREE from 'three';
import type { ActorFile, ActorSpec } from './actor-file.ts';

const TEXTURES = new THREE.TextureLoader();
/** Light that skin lets through past the terminator, for red, green and blue: a cheap subsurface scattering. */
const SKIN_WRAP = [0.42, 0.2, 0.14];

/** A material for each of the head's that is shown. */
export async function headMaterials(file: ActorFile): Promise<Map<string, THREE.MeshPhysicalMaterial>> {
  const { spec } = file.facts;
  const [face, back] = await Promise.all(['M_Face', 'M_BackHead'].map((name) => skin(file, name)));
  const plain = (options: THREE.MeshPhysicalMaterialParameters): THREE.MeshPhysicalMaterial =>
    shade(new THREE.MeshPhysicalMaterial(options), {});
  return new Map([
    ['M_Face', face!],
    ['M_BackHead', back!],
    ['M_GumsTongue', plain({ color: 0xb05a54, roughness: 0.45, clearcoat: 0.35, clearcoatRoughness: 0.3 })],
    ['M_Teeth', plain({ color: 0xe2d8c8, roughness: 0.32, clearcoat: 0.3, clearcoatRoughness: 0.15 })],
    ['M_ScleraLeft', eye(spec)],
    ['M_ScleraRight', eye(spec)],
    [
      'M_LacrimalFluid',
      plain({ color: 0xffffff, roughness: 0.05, transparent: true, opacity: 0.16, clearcoat: 1 }),
    ],
  ]);
}

async function skin(file: ActorFile, name: string): Promise<THREE.MeshPhysicalMaterial> {
  const [colour, surface] = await Promise.all([
    texture(file.image(`${name}.colour`), THREE.SRGBColorSpace),
    texture(file.image(`${name}.surface`), THREE.NoColorSpace),
  ]);
  const material = new THREE.MeshPhysicalMaterial({
    map: colour,
    roughnessMap: surface,
    roughness: 1,
    bumpMap: surface,
    bumpScale: 1.2,
    specularIntensity: 0.45,
    sheen: 0.2,
    sheenRoughness: 0.5,
    sheenColor: new THREE.Color(0.9, 0.7, 0.6),
  });
  return shade(material, { wrap: SKIN_WRAP });
}

/** The iris is painted by distance from the pupil, which each vertex of the eyeball carries. */
function eye({ eyes }: ActorSpec): THREE.MeshPhysicalMaterial {
  const rgb = (colour: readonly number[]): string => `vec3(${colour.map((v) => v.toFixed(4)).join(',')})`;
  const material = new THREE.MeshPhysicalMaterial({
    color: 0xffffff,
    roughness: 0.35,
    clearcoat: 1,
    clearcoatRoughness: 0.02,
  });
  return shade(material, {
    vertex: 'attribute vec2 iris; varying vec2 vIris;',
    vertexMain: 'vIris = iris;',
    fragment: `varying vec2 vIris;
      float hash1(float n) { return fract(sin(n) * 43758.5453); }
      float fibre(float x) { float i = floor(x), f = fract(x); f = f * f * (3. - 2. * f); return mix(hash1(i), hash1(i + 1.), f); }`,
    colour: `
      float r = length(vIris) / .60, turn = atan(vIris.y, vIris.x) * 10.;
      float fibres = fibre(turn * 2. + r * 2.) * .5 + fibre(turn * 5. - r * 5.) * .5;
      vec3 iris = mix(${rgb(eyes.inner)}, ${rgb(eyes.outer)}, smoothstep(.35, .8, r)) * (.55 + .9 * fibres);
      iris *= 1. - .75 * smoothstep(.78, 1.02, r);
      iris = mix(vec3(.008), iris, smoothstep(.34, .42, r));
      vec3 white = mix(vec3(.74, .69, .655), vec3(.66, .50, .46), smoothstep(1.6, 2.6, r));
      diffuseColor.rgb = mix(iris, white, smoothstep(.94, 1.10, r));`,
  });
}

interface Shading {
  readonly wrap?: readonly number[];
  readonly vertex?: string;
  readonly vertexMain?: string;
  readonly fragment?: string;
  /** After the colour map. */
  readonly colour?: string;
}

/**
 * Adds to a physical material: light that reaches each vertex (attribute `open`, 0…1, see Occlusion), for the surroundings
 * and, where little does, for the lamps too, so that nothing glows inside the mouth; and light that wraps round.
 */
function shade(material: THREE.MeshPhysicalMaterial, shading: Shading): THREE.MeshPhysicalMaterial {
  const { wrap, vertex = '', vertexMain = '', fragment = '', colour = '' } = shading;
  material.onBeforeCompile = (shader) => {
    shader.vertexShader = shader.vertexShader.replace(
      'void main() {',
      `attribute float open; varying float vOpen; ${vertex}\nvoid main() { vOpen = open; ${vertexMain}`,
    );
    let source = shader.fragmentShader
      .replace('void main() {', `varying float vOpen; ${fragment}\nvoid main() {`)
      .replace('#include <color_fragment>', `#include <color_fragment>\n${colour}`)
      .replace(
        '#include <aomap_fragment>',
        `float reach = smoothstep(.02, .42, vOpen), around = smoothstep(.0, .95, vOpen);
         reflectedLight.directDiffuse *= reach; reflectedLight.directSpecular *= reach * reach;
         reflectedLight.indirectDiffuse *= around; reflectedLight.indirectSpecular *= around * around;
         #ifdef USE_CLEARCOAT
           clearcoatSpecularDirect *= reach * reach; clearcoatSpecularIndirect *= around * around;
         #endif
         #ifdef USE_SHEEN
           sheenSpecularDirect *= reach; sheenSpecularIndirect *= around;
         #endif`,
      );
    if (wrap) source = wrapLight(source, wrap);
    shader.fragmentShader = source;
  };
  material.customProgramCacheKey = () => JSON.stringify(shading);
  return material;
}

function wrapLight(source: string, wrap: readonly number[]): string {
  return source
    .replace(
      '#include <lights_fragment_begin>',
      '#undef RE_Direct\n#define RE_Direct RE_Direct_Skin\n#include <lights_fragment_begin>',
    )
    .replace(
      'void main() {',
      `void RE_Direct_Skin(const in IncidentLight light, const in vec3 position, const in vec3 n, const in vec3 v,
         const in vec3 coat, const in PhysicalMaterial material, inout ReflectedLight out_) {
        float cosine = dot(n, light.direction);
        vec3 w = vec3(${wrap.join(',')});
        vec3 wrapped = max((vec3(cosine) + w) / (1. + w) / (1. + w * .5), 0.) * light.color;
        out_.directSpecular += saturate(cosine) * light.color * BRDF_GGX(light.direction, v, n, material) * .75;
        out_.directDiffuse += wrapped * BRDF_Lambert(material.diffuseColor);
      }
      void main() {`,
    );
}

async function texture(url: string, space: THREE.ColorSpace): Promise<THREE.Texture> {
  const loaded = await TEXTURES.loadAsync(url);
  loaded.colorSpace = space;
  loaded.anisotropy = 8;
  loaded.wrapS = loaded.wrapT = THREE.RepeatWrapping;
  return loaded;
}
