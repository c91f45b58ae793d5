/**
 * Whole ticks of a run: systems, one stream, apply, state hash, record, group commit.
 */
import { join } from 'node:path';
import { createRun, type Run } from '../../src/index.ts';
import type { Store } from '../../src/log/store.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { type Folder, folder, jsonRows, plainEvents, rowWorld } from '../fixtures.ts';
import { type Contestant, compare, type Row } from '../harness.ts';

interface Open extends Folder {
  readonly store: Store;
  readonly run: Run<never, string>;
}

const EVENTS = 10;

/** A run in a file of its own, which advances and flushes. */
const ticking = (name: string, ticks: number, guard: 'throw' | 'off'): Contestant<Open> => ({
  name,
  prepare: async () => {
    const made = folder();
    const store = await sqliteStore(join(made.path, 'runs.db'));
    const config = { perTick: EVENTS, items: 500 };
    const run = await createRun(rowWorld, { store, seed: 'bench', guard, config });
    return { ...made, store, run: run as unknown as Run<never, string> };
  },
  run: async ({ run }) => {
    await run.advance(ticks);
    await run.flush();
  },
  dispose: async ({ run, store, remove }) => {
    await run.close();
    await store.close();
    remove();
  },
});

const CONDITIONS =
  'one system and stream, apply in row form to 500 rows, state hash every tick, record, commits by the ' +
  'default policy';

/** A whole tick of ten events against the JSON rows of the same events alone. */
export async function tickRows(ticks: number): Promise<readonly Row[]> {
  return compare({
    name: `whole tick, ${EVENTS} events, SQLite`,
    conditions: `worldfold: ${CONDITIONS}; JSON rows: stringify and one transaction a tick, nothing computed`,
    unit: 'ticks',
    opsPerRun: ticks,
    baseline: jsonRows(plainEvents(EVENTS), ticks),
    candidates: [{ ...ticking('worldfold', ticks, 'throw'), aim: { speedAtLeast: 3.5 } }],
  });
}

/** What the guard adds to the same tick. */
export async function guardRows(ticks: number): Promise<readonly Row[]> {
  return compare(
    {
      name: `guard, tick of ${EVENTS} events, SQLite`,
      conditions: `${CONDITIONS}; off: every group off, wrappers in place all the same`,
      unit: 'ticks',
      opsPerRun: ticks,
      baseline: ticking('off', ticks, 'off'),
      candidates: [{ ...ticking('on', ticks, 'throw'), aim: { timeAtMost: 1.01 } }],
    },
    { rounds: 60 },
  );
}
