/**
 * `worldfold bisect A B`: the first tick at which two runs have different records, and what differs in it.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { bisect, bisectJson, bisectText, type GuardOption } from '../../index.ts';
import { EXIT } from '../failure.ts';
import { type Io, line, paintFor } from '../io.ts';
import type { StorePlace } from '../options.ts';
import { worldsOf } from '../run-world.ts';
import { needRun, withStore } from '../stores.ts';

/** What `bisect` was asked. */
export interface BisectCommandOptions {
  readonly a: string;
  readonly b: string;
  readonly store: StorePlace;
  /** The store of the second run; that of the first where left out. */
  readonly other?: StorePlace | undefined;
  readonly world?: string | undefined;
  readonly guard: GuardOption;
  readonly limit: number;
  readonly json: boolean;
}

/** Compares the records of two runs. 0: the same up to the lesser head; 1: they part. */
export async function bisectCommand(io: Io, o: BisectCommandOptions): Promise<number> {
  return withStore(o.store, io.cwd, 'read', (store) =>
    withStore(o.other ?? o.store, io.cwd, 'read', async (other) => {
      const [a, b] = [await needRun(store, o.a), await needRun(other, o.b)];
      const [mine, theirs] = await worldsOf(io, store, [a, b], o);
      const sides = [
        { store, id: a.id, world: mine, guard: o.guard },
        { store: other, id: b.id, world: theirs, guard: o.guard },
      ] as const;
      const found = await bisect(...sides, { limit: o.limit });
      if (o.json) line(io.stdout, canonicalJson(bisectJson(found)));
      else {
        const paint = paintFor(io.stdout, io.env);
        const [first, ...rest] = bisectText(found).split('\n');
        line(io.stdout, found.tick === null ? paint.good(`✓ ${first}`) : paint.strong(first!));
        for (const one of rest) line(io.stdout, one);
      }
      return found.tick === null ? EXIT.done : EXIT.failed;
    }),
  );
}
