/** What docs/profile.md says: its fields, its flags and its questions. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import epidemic from '../examples/epidemic/world.ts';
import { createRun, memoryStore, readTickLog, type TickLogEntry } from '../src/index.ts';
import { profileOf } from '../src/replay/profile.ts';

const page = readFileSync(new URL('../docs/profile.md', import.meta.url), 'utf8');
const questions = [...page.matchAll(/```sql\n(.*?)```/gs)].map(([, query]) => query!.trim());

const store = memoryStore();
const config = { travellers: 2000, firstIll: 100 };
const begin = () => createRun(epidemic, { store, id: 'a', seed: 'alpha', config, tickLog: true });
let run: Awaited<ReturnType<typeof begin>>;
let entries: TickLogEntry[];
beforeAll(async () => {
  run = await begin();
  await run.advance(10);
  await run.flush();
  entries = [];
  for await (const entry of readTickLog({ store, id: 'a' })) entries.push(entry);
});
afterAll(() => run.close());

describe('docs/profile.md', () => {
  test('names every time of a tick', () => {
    const { after, ...times } = entries[1]!.times!;
    for (const name of Object.keys(times)) expect(page).toContain(`\`${name}\``);
    for (const name of Object.keys(after!)) expect(page).toContain(`\`after.${name}\``);
    for (const name of Object.keys(times.systems[0]!).filter((key) => key !== 'name'))
      expect(page).toContain(`\`${name}\``);
  });
  test('names every column and every part in SQL', async () => {
    const [tick] = await run.sql(10, 'select * from ticks');
    for (const column of Object.keys(tick!)) expect(page).toContain(`\`${column}\``);
    for (const { part } of await run.sql<{ part: string }>(10, 'select distinct part from tick_parts'))
      expect(page).toContain(`\`${part}\``);
  });
  test.each(questions)('asks %s', async (query) => {
    expect((await run.sql(10, query)).length).toBeGreaterThan(0);
  });
  test('the parts of every tick sum to its computing, and profile and SQL agree', async () => {
    const [{ ms }] = (await run.sql<{ ms: number }>(
      10,
      'select sum(ms) as ms from tick_parts where tick > 0',
    )) as [{ ms: number }];
    const { computed } = await profileOf(store, 'a');
    expect(ms).toBeCloseTo(computed.totalMs, 6);
  });
});
