/** The page on changing schemas: its example takes the log along that it speaks of. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ERROR_CODES } from '../src/base/errors.ts';
import { ColumnSet } from '../src/columns/column-set.ts';
import { migrateTables, upcastTick } from '../src/projections/migrate.ts';
import { WorldState } from '../src/projections/world-state.ts';
import { t } from '../src/schema/columns.ts';
import { compileText } from '../src/schema/compile.ts';
import { defineSchema, type Schema } from '../src/schema/define.ts';
import type { Shape } from '../src/schema/infer.ts';
import { planMigration } from '../src/schema/migration-plan.ts';
import { event, table } from '../src/schema/tables.ts';

const page = readFileSync(join(import.meta.dirname, '../docs/evolution.md'), 'utf8');
const place = mkdtempSync(join(tmpdir(), 'worldfold-evolution-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

async function printed(): Promise<Schema<Shape>> {
  const file = join(place, 'town.ts');
  writeFileSync(file, /```ts\n([\s\S]*?)```/.exec(page)![1]!);
  return ((await import(file)) as { schema: Schema<Shape> }).schema;
}

const before = defineSchema({
  name: 'town',
  version: 1,
  tick: '1 day',
  tables: {
    persons: table({ id: t.id(), cell: t.u16(), state: t.enum('well', 'ill'), shoeSize: t.u8() }),
    ghosts: table({ id: t.id() }),
  },
  events: { infected: event({ person: t.ref('persons'), hour: t.u32() }) },
});

test('L13: the printed migrations take a log of version 1 along', async () => {
  const { compiled, migrations } = await printed();
  const old = compileText(before.compiled.text);
  const plan = planMigration(old, compiled, migrations);
  const [from, to] = [new WorldState(old), new WorldState(compiled)];
  from.tables.get('persons')!.insert({ id: 7, cell: 4, state: 'ill', shoeSize: 44 });
  migrateTables(plan, from.tables, to.tables);
  const people = to.tables.get('people')!;
  expect([...(to.reader as { people: Iterable<object> }).people]).toEqual([
    { id: 7, cell: 'cell 4', health: 'ill', age: 30 },
  ]);
  expect(people.nextId).toBe(8);
  const kind = old.kindOf.get('infected')!;
  const set = new ColumnSet(kind, false);
  set.append({ person: 7, hour: 49 });
  const run = { kind: kind.number, size: 1, times: 1 };
  const waves = [{ origin: 'infect', atOnce: false, runs: [run] }];
  const { batches } = upcastTick(plan, waves, [{ kind: kind.number, set }]);
  expect(batches.map((batch) => batch.set.rowAt(0))).toEqual([{ person: 7, day: 2 }]);
});

test('L13: every code of the page is one, and so is every entry', () => {
  const codes = [...page.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, code]) => code);
  expect(codes).toContain('SCHEMA_DIFFERS');
  expect(codes.filter((code) => !Object.hasOwn(ERROR_CODES, code!))).toEqual([]);
  for (const entry of ['rename', 'drop', 'change', 'add', 'from', 'dropTables', 'dropEvents', 'dropInputs'])
    expect(page).toContain(`\`${entry}`);
});
