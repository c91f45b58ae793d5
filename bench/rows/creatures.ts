/**
 * The world of the creatures: a tick of it beside the same over plain arrays, and its state hash.
 */
import { createXXHash128 } from 'hash-wasm';
import { byteView } from '../../src/columns/arrays.ts';
import { FixedLane } from '../../src/columns/fixed-lane.ts';
import type { Lane } from '../../src/columns/lane.ts';
import { TOUCHED } from '../../src/columns/table-store.ts';
import type { WriteColumn } from '../../src/columns/write-column.ts';
import type { WorldState } from '../../src/projections/world-state.ts';
import { BARE, configOf, creaturesWorld, PlainHerd } from '../creatures.ts';
import { compare, type Row } from '../harness.ts';

/** Ticks before anything is measured: by then births and deaths are as many as they stay. */
const SETTLING = 30;

/** A tick of the creatures, in which rows come and go, beside the same over plain arrays. */
export async function creatureRows(rows: number): Promise<readonly Row[]> {
  const bare = await creaturesWorld(rows, BARE);
  const whole = await creaturesWorld(rows);
  const herd = new PlainHerd(bare.run.world, configOf(rows));
  herd.advance(SETTLING);
  await bare.run.advance(SETTLING);
  await whole.run.advance(SETTLING);
  const result = await compare({
    name: `a tick of ${rows} creatures`,
    conditions:
      'memory store; seven systems, two draws a creature, of a hundred about one is born and one dies; ' +
      'record and metrics every tick; the loop by hand does the same with arrays and lists, and keeps no log',
    unit: 'ticks',
    opsPerRun: 1,
    baseline: { name: 'loop by hand', run: () => herd.advance(1) },
    candidates: [
      { name: 'no state hash, no invariants', run: () => bare.run.advance(1) },
      { name: 'state hash and invariants every tick', run: () => whole.run.advance(1) },
    ],
  });
  await bare.run.close();
  await whole.run.close();
  return result;
}

const lanesOf = (state: WorldState): readonly Lane[] =>
  [...state.tables.values()].flatMap(({ set }) => set.lanes);

/** The bytes of every column, one after another, as far as there are rows. */
function bytesOf(state: WorldState): Uint8Array {
  const parts = [...state.tables.values()].flatMap(({ set }) =>
    set.lanes.map((lane) =>
      lane instanceof FixedLane ? byteView(lane.data, 0, set.size * lane.width) : new Uint8Array(0),
    ),
  );
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Marks everything as written. */
function touchAll(state: WorldState): void {
  for (const store of state.tables.values()) {
    for (const lane of store.set.lanes) lane.mark(0, store.size);
    store.touched = TOUCHED;
  }
}

/** Rows to write so that one leaf in a hundred of the whole world is written, by writable column. */
function onePercent(state: WorldState): readonly { column: WriteColumn; rows: Uint32Array }[] {
  const { set } = state.tables.get('creatures')!;
  const leaves = [...state.tables.values()].flatMap((store) =>
    store.set.lanes.map((lane) => lane.leaves(store.size)),
  );
  const wanted = leaves.reduce((a, b) => a + b, 0) / 100;
  const { creatures } = state.writer as { creatures: { write: { [name: string]: WriteColumn } } };
  const lanes = set.columns
    .filter(({ layout }) => !layout.key)
    .map(({ layout, lane }) => ({ name: layout.name, lane: lane! }));
  const writable = lanes.reduce((sum, { lane }) => sum + lane.leaves(set.size), 0);
  return lanes.map(({ name, lane }) => {
    const count = Math.round((wanted * lane.leaves(set.size)) / writable);
    const step = Math.floor(lane.leaves(set.size) / count);
    return {
      column: creatures.write[name]!,
      rows: Uint32Array.from({ length: count }, (_, i) => (i * step) << lane.shift),
    };
  });
}

/** The state hash of a whole world beside one hash of its bytes, and after few writes beside the whole. */
export async function stateHashRows(rows: number): Promise<readonly Row[]> {
  const { run, state } = await creaturesWorld(rows, BARE);
  const bytes = bytesOf(state);
  const copy = new Uint8Array(bytes.length);
  const hasher = await createXXHash128();
  const full = () => {
    touchAll(state);
    return state.digest();
  };
  const writes = onePercent(state);
  const few = () => {
    state.gate.open = true;
    for (const { column, rows: where } of writes) for (const row of where) column.set(row, column.get(row));
    state.gate.open = false;
    return state.digest();
  };
  const megabytes = bytes.length / 1e6;
  const size = `${rows} creatures, ${Math.round(megabytes)} MB`;
  const marked = (write: () => unknown): number => {
    write();
    return lanesOf(state).reduce((sum, { stale }) => sum + stale.reduce((a, b) => a + b, 0), 0);
  };
  const settle = () => lanesOf(state).forEach((lane) => void lane.settle());
  settle();
  const share = marked(few);
  settle();
  const whole = marked(full);
  const both = [
    ...(await compare({
      name: `state hash, ${size}`,
      conditions: 'every leaf marked; XXH3-128 of leaves of 4 KiB, combined over columns, tables, world',
      unit: 'MB',
      opsPerRun: megabytes,
      baseline: { name: 'bare xxHash3, one update', run: () => hasher.init().update(bytes).digest('binary') },
      candidates: [
        { name: 'all leaves', aim: { timeAtMost: 2 }, run: full },
        { name: 'memcpy of the same bytes', run: () => copy.set(bytes) },
      ],
    })),
    ...(await compare({
      name: `state hash after few writes, ${size}`,
      conditions: `${share} leaves of ${whole} written through the view, each in one row, and hashed`,
      unit: 'hashes',
      opsPerRun: 1,
      baseline: { name: 'all leaves', run: full },
      candidates: [{ name: 'one leaf in a hundred', aim: { timeAtMost: 0.03 }, run: few }],
    })),
  ];
  await run.close();
  return both;
}
