/** L14: event rows say every event of a log, numbered without a gap, in each dialect and in `run.sql`. */
import { PGlite } from '@electric-sql/pglite';
import Database from 'better-sqlite3';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadHash } from '../../src/base/hash.ts';
import type { SqlDialect, SqlValue } from '../../src/base/sql.ts';
import { isWorldfoldError, memoryStore } from '../../src/index.ts';
import { decodeBatches, freshSets } from '../../src/log/record.ts';
import { upcastTick } from '../../src/projections/migrate.ts';
import { eventRows, recordedUnder } from '../../src/projections/sql/event-rows.ts';
import { rowFromJson } from '../../src/projections/sql/json.ts';
import { quoted } from '../../src/projections/sql/names.ts';
import { type CompiledSchema, compileText } from '../../src/schema/compile.ts';
import { type MigrationPlan, planMigration } from '../../src/schema/migration-plan.ts';
import { eventTable } from '../../src/simulation/event-rows.ts';
import type { RunCore } from '../../src/simulation/run.ts';
import type { Run } from '../../src/simulation/types.ts';
import { catalogueOf } from '../../src/sql/moment.ts';
import { schemaChanges } from '../../src/testing/arbitraries-changes.ts';
import { textOf } from '../../src/testing/arbitraries-rows.ts';
import { anyWorld, type WorldPlan } from '../../src/testing/arbitraries-world.ts';
import { withAgents } from '../support/agents.ts';
import { asRows, type EventRow, eventRowsOf } from '../support/event-rows.ts';
import { collect, framesOf } from '../support/runs.ts';
import { begin, runOut } from './support/drive.ts';
import { anyHistory } from './support/evolving.ts';
import { holds } from './support/holds.ts';

let pglite: PGlite;
beforeAll(async () => {
  await loadHash();
  pglite = await PGlite.create();
}, 60_000);
afterAll(() => pglite.close());

/** A run of a plan that is at its end, with its store, and its event rows. */
async function played(plan: WorldPlan) {
  const store = memoryStore();
  const run = await begin(plan, store);
  await runOut(plan, run);
  await run.flush();
  return { run, store, rows: await eventRowsOf(run.definition, store, run.id) };
}

/** The value that a payload holds of an agent, as text. */
function agentOf({ kindOf }: CompiledSchema, { kind, payload_json }: EventRow): string | null {
  const { agent, columns } = kindOf.get(kind)!;
  const value = agent === null ? null : rowFromJson(columns, JSON.parse(payload_json))[agent.name];
  return value === null ? null : `${value}`;
}

test('L14: rows of any world are numbered 0, 1, 2, …, and hold what its events hold', async () => {
  await holds(anyWorld(), 40, async (plan) => {
    const { run, store, rows } = await played(plan);
    const { compiled } = plan.schema;
    expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, i) => i));
    for (let i = 1; i < rows.length; i++) expect(rows[i]!.t).toBeGreaterThanOrEqual(rows[i - 1]!.t);
    for (const { name, columns } of compiled.kinds) {
      // A column may be called as the number of the event is: it is what an event shows then.
      const made = rows
        .filter(({ kind }) => kind === name)
        .map(({ t, seq, payload_json }) => ({
          tick: t,
          seq,
          ...rowFromJson(columns, JSON.parse(payload_json)),
        }));
      expect(textOf(made)).toBe(textOf(await collect(run.events(name))));
    }
    const named = withAgents(compiled, plan.ticks);
    const recorded = recordedUnder(planMigration(compileText(compiled.text), named, {}));
    for (const frame of await framesOf(store, run.id)) {
      const batches = decodeBatches(frame, recorded.schema, freshSets(recorded.schema));
      for (const row of asRows(eventRows(frame, batches, recorded)))
        expect(row).toEqual({ ...rows[row.seq], agent_id: agentOf(named, row) });
    }
    await run.close();
  });
}, 240_000);

const changed = fc.record({ changes: schemaChanges(), seed: fc.nat(), choice: fc.nat(9) });

