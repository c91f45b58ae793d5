import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { createXXHash128 } from 'hash-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { hex } from '../../src/base/bytes.ts';
import { isWorldfoldError } from '../../src/base/errors.ts';
import { loadHash } from '../../src/base/hash.ts';
import { sha256 } from '../../src/base/platform.ts';
import { ChunkBook, loadTables, type SnapshotPlan } from '../../src/log/chunks.ts';
import { environmentText } from '../../src/log/environment.ts';
import { decodeManifest, encodeManifest, type SnapshotPoint } from '../../src/log/manifest.ts';
import { WorldState } from '../../src/projections/world-state.ts';
import { literal } from '../../src/schema/canonical-text.ts';
import { ROWS, SMALL, WIDE } from './fixtures.ts';
import { naiveManifest, naiveTables } from './naive-manifest.ts';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const writing = process.env.WORLDFOLD_GOLDEN === 'write';
let xxhash: Awaited<ReturnType<typeof createXXHash128>>;
beforeAll(async () => {
  await loadHash();
  xxhash = await createXXHash128();
});

/** A frozen file; written first where the environment says so. */
function frozen(name: string, made: () => Uint8Array | string): Uint8Array {
  if (writing) writeFileSync(path(name), made());
  return new Uint8Array(readFileSync(path(name)));
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(literal(value)));
const ascending = (length: number, first: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (first + i) & 255);
const SOURCE_ROWS = 4149;
const HOMES = 16_640;

/** Things of every column type, one of them gone; homes and sources that fill more than one chunk. */
function wideWorld(): WorldState {
  const state = new WorldState(WIDE);
  const things = state.tables.get('things')!;
  for (const row of ROWS) things.insert(row);
  things.remove(1);
  for (let i = 0; i < HOMES; i++) state.tables.get('homes')!.insert({});
  for (let i = 0; i < SOURCE_ROWS; i++)
    state.tables.get('$sources')!.insert({ source: `source ${i} ↗`, seq: i * 3 });
  return state;
}

function smallWorld(): WorldState {
  const state = new WorldState(SMALL);
  for (let i = 0; i < 2; i++) state.tables.get('homes')!.insert({});
  return state;
}

const environment = environmentText({ seed: 'α', config: '{}', schema: WIDE.text, random: 1, hash: 1 });

interface Made {
  readonly state: WorldState;
  readonly plan: SnapshotPlan;
  readonly bytes: Uint8Array;
}

function made(state: WorldState, rest: Omit<SnapshotPoint, 'stateHash'>): Made {
  const point = { ...rest, stateHash: state.digest() };
  const plan = new ChunkBook().plan(state.tables);
  return { state, plan, bytes: encodeManifest({ point, tables: plan.tables }) };
}

const wide = (): Made =>
  made(wideWorld(), {
    ...{ tick: 300, sequence: 2 ** 40, hash: ascending(32, 0x20), environment },
    ...{ era: 301, code: '0123456789abcdef' },
  });
const small = (): Made =>
  made(smallWorld(), {
    ...{ tick: 1, sequence: 5, hash: ascending(32, 0x40), environment: '{}', era: 0, code: 'c0de' },
  });

const storedOf = ({ plan }: Made): readonly Uint8Array[] => plan.chunks as readonly Uint8Array[];
/** Values as JSON that a person can read: bytes in hexadecimal. */
const readable = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, inner) => (inner instanceof Uint8Array ? hex(inner) : inner)));
const described = (bytes: Uint8Array): unknown => readable(decodeManifest(bytes, {}));

describe.each([
  ['manifest-v1', wide],
  ['manifest-small-v1', small],
] as const)('%s', (name, make) => {
  const read = (): Uint8Array => frozen(`${name}.bin`, () => make().bytes);

  it('L15: is written as it was', () => {
    expect(hex(make().bytes)).toBe(hex(read()));
  });

  it('L13: says what it said', () => {
    const json = frozen(`${name}.json`, () => `${JSON.stringify(described(read()), null, 2)}\n`);
    expect(described(read())).toEqual(JSON.parse(new TextDecoder().decode(json)));
  });

  it('L4, L13: loads as the world that it was made of', () => {
    const one = make();
    const state = new WorldState(one.state.schema);
    loadTables(decodeManifest(read(), {}), storedOf(one), state.tables, {});
    expect(hex(state.digest())).toBe(hex(one.state.digest()));
    for (const [table, { size, nextId, set }] of one.state.tables) {
      const other = state.tables.get(table)!;
      expect([other.size, other.nextId, other.set.capacity]).toEqual([size, nextId, set.capacity]);
    }
  });

  it('reads the same by the page about its format alone', () => {
    const { magic, said, sha, digest, left } = naiveManifest(read());
    expect(magic).toEqual(Uint8Array.of(0x57, 0x46, 0x4d, 1));
    expect([left, hex(digest)]).toEqual([0, hex(sha)]);
    expect(readable(said)).toEqual(described(read()));
  });
});

