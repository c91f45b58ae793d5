/**
 * `worldfold ls`: the runs of a store.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { headerOf } from '../header.ts';
import { type Io, line } from '../io.ts';
import { placeText, type StorePlace } from '../options.ts';
import { allRuns, withStore } from '../stores.ts';
import { grouped, textTable } from '../text.ts';

/** What `ls` was asked. */
export interface LsOptions {
  readonly store: StorePlace;
  readonly json: boolean;
}

/** Lists runs in order of id. With `json`: an array of `{ id, world, tick, seed, createdAt }`. */
export async function lsCommand(io: Io, o: LsOptions): Promise<number> {
  return withStore(o.store, io.cwd, 'read', async (store) => {
    const runs: { id: string; world: string; tick: number; seed: string; createdAt: string }[] = [];
    for await (const info of allRuns(store)) {
      const { world, seed, createdAt } = headerOf(info);
      runs.push({ id: info.id, world, tick: info.segment.head.tick, seed, createdAt });
    }
    if (o.json) line(io.stdout, canonicalJson(runs));
    else if (runs.length === 0) line(io.stdout, `${placeText(o.store)} holds no run yet`);
    else {
      const columns = [
        { title: 'run' },
        { title: 'world' },
        { title: 'tick', align: 'right' as const },
        { title: 'seed' },
        { title: 'made (UTC)' },
      ];
      const rows = runs.map((r) => [
        r.id,
        r.world,
        grouped(r.tick),
        r.seed,
        r.createdAt.slice(0, 16).replace('T', ' '),
      ]);
      for (const text of textTable(columns, rows)) line(io.stdout, text);
    }
    return 0;
  });
}
