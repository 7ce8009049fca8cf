import type { AvatarBundle } from '../src/avatar-bundle.ts';
import type { ModelRunner } from '../src/model-runner.ts';
import { encodePng } from './av-png.ts';

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
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const at = ((top + y) * COLUMNS * width + left + x) * 3;
        sheet.set(rgbAt(picture, width, height, x, y), at);
      }
    }
  }
  return encodePng(sheet, COLUMNS * width, lines * height);
}

/** BT.601, limited range (ITU-R BT.601-7 §2.5). */
function rgbAt(i420: Uint8Array, width: number, height: number, x: number, y: number): number[] {
  const luma = width * height;
  const chroma = (y >> 1) * (width >> 1) + (x >> 1);
  const light = 1.164 * ((i420[y * width + x] ?? 0) - 16);
  const u = (i420[luma + chroma] ?? 0) - 128;
  const v = (i420[luma + luma / 4 + chroma] ?? 0) - 128;
  return [light + 1.596 * v, light - 0.392 * u - 0.813 * v, light + 2.017 * u].map((value) =>
    Math.min(255, Math.max(0, Math.round(value))),
  );
}
