/** L12 and L3: records say what was put in, byte for byte, and damage is named. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hex } from '../../src/base/bytes.ts';
import { isWorldfoldError } from '../../src/base/errors.ts';
import { crc32 } from '../../src/base/hash.ts';
import { sha256 } from '../../src/base/platform.ts';
import { ColumnSet } from '../../src/columns/column-set.ts';
import type { Wave } from '../../src/columns/waves.ts';
import {
  decodeBatches,
  decodeFrame,
  encodeRecord,
  freshSets,
  NO_HASH,
  type TickContent,
} from '../../src/log/record.ts';
import type { RecordMeta } from '../../src/log/record-meta.ts';
import type { RecordTimes } from '../../src/log/record-times.ts';
import { t } from '../../src/schema/columns.ts';
import { type CompiledSchema, compileText, type KindLayout } from '../../src/schema/compile.ts';
import { defineSchema } from '../../src/schema/define.ts';
import { event, table } from '../../src/schema/tables.ts';
import { anySchema, cellOf, printedAs, rowOf } from '../../src/testing/arbitraries.ts';
import { textOf } from '../../src/testing/arbitraries-rows.ts';
import { drawCell, edgesOf } from '../../src/testing/arbitraries-values.ts';
import { seededChoices } from '../../src/testing/simulated-scheduler.ts';
import { holds } from './support/holds.ts';

/** A record as data: rows by kind, and all that stands around them. */
interface Made {
  readonly schema: CompiledSchema;
  readonly rows: readonly { readonly kind: KindLayout; readonly rows: readonly object[] }[];
  readonly around: Omit<TickContent, 'batches' | 'waves'>;
  readonly waves: readonly Wave[];
  readonly meta: RecordMeta;
}

const varint = fc.oneof(fc.nat(300), fc.constantFrom(0, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER));
const anyName = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('\0', ''));
const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

const anyAround: fc.Arbitrary<Made['around']> = fc.record({
  tick: varint,
  sequence: varint,
  previous: bytesOf(32),
  environment: fc.option(anyName),
  draws: fc.array(fc.record({ stream: anyName, draws: varint }), { maxLength: 3 }),
  stateHash: fc.option(bytesOf(16)),
});

const anyChange = fc.record({ table: varint, hash: fc.uint8Array({ minLength: 8, maxLength: 8 }) });
const ENGINE = { node: '20.0.0', v8: '11.3', arch: 'x64', platform: 'linux' };
const WRITER = { code: 'c', engine: ENGINE, functions: { setup: 's' } };
const anySystem = fc.record({ rounds: fc.nat(300), run: varint, apply: varint });
const anyTimes: fc.Arbitrary<RecordTimes> = fc.record({
  names: fc.option(
    fc.record({
      systems: fc.array(anyName, { maxLength: 3 }),
      invariants: fc.array(anyName, { maxLength: 3 }),
    }),
  ),
  computed: varint,
  begun: varint,
  systems: fc.array(fc.option(anySystem), { maxLength: 4 }),
  invariants: fc.array(varint, { maxLength: 3 }),
  metrics: varint,
  hash: fc.option(varint),
  before: fc.option(fc.record({ encoded: varint, between: varint, waited: varint })),
  landed: fc.array(fc.record({ tick: varint, ticks: varint, bytes: varint, time: varint }), { maxLength: 3 }),
});
const flag = fc.boolean();
const anyMeta: fc.Arbitrary<RecordMeta> = fc
  .tuple(fc.double(), fc.array(fc.double(), { maxLength: 3 }), flag, flag, flag, flag)
  .chain(([time, metrics, named, changed, written, timed]) =>
    fc.record({
      time: fc.constant(time),
      metrics: fc.constant(metrics),
      metricNames: named
        ? fc.array(anyName, { minLength: metrics.length, maxLength: metrics.length })
        : fc.constant(null),
      ...(changed && { changed: fc.array(anyChange, { maxLength: 3 }) }),
      ...(written && { writer: fc.constant(WRITER) }),
      ...(timed && { times: anyTimes }),
    }),
  );

const anyRun = (kinds: readonly KindLayout[], atOnce: boolean) =>
  fc.record({
    kind: fc.constantFrom(...kinds).map(({ number }) => number),
    size: varint,
    times: atOnce ? varint : fc.constant(1),
  });
