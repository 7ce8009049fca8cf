import type { AvatarBundle } from '../src/avatar-bundle.ts';
import type { ModelRunner } from '../src/model-runner.ts';
import { encodePng } from './av-png.ts';
import { i420ToRgb } from './i420.ts';

/** Faces of a sheet: what is added to the bundle's rest. Names that a bundle does not have are left out. */
const FACES: readonly Readonly<Record<string, number>>[] = [
  {},
  { jawOpen: 0.5, mouthLowerDown: 0.22, mouthUpperUp: 0.14 },
  { jawOpen: 0.32, mouthFunnel: 0.6, mouthPucker: 0.26 },
  { mouthPress: 0.55, mouthRollLower: 0.35, mouthRollUpper: 0.3 },
  { jawOpen: 0.12, mouthLowerDown: 0.2, mouthUpperUp: 0.18, mouthStretch: 0.25 },
  { mouthSmile: 0.55, cheekSquint: 0.35, eyeSquint: 0.2 },
  { eyeBlink: 1 },
  { browInnerUp: 0.5, browOuterUp: 0.4 },
  { gazeX: 0.4 },
  { gazeY: -0.3, browDown: 0.4 },
  { yaw: 0.1, pitch: 0.04 },
  { yaw: -0.1, roll: 0.06, breath: 1 },
];
const COLUMNS = 4;

/** A picture of the bundle's face in some poses: PNG. */
export async function contactSheet(bundle: AvatarBundle, runner: ModelRunner): Promise<Buffer> {
  const { parameters } = bundle.expression;
  const rows = new Float32Array(FACES.length * parameters.length);
  FACES.forEach((face, index) => {
    for (const { name, index: column } of parameters)
      rows[index * parameters.length + column] = face[name] ?? 0;
  });
  const pictures = new Uint8Array(await runner.renderStill(rows, FACES.length));
  const { width, height, frameBytes } = bundle;
  const lines = Math.ceil(FACES.length / COLUMNS);
  const sheet = new Uint8Array(COLUMNS * width * lines * height * 3);
  for (let index = 0; index < FACES.length; index += 1) {
    const picture = pictures.subarray(index * frameBytes, (index + 1) * frameBytes);
    const left = (index % COLUMNS) * width;
    const top = Math.floor(index / COLUMNS) * height;
    const rgb = i420ToRgb(picture, width, height);
    for (let y = 0; y < height; y += 1) {
      sheet.set(rgb.subarray(y * width * 3, (y + 1) * width * 3), ((top + y) * COLUMNS * width + left) * 3);
    }
  }
  return encodePng(sheet, COLUMNS * width, lines * height);
}
