import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { compiled, kindOf, TYPES } from '../../test/golden/every-type.ts';
import {
  eventsOf,
  ROWS_BACK,
  SMALL_META,
  smallContent,
  WIDE,
  WIDE_META,
  wideContent,
} from '../../test/golden/fixtures.ts';
import { sameBytes } from '../base/bytes.ts';
import { isWorldfoldError } from '../base/errors.ts';
import { crc32, loadHash } from '../base/hash.ts';
import { sha256 } from '../base/platform.ts';
import type { FixedLane } from '../columns/fixed-lane.ts';
import { t } from '../schema/columns.ts';
import { event } from '../schema/tables.ts';
import {
  decodeBatches,
  decodeFrame,
  encodeRecord,
  eventCount,
  freshSets,
  NO_HASH,
  reusedSets,
  type TickContent,
} from './record.ts';

const META = { time: 0, metricNames: null, metrics: [] };
const EMPTY: TickContent = {
  tick: 0,
  sequence: 0,
  previous: NO_HASH,
  environment: null,
  waves: [],
  batches: [],
  draws: [],
  stateHash: null,
};

beforeAll(loadHash);

const code = (act: () => unknown): string => {
  try {
    act();
    return 'accepted';
  } catch (e) {
    return isWorldfoldError(e) ? e.code : String(e);
  }
};

/** Reads a record to the last event. */
function readAll(bytes: Uint8Array, schema = WIDE): unknown {
  const frame = decodeFrame(bytes, {});
  return decodeBatches(frame, schema, freshSets(schema)).map(({ kind, set }) => [
    kind,
    Array.from({ length: set.size }, (_, row) => set.rowAt(row)),
  ]);
}

/** The record with its hash and the checksum of its metadata made to fit again. */
function resealed(bytes: Uint8Array): Uint8Array {
  const made = bytes.slice();
  const end = new DataView(made.buffer).getUint32(4, true);
  made.set(sha256(made.subarray(0, end)), end);
  new DataView(made.buffer).setUint32(made.length - 4, crc32(made, end + 32, made.length - 4), true);
  return made;
}

