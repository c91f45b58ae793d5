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
  test('is answered for one agent: what happened to it, in order', async () => {
    const query = `select agent_id, kind, payload_json ->> '$.at' as at from events
      where agent_id = (select agent_id from events where kind = 'infected' limit 1) order by seq`;
    const rows = await run.sql<{ agent_id: string; kind: string; at: number | null }>(40, query);
    expect(rows.map(({ kind }) => kind)).toContain('infected');
    for (const { agent_id, kind, at } of rows) {
      expect(agent_id).toMatch(/^[1-9][0-9]*$/);
      expect(at === null).toBe(kind !== 'infected');
    }
  });
  test('is answered as the world and its metrics say', async () => {
    const healths = await run.sql<{ health: string; n: number }>(40, questions[0]!);
    for (const { health, n } of healths)
      expect(run.world.travellers.count({ health: health as 'ill' })).toBe(n);
    const { columns } = await run.metrics();
    expect(await run.sql(40, questions[2]!)).toMatchObject([{ ill: Math.max(...columns.ill) }]);
  });
});
