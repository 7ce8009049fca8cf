import { describe, expect, it } from 'vitest';
import { Backdrop, GRID } from '../../../client/src/cutout/backdrop.ts';

type Colour = readonly [number, number, number];
interface Scene {
  readonly headX?: number;
  readonly skin?: Colour;
  /** Hair of the wall's own colour at the left temple. */
  readonly isGrey?: boolean;
}

/** A soft wall, lighter towards the right. */
const wallAt = (x: number, y: number): Colour => [40 + x / 4, 60 + x / 5, 80 + y / 8];

const isHead = (x: number, y: number, headX: number): boolean =>
  ((x - headX) / 26) ** 2 + ((y - 58) / 36) ** 2 < 1;
const isBody = (x: number, y: number): boolean =>
  y > 100 + ((x - 64) / 20) ** 2 || (Math.abs(x - 64) < 12 && y > 80);
const isTemple = (x: number, y: number): boolean => x < 46 && y > 48 && y < 62;

/** A person before the wall, with a little noise of a codec. */
function picture({ headX = 64, skin = [200, 150, 130], isGrey = false }: Scene = {}): Uint8ClampedArray {
  const pixels = new Uint8ClampedArray(GRID * GRID * 4).fill(255);
  for (let cell = 0; cell < GRID * GRID; cell += 1) {
    const [x, y] = [cell % GRID, Math.floor(cell / GRID)];
    const isPerson = isHead(x, y, headX) || isBody(x, y);
    const colour = isPerson && !(isGrey && isTemple(x, y)) ? skin : wallAt(x, y);
    pixels.set(
      colour.map((value) => value + ((cell * 7919) % 3) - 1),
      cell * 4,
    );
  }
  return pixels;
}

const at = (cells: ArrayLike<number>, x: number, y: number): number => cells[y * GRID + x]!;

describe('a wall behind a person', () => {
  it('is found, and goes on smoothly behind them', () => {
    const backdrop = Backdrop.learn(picture())!;
    for (const [x, y] of [
      [5, 5],
      [120, 40],
      [64, 60],
      [45, 50],
    ] as const) {
      const seen = [0, 1, 2].map((channel) => backdrop.plate[(y * GRID + x) * 4 + channel]!);
      wallAt(x, y).forEach((value, channel) => expect(Math.abs(seen[channel]! - value)).toBeLessThan(8));
    }
  });

  it('leaves the person: all of them, and nothing else', () => {
    const cells = Backdrop.learn(picture())!.silhouette(picture());
    for (const [x, y] of [
      [64, 58],
      [64, 90],
      [64, 120],
    ] as const)
      expect(at(cells, x, y)).toBe(255);
    for (const [x, y] of [
      [3, 3],
      [124, 3],
      [20, 60],
      [108, 60],
    ] as const)
      expect(at(cells, x, y)).toBe(0);
    // Soft where they meet.
    const edge = Array.from({ length: 20 }, (_, step) => at(cells, 30 + step, 58));
    expect(edge.some((value) => value > 20 && value < 235)).toBe(true);
  });

  it('is told from a head that moves', () => {
    const backdrop = Backdrop.learn(picture())!;
    const cells = backdrop.silhouette(picture({ headX: 70 }));
    expect(at(cells, 93, 58)).toBeGreaterThan(128);
    expect(at(cells, 40, 58)).toBeLessThan(128);
  });

  it('does not eat into a head whose hair has its colour', () => {
    const grey = picture({ isGrey: true });
    const cells = Backdrop.learn(grey)!.silhouette(grey);
    expect(at(cells, 43, 55)).toBeGreaterThan(200);
    expect(at(cells, 20, 55)).toBe(0);
  });

  it.each([
    ['has no step anywhere', () => picture({ skin: [56, 73, 88] })],
    [
      'is full of things',
      () => picture().map((value, index) => (value + (((index >> 2) * 7919) % 97)) % 256),
    ],
  ])('is not found in a picture that %s', (_name, make) => {
    expect(Backdrop.learn(make())).toBeNull();
  });
});
