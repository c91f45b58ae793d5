import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { compiled } from '../../test/golden/every-type.ts';
import { hex } from '../base/bytes.ts';
import { loadHash, xxh128 } from '../base/hash.ts';
import { sha256 } from '../base/platform.ts';
import { Gate } from '../columns/gate.ts';
import { TableStore } from '../columns/table-store.ts';
import { t } from '../schema/columns.ts';
import { table } from '../schema/tables.ts';
import { ChunkBook, loadTables, type SnapshotPlan } from './chunks.ts';
import {
  type ChunkEntry,
  decodeManifest,
  encodeManifest,
  type LaneEntry,
  type Manifest,
  type SnapshotPoint,
  type TableEntry,
} from './manifest.ts';

beforeAll(loadHash);
const SCHEMA = compiled({
  name: 'chunky',
  tables: {
    cells: table({ id: t.id(), heat: t.f64(), kind: t.u8(), name: t.text(), note: t.u16().optional() }).spec,
    few: table({ id: t.id(), n: t.u8() }).spec,
  },
});

/** The tables of the schema, and one hash of them all. */
class TableState {
  readonly tables = new Map(SCHEMA.tables.map((layout) => [layout.name, new TableStore(layout, new Gate())]));

  digest(): Uint8Array {
    return xxh128(Buffer.concat([...this.tables.values()].map((store) => store.digest())));
  }
}

const point = (state: TableState, tick: number): SnapshotPoint => ({
  tick,
  hash: new Uint8Array(32).fill(tick),
  sequence: 7,
  stateHash: state.digest(),
  environment: '{}',
  era: 0,
  code: 'c',
});

/** A store of chunks, by number. */
class Chunks {
  readonly bytes: Uint8Array[] = [];

  keep(book: ChunkBook, plan: SnapshotPlan): { numbers: number[]; written: number } {
    let written = 0;
    const numbers = plan.chunks.map((chunk) => {
      if (typeof chunk === 'number') return chunk;
      written += chunk.length;
      return this.bytes.push(chunk.slice()) - 1;
    });
    book.kept(plan.tables, numbers);
    return { numbers, written };
  }

  load(manifest: Manifest, numbers: readonly number[]): TableState {
    const state = new TableState();
    loadTables(
      manifest,
      numbers.map((number) => this.bytes[number]!),
      state.tables,
      { tick: manifest.point.tick },
    );
    return state;
  }
}

function filled(rows: number): TableState {
  const state = new TableState();
  state.tables.get('cells')!.insertMany({
    heat: Float64Array.from({ length: rows }, (_, i) => i / 3),
    kind: new Uint8Array(rows),
    name: Array.from({ length: rows }, (_, i) => `cell ${i}`),
  });
  state.tables.get('few')!.insert({ n: 4 });
  return state;
}

const cellsOf = (state: TableState) => state.tables.get('cells')!;
const write = (state: TableState, row: number, heat: number): void => {
  const store = cellsOf(state);
  store.set.byName.get('heat')!.store(row, heat);
  store.touched = 3;
};

