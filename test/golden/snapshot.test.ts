import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hex } from '../../src/base/bytes.ts';
import { loadHash } from '../../src/base/hash.ts';
import { loadSnapshot, type SaveOptions, saveSnapshot } from '../../src/files/index.ts';
import { stateOf, WorldState } from '../../src/projections/world-state.ts';
import { literal } from '../../src/schema/canonical-text.ts';
import { ROWS, WIDE } from './fixtures.ts';
import { naiveSnapshot } from './naive-snapshot.ts';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const writing = process.env.WORLDFOLD_GOLDEN === 'write';
const place = mkdtempSync(join(tmpdir(), 'worldfold-golden-'));
beforeAll(loadHash);
afterAll(() => rmSync(place, { recursive: true, force: true }));

const FACTS: SaveOptions = {
  tick: 300,
  seed: 'α',
  config: { beta: -0, since: 5n },
  hints: { by: 'größe' },
  durability: 'process',
};

/** Things of every column type, one of them gone; a home; a source of inputs. */
function world(): WorldState {
  const state = new WorldState(WIDE);
  const things = state.tables.get('things')!;
  for (const row of ROWS) things.insert(row);
  things.remove(1);
  state.tables.get('homes')!.insert({});
  state.tables.get('$sources')!.insert({ source: 'panel', seq: 41 });
  return state;
}

async function made(name: string, options: SaveOptions): Promise<Uint8Array> {
  await saveSnapshot(world().reader, join(place, name), { ...FACTS, ...options });
  return new Uint8Array(readFileSync(join(place, name)));
}

async function frozen(name: string, options: SaveOptions): Promise<Uint8Array> {
  if (writing) writeFileSync(path(name), await made(name, options));
  return new Uint8Array(readFileSync(path(name)));
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(literal(value)));

/** What a snapshot says, as JSON that a person can read. */
async function described(name: string): Promise<unknown> {
  const { world, schema, fingerprint, stateHash, tick, seed, config, hints } = await loadSnapshot(path(name));
  expect(schema.text).toBe(WIDE.text);
  const tables = [...stateOf(world)!.tables].map(([table, { set, size, nextId }]) => [
    table,
    { nextId, capacity: set.capacity, rows: Array.from({ length: size }, (_, row) => set.rowAt(row)) },
  ]);
  return plain({ fingerprint, stateHash, tick, seed, config, hints, tables: Object.fromEntries(tables) });
}

const CASES: readonly (readonly [string, SaveOptions])[] = [
  ['snapshot-v1.wfs', {}],
  ['snapshot-packed-v1.wfs', { compress: true }],
  ['snapshot-v1.npz', {}],
];

// Another version of Brotli may write other bytes; what it reads is the same.
describe.each(CASES.filter(([, { compress }]) => !compress))('%s', (name, options) => {
  it('L15: is written as it was', async () => {
    expect(hex(await made(name, options))).toBe(hex(await frozen(name, options)));
  });
});

describe.each(CASES)('%s', (name, options) => {
  it('L13: says what it said', async () => {
    await frozen(name, options);
    const now = await described(name);
    const json = path('snapshot-v1.json');
    if (writing && !existsSync(json)) writeFileSync(json, `${JSON.stringify(now, null, 2)}\n`);
    expect(now).toEqual(JSON.parse(readFileSync(json, 'utf8')));
  });
});

describe.each(CASES.slice(0, 2))('%s', (name, options) => {
  it('reads the same by the page about its format alone', async () => {
    const file = await frozen(name, options);
    const naive = naiveSnapshot(file);
    expect(naive.magic).toEqual(Uint8Array.of(0x57, 0x46, 0x53, 1, 0x0d, 0x0c, 0x0b, 0x0a));
    expect(naive.sha).toEqual(naive.digest);
    expect([naive.length, naive.aligned]).toEqual([file.length, true]);
    expect(new Set(naive.padding)).toEqual(new Set([0]));
    const said = (await described(name)) as { $object: [string, unknown][] };
    const parts = Object.fromEntries(said.$object) as { [part: string]: unknown };
    expect(naive.head).toMatchObject({ stateHash: parts.stateHash, tick: 300, seed: 'α', hash: 1 });
    const tables = (parts.tables as { $object: [string, { $object: [string, unknown][] }][] }).$object;
    for (const [table, { $object }] of tables) {
      const { rows } = Object.fromEntries($object) as { rows: unknown };
      expect(plain(naive.tables[table])).toEqual(rows);
    }
  });
});

it('docs/formats.md names the golden files', () => {
  const page = readFileSync(path('../../docs/formats.md'), 'utf8');
  for (const [name] of CASES) expect(page).toContain(`\`${name}\``);
});
