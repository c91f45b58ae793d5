/**
 * Users may emit declarations of their own files. They import the package by its name and see only its entry,
 * so every type that their declarations need must be nameable from there.
 */
import { join } from 'node:path';
import ts from 'typescript';
import { beforeAll, expect, it } from 'vitest';
import { allErrors, declarationsOf, errorsOf, programOf, root } from './compile.ts';

/** What `import 'worldfold'` means. */
const ENTRY = 'src/index.ts';
const user = '/user';
const pack = join(user, 'node_modules/worldfold');

const SCHEMA = `import { defineSchema, event, fact, singleton, t, table } from 'worldfold';
export const pos = t.struct({ x: t.f64(), facing: t.enum('north', 'south') });
export const people = table({ id: t.id(), pos, health: t.enum('well', 'ill'), name: t.text().optional(),
  bag: t.list(t.u8()).default([]), notes: t.json<{ a: number }>(), colour: t.vec(3),
  friend: t.ref('people').optional() });
export const schema = defineSchema({ name: 'user', version: 1, tick: '1 day', config: { beta: t.f64() },
  tables: { people, clock: singleton({ day: t.u64() }),
    ties: table({ a: t.ref('people'), b: t.u8() }, { key: ['a', 'b'], index: ['a'] }) },
  events: { born: event({ child: t.newId('people') }), dayEnded: fact({ day: t.u32() }) },
  inputs: { named: event({ person: t.ref('people'), name: t.text() }) } });
`;
const WORLD = `import { createRun, defineWorld, type Store } from 'worldfold';
import { schema } from './schema.js';
export const births = schema.system('births', { every: 2 }, ({ emit }) => { emit.born(); });
export const ages = schema.derive(['people'], ({ people }) => [...people.columns.health]);
export const some = schema.apply({ born: (world, e) => world.people.deleteIf(e.child) });
export const world = defineWorld(schema, { setup() {}, systems: [births],
  apply: { ...some, named: (w, e) => w.people.update(e.person, { name: e.name }) },
  metrics: { size: (w) => w.people.size } });
export const start = (store: Store, seed: string) => createRun(world, { store, seed, config: { beta: 1 } });
export const first = async (store: Store) => {
  const run = await start(store, 'a');
  return { world: run.world, codes: run.world.people.codes, columns: run.world.people.columns,
    row: run.world.people.need(1), frame: await run.metrics(), submit: run.submit,
    events: run.events('named') };
};
`;
const CONSUMER = `import type { Store } from 'worldfold';
import { first, start } from './world.js';
export async function use(store: Store) {
  const { columns, row, frame, submit } = await first(store);
  const kind: 'well' | 'ill' = row.health;
  const rate: Float64Array = frame.columns.size;
  submit.named({ person: columns.id[0]!, name: kind + rate.length });
  return (await start(store, 'b')).world.clock.value.day + 1n;
}
`;

const paths = (files: Record<string, string>) =>
  new Map(Object.entries(files).map(([name, text]) => [join(user, name), text]));
const settings: ts.CompilerOptions = {
  declaration: true,
  noEmit: false,
  emitDeclarationOnly: true,
  skipLibCheck: false,
  types: [],
  paths: {},
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  outDir: '/out',
  rootDir: user,
};
let library: Map<string, string>;

beforeAll(() => {
  const { types: _, lib: __, ...rest } = settings;
  const program = programOf(new Map(), { ...rest, rootDir: root, outDir: join(pack, 'dist') }, [
    join(root, ENTRY),
    ...ts.sys.readDirectory(join(root, 'src'), ['.d.ts']),
  ]);
  expect(allErrors(program)).toEqual([]);
  const { files, errors } = declarationsOf(program);
  expect(errors).toEqual([]);
  const manifest = {
    name: 'worldfold',
    type: 'module',
    exports: { '.': { types: `./dist/${ENTRY.replace('.ts', '.d.ts')}` } },
  };
  library = new Map([...files, [join(pack, 'package.json'), JSON.stringify(manifest)]]);
  library.set(join(user, 'package.json'), JSON.stringify({ name: 'user', type: 'module' }));
}, 120_000);

it('emits declarations for a schema, systems, handlers, a world and its runs', () => {
  const sources = paths({ 'schema.ts': SCHEMA, 'world.ts': WORLD });
  const program = programOf(new Map([...library, ...sources]), settings, [...sources.keys()]);
  expect(allErrors(program)).toEqual([]);
  const { files, errors } = declarationsOf(program);
  expect(errors).toEqual([]);
  expect(files.get('/out/schema.d.ts')).toContain('export declare const schema: import("worldfold").Schema<');
  expect(files.get('/out/world.d.ts')).not.toMatch(/dist\/|: any\b|<any\b/);

  const emitted = [...files].map(([path, text]) => [path.replace('/out', user), text] as const);
  const consumer = paths({ 'use.ts': CONSUMER, 'wrong.ts': CONSUMER.replace("'well' | 'ill'", "'well'") });
  const second = programOf(new Map([...library, ...emitted, ...consumer]), settings, [...consumer.keys()]);
  expect(errorsOf(second, join(user, 'use.ts'))).toBe('');
  expect(errorsOf(second, join(user, 'wrong.ts'))).toContain(
    `Type '"well" | "ill"' is not assignable to type '"well"'`,
  );
}, 120_000);

it('says the short name of a named schema in declarations', () => {
  const named = `import type { InferShape } from 'worldfold';
import { schema as raw } from './schema.js';
export interface Town extends InferShape<typeof raw> {}
export const schema = raw.as<Town>();
export const births = schema.system('births', ({ emit }) => { emit.born(); });
`;
  const sources = paths({ 'schema.ts': SCHEMA, 'named.ts': named });
  const program = programOf(new Map([...library, ...sources]), settings, [...sources.keys()]);
  expect(allErrors(program)).toEqual([]);
  expect(declarationsOf(program).files.get('/out/named.d.ts')).toContain(
    'export declare const births: import("worldfold").System<Town>;',
  );
}, 120_000);
