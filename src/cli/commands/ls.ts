/**
 * `worldfold ls`: the runs of a store.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { listRuns } from '../../index.ts';
import { EXIT } from '../failure.ts';
import { momentText } from '../header.ts';
import { type Io, line } from '../io.ts';
import { placeText, type StorePlace } from '../options.ts';
import { withStore } from '../stores.ts';
import { grouped, type TextColumn, textTable } from '../text.ts';

/** What `ls` was asked. */
export interface LsOptions {
  readonly store: StorePlace;
  readonly json: boolean;
}

const COLUMNS: readonly TextColumn[] = [
  { title: 'run' },
  { title: 'world' },
  { title: 'tick', align: 'right' },
  { title: 'seed' },
  { title: 'made (UTC)' },
];

/** Lists runs in order of id. With `json`: an array of `{ id, world, version, tick, seed, createdAt }`. */
export async function lsCommand(io: Io, o: LsOptions): Promise<number> {
  return withStore(o.store, io.cwd, 'read', async (store) => {
    const runs = await listRuns(store);
    if (o.json) {
      const facts = runs.map(({ id, tick, header: { world, version, seed, createdAt } }) => {
        return { id, world, version, tick, seed, createdAt };
      });
      line(io.stdout, canonicalJson(facts));
    } else if (runs.length === 0) line(io.stdout, `${placeText(o.store)} holds no run yet`);
    else {
      const rows = runs.map(({ id, tick, header: { world, seed, createdAt } }) => {
        return [id, world, grouped(tick), seed, momentText(createdAt)];
      });
      for (const text of textTable(COLUMNS, rows)) line(io.stdout, text);
    }
    return EXIT.done;
  });
}
