import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { compiled } from '../../test/golden/every-type.ts';
import { hex } from '../base/bytes.ts';
import { isWorldfoldError } from '../base/errors.ts';
import { allowGeneration } from '../base/generate.ts';
import { loadHash } from '../base/hash.ts';
import { t } from '../schema/columns.ts';
import { table } from '../schema/tables.ts';
import { ColumnSet } from './column-set.ts';
import { Gate } from './gate.ts';
import { TableStore } from './table-store.ts';
import { TableWriter } from './table-writer.ts';

const HEALTH = ['well', 'ill', 'gone'] as const;

const people = table(
  {
    id: t.id(),
    cell: t.u8(),
    health: t.enum(...HEALTH).optional(),
    name: t.text().default('nobody'),
    amount: t.int(),
    x: t.f64({ nan: true }),
    sick: t.bool(),
    pos: t.struct({ x: t.f32(), tag: t.text() }),
    bag: t.list(t.u16()).optional(),
    dir: t.vec(2),
  },
  { index: ['cell', 'health', 'name', 'sick'] },
);
const SCHEMA = compiled({ tables: { people: people.spec } });
const LAYOUT = SCHEMA.tableOf.get('people')!;
const BATCH = SCHEMA.kindOf.get('+people')!;
const INDEXED = ['cell', 'health', 'name', 'sick'] as const;

interface Person {
  id?: number;
  cell: number;
  health: string | null;
  name: string;
  amount: number;
  x: number;
  sick: boolean;
  pos: { x: number; tag: string };
  bag: number[] | null;
  dir: number[];
}

const object = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
const float = fc.constantFrom(0, -0, 1.5, Number.POSITIVE_INFINITY);
const FIELDS = {
  cell: fc.nat(3),
  health: fc.constantFrom(...HEALTH, null),
  name: fc.constantFrom('', 'ann', 'böb', '😀'),
  amount: fc.constantFrom(0, -0, 7, -(2 ** 53 - 1)),
  x: fc.constantFrom(0, -0, Number.NaN, 0.1, Number.NEGATIVE_INFINITY),
  sick: fc.boolean(),
  pos: object({ x: float, tag: fc.constantFrom('', 'here') }),
  bag: fc.option(fc.array(fc.nat(9), { maxLength: 3 }), { nil: null }),
  dir: fc.tuple(float, float),
};
const person: fc.Arbitrary<Person> = object(FIELDS) as never;
const patch = fc.record(FIELDS, { requiredKeys: [], noNullPrototype: true });

type Step = (live: Live) => void;

/** A table under test beside the model of it: plain rows in an array. */
class Live {
  readonly store: TableStore;
  readonly writer: TableWriter;
  rows: Person[] = [];
  nextId = 1;

  constructor(generated: boolean) {
    allowGeneration(generated ? null : false);
    const gate = new Gate();
    gate.open = true;
    this.store = new TableStore(LAYOUT, gate);
    this.writer = new TableWriter(this.store);
    // What may be generated is generated when it is first asked for.
    this.store.set.append;
    this.store.set.rowAt;
    allowGeneration(null);
  }

  add(person: Person, id = this.nextId): void {
    this.rows.push({ ...person, id, amount: person.amount + 0 });
    this.nextId = Math.max(this.nextId, id + 1);
  }

  drop(row: number): void {
    const last = this.rows.pop()!;
    if (row < this.rows.length) this.rows[row] = last;
  }

  /** The writable columns, without their types. */
  get write(): { [column: string]: any } {
    return this.writer.write as never;
  }

  row(n: number): number {
    return n % this.rows.length;
  }
}

const columnsOf = (rows: readonly object[]): { [name: string]: unknown[] } =>
  Object.fromEntries(Object.keys(FIELDS).map((name) => [name, rows.map((row) => (row as never)[name])]));

