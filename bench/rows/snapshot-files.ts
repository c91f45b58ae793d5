/**
 * Snapshot files of a million rows in eight columns, beside bare writes and reads of the same bytes, beside
 * numpy, and beside JSON rows as the warning.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync, writevSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { byteView } from '../../src/columns/arrays.ts';
import type { FixedLane } from '../../src/columns/fixed-lane.ts';
import { TOUCHED } from '../../src/columns/table-store.ts';
import { loadSnapshot, openSnapshot, type SaveOptions, saveSnapshot } from '../../src/files/index.ts';
import { defineSchema, t, table } from '../../src/index.ts';
import { WorldState } from '../../src/projections/world-state.ts';
import { type Folder, folder } from '../fixtures.ts';
import { type Candidate, type Comparison, compare, type Row } from '../harness.ts';

const ROWS = 1_000_000;
const MB = 36;
const EFFORT = { rounds: 7 };

const schema = defineSchema({
  name: 'creatures',
  version: 1,
  tables: {
    creatures: table({
      id: t.id(),
      x: t.f32(),
      y: t.f32(),
      heading: t.f32(),
      energy: t.f32(),
      size: t.f32(),
      age: t.f64(),
      cell: t.u32(),
    }),
  },
});

/** Creatures with numbers like those of a simulation: some at random, some counted, some of few values. */
function creatures(): WorldState {
  let state = 99;
  const draw = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  const singles = (value: () => number) => Float32Array.from({ length: ROWS }, value);
  const world = new WorldState(schema.compiled);
  world.tables.get('creatures')!.insertMany({
    x: singles(() => draw() * 1000),
    y: singles(() => draw() * 1000),
    heading: singles(() => draw() * 6.28),
    energy: singles(() => 50 + (draw() + draw() + draw()) * 10),
    size: singles(() => 1 + Math.floor(draw() * 16) / 8),
    age: Float64Array.from({ length: ROWS }, () => Math.floor(draw() * 300)),
    cell: Uint32Array.from({ length: ROWS }, () => Math.floor(draw() * 10_000)),
  });
  world.digest();
  return world;
}

const lanesOf = (world: WorldState): readonly FixedLane[] =>
  world.tables.get('creatures')!.set.lanes as readonly FixedLane[];
const buffersOf = (world: WorldState): Uint8Array[] =>
  lanesOf(world).map(({ data }) => byteView(data, 0, ROWS));

/** The rows as lines of JSON. */
function jsonLines(world: WorldState): string {
  const { set } = world.tables.get('creatures')!;
  const lines: string[] = [];
  for (let row = 0; row < ROWS; row++) lines.push(JSON.stringify(set.rowAt(row)));
  return lines.join('\n');
}

const NUMPY = `
import sys, pickle
import numpy as np
n, path = int(sys.argv[1]), sys.argv[2]
names = {'id': 'u4', 'x': 'f4', 'y': 'f4', 'heading': 'f4', 'energy': 'f4', 'size': 'f4',
         'age': 'f8', 'cell': 'u4'}
with open(path, 'rb') as f:
    columns = {k: np.fromfile(f, d, n) for k, d in names.items()}
def do(what, path):
    if what == 'pickle':
        with open(path, 'wb') as f: pickle.dump(columns, f, protocol=5)
    elif what == 'savez': np.savez(path, **columns)
    elif what == 'unpickle':
        with open(path, 'rb') as f: return pickle.load(f)
    elif what == 'load':
        with np.load(path) as z: return {k: z[k] for k in z.files}
for line in sys.stdin:
    what, path = line.rstrip('\\n').split(' ', 1)
    do(what, path)
    print('done', flush=True)
`;

/** A numpy with the same columns in memory, which does as it is told. */
class Numpy {
  private readonly child: ChildProcess;
  private readonly answers: AsyncIterator<string>;