describe('chunks', () => {
  test('a snapshot stores the chunks that were written since the one before, and no others', () => {
    const state = filled(100_000);
    const [book, chunks] = [new ChunkBook(), new Chunks()];
    const keep = () => {
      state.digest();
      return chunks.keep(book, book.plan(state.tables));
    };
    const whole = keep();
    expect(whole.written).toBeGreaterThan(100_000 * (4 + 8 + 1));
    expect(keep()).toEqual({ numbers: whole.numbers, written: 0 });
    write(state, 70_000, -1);
    const one = keep();
    expect(one.written).toBe(64 * 1024);
    expect(one.numbers.filter((number, i) => number !== whole.numbers[i])).toHaveLength(1);
    book.forget();
    expect(keep().written).toBe(whole.written);
  });

  test('a write between the plan and the answer of the store is in the next snapshot', () => {
    const state = filled(20_000);
    const [book, chunks] = [new ChunkBook(), new Chunks()];
    state.digest();
    const plan = book.plan(state.tables);
    write(state, 3, 99);
    chunks.keep(book, plan);
    state.digest();
    const next = book.plan(state.tables);
    const { numbers } = chunks.keep(book, next);
    const loaded = chunks.load({ point: point(state, 1), tables: next.tables }, numbers);
    expect(hex(loaded.digest())).toBe(hex(state.digest()));
  });

  test('L4: any writes, growth and deletions between snapshots: each loads to its own world', () => {
    const op = fc.oneof(
      fc.record({ op: fc.constant('write' as const), row: fc.nat(), heat: fc.double({ noNaN: true }) }),
      fc.record({ op: fc.constant('grow' as const), rows: fc.integer({ min: 1, max: 9000 }) }),
      fc.record({
        op: fc.constant('remove' as const),
        row: fc.nat(),
        count: fc.integer({ min: 1, max: 3000 }),
      }),
      fc.record({ op: fc.constant('null' as const), row: fc.nat() }),
      fc.record({ op: fc.constant('text' as const), row: fc.nat(), text: fc.string() }),
      fc.record({ op: fc.constant('keep' as const) }),
    );
    fc.assert(
      fc.property(fc.array(op, { minLength: 2, maxLength: 14 }), (ops) => {
        const state = filled(9000);
        const [book, chunks] = [new ChunkBook(), new Chunks()];
        const kept: { hash: string; manifest: Manifest; numbers: number[] }[] = [];
        for (const step of [...ops, { op: 'keep' as const }]) {
          const store = cellsOf(state);
          if (step.op === 'grow')
            store.insertMany({
              heat: new Float64Array(step.rows).fill(step.rows),
              kind: new Uint8Array(step.rows).fill(1),
              name: Array.from({ length: step.rows }, () => ''),
            });
          else if (step.op === 'keep') {
            const tick = kept.length;
            const made = point(state, tick);
            const plan = book.plan(state.tables);
            const { numbers } = chunks.keep(book, plan);
            const bytes = encodeManifest({ point: made, tables: plan.tables });
            kept.push({ hash: hex(made.stateHash), manifest: decodeManifest(bytes, {}), numbers });
          } else if (store.size > 0) {
            const row = step.row % store.size;
            if (step.op === 'write') write(state, row, step.heat);
            if (step.op === 'null') store.set.byName.get('note')!.store(row, row % 2 ? null : 5);
            if (step.op === 'text') store.set.byName.get('name')!.store(row, step.text.toWellFormed());
            if (step.op === 'remove')
              for (let i = 0; i < step.count && store.size > 0; i++) store.remove(row % store.size);
            store.touched = 3;
          }
        }
        for (const { hash, manifest, numbers } of kept) {
          const loaded = chunks.load(manifest, numbers);
          expect(hex(loaded.digest())).toBe(hash);
        }
        const last = kept.at(-1)!;
        const loaded = chunks.load(last.manifest, last.numbers);
        for (const [name, { nextId, size, set }] of state.tables) {
          const other = loaded.tables.get(name)!;
          expect([other.nextId, other.size, other.set.capacity]).toEqual([nextId, size, set.capacity]);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('L12: a damaged snapshot is named', () => {
  const made = () => {
    const state = filled(9000);
    const [book, chunks] = [new ChunkBook(), new Chunks()];
    const at = point(state, 5);
    const plan = book.plan(state.tables);
    const { numbers } = chunks.keep(book, plan);
    return { chunks, numbers, manifest: { point: at, tables: plan.tables } };
  };

  test('every byte of the manifest', () => {
    const bytes = encodeManifest(made().manifest);
    for (let at = 0; at < bytes.length; at += bytes.length > 4000 ? 7 : 1) {
      const flipped = bytes.slice();
      flipped[at]! ^= 1 << (at % 8);
      expect(() => decodeManifest(flipped, { tick: 5 })).toThrow(
        expect.objectContaining({ code: 'CORRUPT' }),
      );
    }
    for (const length of [0, 3, 4, 40, bytes.length - 1])
      expect(() => decodeManifest(bytes.subarray(0, length), {})).toThrow(
        expect.objectContaining({ code: 'CORRUPT' }),
      );
  });

  test('a manifest that begins or ends otherwise, though its seal is right', () => {
    const body = encodeManifest(made().manifest).subarray(0, -32);
    const sealed = (bytes: Uint8Array) => decodeManifest(Buffer.concat([bytes, sha256(bytes)]), {});
    expect(sealed(body).point.tick).toBe(5);
    const refused = (message: string) => expect.objectContaining({ code: 'CORRUPT', message });
    for (const at of [0, 1, 2]) {
      const other = body.map((byte, i) => (i === at ? byte + 1 : byte));
      expect(() => sealed(other)).toThrow(refused('the bytes of a snapshot are no manifest'));
    }
    expect(() => sealed(body.subarray(0, 3))).toThrow(refused('the bytes of a snapshot are no manifest'));
    const more = Buffer.concat([body, Uint8Array.of(0)]);
    expect(() => sealed(more)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
  });

  test('a chunk, with its table, column and rows', () => {
    const { chunks, numbers, manifest } = made();
    for (const number of numbers) {
      const good = chunks.bytes[number]!;
      for (const bad of [
        good.slice(0, -1),
        good.map((byte, i) => (i === 17 ? byte ^ 2 : byte)),
        new Uint8Array(0),
      ]) {
        chunks.bytes[number] = bad;
        expect(() => chunks.load(manifest, numbers)).toThrow(
          expect.objectContaining({
            code: 'CORRUPT',
            facts: expect.objectContaining({ tick: 5, table: 'cells' }),
          }),
        );
      }
      chunks.bytes[number] = good;
    }
    expect(() => chunks.load(manifest, [...numbers].reverse())).toThrow(
      expect.objectContaining({ code: 'CORRUPT' }),
    );
  });

  const withLane = (change: (lane: LaneEntry) => Partial<LaneEntry>) => (table: TableEntry) => ({
    lanes: table.lanes.map((lane) => (lane.path === 'n' ? { ...lane, ...change(lane) } : lane)),
  });
  const withChunk = (change: (chunk: ChunkEntry) => Partial<ChunkEntry>) =>
    withLane(({ chunks }) => ({ chunks: chunks.map((chunk) => ({ ...chunk, ...change(chunk) })) }));
  const longer = (bytes: Uint8Array): Partial<ChunkEntry> => ({ inline: bytes, hash: xxh128(bytes) });

  test.each<[string, (table: TableEntry) => Partial<TableEntry>, string]>([
    ['another table', () => ({ name: 'many' }), "a snapshot has a table 'many' of another form"],
    [
      'a lane less',
      ({ lanes }) => ({ lanes: lanes.slice(1) }),
      "a snapshot has a table 'few' of another form",
    ],
    ['another lane', withLane(() => ({ path: 'm' })), 'a snapshot has a column of another form'],
    ['more rows than room', () => ({ capacity: 0 }), 'a snapshot has a column of another form'],
    ['more rows than it says', withChunk(() => ({ rows: 2 })), 'a snapshot holds more rows than it says'],
    [
      'a piece twice',
      withLane(({ chunks: [one] }) => ({ chunks: [one!, one!] })),
      'a snapshot holds more rows than it says',
    ],
    [
      'a row less than it says',
      withChunk(() => ({ rows: 0, ...longer(new Uint8Array(0)) })),
      'a snapshot holds fewer rows than it says',
    ],
    ['no rows', withLane(() => ({ chunks: [] })), 'a snapshot holds fewer rows than it says'],
    [
      'bytes beyond its rows',
      withChunk(() => longer(Uint8Array.of(4, 0))),
      'a piece of a snapshot holds more than its rows',
    ],
  ])('L12: a manifest that says of a table: %s', (_, change, message) => {
    const { chunks, numbers, manifest } = made();
    const tables = manifest.tables.map((one) => (one.name === 'few' ? { ...one, ...change(one) } : one));
    const load = () => chunks.load({ ...manifest, tables }, numbers);
    expect(load).toThrow(expect.objectContaining({ code: 'CORRUPT', message }));
  });

  test('L12: a manifest of other tables than there are', () => {
    const { chunks, numbers, manifest } = made();
    const load = () => chunks.load({ ...manifest, tables: manifest.tables.slice(1) }, numbers);
    expect(load).toThrow(
      expect.objectContaining({
        code: 'CORRUPT',
        message: expect.stringMatching(/has \d+ tables and not \d+$/),
      }),
    );
  });
});
