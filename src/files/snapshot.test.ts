import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { caught } from '../../test/support/runs.ts';
import { bytesOf, place, pond, pondOf } from '../../test/support/snapshot-files.ts';
import { hex } from '../base/bytes.ts';
import { loadHash } from '../base/hash.ts';
import { stateOf, WorldState } from '../projections/world-state.ts';
import { t } from '../schema/columns.ts';
import { defineSchema } from '../schema/define.ts';
import { table } from '../schema/tables.ts';
import { loadSnapshot, openSnapshot, type SaveOptions, saveSnapshot } from './index.ts';
import { loadFile } from './open.ts';

const folder = place();
beforeAll(loadHash);
afterAll(folder.remove);
const path = folder.at('pond.wfs');

const FORMS: readonly (readonly [string, SaveOptions])[] = [
  ['plain', {}],
  ['compressed', { compress: true }],
  ['npz', { format: 'npz' }],
  ['deflated npz', { format: 'npz', compress: true }],
];

describe.each(FORMS)('%s', (_, form) => {
  it('L4: brings back the world and what was said of it', async () => {
    const state = pondOf(300);
    const facts = { tick: 12, seed: 'ß', config: { beta: -0, big: 3n }, hints: { by: 'Ada' } };
    await saveSnapshot(state.reader, path, { ...form, ...facts });
    const { world, schema, ...rest } = await loadSnapshot(path, { schema: pond });
    expect(rest).toEqual({
      ...facts,
      path,
      format: form.format ?? 'columns',
      fingerprint: pond.compiled.fingerprint,
      stateHash: hex(state.digest()),
    });
    expect(schema).toBe(pond.compiled);
    expect(world.frogs.need(3)).toEqual((state.reader as typeof world).frogs.need(3));
    expectTypeOf(world.frogs.need(3).name).toEqualTypeOf<string | null>();
    const bare = await loadSnapshot(path);
    expect([bare.stateHash, bare.schema.text]).toEqual([rest.stateHash, pond.compiled.text]);
  });

  it('what was not said is null', async () => {
    await saveSnapshot(pondOf(0).reader, path, form);
    const said = await loadSnapshot(path);
    expect(said).toMatchObject({ tick: null, seed: null, config: null, hints: {} });
  });

  it('is the world as it was at the call, whatever happens to it meanwhile', async () => {
    const state = pondOf(5000);
    const before = hex(state.digest());
    const saving = saveSnapshot(state.reader, path, form);
    const frogs = state.tables.get('frogs')!;
    for (let id = 5000; id > 2000; id--) frogs.remove(frogs.find(id));
    for (let row = 0; row < 2000; row++) frogs.set.byName.get('x')!.store(row, 7);
    await saving;
    expect((await loadSnapshot(path)).stateHash).toBe(before);
  });

  it('L4: the loaded world grows, shrinks and hashes as the saved one', async () => {
    const state = pondOf(40);
    const frogs = state.tables.get('frogs')!;
    for (const id of [40, 3, 17]) frogs.remove(frogs.find(id));
    await saveSnapshot(state.reader, path, form);
    const loaded = stateOf((await loadSnapshot(path)).world)!;
    for (const world of [state, loaded]) {
      const store = world.tables.get('frogs')!;
      store.remove(store.find(5));
      for (let i = 0; i < 60; i++)
        store.insert({ x: i, big: 0n, state: 'frog', name: i % 2 ? null : 'new', at: [1, 2] });
      store.set.byName.get('name')!.store(0, 'longer than before');
      store.touched = 3;
    }
    expect(hex(loaded.digest())).toBe(hex(state.digest()));
    expect(loaded.tables.get('frogs')!.find(100)).toBe(state.tables.get('frogs')!.find(100));
  });

  it('a world of another schema is refused, or migrated', async () => {
    await saveSnapshot(pondOf(3).reader, path, form);
    const other = defineSchema({ name: 'pond', version: 4, tables: { frogs: table({ id: t.id() }) } });
    const refused = { code: 'SCHEMA_DIFFERS', facts: { path } };
    expect(await caught(() => loadSnapshot(path, { schema: other }))).toMatchObject(refused);
    expect(await caught(() => openSnapshot(path, { schema: other }))).toMatchObject(refused);
    const later = defineSchema({
      name: 'pond',
      version: pond.compiled.spec.version + 1,
      tables: { frogs: table({ id: t.id(), x: t.f64(), tired: t.bool().default(true) }) },
      migrations: {
        [pond.compiled.spec.version + 1]: {
          tables: { frogs: { drop: ['at', 'big', 'name', 'state'] } },
          dropTables: ['water'],
        },
      },
    });
    const { world } = await loadSnapshot(path, { schema: later });
    expect([...world.frogs].map(({ id, tired }) => [id, tired])).toEqual([
      [1, true],
      [2, true],
      [3, true],
    ]);
    const plan = { schema: other.compiled, migrate: () => made };
    const made = new WorldState(other.compiled);
    expect((await loadFile(path, plan)).state).toBe(made);
    const idle = { ...plan, migrate: (from: WorldState) => from };
    expect(await caught(() => loadFile(path, idle))).toMatchObject({ code: 'SCHEMA_DIFFERS' });
  });
});

