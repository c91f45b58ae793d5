/** What docs/tables.md prints compiles, runs, and answers what the world says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import epidemic from '../examples/epidemic/world.ts';
import { createRun, type Store } from '../src/index.ts';
import type { ProjectionStore } from '../src/log/projection-store.ts';
import { sqliteStore } from '../src/stores/sqlite/index.ts';
import * as tables from '../src/tables/index.ts';
import { showTables } from './support/projected.ts';
import { errorsOf, here, programOf, root } from './types/compile.ts';

const page = readFileSync(join(root, 'docs/tables.md'), 'utf8');
const snippets = [...page.matchAll(/```ts\n([\s\S]*?)```/g)]
  .map(([, code]) => code!)
  .filter((code) => code.includes("'worldfold/tables'"));
const inline = /``(sql<.*)``/.exec(page)![1]!;

const HEAD = `import epidemic from '../../examples/epidemic/world.ts';
import { sql } from 'kysely';
import { createRun, type Store } from 'worldfold';
declare const store: Store;
declare const run: Awaited<ReturnType<typeof begin>>;
const begin = () => createRun(epidemic, { store, seed: 'alpha' });
`;

let store: Store & ProjectionStore;
const begin = (id: string, seed: string) =>
  createRun(epidemic, { store, id, seed, config: { travellers: 4000, firstIll: 200 } });
let runs: Awaited<ReturnType<typeof begin>>[] = [];
beforeAll(async () => {
  store = (await sqliteStore(':memory:')) as Store & ProjectionStore;
  runs = [await begin('first', 'alpha'), await begin('second', 'beta')];
  for (const [i, run] of runs.entries()) {
    await run.advance(10 + 5 * i);
    await showTables(run, epidemic, store);
  }
});
afterAll(async () => {
  for (const run of runs) await run.close();
  await store.close();
});

/** Runs code as it is printed, save its imports and types, and gives what it called `name`. */
async function printed(code: string, name: string): Promise<unknown> {
  const given = { ...tables, sql, store, epidemic, run: runs[0] };
  const plain = code.replace(/^import .*$/gm, '').replace(/<[a-z{][^<>]*>(?=[(`])/g, '');
  const made = new Function(...Object.keys(given), `return (async () => { ${plain}; return ${name}; })();`);
  return made(...Object.values(given));
}

describe('docs/tables.md', () => {
  it('asks a run, all runs, and by raw SQL', () => expect(snippets).toHaveLength(2));

  it('compiles', () => {
    const raw = `${snippets[0]!.replace('await db.destroy();', '')} export const asked = await ${inline};`;
    const codes = [...snippets, raw].map((code) => `${HEAD}${code}export {};`);
    const files = new Map(codes.map((code, i) => [join(here, `~tables-${i}.ts`), code]));
    const program = programOf(files);
    for (const path of files.keys()) expect(errorsOf(program, path)).toBe('');
  });

  it('is answered as the worlds say', async () => {
    const ill = (await printed(snippets[0]!, 'ill')) as { code: string; ill: number }[];
    expect(ill).toHaveLength(5);
    const { airports, travellers } = runs[0]!.world;
    for (const { code, ill: count } of ill) {
      const [airport] = airports.where({ code });
      expect(travellers.count({ health: 'ill', airport: airport!.id })).toBe(count);
    }
    expect(await printed(snippets[1]!, 'runs')).toEqual(
      runs.map(({ id, world }) => ({ run: id, ill: world.travellers.count({ health: 'ill' }) })),
    );
    const raw = `${snippets[0]!.replace('await db.destroy();', '')} const asked = await ${inline}; await db.destroy();`;
    expect(await printed(raw, 'asked.rows')).toEqual([{ n: 4000 }]);
  });
});
