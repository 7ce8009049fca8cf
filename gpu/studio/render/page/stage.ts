import * as THREE from 'three';
import { studioCamera } from './camera.ts';

interface Light {
  readonly from: readonly [number, number, number];
  /** Linear. */
  readonly colour: readonly [number, number, number];
  readonly intensity: number;
  /** Strands are lit by a formula of their own, in which the same light counts so much. */
  readonly onHair: number;
}

/** A portrait studio: key from the upper left, cool fill, two rims; the last one is the ceiling's bounce, for hair only. */
export const LIGHTS: readonly Light[] = [
  { from: [-48, 52, 70], colour: [1, 0.93, 0.86], intensity: 2.1, onHair: 1.2 },
  { from: [60, 10, 50], colour: [0.74, 0.82, 1], intensity: 0.5, onHair: 0.38 },
  { from: [-50, 40, -60], colour: [1, 0.88, 0.77], intensity: 1.5, onHair: 0.9 },
  { from: [55, 35, -55], colour: [0.68, 0.8, 1], intensity: 1.7, onHair: 1.0 },
  { from: [0, 80, 10], colour: [1, 1, 1], intensity: 0, onHair: 0.4 },
];

/** Soft boxes that the skin and the eyes mirror: width, height, colour, intensity, place. */
const SOFT_BOXES = [
  [9, 9, 0xfff1e0, 6, [-9, 7, 8]],
  [6, 10, 0xcfe2ff, 1.8, [10, 2, 6]],
  [12, 5, 0xffffff, 1.2, [0, 12, 1]],
  [3, 9, 0xbfd4ff, 4, [9, 4, -8]],
  [3, 9, 0xffd9b8, 3, [-10, 3, -8]],
  [14, 4, 0x8a7466, 0.5, [0, -10, 4]],
] as const;

/** Everything but the actor: camera, lights, background. */
export class Stage {
  readonly scene = new THREE.Scene();
  readonly camera = studioCamera();
  readonly renderer: THREE.WebGLRenderer;
  readonly #size: number;
  readonly #out: CanvasRenderingContext2D;

  /**
   * @param size of the picture, pixels
   * @param oversampling pixels that are rendered for one of the picture, along each side
   */
  constructor(size: number, oversampling: number) {
    this.#size = size;
    this.renderer = new THREE.WebGLRenderer({ antialias: true, preserveDrawingBuffer: true });
    this.renderer.setSize(size * oversampling, size * oversampling, false);
    this.renderer.shadowMap.enabled = true;
    this.renderer.shadowMap.type = THREE.PCFShadowMap;
    this.renderer.toneMapping = THREE.ACESFilmicToneMapping;
    this.renderer.toneMappingExposure = 1.15;
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = size;
    const out = canvas.getContext('2d', { willReadFrequently: true });
    if (!out) throw new Error('no 2D canvas');
    out.imageSmoothingQuality = 'high';
    this.#out = out;
    this.#environment();
    this.#lights();
    this.scene.background = background();
    this.scene.backgroundIntensity = 0.8;
  }

  render(): void {
    this.renderer.render(this.scene, this.camera);
    this.#out.drawImage(this.renderer.domElement, 0, 0, this.#size, this.#size);
  }

  png(): string {
    return this.#out.canvas.toDataURL('image/png');
  }

  /** RGB, row by row from the top. */
  rgb(): Uint8Array {
    const { data } = this.#out.getImageData(0, 0, this.#size, this.#size);
    const out = new Uint8Array(this.#size * this.#size * 3);
    for (let from = 0, to = 0; from < data.length; from += 4) {
      out[to++] = data[from]!;
      out[to++] = data[from + 1]!;
      out[to++] = data[from + 2]!;
    }
    return out;
  }

  #environment(): void {
    const studio = new THREE.Scene();
    studio.background = new THREE.Color(0x10131a);
    for (const [width, height, colour, intensity, [x, y, z]] of SOFT_BOXES) {
      const material = new THREE.MeshBasicMaterial({
        color: new THREE.Color(colour).multiplyScalar(intensity),
        side: THREE.DoubleSide,
      });
      const box = new THREE.Mesh(new THREE.PlaneGeometry(width, height), material);
      box.position.set(x, y, z);
      box.lookAt(0, 0, 0);
      studio.add(box);
    }
    const generator = new THREE.PMREMGenerator(this.renderer);
    this.scene.environment = generator.fromScene(studio, 0.03, 0.1, 100).texture;
    this.scene.environmentIntensity = 0.62;
  }

  #lights(): void {
    LIGHTS.forEach(({ from, colour, intensity }, index) => {
      if (intensity === 0) return;
      const light = new THREE.DirectionalLight(new THREE.Color(...colour), intensity);
      light.position.set(...from);
      if (index === 0) {
        light.castShadow = true;
        light.shadow.mapSize.set(2048, 2048);
        Object.assign(light.shadow.camera, {
          left: -30,
          right: 30,
          top: 30,
          bottom: -30,
          near: 20,
          far: 200,
        });
        light.shadow.bias = -0.0006;
        light.shadow.normalBias = 0.12;
        light.shadow.radius = 9;
      }
      this.scene.add(light);
    });
  }
}

/** An office out of focus. */
function background(): THREE.Texture {
  const size = 512;
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no 2D canvas');
  const base = context.createLinearGradient(0, 0, size, size);
  base.addColorStop(0, '#5d6b78');
  base.addColorStop(0.5, '#3a4552');
  base.addColorStop(1, '#20262f');
  context.fillStyle = base;
  context.fillRect(0, 0, size, size);
  const shapes = [
    [90, 120, 80, 240, '#c98f5a', 0.35],
    [400, 90, 120, 200, '#86a6bf', 0.35],
    [300, 330, 260, 60, '#2a2a2e', 0.5],
    [40, 330, 90, 200, '#6f8064', 0.35],
    [440, 330, 60, 160, '#d8b98a', 0.25],
    [230, 60, 60, 120, '#e8e2d2', 0.25],
  ] as const;
  context.filter = 'blur(26px)';
  for (const [x, y, width, height, colour, alpha] of shapes) {
    context.globalAlpha = alpha;
    context.fillStyle = colour;
    context.fillRect(x - width / 2, y - height / 2, width, height);
  }
  context.filter = 'blur(9px)';
  for (let lamp = 0; lamp < 16; lamp += 1) {
    context.globalAlpha = 0.14;
    context.fillStyle = ['#ffe3b0', '#bcd8ff', '#ffd0a0'][lamp % 3]!;
    context.beginPath();
    context.arc((lamp * 149) % size, (lamp * 83) % 300, 10 + ((lamp * 7) % 16), 0, 7);
    context.fill();
  }
  const texture = new THREE.CanvasTexture(canvas);
  texture.colorSpace = THREE.SRGBColorSpace;
  return texture;
}