const anyWave = (kinds: readonly KindLayout[]): fc.Arbitrary<Wave> =>
  fc.boolean().chain((atOnce) =>
    fc.record({
      origin: anyName,
      atOnce: fc.constant(atOnce),
      runs: fc.array(anyRun(kinds, atOnce), { maxLength: 4 }),
    }),
  );

const anyRecord = (schemas: fc.Arbitrary<CompiledSchema>): fc.Arbitrary<Made> =>
  schemas
    .chain((schema) =>
      fc.record({
        schema: fc.constant(schema),
        rows: fc
          .subarray([...schema.kinds])
          .chain((kinds) =>
            fc.tuple(
              ...kinds.map((kind) =>
                fc
                  .array(rowOf(kind), { minLength: 1, maxLength: 20 })
                  .map((rows) => ({ kind, rows: rows.map((row) => withIds(kind, row)) })),
              ),
            ),
          ),
        around: anyAround,
        waves: fc.array(anyWave(schema.kinds), { maxLength: 3 }),
        meta: anyMeta,
      }),
    )
    .map((made) =>
      printedAs(made, () =>
        textOf({
          ...made,
          schema: made.schema.spec,
          rows: made.rows.map(({ kind, rows }) => [kind.name, rows]),
        }),
      ),
    );

/** Ids that the framework would hand out. */
function withIds(kind: KindLayout, row: object): object {
  const ids = kind.columns.filter(({ role }) => role === 'id' || role === 'newId');
  return { ...row, ...Object.fromEntries(ids.map(({ name }, i) => [name, 4294967295 - i])) };
}

function encoded({ rows, around, waves, meta }: Made) {
  const batches = rows.map(({ kind, rows: list }) => {
    const set = new ColumnSet(kind, false);
    for (const row of list) set.append(row);
    return { kind: kind.number, set };
  });
  return { batches, record: encodeRecord({ ...around, waves, batches }, meta) };
}

const rowsIn = (set: ColumnSet): string[] => Array.from({ length: set.size }, (_, i) => textOf(set.rowAt(i)));

test('L3: a record decodes to what was encoded, and encodes to the same bytes again', async () => {
  await holds(anyRecord(anySchema().map(({ compiled }) => compiled)), 150, (made) => {
    const { batches, record } = encoded(made);
    const frame = decodeFrame(record.bytes, {});
    expect(hex(frame.hash)).toBe(hex(record.hash));
    for (const part of ['tick', 'sequence', 'environment', 'draws'] as const)
      expect(frame[part]).toEqual(made.around[part]);
    expect(hex(frame.previous)).toBe(hex(made.around.previous));
    expect(frame.stateHash && hex(frame.stateHash)).toBe(made.around.stateHash && hex(made.around.stateHash));
    expect(frame.waves).toEqual(made.waves);
    expect(textOf(frame.meta)).toBe(textOf(made.meta));
    const decoded = decodeBatches(frame, made.schema, freshSets(made.schema));
    expect(decoded.map(({ kind }) => kind)).toEqual(batches.map(({ kind }) => kind));
    decoded.forEach(({ set }, i) => void expect(rowsIn(set)).toEqual(rowsIn(batches[i]!.set)));
    const again = encodeRecord({ ...frame, batches: decoded }, frame.meta);
    expect(hex(again.bytes)).toBe(hex(record.bytes));
  });
});

test('L3: a log is read with nothing but the schema text that it carries', async () => {
  await holds(anySchema(), 60, ({ compiled }) => {
    const again = compileText(compiled.text);
    expect(again.text).toBe(compiled.text);
    expect(again.fingerprint).toBe(compiled.fingerprint);
    expect(again.kinds.map(({ name, number }) => [name, number])).toEqual(
      compiled.kinds.map(({ name, number }) => [name, number]),
    );
  });
});