it('the chunks of manifest-v1 are cut and read as the page says', () => {
  const one = wide();
  const stored = storedOf(one);
  const { said } = naiveManifest(frozen('manifest-v1.bin', () => one.bytes));
  const tables = naiveTables(said, stored);
  for (const [table, { size, set }] of one.state.tables) {
    const rows = Array.from({ length: size }, (_, row) => set.rowAt(row));
    expect(plain(tables[table])).toEqual(plain(rows));
  }
  let next = 0;
  const cut: { readonly [lane: string]: readonly [rows: number, isStored: boolean][] } = Object.fromEntries(
    said.tables.flatMap((table: any) =>
      table.lanes.map(({ path: lane, chunks }: any) => [
        `${table.name} ${lane}`,
        chunks.map(({ rows, hash, inline }: any) => {
          const bytes = inline ?? stored[next++];
          expect(hex(hash)).toBe(xxhash.init().update(bytes).digest('hex'));
          expect(inline === null).toBe(bytes.length >= 1024);
          return [rows, inline === null];
        }),
      ]),
    ),
  );
  expect(next).toBe(stored.length);
  // Sixteen leaves: of 1,024 ids, of 512 numbers of 8 bytes, of 256 cells. 256 ids are 1,024 bytes, and the
  // last 53 cells 1,007.
  expect(cut['homes id']).toEqual([16_384, 256].map((rows) => [rows, true]));
  expect(cut['$sources seq']).toEqual([[SOURCE_ROWS, true]]);
  expect(cut['$sources source']).toEqual([4096, 53].map((rows) => [rows, rows === 4096]));
});

/** What a manifest says, or the code that it is refused with. */
function told(bytes: Uint8Array): string {
  try {
    return JSON.stringify(described(bytes));
  } catch (e) {
    if (!isWorldfoldError(e)) throw e;
    return e.code;
  }
}

const body = (): Uint8Array => frozen('manifest-small-v1.bin', () => small().bytes).slice(0, -32);
/** Bytes with the digest that they should have: what no accident makes. */
const sealed = (bytes: Uint8Array): Uint8Array => Uint8Array.from([...bytes, ...sha256(bytes)]);

describe('L12: of a manifest that is not as it was written', () => {
  it('every bit that was flipped is named', () => {
    const bytes = Uint8Array.from([...body(), ...sha256(body())]);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      if (told(flipped) !== 'CORRUPT') expect([bit, told(flipped)]).toEqual([bit, 'CORRUPT']);
    }
  });

  it('every cut is named, and what stands behind its end', () => {
    for (const [name, step] of [
      ['manifest-small-v1', 1],
      ['manifest-v1', 97],
    ] as const) {
      const bytes = new Uint8Array(readFileSync(path(`${name}.bin`)));
      for (let end = 0; end < bytes.length; end += step) {
        const said = told(bytes.subarray(0, end));
        if (said !== 'CORRUPT') expect([name, end, said]).toEqual([name, end, 'CORRUPT']);
      }
      expect(told(Uint8Array.from([...bytes, 0]))).toBe('CORRUPT');
    }
  });

  it('one that was sealed again is read to its end and no further, or refused by name', () => {
    expect(told(sealed(body()))).toBe(told(frozen('manifest-small-v1.bin', () => small().bytes)));
    expect(told(sealed(Uint8Array.from([...body(), 0])))).toBe('CORRUPT');
    const newer = body();
    newer[3] = 2;
    expect(told(sealed(newer))).toBe('NEWER_FORMAT');
    const original = body();
    const good = told(sealed(original));
    for (let bit = 32; bit < 8 * original.length; bit++) {
      const changed = original.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      if (told(sealed(changed)) === good) expect([bit, good]).toEqual([bit, 'something else']);
    }
  });
});

describe('L12: of a chunk that is not as it was written', () => {
  it('every byte that was flipped is named with its column and rows', () => {
    const one = small();
    const bytes = one.bytes.slice(0, -32);
    const at = bytes.length - 8;
    expect([...bytes.subarray(at)]).toEqual([1, 0, 0, 0, 2, 0, 0, 0]);
    for (let i = at; i < bytes.length; i++) {
      const changed = bytes.slice();
      changed[i]! ^= 16;
      const { tables } = new WorldState(SMALL);
      const manifest = decodeManifest(sealed(changed), {});
      expect(() => loadTables(manifest, [], tables, { tick: 1 })).toThrow(
        expect.objectContaining({
          code: 'CORRUPT',
          facts: expect.objectContaining({ tick: 1, table: 'homes', column: 'id', from: 0, to: 2 }),
        }),
      );
    }
  });

  it('one too few, one too many and two that changed places are named', () => {
    const one = wide();
    const manifest = decodeManifest(one.bytes, {});
    const stored = storedOf(one);
    const code = (chunks: readonly Uint8Array[]): string => {
      try {
        loadTables(manifest, chunks, new WorldState(WIDE).tables, {});
        return 'loaded';
      } catch (e) {
        if (!isWorldfoldError(e)) throw e;
        return e.code;
      }
    };
    expect(code(stored)).toBe('loaded');
    expect(code(stored.slice(0, -1))).toBe('CORRUPT');
    expect(code([stored[1]!, stored[0]!, ...stored.slice(2)])).toBe('CORRUPT');
  });
});

describe('docs/formats.md', () => {
  const page = readFileSync(path('../../docs/formats.md'), 'utf8');

  it('works its example of a manifest on the golden bytes', () => {
    const example = /### A worked manifest[\s\S]*?```text\n([\s\S]*?)```/.exec(page)![1]!;
    const digits = example.replace(/;.*$/gm, '').replace(/\s/g, '');
    expect(digits).toBe(hex(frozen('manifest-small-v1.bin', () => small().bytes)));
  });

  it('names the golden files', () => {
    for (const name of ['manifest-v1.bin', 'manifest-small-v1.bin']) expect(page).toContain(`\`${name}\``);
  });
});