const insert = person.map(
  (row): Step =>
    (live) => {
      expect(live.writer.insert(row)).toBe(live.nextId);
      live.add(row);
    },
);
const insertNamed = fc.tuple(person, fc.integer({ min: 0, max: 70 })).map(
  ([row, ahead]): Step =>
    (live) => {
      const id = live.nextId + ahead;
      live.writer.insert({ ...row, id });
      live.add(row, id);
    },
);
const insertMany = fc.array(person, { minLength: 1, maxLength: 20, size: 'max' }).map(
  (rows): Step =>
    (live) => {
      const ids = live.writer.insertMany(columnsOf(rows)) as Uint32Array;
      expect([...ids]).toEqual(rows.map((_, i) => live.nextId + i));
      for (const row of rows) live.add(row);
    },
);
/** The same as typed arrays, where there are such. */
function arraysOf(rows: readonly Person[]): object {
  const plain = columnsOf(rows);
  return {
    ...plain,
    cell: Uint8Array.from(plain.cell as number[]),
    sick: Uint8Array.from(plain.sick as boolean[], Number),
    x: Float64Array.from(plain.x as number[]),
    amount: Float64Array.from(plain.amount as number[]),
    dir: Float64Array.from((plain.dir as number[][]).flat()),
  };
}
const insertArrays = fc.array(person, { minLength: 1, maxLength: 20, size: 'max' }).map(
  (rows): Step =>
    (live) => {
      live.writer.insertMany(arraysOf(rows));
      for (const row of rows) live.add(row);
    },
);
const insertBatch = fc.array(person, { maxLength: 20, size: 'max' }).map(
  (rows): Step =>
    (live) => {
      const batch = new ColumnSet(BATCH, false);
      for (const row of [rows[0], ...rows]) if (row) batch.append({ ...row, id: live.nextId + batch.size });
      if (batch.size === 0) return;
      live.store.insertFrom(batch, 1, batch.size);
      rows.forEach((row, i) => void live.add(row, live.nextId + (i === 0 ? 1 : 0)));
    },
);
const update = fc.tuple(fc.nat(), patch).map(
  ([n, change]): Step =>
    (live) => {
      if (live.rows.length === 0) return;
      const row = live.rows[live.row(n)]!;
      live.writer.update(row.id, change);
      Object.assign(row, change);
      row.amount += 0;
    },
);
const remove = fc.nat().map(
  (n): Step =>
    (live) => {
      if (live.rows.length === 0) return;
      live.writer.delete(live.rows[live.row(n)]!.id);
      live.drop(live.row(n));
    },
);
const setOne = fc.tuple(fc.nat(), patch).map(
  ([n, change]): Step =>
    (live) => {
      if (live.rows.length === 0) return;
      for (const [name, value] of Object.entries(change)) {
        if (name === 'pos') {
          live.write.pos.x.set(live.row(n), (value as Person['pos']).x);
          live.write.pos.tag.set(live.row(n), (value as Person['pos']).tag);
        } else live.write[name].set(live.row(n), value);
        Object.assign(live.rows[live.row(n)]!, { [name]: name === 'amount' ? (value as number) + 0 : value });
      }
    },
);
const fill = fc.tuple(fc.nat(), fc.nat(), patch).map(
  ([a, b, change]): Step =>
    (live) => {
      if (live.rows.length === 0) return;
      const [from, to] = [live.row(a), live.row(b)].sort((x, y) => x - y) as [number, number];
      for (const name of ['cell', 'health', 'name', 'amount', 'x', 'dir'] as const) {
        const value = change[name];
        if (value === undefined) continue;
        live.write[name].fill(value, from, to);
        for (const row of live.rows.slice(from, to))
          Object.assign(row, { [name]: name === 'amount' ? (value as number) + 0 : value });
      }
    },
);
const span = fc.tuple(fc.nat(), fc.nat(3), float).map(
  ([a, cell, x]): Step =>
    (live) => {
      const from = live.rows.length === 0 ? 0 : live.row(a);
      const cells = live.write.cell.span(from) as Uint8Array;
      const amounts = live.write.amount.span(from) as Float64Array;
      const dirs = live.write.dir.span(from) as Float64Array;
      for (let i = 0; i < cells.length; i++) {
        cells[i] = cell;
        amounts[i] = -0;
        dirs.set([x, i], 2 * i);
      }
      live.store.gate.settle();
      live.rows.slice(from).forEach((row, i) => {
        Object.assign(row, { cell, amount: 0, dir: [x, i] });
      });
    },
);
const refused = person.map(
  (row): Step =>
    (live) => {
      const before = hex(live.store.digest());
      const { nextId } = live.store;
      const codes: unknown[] = [];
      const attempt = (act: () => void): void => {
        try {
          act();
        } catch (e) {
          codes.push(isWorldfoldError(e) && e.code);
        }
      };
      attempt(() => live.writer.insert({ ...row, x: '1' }));
      attempt(() => live.writer.insert({ ...row, id: 0 }));
      attempt(() => live.writer.insertMany({ ...columnsOf([row, row]), x: [0, 1n] }));
      const dup = { ...columnsOf([row, row, row]), id: [live.nextId + 5, live.nextId + 9, live.nextId + 5] };
      attempt(() => live.writer.insertMany(dup));
      attempt(() => live.writer.update(live.nextId, {}));
      expect(codes).toEqual(['BAD_VALUE', 'BAD_VALUE', 'BAD_VALUE', 'DUPLICATE_KEY', 'NO_ROW']);
      expect(live.store.nextId).toBe(nextId);
      expect(live.writer.has(live.nextId + 9)).toBe(false);
      expect(hex(live.store.digest())).toBe(before);
    },
);
const look = fc.constant<Step>((live) => void live.store.digest());
const lookUp = fc.constant<Step>((live) => void checkIndexes(live));

const steps = fc.array(
  fc.oneof(
    insert,
    insertNamed,
    insertMany,
    insertArrays,
    insertBatch,
    update,
    remove,
    setOne,
    fill,
    span,
    refused,
    look,
    lookUp,
  ),
  { maxLength: 25, size: 'max' },
);

/** Each index finds the rows that the model has, ascending, with nothing between. */
function checkIndexes({ writer, rows }: Live): void {
  const by = writer.by as { [column: string]: (value: unknown) => { rows: Uint32Array } };
  for (const column of INDEXED)
    for (const value of [0, 1, 2, 3, ...HEALTH, null, '', 'ann', 'böb', '😀', true, false]) {
      const found = [...by[column]!(value).rows];
      expect(found).toEqual(rows.flatMap((row, n) => (row[column] === value ? [n] : [])));
    }
}