describe('a record', () => {
  it('comes back with everything that it says', () => {
    const content = wideContent();
    const record = encodeRecord(content, WIDE_META);
    const { batches, ...said } = content;
    const frame = decodeFrame(record.bytes, {});
    expect(frame).toMatchObject(said);
    expect(frame.meta).toEqual(WIDE_META);
    expect(frame.counts).toEqual(batches.map(({ kind, set }) => ({ kind, size: set.size })));
    expect(eventCount(frame.counts)).toBe(8);
    expect(frame.hash).toEqual(record.hash);
    expect([record.tick, record.previous]).toEqual([300, content.previous]);
    expect(readAll(record.bytes)).toStrictEqual([
      [
        batches[0]!.kind,
        [
          { person: 1, to: 0 },
          { person: 2, to: 1 },
          { person: 70_000, to: 2 },
        ],
      ],
      [batches[1]!.kind, ROWS_BACK.map((row) => expect.objectContaining(row))],
    ]);
  });

  it('comes back whatever its order, draws and metadata are', () => {
    const run = fc.record({ kind: fc.nat(300), size: fc.maxSafeNat(), times: fc.maxSafeNat() });
    const wave = fc.record({ origin: fc.string(), atOnce: fc.boolean(), runs: fc.array(run) }).map((w) => ({
      ...w,
      runs: w.runs.map((r) => (w.atOnce ? r : { ...r, times: 1 })),
    }));
    const content = fc.record({
      tick: fc.maxSafeNat(),
      sequence: fc.maxSafeNat(),
      previous: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      environment: fc.option(fc.string()),
      waves: fc.array(wave),
      draws: fc.array(fc.record({ stream: fc.string({ unit: 'grapheme' }), draws: fc.maxSafeNat() })),
      stateHash: fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 })),
    });
    const named = fc.array(fc.tuple(fc.string(), fc.double()));
    fc.assert(
      fc.property(content, fc.double(), named, fc.boolean(), (said, time, metrics, withNames) => {
        const meta = {
          time,
          metricNames: withNames ? metrics.map(([name]) => name) : null,
          metrics: metrics.map(([, value]) => value),
        };
        const { bytes } = encodeRecord({ ...said, batches: [] }, meta);
        const { hash, meta: read, counts, bytes: own, columnsAt, end, ...frame } = decodeFrame(bytes, {});
        expect(frame).toEqual(said);
        expect(read).toEqual(meta);
        expect([counts, own, columnsAt]).toEqual([[], bytes, end]);
        expect(sha256(bytes.subarray(0, end))).toEqual(Buffer.from(hash));
      }),
    );
  });

  it('says the same in the same bytes, whatever was encoded before; metadata stands outside the hash', () => {
    const first = encodeRecord(wideContent(), WIDE_META);
    encodeRecord(smallContent(), SMALL_META);
    expect(encodeRecord(wideContent(), WIDE_META).bytes).toEqual(first.bytes);
    const later = encodeRecord(wideContent(), { ...WIDE_META, time: 5 });
    expect(later.hash).toEqual(first.hash);
    expect(later.bytes).not.toEqual(first.bytes);
    expect(encodeRecord({ ...wideContent(), sequence: 1 }, WIDE_META).hash).not.toEqual(first.hash);
  });

  it('costs 129 bytes beyond the columns of ten small events', () => {
    const { kindOf: kinds, ...schema } = compiled({
      events: { infected: event({ person: t.ref('homes') }).spec },
    });
    const kind = kinds.get('infected')!.number;
    const people = Array.from({ length: 10 }, (_, i) => ({ person: i + 1 }));
    const set = eventsOf({ ...schema, kindOf: kinds }, 'infected', people);
    const content: TickContent = {
      ...EMPTY,
      tick: 1000,
      sequence: 10_000,
      waves: [{ origin: 'infect', atOnce: false, runs: [{ kind, size: 10, times: 1 }] }],
      draws: [{ stream: 'infect', draws: 10 }],
      batches: [{ kind, set }],
      stateHash: new Uint8Array(16),
    };
    const { bytes } = encodeRecord(content, { time: 1, metricNames: null, metrics: [] });
    expect(bytes.length - 10 * 4).toBe(129);
    expect(bytes.length - 10 * 4).toBeLessThan(160);
    const metered = encodeRecord(content, { time: 1, metricNames: null, metrics: [1, 2] });
    expect(metered.bytes.length - bytes.length).toBe(16);
  });

  it('lends its columns without a copy where they are aligned, and copies them elsewhere', () => {
    const layout = kindOf(['f64', 'u8', 'vec', 'i64']);
    const schema = compiled({
      events: { seen: event({ f64: t.f64(), u8: t.u8(), vec: t.vec(3), i64: t.i64() }).spec },
    });
    const kind = schema.kindOf.get('seen')!.number;
    expect(schema.kindOf.get('seen')!.columns.length).toBe(layout.columns.length);
    const rows = [1, 2, 3].map((n) => ({ f64: n / 3, u8: n, vec: [n, 0, -n], i64: -BigInt(n) }));
    const { bytes } = encodeRecord(
      { ...EMPTY, batches: [{ kind, set: eventsOf(schema, 'seen', rows) }] },
      META,
    );
    for (const shift of [0, 8, 3]) {
      const larger = new Uint8Array(bytes.length + shift);
      larger.set(bytes, shift);
      const [batch] = decodeBatches(decodeFrame(larger.subarray(shift), {}), schema, freshSets(schema));
      const lanes = batch!.set.lanes as FixedLane[];
      const lent = lanes.map((lane) => lane.data.buffer === larger.buffer);
      expect(lent).toEqual(lanes.map(({ data }) => shift !== 3 || data.BYTES_PER_ELEMENT === 1));
      expect(rows.map((_, row) => batch!.set.rowAt(row))).toEqual(rows);
    }
  });

  it('is read again and again into the same sets, where the reader asks for it', () => {
    const sets = reusedSets(WIDE);
    const { bytes } = encodeRecord(wideContent(), WIDE_META);
    const [first] = decodeBatches(decodeFrame(bytes, {}), WIDE, sets);
    const [again] = decodeBatches(decodeFrame(bytes, {}), WIDE, sets);
    expect(again!.set).toBe(first!.set);
    expect(again!.set.size).toBe(3);
    expect(decodeBatches(decodeFrame(bytes, {}), WIDE, freshSets(WIDE))[0]!.set).not.toBe(first!.set);
  });

  it('refuses to say what cannot be read', () => {
    const [moved, seen] = wideContent().batches;
    expect(code(() => encodeRecord({ ...EMPTY, batches: [seen!, moved!] }, META))).toBe('INTERNAL');
    const runs = [{ kind: 0, size: 1, times: 2 }];
    expect(code(() => encodeRecord({ ...EMPTY, waves: [{ origin: 'a', atOnce: false, runs }] }, META))).toBe(
      'INTERNAL',
    );
    expect(code(() => encodeRecord(EMPTY, { time: 0, metricNames: ['a'], metrics: [] }))).toBe('INTERNAL');
  });
});

