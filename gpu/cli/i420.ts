/** A picture as a viewer sees it: BT.601, limited range (ITU-R BT.601-7 §2.5), chroma of the nearest sample. */
export function i420ToRgb(i420: Uint8Array, width: number, height: number): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  const luma = width * height;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const chroma = (y >> 1) * (width >> 1) + (x >> 1);
      const light = 1.164 * ((i420[y * width + x] ?? 0) - 16);
      const u = (i420[luma + chroma] ?? 0) - 128;
      const v = (i420[luma + luma / 4 + chroma] ?? 0) - 128;
      const at = (y * width + x) * 3;
      rgb[at] = clamp(light + 1.596 * v);
      rgb[at + 1] = clamp(light - 0.392 * u - 0.813 * v);
      rgb[at + 2] = clamp(light + 2.017 * u);
    }
  }
  return rgb;
}

function clamp(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}
