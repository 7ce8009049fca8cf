/** The upper part of a head, down to the ears, as a share of the way from its top to the neck. */
const UPPER_PART = 0.62;
/** Necks are looked for below this share of the way from the top of the head to the picture's lower edge. */
const NECK_BELOW = 0.35;

/** Where a row of the person begins and ends. */
interface Span {
  readonly row: number;
  readonly left: number;
  readonly right: number;
}

/**
 * Hair of the wall's colour has no edge that could be found, but skulls have no dents: what a convex outline of the upper
 * head encloses is person too. `isWall` has square rows; 1 is wall.
 */
export function withSkull(isWall: Uint8Array): Uint8Array {
  const side = Math.sqrt(isWall.length);
  const spans = spansOf(isWall, side);
  const [first] = spans;
  if (!first) return isWall;
  const lower = spans.filter(({ row }) => row > first.row + NECK_BELOW * (side - first.row));
  const neck = lower.reduce((best, span) => (widthOf(span) < widthOf(best) ? span : best), lower[0] ?? first);
  const head = spans.filter(({ row }) => row <= first.row + UPPER_PART * (neck.row - first.row));
  const left = outline(head.map(({ row, left: column }) => [row, column]));
  const right = outline(head.map(({ row, right: column }) => [row, -column]));
  const filled = Uint8Array.from(isWall);
  head.forEach(({ row }, index) => {
    const from = Math.round(left[index] ?? 0);
    const to = Math.round(-(right[index] ?? 0));
    filled.fill(0, row * side + from, row * side + to + 1);
  });
  return filled;
}

function widthOf({ left, right }: Span): number {
  return right - left;
}

function spansOf(isWall: Uint8Array, side: number): Span[] {
  const spans: Span[] = [];
  for (let row = 0; row < side; row += 1) {
    const cells = isWall.subarray(row * side, (row + 1) * side);
    const left = cells.indexOf(0);
    if (left >= 0) spans.push({ row, left, right: cells.lastIndexOf(0) });
  }
  return spans;
}

/** For each row the least column that keeps the outline convex. Rows rise. */
function outline(points: (readonly [row: number, column: number])[]): number[] {
  const hull: (readonly [number, number])[] = [];
  for (const point of points) {
    for (;;) {
      const [before, last] = hull.slice(-2);
      if (!before || !last) break;
      const turn =
        (last[0] - before[0]) * (point[1] - before[1]) - (last[1] - before[1]) * (point[0] - before[0]);
      if (turn > 0) break;
      hull.pop();
    }
    hull.push(point);
  }
  let at = 0;
  return points.map(([row, column]) => {
    while ((hull[at + 1]?.[0] ?? Infinity) <= row) at += 1;
    const from = hull[at];
    const to = hull[at + 1];
    if (!from || !to) return column;
    return from[1] + ((row - from[0]) * (to[1] - from[1])) / (to[0] - from[0]);
  });
}
