/** What is inferred, pinned type by type. Compiling this file is the test. */
import {
  type Batch,
  type Code,
  type Config,
  type Ctx,
  defineSchema,
  defineWorld,
  type EventRow,
  event,
  type Id,
  type KeyOf,
  type NewEvent,
  type NewRow,
  type ReadColumn,
  type Rng,
  type Row,
  type Run,
  type Table,
  t,
  table,
  type World,
  type WritableTable,
  type WritableWorld,
  type WriteColumn,
} from './api.ts';
import { handlers, idle, schema, type Village } from './village.ts';

type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
/** Flattens intersections, so that only the shape is compared. */
type Flat<T> = { [F in keyof T]: T[F] };
function same<A, B>(..._: Equal<A, B> extends true ? [] : ['these types differ', A, B]): void {}

type Health = Code<readonly ['well', 'ill']>;
type Facing = Code<readonly ['north', 'south']>;
type People = Table<Village, 'people'>;
type Person = Row<Village, 'people'>;

// Keys: ids, text, composite, a key that is a reference, a number that the user hands out, none.
same<KeyOf<Village, 'people'>, Id<'people'>>();
same<KeyOf<Village, 'jobs'>, string>();
same<KeyOf<Village, 'roads'>, { readonly from: Id<'cells'>; readonly to: Id<'cells'> }>();
same<KeyOf<Village, 'chiefs'>, Id<'people'>>();
same<KeyOf<Village, 'taxes'>, Id<'taxes'>>();
same<KeyOf<Village, 'clock'>, never>();

// Rows.
same<
  Flat<Person>,
  {
    readonly id: Id<'people'>;
    readonly cell: Id<'cells'>;
    readonly health: 'well' | 'ill';
    readonly name: string | null;
    readonly age: number | null;
    readonly job: string | null;
    readonly pos: { readonly x: number; readonly y: number; readonly facing: 'north' | 'south' };
    readonly colour: readonly number[];
    readonly alive: boolean;
    readonly bag: readonly string[];
  }
>();
same<Flat<Row<Village, 'clock'>>, { readonly day: number; readonly mood: 'calm' | 'tense' }>();
same<
  Flat<NewRow<Village, 'cells'>>,
  {
    readonly ground: 'ill' | 'sand';
    readonly length: number;
    readonly size: string;
    readonly id?: Id<'cells'> | undefined;
  }
>();
same<
  keyof {
    [F in keyof NewRow<Village, 'people'> as {} extends Pick<NewRow<Village, 'people'>, F> ? never : F]: 1;
  },
  'cell' | 'health' | 'pos'
>();
same<EventRow<Village, 'dayEnded'>, { readonly day: number; readonly chief: Id<'people'> | null }>();
same<
  Flat<NewEvent<Village, 'infected'>>,
  { readonly person: Id<'people'>; readonly by?: Id<'people'> | null | undefined }
>();
same<Config<Village>, { readonly beta: number; readonly masks: boolean }>();

// Columns to read: numbers are typed arrays, the rest arrays of values, structs nest.
same<People['columns']['id'], ReadColumn<Id<'people'>>>();
same<People['columns']['cell'], ReadColumn<Id<'cells'>>>();
same<People['columns']['health'], ReadColumn<Health>>();
same<People['columns']['name'], readonly (string | null)[]>();
same<People['columns']['age'], ReadColumn<number>>();
same<People['columns']['job'], readonly (string | null)[]>();
same<People['columns']['pos']['x'], ReadColumn<number>>();
same<People['columns']['pos']['facing'], ReadColumn<Facing>>();
same<People['columns']['colour'], ReadColumn<number>>();
same<People['columns']['alive'], ReadColumn<number>>();
same<People['columns']['bag'], readonly (readonly string[])[]>();
same<Table<Village, 'jobs'>['columns']['title'], readonly string[]>();
same<Table<Village, 'jobs'>['columns']['pay'], ReadColumn<bigint>>();
same<Table<Village, 'chiefs'>['columns']['person'], ReadColumn<Id<'people'>>>();
same<Table<Village, 'taxes'>['columns']['code'], ReadColumn<Id<'taxes'>>>();
same<
  People['codes'],
  { readonly health: { readonly well: Health; readonly ill: Health }; readonly pos: People['codes']['pos'] }
>();
same<People['codes']['pos'], { readonly facing: { readonly north: Facing; readonly south: Facing } }>();
same<keyof People['nulls'], 'name' | 'age' | 'job'>();
same<keyof People['by'], 'cell' | 'job'>();
same<Parameters<People['by']['job']>, [value: string | null]>();

// Columns to write: those of the key are not there, optional ones take null.
type Write = WritableTable<Village, 'people'>['write'];
same<keyof Write, Exclude<keyof Person, 'id'>>();
same<Write['cell'], WriteColumn<Id<'cells'>, Id<'cells'>>>();
same<Write['health'], WriteColumn<Health, Health>>();
same<Write['age'], WriteColumn<number, number | null>>();
same<Parameters<Write['name']['set']>, [row: number, value: string | null]>();
same<Parameters<Write['job']['fill']>[0], string | null>();
same<Parameters<Write['bag']['set']>, [row: number, value: readonly string[]]>();
same<Parameters<Write['colour']['set']>, [row: number, value: readonly number[]]>();
same<Write['pos']['x'], WriteColumn<number, number>>();
same<Parameters<Write['alive']['fill']>[0], number>();
same<keyof WritableTable<Village, 'roads'>['write'], 'cost'>();