const model = (rows: readonly Person[]): object[] => rows.map((row) => ({ ...row }));

/** A table that got the rows of the model one by one, and nothing else. */
function fresh({ rows, nextId }: Live): TableStore {
  const { store } = new Live(true);
  for (const row of rows) store.insert(row);
  store.reserve(nextId - 1);
  return store;
}

function run(list: readonly Step[], generated: boolean): Live {
  const live = new Live(generated);
  for (const step of list) {
    step(live);
    if (live.rows.length < 100) expect([...live.writer]).toStrictEqual(model(live.rows));
    expect(live.store.nextId).toBe(live.nextId);
  }
  checkIndexes(live);
  expect([...live.writer]).toStrictEqual(model(live.rows));
  for (const [n, row] of live.rows.slice(0, 50).entries()) {
    expect(live.writer.row(row.id)).toBe(n);
    expect(live.writer.count({ cell: row.cell, name: row.name, sick: row.sick })).toBe(
      live.rows.filter((p) => p.cell === row.cell && p.name === row.name && p.sick === row.sick).length,
    );
  }
  return live;
}

beforeAll(loadHash);
afterEach(() => allowGeneration(null));

describe('a table against a model of rows in an array', () => {
  it.each([true, false])(
    'L3: keeps rows, order, keys, indexes and ids; its hash is that of a table made fresh (generated code: %s)',
    (generated) => {
      fc.assert(
        fc.property(steps, (list) => {
          const live = run(list, generated);
          expect(hex(live.store.digest())).toBe(hex(fresh(live).digest()));
        }),
        { numRuns: 200 },
      );
    },
  );

  it('hashes what was written among many leaves, and forgets leaves that are gone', () => {
    const crowd = fc.tuple(person, fc.integer({ min: 200, max: 1500 })).map(
      ([one, size]): Step =>
        (live) => {
          const rows = Array.from({ length: size }, (_, i) => ({ ...one, cell: i % 4, amount: i }));
          live.writer.insertMany(columnsOf(rows));
          for (const row of rows) live.add(row);
        },
    );
    const thin = fc.integer({ min: 50, max: 900 }).map(
      (count): Step =>
        (live) => {
          for (let i = 0; i < count && live.rows.length > 0; i++) {
            live.writer.delete(live.rows.at(-1)!.id);
            live.rows.pop();
          }
        },
    );
    const step = fc.oneof(
      crowd,
      thin,
      look,
      look,
      update,
      remove,
      setOne,
      fill,
      span,
      insertArrays,
      insertBatch,
    );
    fc.assert(
      fc.property(crowd, fc.array(step, { maxLength: 12, size: 'max' }), (first, list) => {
        const live = run([first, ...list], true);
        expect(hex(live.store.digest())).toBe(hex(fresh(live).digest()));
      }),
      { numRuns: 30 },
    );
  });

  it('begins anew when it is cleared', () => {
    fc.assert(
      fc.property(steps, steps, (before, after) => {
        const live = run(before, true);
        live.store.digest();
        live.store.clear();
        live.rows = [];
        live.nextId = 1;
        expect(hex(live.store.digest())).toBe(hex(new Live(true).store.digest()));
        for (const step of after) step(live);
        checkIndexes(live);
        expect([...live.writer]).toStrictEqual(model(live.rows));
        expect(hex(live.store.digest())).toBe(hex(fresh(live).digest()));
      }),
      { numRuns: 30 },
    );
  });

  it('has another hash when a value, the order of rows, their number or the allocator is another', () => {
    const base = fc.tuple(fc.array(person, { minLength: 2, maxLength: 9 }), fc.nat(), patch);
    fc.assert(
      fc.property(base, ([rows, n, change]) => {
        const live = new Live(true);
        for (const row of rows) live.add(row);
        const digest = hex(fresh(live).digest());
        const other = (edit: (copy: Live) => void): string => {
          const copy = new Live(true);
          copy.rows = live.rows.map((row) => ({ ...row }));
          copy.nextId = live.nextId;
          edit(copy);
          return hex(fresh(copy).digest());
        };
        expect(other(() => {})).toBe(digest);
        expect(other((copy) => void copy.rows.pop())).not.toBe(digest);
        expect(other((copy) => void copy.rows.reverse())).not.toBe(digest);
        expect(other((copy) => void copy.nextId++)).not.toBe(digest);
        for (const [name, value] of Object.entries(change)) {
          const row = live.rows[live.row(n)]!;
          const raw = name === 'amount' ? (value as number) + 0 : value;
          const edited = other((copy) => Object.assign(copy.rows[live.row(n)]!, { [name]: value }));
          if (same(raw, (row as never)[name])) expect(edited).toBe(digest);
          else expect(edited, name).not.toBe(digest);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** Whether two values are stored as the same bytes. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  const [x, y] = [Object.values(a), Object.values(b)];
  return x.length === y.length && x.every((value, i) => same(value, y[i]));
}
