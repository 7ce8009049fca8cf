import { withSkull } from './skull.ts';

/** Side of the pictures that are learnt from, in cells; the matte's detail comes from the full picture later. */
export const GRID = 128;
const CELLS = GRID * GRID;

/** The picture's border down to here is wall; below it are shoulders. */
const WALL_UNTIL = 0.6;
/** Neighbouring cells of an out-of-focus wall differ by less, in levels of the channel that differs most. */
const WALL_STEP = 7;
/** Beyond this much of the picture as wall, or below, nothing sensible was found. */
const PLAUSIBLE = { least: 0.12, most: 0.85 };
/** Levels from the known wall below which a cell is wall. */
const SAME_AS_WALL = 14;
/** How fast the known wall follows what is seen of it: codecs and light drift a little. */
const LEARN_RATE = 0.08;
/** The wall changes slowly, if at all, and painting it costs the most: once so many silhouettes. */
const REFINE_EVERY = 16;
/** Cells this deep inside are the person, whatever their colour. */
const CORE_DEPTH = 5;

/**
 * The still wall behind a person, learnt from pictures that show it around them. Pictures are RGBA, {@link GRID}² cells.
 */
export class Backdrop {
  /** The wall, also where the person hides it: there it goes on smoothly. RGBA. */
  readonly plate: Uint8ClampedArray<ArrayBuffer>;
  readonly #wall: Float32Array;
  readonly #isKnown: Uint8Array;
  readonly #isCore: Uint8Array;
  #looks = 0;

  private constructor(picture: ArrayLike<number>, isWall: Uint8Array) {
    this.#wall = Float32Array.from(
      { length: CELLS * 3 },
      (_, at) => picture[Math.floor(at / 3) * 4 + (at % 3)] ?? 0,
    );
    // Cells at the person's edge show both.
    this.#isKnown = grow(isWall, -2);
    this.#isCore = grow(isWall, CORE_DEPTH).map((cell) => 1 - cell);
    this.plate = new Uint8ClampedArray(CELLS * 4).fill(255);
    this.#paintPlate();
  }

  /** Null when this picture is not one of a person before a plain wall. */
  static learn(picture: ArrayLike<number>): Backdrop | null {
    const isWall = withSkull(withoutIslands(grow(grow(findWall(picture), -1), 1)));
    const share = isWall.reduce((sum, cell) => sum + cell, 0) / CELLS;
    return share < PLAUSIBLE.least || share > PLAUSIBLE.most ? null : new Backdrop(picture, isWall);
  }

  /** Where the person is in this picture: 0 … 255 a cell, soft at the edge. */
  silhouette(picture: ArrayLike<number>): Uint8Array<ArrayBuffer> {
    const isLikeWall = new Uint8Array(CELLS);
    for (let cell = 0; cell < CELLS; cell += 1) {
      if (this.#isCore[cell] === 0 && this.#difference(picture, cell) < SAME_AS_WALL) isLikeWall[cell] = 1;
    }
    const isWall = withSkull(withoutIslands(floodFromBorder((cell) => isLikeWall[cell] === 1)));
    if (this.#looks % REFINE_EVERY === 0) this.#refine(picture, isWall);
    this.#looks += 1;
    return soften(isWall);
  }

  /** What is seen of the wall now is known better than what was guessed. */
  #refine(picture: ArrayLike<number>, isWall: Uint8Array): void {
    const isSafe = grow(isWall, -3);
    for (let cell = 0; cell < CELLS; cell += 1) {
      if (isSafe[cell] === 0) continue;
      const rate = this.#isKnown[cell] ? LEARN_RATE : 1;
      this.#isKnown[cell] = 1;
      for (let channel = 0; channel < 3; channel += 1) {
        const at = cell * 3 + channel;
        const seen = picture[cell * 4 + channel] ?? 0;
        this.#wall[at] = (this.#wall[at] ?? 0) + rate * (seen - (this.#wall[at] ?? 0));
      }
    }
    this.#paintPlate();
  }

  #difference(picture: ArrayLike<number>, cell: number): number {
    let most = 0;
    for (let channel = 0; channel < 3; channel += 1) {
      const step = Math.abs((picture[cell * 4 + channel] ?? 0) - (this.plate[cell * 4 + channel] ?? 0));
      if (step > most) most = step;
    }
    return most;
  }

  #paintPlate(): void {
    const filled = fillHoles(this.#wall, this.#isKnown, GRID);
    for (let cell = 0; cell < CELLS; cell += 1) {
      for (let channel = 0; channel < 3; channel += 1)
        this.plate[cell * 4 + channel] = filled[cell * 3 + channel] ?? 0;
    }
  }
}

/** Cells that are reached from the upper border without a step. */
function findWall(picture: ArrayLike<number>): Uint8Array {
  return floodFromBorder((cell, from) => {
    for (let channel = 0; channel < 3; channel += 1) {
      const step = (picture[cell * 4 + channel] ?? 0) - (picture[from * 4 + channel] ?? 0);
      if (Math.abs(step) >= WALL_STEP) return false;
    }
    return true;
  });
}

