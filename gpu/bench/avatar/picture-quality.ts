import type { Image } from '../../cli/av-image.ts';

/** x0, y0, x1, y1; ends exclusive. */
export type Box = readonly [number, number, number, number];

export interface Quality {
  /** Peak signal-to-noise ratio over red, green and blue, dB. */
  readonly psnr: number;
  /** Structural similarity of luma (Wang, Bovik, Sheikh, Simoncelli, 2004), windows of 8×8 pixels, 4 apart. */
  readonly ssim: number;
}

const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;
const WINDOW = 8;
const STEP = 4;

/** Two pictures of the same size, inside a box. */
export function compare(a: Image, b: Image, [x0, y0, x1, y1]: Box): Quality {
  let sum = 0;
  for (let y = y0; y < y1; y += 1) {
    for (let at = (y * a.width + x0) * 3; at < (y * a.width + x1) * 3; at += 1) {
      sum += ((a.rgb[at] ?? 0) - (b.rgb[at] ?? 0)) ** 2;
    }
  }
  const mean = sum / ((x1 - x0) * (y1 - y0) * 3);
  return { psnr: 10 * Math.log10(255 ** 2 / Math.max(mean, 1e-9)), ssim: ssim(a, b, [x0, y0, x1, y1]) };
}

function ssim(a: Image, b: Image, [x0, y0, x1, y1]: Box): number {
  let total = 0;
  let windows = 0;
  for (let y = y0; y + WINDOW <= y1; y += STEP) {
    for (let x = x0; x + WINDOW <= x1; x += STEP) {
      total += similarity(a, b, x, y);
      windows += 1;
    }
  }
  return total / windows;
}

function similarity(a: Image, b: Image, left: number, top: number): number {
  let [sumA, sumB, squareA, squareB, product] = [0, 0, 0, 0, 0];
  for (let y = top; y < top + WINDOW; y += 1) {
    for (let x = left; x < left + WINDOW; x += 1) {
      const p = luma(a, y * a.width + x);
      const q = luma(b, y * b.width + x);
      sumA += p;
      sumB += q;
      squareA += p * p;
      squareB += q * q;
      product += p * q;
    }
  }
  const n = WINDOW * WINDOW;
  const [meanA, meanB] = [sumA / n, sumB / n];
  const [varA, varB, both] = [
    squareA / n - meanA ** 2,
    squareB / n - meanB ** 2,
    product / n - meanA * meanB,
  ];
  return ((2 * meanA * meanB + C1) * (2 * both + C2)) / ((meanA ** 2 + meanB ** 2 + C1) * (varA + varB + C2));
}

function luma({ rgb }: Image, pixel: number): number {
  return (
    0.299 * (rgb[3 * pixel] ?? 0) + 0.587 * (rgb[3 * pixel + 1] ?? 0) + 0.114 * (rgb[3 * pixel + 2] ?? 0)
  );
}
