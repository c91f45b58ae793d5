/**
 * Whole ticks of a run: systems, one stream, apply, state hash, record, group commit.
 */
import { join } from 'node:path';
import { createRun, type Run } from '../../src/index.ts';
import type { Store } from '../../src/log/store.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { type Folder, folder, jsonRows, plainEvents, rowWorld } from '../fixtures.ts';
import { compare, type Row } from '../harness.ts';

interface Open extends Folder {
  readonly store: Store;
  readonly run: Run<never, string>;
}

/** A whole tick of ten events against the JSON rows of the same events alone. */
export async function tickRows(ticks: number): Promise<readonly Row[]> {
  const events = 10;
  const plain = plainEvents(events);
  return compare({
    name: `whole tick, ${events} events, SQLite`,
    conditions:
      'worldfold: one system and stream, apply in row form to 500 rows, state hash every tick, record, ' +
      'commits by the default policy; JSON rows: stringify and one transaction a tick, nothing computed',
    unit: 'ticks',
    opsPerRun: ticks,
    baseline: jsonRows(plain, ticks),
    candidates: [
      {
        name: 'worldfold',
        aim: { speedAtLeast: 3.5 },
        prepare: async (): Promise<Open> => {
          const made = folder();
          const store = await sqliteStore(join(made.path, 'runs.db'));
          const run = await createRun(rowWorld, {
            store,
            seed: 'bench',
            config: { perTick: events, items: 500 },
          });
          return { ...made, store, run: run as unknown as Run<never, string> };
        },
        run: async ({ run }: Open) => {
          await run.advance(ticks);
          await run.flush();
        },
        dispose: async ({ run, store, remove }: Open) => {
          await run.close();
          await store.close();
          remove();
        },
      },
    ],
  });
}