// What inserting and emitting return.
type Writable = WritableWorld<Village>;
same<ReturnType<Writable['people']['insert']>, Id<'people'>>();
same<ReturnType<Writable['people']['insertMany']>, ReadColumn<Id<'people'>>>();
same<ReturnType<Writable['jobs']['insert']>, string>();
same<ReturnType<Writable['jobs']['insertMany']>, undefined>();
same<ReturnType<Writable['roads']['insert']>, { readonly from: Id<'cells'>; readonly to: Id<'cells'> }>();
same<ReturnType<Writable['taxes']['insertMany']>, undefined>();
same<ReturnType<Ctx<Village>['emit']['moved']>, undefined>();
same<ReturnType<Ctx<Village>['emit']['born']>, Id<'people'>>();
same<
  ReturnType<Ctx<Village>['emit']['settled']>,
  { readonly cell: Id<'cells'>; readonly first: Id<'people'> }
>();
same<Parameters<Writable['clock']['set']>[0], Partial<Row<Village, 'clock'>>>();
same<World<Village>['clock']['value'], Row<Village, 'clock'>>();

// Runs.
declare const run: Run<Village, 'ill'>;
const joined = run.submit.vaccinated({ person: 1 });
same<
  Awaited<typeof joined.applied>,
  { readonly tick: number; readonly created: undefined; readonly repeated: boolean }
>();
run.submit.recounted();
run.submit.recounted({}, { source: 'clinic', seq: 1 });
same<
  Awaited<ReturnType<typeof run.metrics>>['columns'],
  { readonly ill: Float64Array; readonly tick: Float64Array }
>();
export async function dispose(): Promise<void> {
  await run[Symbol.asyncDispose]();
}

// Trap: handlers of events and of inputs get their own types, none is any; so do both forms of a handler.
export const trapped = defineWorld(schema, {
  setup({ insert, rng }) {
    same<typeof rng, (stream: string) => Rng>();
    const id = insert.people({ cell: 1, health: 'well', pos: { x: 0, y: 0, facing: 'north' } });
    same<typeof id, Id<'people'>>();
  },
  systems: [idle],
  apply: {
    ...handlers,
    moved(world, e, now) {
      same<typeof world, WritableWorld<Village>>();
      same<typeof e, EventRow<Village, 'moved'>>();
      same<typeof now.config, Config<Village>>();
    },
    vaccinated(world, e) {
      same<typeof world, WritableWorld<Village>>();
      same<typeof e.shots, number>();
    },
    infected: {
      batch(world, events) {
        same<typeof world, WritableWorld<Village>>();
        same<typeof events, Batch<Village, 'infected'>>();
        same<typeof events.columns.by, ReadColumn<Id<'people'>>>();
        same<keyof typeof events.nulls, 'by'>();
        return events.nulls.by(0);
      },
    },
    paused: (world) => world.cells.insertMany({ ground: ['ill'], length: new Uint32Array(1), size: ['big'] }),
  },
  metrics: { ill: (w) => w.people.size },
});
same<typeof trapped extends { readonly schema: infer S } ? S : never, typeof schema>();

// Trap: the key is known from the options or from the columns, also of a table declared apart.
const roads = table({ from: t.u8(), to: t.u8() }, { key: ['to'] });
const walls = table({ at: t.text().key(), high: t.u8().key() });
const apart = defineSchema({ name: 'apart', version: 1, tables: { roads, walls } });
export const reads = apart.system('reads', ({ world }) => {
  same<Parameters<typeof world.roads.get>, [key: Id<'roads'>]>();
  same<Parameters<typeof world.walls.get>, [key: { readonly at: string; readonly high: number }]>();
});

// Trap: columns called length, size, columns and get are columns like any other.
const odd = defineSchema({
  name: 'odd',
  version: 1,
  tables: {
    size: table({
      id: t.id(),
      length: t.u8(),
      size: t.struct({ length: t.u8() }),
      get: t.text(),
      columns: t.u8(),
    }),
  },
  events: { many: event({ length: t.u8(), size: t.text(), at: t.bool() }) },
});
export const oddly = odd.system('oddly', ({ world, emit, events }) => {
  same<typeof world.size.columns.length, ReadColumn<number>>();
  same<typeof world.size.columns.size.length, ReadColumn<number>>();
  same<typeof world.size.columns.get, readonly string[]>();
  same<typeof world.size.columns.columns, ReadColumn<number>>();
  same<typeof events.many.columns.length, ReadColumn<number>>();
  for (const row of world.size) emit.many({ length: row.length, size: row.get, at: row.size.length > 1 });
  emit.many.many({ length: new Uint8Array(1), size: ['a'], at: [true] });
});
export const oddApply = odd.apply({
  many: (world, e) => world.size.write.length.fill(e.length),
});

// Trap: plain numbers are ids where they are written, and ids are plain numbers where they are read.
export const counts = schema.system('counts', ({ world, emit, rng }) => {
  const sum: number = world.people.columns.id[0]! + 1;
  emit.infected({ person: sum, by: null });
  emit.infected({ person: rng('a').of(3).int(1, 9) });
  const room: ArrayLike<number> = world.people.columns.health;
  for (const { pos } of world.people.where({ alive: true, job: null, pos: { x: 0, y: 0, facing: 'south' } }))
    rng('b').pick([pos.x, room.length]);
  // A struct is matched by the fields that are given.
  rng('c').of(world.people.count({ pos: { facing: 'south' } }));
});