function floodFromBorder(mayEnter: (cell: number, from: number) => boolean): Uint8Array {
  const isIn = new Uint8Array(CELLS);
  const queue: number[] = [];
  const enter = (cell: number, from: number): void => {
    if (isIn[cell] === 1 || !mayEnter(cell, from)) return;
    isIn[cell] = 1;
    queue.push(cell);
  };
  for (let column = 0; column < GRID; column += 1) enter(column, column);
  for (let row = 0; row < GRID * WALL_UNTIL; row += 1) {
    enter(row * GRID, row * GRID);
    enter(row * GRID + GRID - 1, row * GRID + GRID - 1);
  }
  for (let cell = queue.pop(); cell !== undefined; cell = queue.pop()) {
    const column = cell % GRID;
    if (column > 0) enter(cell - 1, cell);
    if (column < GRID - 1) enter(cell + 1, cell);
    if (cell >= GRID) enter(cell - GRID, cell);
    if (cell < CELLS - GRID) enter(cell + GRID, cell);
  }
  return isIn;
}

/** What is not wall and does not hang together with the middle of the picture is wall after all. */
function withoutIslands(isWall: Uint8Array): Uint8Array {
  const isPerson = new Uint8Array(CELLS);
  const queue: number[] = [];
  const enter = (cell: number): void => {
    if (isWall[cell] === 1 || isPerson[cell] === 1) return;
    isPerson[cell] = 1;
    queue.push(cell);
  };
  for (let row = Math.floor(GRID * 0.3); row < GRID; row += 1) enter(row * GRID + GRID / 2);
  for (let cell = queue.pop(); cell !== undefined; cell = queue.pop()) {
    const column = cell % GRID;
    if (column > 0) enter(cell - 1);
    if (column < GRID - 1) enter(cell + 1);
    if (cell >= GRID) enter(cell - GRID);
    if (cell < CELLS - GRID) enter(cell + GRID);
  }
  return isPerson.map((cell) => 1 - cell);
}

/** Grows (or, below 0, shrinks) what is 1 by so many cells. The picture's border does not eat. */
function grow(mask: Uint8Array, cells: number): Uint8Array {
  const wanted = cells > 0 ? 1 : 0;
  let now = Uint8Array.from(mask);
  for (let round = 0; round < Math.abs(cells); round += 1) {
    const next = Uint8Array.from(now);
    for (let cell = 0; cell < CELLS; cell += 1) {
      if (now[cell] === wanted) continue;
      const column = cell % GRID;
      if (
        (column > 0 && now[cell - 1] === wanted) ||
        (column < GRID - 1 && now[cell + 1] === wanted) ||
        now[cell - GRID] === wanted ||
        now[cell + GRID] === wanted
      )
        next[cell] = wanted;
    }
    now = next;
  }
  return now;
}

/** The person as 0 … 255, averaged over 3 × 3 cells twice. */
function soften(isWall: Uint8Array): Uint8Array<ArrayBuffer> {
  let now = new Float32Array(isWall);
  let next = new Float32Array(CELLS);
  for (const step of [1, GRID, 1, GRID]) {
    for (let cell = 0; cell < CELLS; cell += 1) {
      const line = step === 1 ? cell % GRID : (cell - (cell % GRID)) / GRID;
      const value = now[cell] ?? 0;
      const before = line > 0 ? (now[cell - step] ?? 0) : value;
      const after = line < GRID - 1 ? (now[cell + step] ?? 0) : value;
      next[cell] = (before + value + after) / 3;
    }
    [now, next] = [next, now];
  }
  const person = new Uint8Array(CELLS);
  for (let cell = 0; cell < CELLS; cell += 1) person[cell] = (1 - (now[cell] ?? 0)) * 255;
  return person;
}

/** Push-pull: holes get the mean of what is known around them, from coarser and coarser pictures. RGB of side². */
function fillHoles(colours: Float32Array, isKnown: Uint8Array, side: number): Float32Array {
  const filled = Float32Array.from(colours);
  if (side === 1 || isKnown.every((cell) => cell === 1)) return filled;
  const half = side / 2;
  const coarse = new Float32Array(half * half * 3);
  const isCoarseKnown = new Uint8Array(half * half);
  for (let cell = 0; cell < half * half; cell += 1) {
    const corner = Math.floor(cell / half) * 2 * side + (cell % half) * 2;
    let count = 0;
    for (const from of [corner, corner + 1, corner + side, corner + side + 1]) {
      if (isKnown[from] === 0) continue;
      count += 1;
      for (let channel = 0; channel < 3; channel += 1)
        coarse[cell * 3 + channel] = (coarse[cell * 3 + channel] ?? 0) + (colours[from * 3 + channel] ?? 0);
    }
    if (count === 0) continue;
    isCoarseKnown[cell] = 1;
    for (let channel = 0; channel < 3; channel += 1)
      coarse[cell * 3 + channel] = (coarse[cell * 3 + channel] ?? 0) / count;
  }
  const guess = fillHoles(coarse, isCoarseKnown, half);
  for (let cell = 0; cell < side * side; cell += 1) {
    if (isKnown[cell] === 1) continue;
    // Between the centres of the coarse cells, else the holes would show squares.
    const x = clamp(((cell % side) - 0.5) / 2, 0, half - 1);
    const y = clamp((Math.floor(cell / side) - 0.5) / 2, 0, half - 1);
    const left = Math.min(Math.floor(x), Math.max(half - 2, 0));
    const top = Math.min(Math.floor(y), Math.max(half - 2, 0));
    const right = Math.min(left + 1, half - 1);
    const bottom = Math.min(top + 1, half - 1);
    for (let channel = 0; channel < 3; channel += 1) {
      const at = (row: number, column: number): number => guess[(row * half + column) * 3 + channel] ?? 0;
      const upper = at(top, left) + (x - left) * (at(top, right) - at(top, left));
      const lower = at(bottom, left) + (x - left) * (at(bottom, right) - at(bottom, left));
      filled[cell * 3 + channel] = upper + (y - top) * (lower - upper);
    }
  }
  return filled;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