describe('parts of a file', () => {
  it.each(FORMS)('%s: columns and tables are read alone, typed by the schema', async (_, form) => {
    await saveSnapshot(pondOf(10).reader, path, form);
    const file = await openSnapshot(path, { schema: pond });
    expect(file.columns.map(({ table, column, type, rows }) => [table, column, type, rows])).toEqual([
      ...['at vec', 'big i64', 'id id', 'name text', 'state enum', 'x f32'].map((text) => [
        'frogs',
        ...text.split(' '),
        10,
      ]),
      ['water', 'kept', 'bool', 1],
      ['water', 'level', 'f64', 1],
    ]);
    expect(file.columns.every(({ bytes }) => bytes > 0)).toBe(true);
    const x = await file.column('frogs', 'x');
    expectTypeOf(x[0]!).toEqualTypeOf<number>();
    expect(x).toEqual(Float32Array.from({ length: 10 }, (_, i) => i / 2));
    expect(await file.column('frogs', 'name')).toEqual([
      'frog 0',
      null,
      ...names(2, 5),
      null,
      ...names(6, 9),
      null,
    ]);
    const frogs = await file.table('frogs');
    expect([frogs.size, frogs.need(4).big]).toEqual([10, 0n]);
    expect((await file.table('water')).value).toEqual({ level: 0.5, kept: false });
    for (const call of [() => file.column('frogs', 'y' as never), () => file.table('toads' as never)])
      expect(await caught(call)).toMatchObject({
        code: 'BAD_USAGE',
        hint: expect.stringMatching(/^There are/),
      });
    expect(await caught(() => file.table('$sources' as never))).toMatchObject({ code: 'BAD_USAGE' });
    await file.close();
    await file.close();
    expect(await caught(() => file.column('frogs', 'x'))).toMatchObject({ code: 'CLOSED' });
  });

  const names = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `frog ${from + i}`);
});

describe('the doors', () => {
  const world = () => pondOf(1).reader;
  it.each<[string, () => unknown, string]>([
    ['a world that is none', () => saveSnapshot({}, path), 'BAD_USAGE'],
    ['no world', () => saveSnapshot(null as never, path), 'BAD_USAGE'],
    ['a path that is none', () => saveSnapshot(world(), ''), 'BAD_USAGE'],
    ['a path that is no string', () => loadSnapshot(7 as never), 'BAD_USAGE'],
    ['an option that is none', () => saveSnapshot(world(), path, { compres: true } as never), 'BAD_USAGE'],
    ['a format that is none', () => saveSnapshot(world(), path, { format: 'csv' as never }), 'BAD_USAGE'],
    ['compress: 9', () => saveSnapshot(world(), path, { compress: 9 as never }), 'BAD_USAGE'],
    [
      'a durability that is none',
      () => saveSnapshot(world(), path, { durability: '' as never }),
      'BAD_USAGE',
    ],
    ['a tick before the first', () => saveSnapshot(world(), path, { tick: -1 }), 'BAD_USAGE'],
    ['a seed that is a number', () => saveSnapshot(world(), path, { seed: 1 as never }), 'BAD_USAGE'],
    ['a config that is none', () => saveSnapshot(world(), path, { config: [] }), 'BAD_USAGE'],
    ['hints that are no texts', () => saveSnapshot(world(), path, { hints: { a: 1 as never } }), 'BAD_USAGE'],
    ['an unknown option to load', () => loadSnapshot(path, { shema: pond } as never), 'BAD_USAGE'],
    ['a folder that is absent', () => saveSnapshot(world(), folder.at('none/a.wfs')), 'STORE_FAILED'],
    ['a file that is absent', () => loadSnapshot(folder.at('none.wfs')), 'NO_STORE'],
    ['a file of something else', () => loadSnapshot(folder.at('text')), 'NO_STORE'],
  ])('refuse %s', async (_, call, code) => {
    writeFileSync(folder.at('text'), 'hello, world');
    const there = readdirSync(folder.at('.')).sort();
    expect(await caught(call)).toMatchObject({ code });
    expect(readdirSync(folder.at('.')).sort()).toEqual(there);
  });

  it('refuse a newer version by name', async () => {
    const bytes = await bytesOf(pondOf(1), path, {});
    bytes[3] = 2;
    writeFileSync(path, bytes);
    expect(await caught(() => loadSnapshot(path))).toMatchObject({
      code: 'NEWER_FORMAT',
      facts: { path, version: 2 },
    });
  });

  it('tell formats by content, not by name, and the same world gives the same bytes', async () => {
    for (const [name, options] of FORMS) {
      const first = await bytesOf(pondOf(9), folder.at('one'), options);
      expect(first).toEqual(await bytesOf(pondOf(9), folder.at('two'), options));
      expect([name, (await loadSnapshot(folder.at('one'))).format]).toEqual([
        name,
        options.format ?? 'columns',
      ]);
    }
    expect(readFileSync(folder.at('one')).subarray(0, 2).toString()).toBe('PK');
  });
});