test('L13: rows of an old log are what was recorded, whatever changed; agents follow their columns', async () => {
  let kept = 0;
  await holds(changed, 60, ({ changes: { versions, migrations }, seed, choice }) => {
    const old = compileText(versions[0]!.text);
    const named = withAgents(versions.at(-1)!, choice);
    let plan: MigrationPlan;
    try {
      plan = planMigration(old, named, migrations);
    } catch (e) {
      // A singleton that is new may have no value in an old log: test/property/migration.test.ts.
      if (isWorldfoldError(e, 'SCHEMA_DIFFERS')) return;
      throw e;
    }
    const sequence = seed;
    const meta = { time: seed };
    for (const [tick, { waves, batches }] of anyHistory(old, seed).entries()) {
      const frame = { tick, sequence, meta, waves };
      const rows = asRows(eventRows(frame, batches, recordedUnder(plan)));
      const own = asRows(eventRows(frame, batches, recordedUnder(planMigration(old, old, {}))));
      expect(rows.map((row) => ({ ...row, agent_id: null }))).toEqual(own);
      const upcast = upcastTick(plan, waves, batches);
      const now = recordedUnder(planMigration(named, named, {}));
      const after = asRows(eventRows({ ...frame, waves: upcast.waves }, upcast.batches, now));
      const before = rows.filter(({ kind }) => plan.kinds[old.kindOf.get(kind)!.number] !== null);
      expect(before.length).toBe(after.length);
      before.forEach(({ kind, agent_id }, i) => {
        const { computed, columns, to } = plan.kinds[old.kindOf.get(kind)!.number]!;
        const agent = columns.find((column) => column.to === to.agent);
        if (agent === undefined || agent.how === 'new') expect(agent_id).toBeNull();
        else if (!computed) expect(agent_id).toBe(after[i]!.agent_id);
        if (agent_id !== null) kept++;
      });
    }
  });
  expect(kept).toBeGreaterThan(100);
}, 120_000);

const create = (dialect: SqlDialect, name: string): string => {
  const columns = eventTable(dialect).columns.map(
    ({ name: column, type, notNull }) => `${quoted(column)} ${type}${notNull ? ' not null' : ''}`,
  );
  return `create table ${name} (${columns.join(', ')}, primary key (seq))`;
};
const NAMES = eventTable('sqlite').columns.map(({ name }) => name);
const cellsOf = (row: EventRow): SqlValue[] => NAMES.map((name) => row[name as keyof EventRow]);

function throughSqlite(rows: readonly EventRow[]): unknown[] {
  const db = new Database(':memory:');
  db.exec(create('sqlite', 'events'));
  const put = db.prepare(`insert into events values (${NAMES.map(() => '?').join(', ')})`);
  for (const row of rows) put.run(...cellsOf(row));
  const read = db.prepare('select * from events order by seq').all();
  db.close();
  return read;
}

async function throughPostgres(rows: readonly EventRow[]): Promise<EventRow[]> {
  await pglite.exec(`drop table if exists events; ${create('postgres', 'events')}`);
  const put = `insert into events values (${NAMES.map((_, i) => `$${i + 1}`).join(', ')})`;
  for (const row of rows) await pglite.query(put, cellsOf(row));
  const list = NAMES.map((name) => (name === 'payload_json' ? 'payload_json::text' : quoted(name)));
  return (await pglite.query<EventRow>(`select ${list.join(', ')} from events order by seq`)).rows;
}

test('L14: rows of any world come back from both dialects, and are those of run.sql', async () => {
  await holds(anyWorld({ maxTicks: 4 }), 8, async (plan) => {
    const { run, store, rows } = await played(plan);
    const origins = (await framesOf(store, run.id)).flatMap(({ waves }) =>
      waves.flatMap(({ origin, runs }) =>
        runs.flatMap(({ size, times }) => new Array<string>(size * times).fill(origin)),
      ),
    );
    const { kindOf } = plan.schema.compiled;
    expect(throughSqlite(rows)).toEqual(rows);
    const parsed = (some: readonly EventRow[]): string =>
      textOf(
        some.map((row) => ({
          ...row,
          payload_json: rowFromJson(kindOf.get(row.kind)!.columns, JSON.parse(row.payload_json)),
        })),
      );
    expect(parsed(await throughPostgres(rows))).toBe(parsed(rows));
    for (const tick of new Set([0, run.tick])) {
      const { events } = catalogueOf((run as RunCore).definition);
      const found = await (run as unknown as Pick<Run<never, never>, 'sql'>).sql(
        tick,
        `select * from ${quoted(events)} order by seq`,
      );
      const upTo = rows.filter(({ t }) => t <= tick);
      expect(found.map(({ run_id: _, origin: __, ...row }) => row)).toEqual(upTo);
      expect(found.map(({ run_id, origin }) => [run_id, origin])).toEqual(
        upTo.map(({ seq }) => [run.id, origins[seq]]),
      );
    }
    await run.close();
  });
}, 240_000);
