import { describe, expect, test } from 'vitest';
import { caught } from '../../../test/support/runs.ts';
import type { SqlDialect } from '../../base/sql.ts';
import { ColumnSet } from '../../columns/column-set.ts';
import type { Wave } from '../../columns/waves.ts';
import type { AnyColumn } from '../../schema/columns.ts';
import { t } from '../../schema/columns.ts';
import { type CompiledSchema, compileText, type KindLayout } from '../../schema/compile.ts';
import { defineSchema } from '../../schema/define.ts';
import type { Migrations } from '../../schema/migration.ts';
import { planMigration } from '../../schema/migration-plan.ts';
import { event, table } from '../../schema/tables.ts';
import { type EventFrame, eventColumns, eventRows, recordedUnder } from './event-rows.ts';

const tables = { people: table({ id: t.id() }), homes: table({ code: t.text().key() }) };

/** A schema of one kind, `hit`, with an agent. */
const schemaOf = (
  columns: { readonly [name: string]: AnyColumn },
  agent: string | undefined,
  version = 1,
  migrations?: Migrations,
): CompiledSchema & { readonly migrations: Migrations } => {
  const { compiled, migrations: steps } = defineSchema({
    name: 'any',
    version,
    tables,
    events: { hit: event(columns, agent === undefined ? {} : { agent }) },
    ...(migrations && { migrations }),
  } as never);
  return { ...compiled, migrations: steps };
};

const frameOf = (waves: readonly Wave[], given: Partial<EventFrame> = {}): EventFrame => ({
  tick: 7,
  sequence: 40,
  waves,
  meta: { time: 1_700_000_000_000 },
  ...given,
});

/** The rows of events of `hit` in one record, recorded under one schema and read by another. */
function rowsOf(from: CompiledSchema, to: ReturnType<typeof schemaOf>, events: readonly object[]) {
  const recorded = recordedUnder(planMigration(compileText(from.text), to, to.migrations));
  const { number } = recorded.schema.kindOf.get('hit')!;
  const set = new ColumnSet(recorded.schema.kinds[number]!, false, { made: () => 9 });
  for (const one of events) set.append(one);
  const runs = [{ kind: number, size: events.length, times: 1 }];
  return eventRows(frameOf([{ origin: 'a', atOnce: false, runs }]), [{ kind: number, set }], recorded);
}

const agentOf = (column: AnyColumn, value: unknown): unknown => {
  const schema = schemaOf({ a: column, z: t.u8() }, 'a');
  const [agents] = rowsOf(schema, schema, [{ a: value, z: 1 }]);
  return agents![0];
};

describe('the agent of an event', () => {
  test.each<[string, AnyColumn, unknown, string | null]>([
    ['a reference', t.ref('people'), 7, '7'],
    ['a reference to a text', t.ref('homes'), ' é\ufeff', ' é\ufeff'],
    ['u8', t.u8(), 255, '255'],
    ['i8', t.i8(), -128, '-128'],
    ['u16', t.u16(), 65535, '65535'],
    ['i16', t.i16(), -1, '-1'],
    ['u32', t.u32(), 4294967295, '4294967295'],
    ['i32', t.i32(), -2147483648, '-2147483648'],
    ['int', t.int(), 2 ** 53 - 1, '9007199254740991'],
    ['int, of which −0 is 0', t.int(), -0, '0'],
    ['u64', t.u64(), 2n ** 64n - 1n, '18446744073709551615'],
    ['a small u64', t.u64(), 7n, '7'],
    ['i64', t.i64(), -(2n ** 63n), '-9223372036854775808'],
    ['bool', t.bool(), false, 'false'],
    ['enum', t.enum('well', 'ill'), 'ill', 'ill'],
    ['text', t.text(), '', ''],
    ['what is not there', t.u8().optional(), null, null],
    ['what may be there', t.u8().optional(), 3, '3'],
  ])('is text: %s', (_, column, value, text) => {
    expect(agentOf(column, value)).toBe(text);
  });
  test('is the id that the event creates', () => {
    const schema = schemaOf({ made: t.newId('people') }, 'made');
    expect(rowsOf(schema, schema, [{}])[0]).toEqual(['9']);
  });
  test('is nobody where the kind names none', () => {
    const schema = schemaOf({ a: t.u8() }, undefined);
    expect(rowsOf(schema, schema, [{ a: 1 }, { a: 2 }])[0]).toEqual([null, null]);
  });
  test('is known of events that were recorded before it was named', () => {
    const before = schemaOf({ a: t.u8(), b: t.text() }, undefined);
    const after = schemaOf({ a: t.u8(), b: t.text() }, 'b');
    expect(after.text).toBe(before.text);
    expect(rowsOf(before, after, [{ a: 1, b: 'x' }])[0]).toEqual(['x']);
  });
});

