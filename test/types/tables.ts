/** What tables in SQL are to kysely, pinned type by type. Compiling this file is the test. */
import type { Selectable, SqlBool } from 'kysely';
import { sql } from 'kysely';
import { runTables, type TableRow, type U64Text, u64, worldTables } from '../../src/tables/index.ts';
import {
  defineSchema,
  defineWorld,
  event,
  type Id,
  type InferShape,
  type Run,
  singleton,
  store,
  t,
  table,
} from './api.ts';
import { type Village, village } from './village.ts';

type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
type Flat<T> = { [F in keyof T]: T[F] };
function same<A, B>(..._: Equal<A, B> extends true ? [] : ['these types differ', A, B]): void {}

// Every type of column, optional ones, structs in structs, keys that are references, numbers of 64 bits.
const declared = defineSchema({
  name: 'wide',
  version: 1,
  tables: {
    things: table({
      id: t.id(),
      small: t.i8().optional(),
      whole: t.int(),
      single: t.f32(),
      double: t.f64({ nan: true }).optional(),
      flag: t.bool(),
      maybe: t.bool().optional(),
      sort: t.enum('a', 'b'),
      other: t.enum('c').optional(),
      words: t.text(),
      bytes: t.bytes().optional(),
      doc: t.json<{ a: number }>(),
      any: t.json<any>().optional(),
      long: t.i64(),
      money: t.u64().default(1n),
      debt: t.u64().optional(),
      list: t.list(t.u64()).optional(),
      vec: t.vec(3, 'f32'),
      pos: t.struct({ x: t.f64(), in: t.struct({ y: t.u64(), of: t.ref('purses') }) }),
      goal: t.struct({ x: t.enum('near', 'far') }).optional(),
      purse: t.ref('purses'),
      thing: t.ref('things').optional(),
      day: t.ref('days'),
    }),
    purses: table({ number: t.u64().key() }),
    days: table({ purse: t.ref('purses').key() }),
    clock: singleton({ day: t.u32() }),
  },
  events: { paid: event({ to: t.ref('things') }) },
});
export interface Wide extends InferShape<typeof declared> {}
export const wide = defineWorld(declared.as<Wide>(), { setup() {}, systems: [], apply: { paid: () => {} } });

type Things = TableRow<Wide, 'things'>;
same<
  Flat<Things>,
  {
    id: number;
    small: number | null;
    whole: number;
    single: number;
    double: number | null;
    flag: SqlBool;
    maybe: SqlBool | null;
    sort: 'a' | 'b';
    other: 'c' | null;
    words: string;
    bytes: Uint8Array | null;
    doc: string;
    any: string | null;
    long: number | bigint;
    money: U64Text;
    debt: U64Text | null;
    list: string | null;
    vec: string;
    pos_x: number;
    pos_in_y: U64Text;
    pos_in_of: U64Text;
    goal_x: 'near' | 'far' | null;
    purse: U64Text;
    thing: number | null;
    day: U64Text;
  }
>();

export async function asks(run: Run<Wide, never>) {
  await using db = await runTables(run);
  const things = await db.selectFrom('things').selectAll().execute();
  same<Flat<(typeof things)[number]>, Flat<Selectable<Things>>>();
  const rich = await db
    .selectFrom('things as a')
    .innerJoin('purses as p', 'p.number', 'a.purse')
    .where('a.money', '>', u64(100))
    .where('a.flag', '=', true)
    .where('a.long', '>', 2n ** 60n)
    .where('a.long', '>', 5)
    .where('a.debt', 'is', null)
    .where('a.goal_x', 'in', ['near', 'far'])
    .select(({ fn }) => ['a.sort', 'a.pos_in_y as y', fn.countAll<number>().as('n')])
    .groupBy('a.sort')
    .execute();
  same<Flat<(typeof rich)[number]>, { sort: 'a' | 'b'; y: U64Text; n: number }>();
  const past = await db
    .selectFrom('things_history')
    .where('tick', '=', 3)
    .select(['tick', 'sort', 'goal_x'])
    .executeTakeFirstOrThrow();
  same<Flat<typeof past>, { tick: number; sort: 'a' | 'b'; goal_x: 'near' | 'far' | null }>();
  await db.selectFrom('clock_history').select(['tick', 'day']).execute();
  const events = await db.selectFrom('events').where('kind', '=', 'paid').selectAll().execute();
  same<(typeof events)[number]['agent_id'], string | null>();
  same<(typeof events)[number]['kind'], 'paid' | '$source' | `+${'things' | 'purses' | 'days' | 'clock'}`>();
  await db.selectFrom('events').where('kind', '=', '+things').select(['run_id', 't', 'seq', 'ts']).execute();
  return sql<{ n: number }>`select count(*) as n from things`.execute(db);
}

export async function everywhere() {
  await using db = await worldTables(village, store);
  const rows = await db
    .selectFrom('people')
    .where('run', '!=', 'first')
    .where('health', '=', 'ill')
    .select(['run', 'id', 'pos_facing', 'colour', 'bag', 'alive', 'job'])
    .execute();
  same<
    Flat<(typeof rows)[number]>,
    {
      run: string;
      id: number;
      pos_facing: 'north' | 'south';
      colour: string;
      bag: string;
      alive: SqlBool;
      job: string | null;
    }
  >();
  await db.selectFrom('events').select(['run', 'run_id', 'schema_version']).execute();
  await db.selectFrom('people_history').select(['run', 'tick', 'health']).execute();
}

export async function byKey(run: Run<Village, 'ill'>, person: Id<'people'>, stored: { id: string }) {
  const db = await runTables(run);
  await db.selectFrom('people').where('id', '=', person).selectAll().execute();
  await db.selectFrom('chiefs').where('person', '=', person).where('person', '!=', 3).selectAll().execute();
  await db
    .selectFrom('jobs')
    .where('title', '=', 'smith')
    .where('pay', '>=', u64(3n))
    .select('pay')
    .execute();
  const at = await db.selectFrom('people').where('id', '=', 1).select('cell').executeTakeFirstOrThrow();
  const cell: Id<'cells'> = at.cell;
  await db.destroy();
  return [cell, await runTables({ store, id: stored.id, world: village })] as const;
}

// A world's own tables come first where names meet.
const odd = defineSchema({
  name: 'odd',
  version: 1,
  tables: { a: table({ id: t.id() }), a_history: table({ id: t.id() }), events: table({ id: t.id() }) },
});
export const oddly = defineWorld(odd, { setup() {}, systems: [], apply: {} });
export async function met() {
  const db = await runTables({ store, id: 'x', world: oddly });
  const rows = await db
    .selectFrom(['a_history', 'events'])
    .select(['a_history.id', 'events.id as e'])
    .execute();
  same<Flat<(typeof rows)[number]>, { id: number; e: number }>();
}
