import { beforeAll, expect, it } from 'vitest';
import { bundle, sizesOf } from '../../../scripts/build-client.mjs';

let sizes: ReturnType<typeof sizesOf>;
beforeAll(async () => {
  sizes = sizesOf(await bundle());
});

/** Gzipped kB: what a page loads at once, and with all that it loads when it is needed. */
it.each([
  ['vizavi', 92, 92],
  ['element', 106, 106],
  ['bubble', 8.5, 112],
  ['react', 94, 108],
])('%s.js stays small', (entry, nowKb, laterKb) => {
  const { now, later } = sizes[entry]!;
  expect(now.gzipped).toBeGreaterThan(1000);
  expect(now.gzipped).toBeLessThan(nowKb * 1000);
  expect(later.gzipped).toBeLessThan(laterKb * 1000);
});