describe('an old event', () => {
  const old = schemaOf({ who: t.u8(), n: t.f64(), doc: t.json() }, undefined);
  const step = (kinds: object): Migrations => ({ 2: { events: { hit: kinds } } }) as Migrations;
  const seen = (to: ReturnType<typeof schemaOf>) => rowsOf(old, to, [{ who: 5, n: -0, doc: [1] }]);

  test('stands as it was recorded, with its version', () => {
    const to = schemaOf(
      { person: t.u32() },
      'person',
      2,
      step({ rename: { person: 'who' }, drop: ['n', 'doc'] }),
    );
    expect(seen(to)).toEqual([
      ['5'],
      [7],
      [40],
      ['hit'],
      ['{"doc":[1],"n":"-0","who":5}'],
      [1_700_000_000_000],
      [1],
    ]);
  });
  test('has the agent that was recorded, where the column is of another type now', () => {
    const change = { who: (n: unknown) => `nr ${n}` };
    const to = schemaOf({ who: t.text(), n: t.f64(), doc: t.json() }, 'who', 2, step({ change }));
    expect(seen(to)[0]).toEqual(['5']);
  });
  test('has none where no column of it became that of the agent, or none that identifies', () => {
    const added = step({ add: { whom: () => 1 }, drop: ['who'] });
    expect(seen(schemaOf({ whom: t.u8(), n: t.f64(), doc: t.json() }, 'whom', 2, added))[0]).toEqual([null]);
    const whole = step({ change: { n: () => 1 } });
    expect(seen(schemaOf({ who: t.u8(), n: t.u8(), doc: t.json() }, 'n', 2, whole))[0]).toEqual([null]);
  });
  test('of a kind that is gone keeps its name and has no agent', () => {
    const { compiled, migrations } = defineSchema({
      name: 'any',
      version: 2,
      tables,
      migrations: { 2: { dropEvents: ['hit'] } },
    });
    const [agents, , , kinds, , , versions] = rowsOf(old, { ...compiled, migrations }, [
      { who: 5, n: 1, doc: {} },
    ]);
    expect([agents, kinds, versions]).toEqual([[null], ['hit'], [1]]);
  });
});

describe('event rows', () => {
  const { compiled } = defineSchema({
    name: 'any',
    version: 3,
    tables,
    events: { a: event({ n: t.u8() }, { agent: 'n' }), b: event({ s: t.text() }) },
  });
  const recorded = recordedUnder(planMigration(compiled, compiled, {}));
  const [a, b, other] = ['a', 'b', '+people'].map((name) => compiled.kindOf.get(name)!) as [
    KindLayout,
    KindLayout,
    KindLayout,
  ];
  const setOf = (kind: KindLayout, rows: readonly object[]) => {
    const set = new ColumnSet(kind, false);
    for (const row of rows) set.append(row);
    return { kind: kind.number, set };
  };
  const batches = [setOf(a, [{ n: 1 }, { n: 2 }, { n: 3 }]), setOf(b, [{ s: 'x' }, { s: 'y' }])];
  const run = (kind: KindLayout, size: number, times = 1) => ({ kind: kind.number, size, times });

  test('stand in the order of the log, whatever origins and pieces', () => {
    const waves = [
      { origin: 'one', atOnce: false, runs: [run(b, 1), run(a, 1)] },
      { origin: 'two', atOnce: false, runs: [] },
      { origin: 'two', atOnce: true, runs: [run(a, 1, 2), run(b, 1)] },
    ];
    expect(eventRows(frameOf(waves, { meta: { time: 12.75 } }), batches, recorded)).toEqual([
      [null, '1', '2', '3', null],
      [7, 7, 7, 7, 7],
      [40, 41, 42, 43, 44],
      ['b', 'a', 'a', 'a', 'b'],
      ['{"s":"x"}', '{"n":1}', '{"n":2}', '{"n":3}', '{"s":"y"}'],
      [12, 12, 12, 12, 12],
      [3, 3, 3, 3, 3],
    ]);
  });
  test('are none where the record has no event', () => {
    expect(eventRows(frameOf([]), [], recorded)).toEqual([[], [], [], [], [], [], []]);
  });
  test.each([
    ['more events than there are', [run(a, 3), run(b, 3)]],
    ['events of another kind', [run(a, 4), run(b, 1)]],
    ['a kind that is not there', [run(a, 3), run(b, 2), run(other, 1)]],
    ['fewer events than there are', [run(a, 3), run(b, 1)]],
  ])('L12: an order of %s is CORRUPT', async (_, runs) => {
    const frame = frameOf([{ origin: 'a', atOnce: false, runs }]);
    expect(await caught(() => eventRows(frame, batches, recorded))).toMatchObject({
      code: 'CORRUPT',
      facts: { tick: 7 },
    });
  });
  test.each<[SqlDialect, string]>([
    [
      'sqlite',
      'agent_id text, t integer not null, seq integer not null, kind text not null, ' +
        'payload_json text not null, ts integer not null, schema_version integer not null',
    ],
    [
      'postgres',
      'agent_id text collate "C", t bigint not null, seq bigint not null, kind text collate "C" not null, ' +
        'payload_json jsonb not null, ts bigint not null, schema_version bigint not null',
    ],
  ])('have columns in %s', (dialect, definitions) => {
    const said = eventColumns(dialect).map(
      ({ name, type, notNull }) => `${name} ${type}${notNull ? ' not null' : ''}`,
    );
    expect(said.join(', ')).toBe(definitions);
  });
});
