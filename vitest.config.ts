import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const src = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

export default defineConfig({
  // Examples import worldfold by name; here that name means the sources, so that tests need no build.
  resolve: {
    alias: [
      { find: /^worldfold$/, replacement: src('index.ts') },
      { find: /^worldfold\/sqlite$/, replacement: src('stores/sqlite/index.ts') },
      { find: /^worldfold\/postgres$/, replacement: src('stores/postgres/index.ts') },
      { find: /^worldfold\/files$/, replacement: src('files/index.ts') },
      { find: /^worldfold\/sql$/, replacement: src('sql/index.ts') },
      { find: /^worldfold\/tables$/, replacement: src('tables/index.ts') },
      { find: /^worldfold\/math$/, replacement: src('math/index.ts') },
      { find: /^worldfold\/testing$/, replacement: src('testing/index.ts') },
    ],
  },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts', 'bench/**/*.test.ts'],
    globalSetup: ['test/support/postgres-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // All cores, where vitest would leave one alone: of two that is half of the time.
    maxWorkers: availableParallelism(),
  },
});