  constructor(world: WorldState, place: Folder) {
    const path = join(place.path, 'columns');
    writeFileSync(path, Buffer.concat(inOrder(world)));
    this.child = spawn('python3', ['-c', NUMPY, String(ROWS), path], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.answers = createInterface(this.child.stdout!)[Symbol.asyncIterator]();
  }

  static get isThere(): boolean {
    return spawnSync('python3', ['-c', 'import numpy'], { stdio: 'ignore' }).status === 0;
  }

  async do(what: string, path: string): Promise<void> {
    this.child.stdin!.write(`${what} ${path}\n`);
    await this.answers.next();
  }

  async end(): Promise<void> {
    this.child.stdin!.end();
    await once(this.child, 'exit');
  }
}

/** The columns in the order in which the other process reads them. */
function inOrder(world: WorldState): Uint8Array[] {
  const byPath = new Map(lanesOf(world).map((lane) => [lane.path, byteView(lane.data, 0, ROWS)]));
  return ['id', 'x', 'y', 'heading', 'energy', 'size', 'age', 'cell'].map((name) => byPath.get(name)!);
}

/** A contestant that writes a new file in a folder of its own. */
const writing = (name: string, write: (path: string) => unknown): Candidate<Folder> => ({
  name,
  prepare: folder,
  run: ({ path }) => write(join(path, 'file')),
  dispose: ({ remove }) => remove(),
});

function saving(world: WorldState, numpy: Numpy | null): Comparison {
  const buffers = buffersOf(world);
  const save = (path: string, options: SaveOptions = {}) =>
    saveSnapshot(world.reader, path, { durability: 'process', ...options });
  const unhashed: Candidate<Folder> = {
    ...writing('plain columns, no hash known', save),
    prepare: () => {
      for (const lane of lanesOf(world)) lane.mark(0, ROWS);
      world.tables.get('creatures')!.touched = TOUCHED;
      return folder();
    },
  };
  return {
    name: 'save 1M rows × 8 columns',
    conditions:
      'a new file, no sync, for all; the state hash is known, as after every tick, unless said; ' +
      'the whole call inside the timer; numpy in a process of its own, its pipe inside the timer',
    unit: 'MB',
    opsPerRun: MB,
    baseline: writing('bare writev', (path) => {
      const fd = openSync(path, 'wx');
      writevSync(fd, buffers);
      closeSync(fd);
    }),
    candidates: [
      { ...writing('plain columns', save), aim: { timeAtMost: 1.3 } },
      unhashed,
      writing('compressed columns', (path) => save(path, { compress: true })),
      writing('npz', (path) => save(path, { format: 'npz' })),
      ...(numpy === null
        ? []
        : [
            writing('numpy pickle', (path) => numpy.do('pickle', path)),
            writing('numpy savez', (path) => numpy.do('savez', `${path}.npz`)),
          ]),
      writing('JSON rows', (path) => writeFileSync(path, jsonLines(world))),
    ],
  };
}

async function loading(world: WorldState, numpy: Numpy | null, place: Folder): Promise<Comparison> {
  const at = (name: string): string => join(place.path, name);
  await saveSnapshot(world.reader, at('plain'));
  await saveSnapshot(world.reader, at('packed'), { compress: true });
  await saveSnapshot(world.reader, at('arrays.npz'));
  writeFileSync(at('lines'), jsonLines(world));
  writeFileSync(at('bytes'), Buffer.concat(buffersOf(world)));
  await numpy?.do('pickle', at('pickle'));
  await numpy?.do('savez', at('savez.npz'));
  const load = (name: string) => () => loadSnapshot(at(name), { schema });
  return {
    name: 'load 1M rows × 8 columns',
    conditions:
      'from the page cache; every hash verified and keys ready, the whole call inside the timer; ' +
      'one column: opened, read, verified, closed',
    unit: 'MB',
    opsPerRun: MB,
    baseline: { name: 'bare read', run: () => readFileSync(at('bytes')) },
    candidates: [
      { name: 'plain columns', run: load('plain'), aim: { timeAtMost: 1.3 } },
      {
        name: 'one column of eight',
        run: async () => {
          const file = await openSnapshot(at('plain'), { schema });
          const energy = await file.column('creatures', 'energy');
          await file.close();
          return energy;
        },
      },
      { name: 'compressed columns', run: load('packed') },
      { name: 'npz', run: load('arrays.npz') },
      ...(numpy === null
        ? []
        : [
            { name: 'numpy pickle', run: () => numpy.do('unpickle', at('pickle')) },
            { name: 'numpy load', run: () => numpy.do('load', at('savez.npz')) },
          ]),
      {
        name: 'JSON rows',
        run: () =>
          readFileSync(at('lines'), 'utf8')
            .split('\n')
            .map((line) => JSON.parse(line) as unknown),
      },
    ],
  };
}

/** Files against bare writes and reads, numpy and JSON. */
export async function snapshotFileRows(): Promise<readonly Row[]> {
  const place = folder();
  const world = creatures();
  const numpy = Numpy.isThere ? new Numpy(world, place) : null;
  if (numpy === null) console.error('no numpy here: the rows of numpy are left out');
  try {
    const saved = await compare(saving(world, numpy), EFFORT);
    return [...saved, ...(await compare(await loading(world, numpy, place), EFFORT))];
  } finally {
    await numpy?.end();
    place.remove();
  }
}
