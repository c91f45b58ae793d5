import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { hex } from '../../src/base/bytes.ts';
import { loadHash } from '../../src/base/hash.ts';
import { decodeBatches, decodeFrame, encodeRecord, freshSets } from '../../src/log/record.ts';
import { WorldState } from '../../src/projections/world-state.ts';
import { literal } from '../../src/schema/canonical-text.ts';
import { type CompiledSchema, compileText } from '../../src/schema/compile.ts';
import { meaningOf } from '../../src/schema/layout.ts';
import { backRow, rowsOf, TYPES } from './every-type.ts';
import {
  NOTED_META,
  ROWS,
  ROWS_BACK,
  SMALL,
  SMALL_META,
  smallContent,
  TIMED_META,
  WIDE,
  WIDE_META,
  wideContent,
} from './fixtures.ts';
import { naiveTableHash, naiveWorldHash } from './naive-hash.ts';
import { naiveRecord } from './naive-record.ts';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const writing = process.env.WORLDFOLD_GOLDEN === 'write';

/** A frozen file; written first where the environment says so. */
function frozen(name: string, made: () => Uint8Array): Uint8Array {
  if (writing) writeFileSync(path(name), made());
  return new Uint8Array(readFileSync(path(name)));
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const frozenText = (name: string, made: () => string): string =>
  new TextDecoder().decode(frozen(name, () => text(`${made()}\n`))).trimEnd();

/** What a record says, as JSON that a person can read. */
function described(bytes: Uint8Array, schema: CompiledSchema): unknown {
  const { bytes: _, columnsAt, end, counts, ...frame } = decodeFrame(bytes, {});
  const events = decodeBatches({ ...frame, bytes, columnsAt, end, counts }, schema, freshSets(schema)).map(
    ({ kind, set }) => ({
      kind: schema.kinds[kind]!.name,
      rows: Array.from({ length: set.size }, (_row, row) => set.rowAt(row)),
    }),
  );
  return JSON.parse(JSON.stringify(literal({ ...frame, events })));
}

const CASES = [
  ['record-v1', WIDE, () => encodeRecord(wideContent(), WIDE_META).bytes],
  ['record-small-v1', SMALL, () => encodeRecord(smallContent(), SMALL_META).bytes],
  ['record-notes-v1', SMALL, () => encodeRecord(smallContent(), NOTED_META).bytes],
  ['record-times-v1', SMALL, () => encodeRecord(smallContent(), TIMED_META).bytes],
] as const;

beforeAll(loadHash);

describe.each(CASES)('%s', (name, schema, encode) => {
  const bytes = frozen(`${name}.bin`, encode);

  it('L15: is written as it was', () => {
    expect(hex(encode())).toBe(hex(bytes));
  });

  it('L13: says what it said', () => {
    const said = frozenText(`${name}.json`, () => JSON.stringify(described(bytes, schema), null, 2));
    expect(described(bytes, schema)).toEqual(JSON.parse(said));
  });

  it('reads the same by the page about its format alone', () => {
    const naive = naiveRecord(bytes, schema.text);
    const frame = decodeFrame(bytes, {});
    expect([naive.columnsEnd, naive.length, naive.left]).toEqual([frame.end, frame.end, 4]);
    expect(naive.magic).toEqual(Uint8Array.of(0x57, 0x46, 0x52, 1));
    expect(naive.sha).toEqual(naive.hash);
    const { tick, sequence, previous, stateHash, environment, waves, draws, events, hash, meta } = naive;
    const said = { tick, sequence, previous, stateHash, environment, waves, draws, events, hash, meta };
    expect(JSON.parse(JSON.stringify(literal(said)))).toEqual(described(bytes, schema));
  });
});

const GOLDEN = [...CASES.map(([name]) => `${name}.bin`), 'schema-v1.txt', 'state-hash-v1.json'];

describe('docs/formats.md', () => {
  const page = readFileSync(path('../../docs/formats.md'), 'utf8');
  const example = /### Worked example[\s\S]*?```text\n([\s\S]*?)```/.exec(page)![1]!;

  it('works its example on the golden bytes', () => {
    const digits = example.replace(/;.*$/gm, '').replace(/\s/g, '');
    expect(digits).toBe(hex(frozen('record-small-v1.bin', CASES[1][2])));
  });

  it('names every golden file and every column type', () => {
    for (const name of GOLDEN) expect(page).toContain(`\`${name}\``);
    for (const { column } of Object.values(TYPES))
      expect(page).toMatch(new RegExp(`\`${column.spec.type.type}\\b`));
  });
});

describe('schema-v1', () => {
  const frozenWide = frozenText('schema-v1.txt', () => `${WIDE.fingerprint} ${WIDE.text}`);

  it('L15: has the text and the fingerprint that it had', () => {
    expect(`${WIDE.fingerprint} ${WIDE.text}`).toBe(frozenWide);
    const read = compileText(frozenWide.slice(65));
    expect(read.fingerprint).toBe(frozenWide.slice(0, 64));
    expect(read.tables.map(({ name }) => name)).toEqual(WIDE.tables.map(({ name }) => name));
  });
});

/** The hashes of a world of some things, by the columns and by the page. */
function hashes(rows: readonly object[]): { world: WorldState; made: string; naive: string } {
  const world = new WorldState(WIDE);
  for (const row of rows) world.tables.get('things')!.insert(row);
  const tables = WIDE.tables.map(({ name, columns }) => {
    const { nextId } = world.tables.get(name)!;
    const back = name === 'things' ? rows.map(backRow).map((row, i) => ({ ...row, id: i + 1 })) : [];
    return [name, naiveTableHash(name, columns.map(meaningOf) as never, back, nextId)] as const;
  });
  return { world, made: hex(world.digest()), naive: hex(naiveWorldHash(tables)) };
}

describe('state-hash-v1', () => {
  it('L15: is what it was', () => {
    const { world, made, naive } = hashes(ROWS);
    const things = hex(world.tables.get('things')!.digest());
    const empty = hex(new WorldState(WIDE).digest());
    const now = JSON.stringify({ empty, things, world: made }, null, 2);
    expect(JSON.parse(now)).toEqual(JSON.parse(frozenText('state-hash-v1.json', () => now)));
    expect(made).toBe(naive);
    expect(hashes([]).made).toBe(hashes([]).naive);
    expect(ROWS_BACK).toHaveLength(5);
  });

  it('is that of the page about it, for any rows', () => {
    fc.assert(
      fc.property(fc.array(rowsOf(Object.keys(TYPES)), { maxLength: 20 }), (rows) => {
        const { made, naive } = hashes(rows);
        expect(made).toBe(naive);
      }),
      { numRuns: 25 },
    );
  });

  it('is that of the page about it, over many leaves', () => {
    const rows = Array.from({ length: 1300 }, (_, i) => ({ ...ROWS[i % 5], u8: i % 256, text: `row ${i}` }));
    const { made, naive } = hashes(rows);
    expect(made).toBe(naive);
  });
});