const enumOf = (size: number): string[] => Array.from({ length: size }, (_, i) => `name ${i}`);
/** Every type of column, alone, optional, in a struct and in a list. */
const TYPES = {
  u8: t.u8(),
  i8: t.i8(),
  u16: t.u16(),
  i16: t.i16(),
  u32: t.u32(),
  i32: t.i32(),
  u64: t.u64(),
  i64: t.i64(),
  int: t.int(),
  f32: t.f32({ nan: true }),
  f64: t.f64({ nan: true }),
  bool: t.bool(),
  text: t.text(),
  bytes: t.bytes(),
  json: t.json(),
  enum1: t.enum('only'),
  enum256: t.enum(...enumOf(256)),
  enum257: t.enum(...enumOf(257)),
  enum4000: t.enum(...enumOf(4000)),
  ref: t.ref('people'),
  vec1: t.vec(1, 'i32'),
  vec1024: t.vec(1024, 'f64'),
  vecF32: t.vec(3, 'f32'),
};

describe('every type of column keeps its edges', () => {
  for (const [type, column] of Object.entries(TYPES))
    test(`L3: ${type}, alone, optional, in a struct, in a list, through row and record`, () => {
      const { compiled } = defineSchema({
        name: 'edges',
        version: 1,
        tables: { people: table({ id: t.id() }) },
        events: {
          e: event({
            alone: column as never,
            maybe: (column as typeof TYPES.u8).optional(),
            deep: t.struct({ a: t.struct({ b: column as never }), c: t.u8() }),
            many: t.list(column as never),
            pairs: t.list(t.struct({ x: column as never, y: t.list(column as never) })),
          }),
        },
      } as never) as unknown as { compiled: CompiledSchema };
      const kind = compiled.kindOf.get('e')!;
      const { value } = kind.byName.get('alone')!;
      const dice = seededChoices(7);
      const edges = [
        ...edgesOf(value),
        ...Array.from({ length: 10 }, () => drawCell(dice, kind.byName.get('alone')!)),
      ];
      const set = new ColumnSet(kind, false);
      const rows = edges.map((edge, i) => ({
        alone: edge,
        maybe: i % 2 === 0 ? null : edge,
        deep: { a: { b: edge }, c: i },
        many: edges.slice(0, i % 5),
        pairs: [{ x: edge, y: [edge, edge] }],
      }));
      for (const row of rows) set.append(row);
      const content: TickContent = {
        tick: 0,
        sequence: 0,
        previous: NO_HASH,
        environment: null,
        waves: [],
        batches: [{ kind: kind.number, set }],
        draws: [],
        stateHash: null,
      };
      const frame = decodeFrame(encodeRecord(content, { time: 0, metricNames: null, metrics: [] }).bytes, {});
      const [decoded] = decodeBatches(frame, compiled, freshSets(compiled));
      rows.forEach((row, i) => {
        const read = decoded!.set.rowAt(i) as { [column: string]: never };
        expect(textOf(read)).toBe(textOf(set.rowAt(i)));
        // What is read back is what was given: nearest f32, no −0 in whole numbers and JSON.
        const f32 = value.kind === 'number' && value.array === 'f32';
        const whole = value.kind === 'json' || (value.kind === 'number' && value.whole);
        const edge = row.alone;
        const expected = f32 ? Math.fround(edge as number) : whole && Object.is(edge, -0) ? 0 : edge;
        if (value.kind !== 'vec') {
          expect(textOf(read.alone)).toBe(textOf(expected));
          expect(textOf(read.maybe)).toBe(textOf(i % 2 === 0 ? null : expected));
          expect(textOf(read.deep)).toBe(textOf({ a: { b: expected }, c: i }));
          expect(textOf(read.pairs)).toBe(textOf([{ x: expected, y: [expected, expected] }]));
        }
      });
    });
});

/** Small records of all kinds of columns: flipped bit by bit. */
const anySmall: fc.Arbitrary<Made> = anyRecord(anySchema().map(({ compiled }) => compiled)).map((made) => ({
  ...made,
  rows: made.rows.map(({ kind, rows }) => ({ kind, rows: rows.slice(0, 3) })),
}));

function expectNamed(bytes: Uint8Array, what: string): void {
  try {
    decodeFrame(bytes, { segment: 's', tick: 3 });
  } catch (e) {
    const named = isWorldfoldError(e, 'CORRUPT') || isWorldfoldError(e, 'NEWER_FORMAT');
    if (named) return void expect(e.facts).toMatchObject({ segment: 's', tick: 3 });
    throw e;
  }
  expect.unreachable(`${what} went unnoticed`);
}

