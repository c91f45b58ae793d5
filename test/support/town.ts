/** A small town with a column of every type, for tests of tables in SQL. */
import { defineSchema, defineWorld, event, singleton, t, table } from '../../src/index.ts';

const schema = defineSchema({
  name: 'town',
  version: 1,
  tables: {
    people: table({
      id: t.id(),
      health: t.enum('well', 'ill'),
      money: t.u64(),
      debt: t.u64().optional(),
      alive: t.bool(),
      home: t.ref('towns'),
      friend: t.ref('people').optional(),
      pos: t.struct({ x: t.f64(), in: t.struct({ y: t.i16(), facing: t.enum('north', 'south') }) }),
      goal: t.struct({ x: t.f32() }).optional(),
      score: t.f64({ nan: true }),
      big: t.i64(),
      count: t.int(),
      name: t.text().optional(),
      mark: t.bytes(),
      doc: t.json<object>(),
      list: t.list(t.u8()),
      vec: t.vec(2, 'f32'),
    }),
    towns: table({ name: t.text().key(), size: t.u32() }),
    // Called as the view of `people` would like to be.
    town_1_people: table({ id: t.id(), run: t.u8() }),
    clock: singleton({ day: t.u32().default(7) }),
  },
  events: { fell: event({ person: t.ref('people') }) },
});
/** The largest u64. */
export const LARGE = 2n ** 64n - 1n;

/** A town of twelve people; the seed says who is ill. */
export const town = defineWorld(schema, {
  setup({ insert, rng }) {
    for (const name of ["it's", 'b']) insert.towns({ name, size: name.length });
    const draw = rng('a');
    for (let i = 0; i < 12; i++)
      insert.people({
        health: draw.chance(0.5) ? 'ill' : 'well',
        money: [0n, 9n, 10n, 2n ** 53n + 1n, 2n ** 63n, LARGE][i % 6]!,
        debt: i % 3 === 0 ? null : BigInt(i),
        alive: i % 4 !== 0,
        home: i % 2 === 0 ? "it's" : 'b',
        friend: i === 0 ? null : i,
        pos: { x: i / 4, in: { y: -i, facing: i % 2 === 0 ? 'north' : 'south' } },
        goal: i % 5 === 0 ? null : { x: 0.1 },
        score: i === 3 ? Number.NaN : -0,
        big: -(2n ** 63n) + BigInt(i),
        count: 2 ** 53 - 1 - i,
        name: i % 2 === 0 ? null : `n${i} é😀`,
        mark: Uint8Array.of(0, i),
        doc: { b: [i], a: 'x' },
        list: [i, 255],
        vec: [0.5, i],
      });
    insert.town_1_people({ run: 200 });
  },
  systems: [],
  apply: { fell: (w, e) => w.people.update(e.person, { health: 'ill' }) },
});
/** Another world that has tables of the same names. */
export const other = defineWorld(
  defineSchema({
    name: 'other',
    version: 1,
    tables: {
      people: table({ id: t.id(), health: t.text() }),
      clock: singleton({ day: t.u32().default(9) }),
    },
  }),
  { setup: ({ insert }) => void insert.people({ health: 'ill' }), systems: [], apply: {} },
);
