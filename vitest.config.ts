import { defineConfig } from 'vitest/config';
import { CountsReporter } from './scripts/vitest-counts.ts';

/** Tests that start processes, browsers or media workers: one file at a time, after the others. */
const HEAVY = ['stack', 'browser'];

export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default', new CountsReporter()],
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'light',
          include: ['test/**/*.test.ts'],
          exclude: HEAVY.map((folder) => `test/${folder}/**`),
          testTimeout: 30_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'heavy',
          include: HEAVY.map((folder) => `test/${folder}/**/*.test.ts`),
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