test('L12: a flipped bit anywhere in a record is named', async () => {
  await holds(fc.tuple(anySmall, fc.nat(7)), 15, ([made, bit]) => {
    const { bytes } = encoded(made).record;
    const step = Math.max(1, Math.floor(bytes.length / 400));
    for (let at = 0; at < bytes.length; at += at < 100 || at > bytes.length - 100 ? 1 : step) {
      const flipped = bytes.slice();
      flipped[at]! ^= 1 << bit;
      expectNamed(flipped, `bit ${bit} of byte ${at} of ${bytes.length}`);
    }
  });
});

test('L12: a record that is cut or has bytes behind it is named', async () => {
  await holds(anySmall, 15, (made) => {
    const { bytes } = encoded(made).record;
    const step = Math.max(1, Math.floor(bytes.length / 400));
    for (let length = 0; length < bytes.length; length += length < 100 ? 1 : step)
      expectNamed(bytes.slice(0, length), `a cut to ${length} of ${bytes.length}`);
    for (const more of [1, 4, 100]) {
      const longer = new Uint8Array(bytes.length + more);
      longer.set(bytes);
      expectNamed(longer, `${more} bytes behind the record`);
    }
  });
});

test('L12: bytes whose hash was made to fit are read as they are or refused by name, and never hang', async () => {
  await holds(fc.tuple(anySmall, fc.nat(), fc.nat(255)), 400, ([made, place, byte]) => {
    const { bytes } = encoded(made).record;
    const { end } = decodeFrame(bytes, {});
    const forged = bytes.slice();
    forged[8 + (place % (end - 8))] = byte;
    forged.set(sha256(forged.subarray(0, end)), end);
    try {
      const frame = decodeFrame(forged, {});
      for (const { set } of decodeBatches(frame, made.schema, freshSets(made.schema))) rowsIn(set);
    } catch (e) {
      if (!isWorldfoldError(e, 'CORRUPT') && !isWorldfoldError(e, 'NEWER_FORMAT')) throw e;
    }
  });
});

test('L12: metadata whose checksum was made to fit are read as they are or refused by name', async () => {
  await holds(fc.tuple(anySmall, fc.nat(), fc.nat(255), fc.nat(20)), 400, ([made, place, byte, cut]) => {
    const { bytes } = encoded(made).record;
    const from = decodeFrame(bytes, {}).end + 32;
    const forged = bytes.slice(0, Math.max(from + 4, bytes.length - (cut > 10 ? cut - 10 : 0)));
    const to = forged.length - 4;
    if (to > from) forged[from + (place % (to - from))] = byte;
    new DataView(forged.buffer).setUint32(to, crc32(forged, from, to), true);
    try {
      const { meta } = decodeFrame(forged, {});
      const again = encodeRecord({ ...made.around, waves: made.waves, batches: [] }, meta);
      expect(textOf(decodeFrame(again.bytes, {}).meta)).toBe(textOf(meta));
    } catch (e) {
      if (!isWorldfoldError(e, 'CORRUPT') && !isWorldfoldError(e, 'NEWER_FORMAT')) throw e;
    }
  });
});

test('L3: rows that are written column by column are the rows that were written one by one', async () => {
  const some = anySchema().chain(({ compiled }) =>
    fc.constantFrom(...compiled.kinds.filter(({ columns }) => columns.length > 0)).chain((kind) => {
      const columns = Object.fromEntries(kind.columns.map((column) => [column.name, cellOf(column)]));
      return fc.record({
        kind: fc.constant(kind),
        rows: fc.array(fc.record(columns), { minLength: 1, maxLength: 40 }),
      });
    }),
  );
  await holds(some, 100, ({ kind, rows }) => {
    const one = new ColumnSet(kind, false);
    for (const row of rows) one.append(row);
    const many = new ColumnSet(kind, false);
    const lists = kind.columns.map(({ name }) => [name, rows.map((row) => row[name])]);
    many.appendMany(Object.fromEntries(lists));
    const copied = new ColumnSet(kind, true);
    copied.appendFrom(one, 0, 1);
    copied.appendFrom(one, 1, one.size);
    expect(rowsIn(many)).toEqual(rowsIn(one));
    expect(rowsIn(copied)).toEqual(rowsIn(one));
  });
});