describe('a damaged record', () => {
  const { bytes } = encodeRecord(smallContent(), SMALL_META);

  it('L12: is refused by name whichever bit of it is flipped', () => {
    for (let at = 0; at < bytes.length; at++)
      for (let bit = 0; bit < 8; bit++) {
        const flipped = bytes.slice();
        flipped[at]! ^= 1 << bit;
        expect(
          code(() => decodeFrame(flipped, {})),
          `byte ${at}, bit ${bit}`,
        ).toMatch(at === 3 && (flipped[3] ?? 0) > 0 ? /^NEWER_FORMAT$/ : /^CORRUPT$/);
      }
  });

  it('L12: is refused by name whichever byte of a long one is flipped', () => {
    const wide = encodeRecord(wideContent(), WIDE_META).bytes;
    for (let at = 0; at < wide.length; at += 3) {
      const flipped = wide.slice();
      flipped[at]! ^= 0xff;
      expect(code(() => decodeFrame(flipped, {}))).toMatch(/^(CORRUPT|NEWER_FORMAT)$/);
    }
  });

  it('L12: is refused by name wherever it is cut, and when something is added', () => {
    for (let length = 0; length < bytes.length; length++)
      expect(
        code(() => decodeFrame(bytes.subarray(0, length), {})),
        `${length} bytes`,
      ).toBe('CORRUPT');
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    expect(code(() => decodeFrame(longer, {}))).toBe('CORRUPT');
  });

  it('L12: tells what was cut off: its beginning, the hashed part, or the metadata', () => {
    const hashed = decodeFrame(bytes, {}).end + 32;
    for (let length = 0; length < bytes.length; length++) {
      const cut =
        length < 8
          ? { message: 'the bytes of a record are no record' }
          : length < hashed
            ? { message: 'a record is cut short', facts: { length, expected: hashed } }
            : { message: 'the metadata of a record is damaged' };
      const read = () => decodeFrame(bytes.subarray(0, length), {});
      expect(read, `${length} bytes`).toThrow(expect.objectContaining(cut));
    }
  });

  it('L12 L13: is refused by name when its metadata hold more than metadata, or than is known', () => {
    const more = (...added: number[]) => {
      const longer = new Uint8Array(bytes.length + added.length);
      longer.set(bytes.subarray(0, -4));
      longer.set(added, bytes.length - 4);
      return code(() => decodeFrame(resealed(longer), {}));
    };
    expect(more(0)).toBe('CORRUPT');
    expect(more(1)).toBe('CORRUPT');
    expect(more(1, 0)).toBe('accepted');
    expect(more(1, 0, 0)).toBe('CORRUPT');
    expect(more(1, 1, 0)).toBe('CORRUPT');
    expect(more(2, 1, 0x7b)).toBe('CORRUPT');
    expect(more(4)).toBe('CORRUPT');
    expect(more(4, 0, 0, 0, 0, 0, 0, 0)).toBe('accepted');
    expect(more(4, 0, 0, 0, 0, 0, 0, 0, 0)).toBe('CORRUPT');
    expect(more(4, 0, 0, 0, ...[255, 255, 255, 255, 255, 255, 255, 15], 0, 0)).toBe('CORRUPT');
    expect(more(4, 8, 0, 0, 0, 0, 0, 0)).toBe('NEWER_FORMAT');
    expect(more(8)).toBe('NEWER_FORMAT');
  });

  it('tells where it was met', () => {
    expect(() => decodeFrame(bytes.subarray(9), { segment: 's', tick: 7 })).toThrow(
      expect.objectContaining({ code: 'CORRUPT', facts: expect.objectContaining({ segment: 's', tick: 7 }) }),
    );
  });

  it('is refused by name, or read as something else, where its hash was forged: never another error', () => {
    const wide = encodeRecord(wideContent(), WIDE_META).bytes;
    const { end } = decodeFrame(wide, {});
    const truth = readAll(wide);
    const allowed = /^(accepted|CORRUPT|NEWER_FORMAT)$/;
    for (let at = 8; at < end; at += 5) {
      const forged = resealed(wide.map((byte, i) => (i === at ? byte ^ 0x80 : byte)));
      expect(
        code(() => readAll(forged)),
        `byte ${at}`,
      ).toMatch(allowed);
    }
    expect(readAll(resealed(wide))).toEqual(truth);
  });

  it('is refused where a later version may have said more', () => {
    const flags = bytes.slice();
    flags[8]! |= 4;
    expect(code(() => decodeFrame(resealed(flags), {}))).toBe('NEWER_FORMAT');
    const version = bytes.slice();
    version[3] = 0;
    expect(code(() => decodeFrame(resealed(version), {}))).toBe('CORRUPT');
  });

  it('is refused where it holds kinds that the schema does not have, twice, or bytes beyond them', () => {
    const { kinds, ...rest } = WIDE;
    const record = encodeRecord(wideContent(), WIDE_META).bytes;
    expect(code(() => readAll(record, { ...rest, kinds: kinds.slice(0, 2) }))).toBe('CORRUPT');
    const frame = decodeFrame(record, {});
    const twice = { ...frame, counts: [frame.counts[0]!, frame.counts[0]!] };
    expect(code(() => decodeBatches(twice, WIDE, freshSets(WIDE)))).toBe('CORRUPT');
    const fewer = { ...frame, counts: frame.counts.slice(0, 1) };
    expect(code(() => decodeBatches(fewer, WIDE, freshSets(WIDE)))).toBe('CORRUPT');
    const more = { ...frame, counts: [{ ...frame.counts[0]!, size: 2 ** 50 }] };
    expect(code(() => decodeBatches(more, WIDE, freshSets(WIDE)))).toBe('CORRUPT');
  });
});

it('columns of every type are in the fixture', () => {
  expect(WIDE.kindOf.get('seen')!.columns.map(({ name }) => name)).toEqual(Object.keys(TYPES).sort());
  expect(sameBytes(NO_HASH, new Uint8Array(32))).toBe(true);
});
