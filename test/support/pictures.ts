/** A textured disc that moves over a gradient: I420, BT.601 limited range, in shared memory at an odd offset. */
export function movingPicture(width: number, height: number, index: number): Uint8Array {
  const picture = new Uint8Array(new SharedArrayBuffer(width * height * 1.5 + 3), 3);
  const centreX = width / 2 + (width / 5) * Math.sin(index / 8);
  const centreY = height / 2 + (height / 8) * Math.cos(index / 8);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const dx = x - centreX;
      const dy = y - centreY;
      const inside = Math.hypot(dx, dy) < height / 3;
      const disc = 140 + 50 * Math.sin(dx / 3) * Math.cos(dy / 4);
      picture[y * width + x] = inside ? disc : 40 + (100 * (x + y)) / (width + height);
    }
  }
  picture.fill(110, width * height, width * height * 1.25);
  picture.fill(150, width * height * 1.25);
  return picture;
}

/** Peak signal-to-noise ratio of the luma plane in dB. */
export function lumaPsnr(a: Uint8Array, b: Uint8Array, pixels: number): number {
  let sum = 0;
  for (let i = 0; i < pixels; i += 1) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return 10 * Math.log10(255 ** 2 / (sum / pixels));
}

/** A sine tone, mono, 16 bits. */
export function tone(hertz: number, sampleRate: number, samples: number, firstSample = 0): Int16Array {
  return Int16Array.from({ length: samples }, (_, i) =>
    Math.round(8000 * Math.sin(((firstSample + i) * 2 * Math.PI * hertz) / sampleRate)),
  );
}
