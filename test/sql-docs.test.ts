/** The questions of docs/sql.md, asked of the epidemic. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import epidemic from '../examples/epidemic/world.ts';
import { createRun, memoryStore } from '../src/index.ts';

const page = readFileSync(new URL('../docs/sql.md', import.meta.url), 'utf8');
const questions = [...page.matchAll(/```sql\n(.*?)```/gs)].map(([, query]) => query!.trim());

let run: Awaited<ReturnType<typeof begin>>;
const begin = () =>
  createRun(epidemic, { store: memoryStore(), seed: 'alpha', config: { travellers: 4000, firstIll: 200 } });
beforeAll(async () => {
  run = await begin();
  await run.advance(40);
});
afterAll(() => run.close());

describe('what a modeller asks first', () => {
  test('is five questions', () => expect(questions).toHaveLength(5));
  test.each(questions)('is answered: %s', async (query) => {
    const rows = await run.sql(40, query, [], { with: { early: { at: 10 } } });
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(Object.values(row)).not.toContain(null);
  });
  test('is answered as the world and its metrics say', async () => {
    const healths = await run.sql<{ health: string; n: number }>(40, questions[0]!);
    for (const { health, n } of healths)
      expect(run.world.travellers.count({ health: health as 'ill' })).toBe(n);
    const { columns } = await run.metrics();
    expect(await run.sql(40, questions[2]!)).toMatchObject([{ ill: Math.max(...columns.ill) }]);
  });
});
