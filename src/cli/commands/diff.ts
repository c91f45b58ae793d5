/**
 * `worldfold diff A B`: where two runs part, or what two worlds differ in.
 */
import { canonicalJson } from '../../base/canonical.ts';
import {
  type DiffLog,
  type DiffReport,
  diff,
  differenceJson,
  differenceText,
  type GuardOption,
  type Store,
} from '../../index.ts';
import { EXIT } from '../failure.ts';
import { type Io, line, paintFor } from '../io.ts';
import type { StorePlace } from '../options.ts';
import { type Named, nameText, needNamed, worldsOf } from '../run-world.ts';
import { withStore } from '../stores.ts';
import { grouped } from '../text.ts';

/** What `diff` was asked. */
export interface DiffCommandOptions {
  readonly a: string;
  readonly b: string;
  readonly store: StorePlace;
  readonly world?: string | undefined;
  readonly guard: GuardOption;
  /** At most how many rows are listed for each table. */
  readonly limit: number;
  readonly json: boolean;
}

type Names = readonly [string, string];

/** What two runs have in common, in a line. */
function runsText({ tick, heads }: DiffReport, [a, b]: Names): string {
  const ends = heads!;
  if (tick === 0) return `${a} and ${b} differ from tick 0 on`;
  if (tick !== null)
    return `${a} and ${b} part at tick ${grouped(tick)}: up to tick ${grouped(tick - 1)} they agree`;
  if (ends.a === ends.b) return `${a} and ${b} agree on every tick up to ${grouped(ends.a)}, where both end`;
  const [short, long] = ends.a < ends.b ? [a, b] : [b, a];
  const [end, further] = [Math.min(ends.a, ends.b), Math.max(ends.a, ends.b)].map(grouped);
  return `${a} and ${b} agree up to tick ${end}, where ${short} ends; ${long} goes on to tick ${further}`;
}

function report(io: Io, found: DiffReport, names: Names): void {
  const paint = paintFor(io.stdout, io.env);
  const { equal, heads, difference } = found;
  const same = (text: string): string => (equal ? paint.good(`✓ ${text}`) : paint.strong(text));
  if (heads !== null) line(io.stdout, same(runsText(found, names)));
  else line(io.stdout, same(`${names[0]} and ${names[1]} ${equal ? 'are equal' : 'differ'}`));
  if (equal) return;
  line(io.stdout);
  line(io.stdout, differenceText(difference, names));
}

const sideOf = (
  store: Store,
  world: DiffLog['world'],
  { info, tick }: Named,
  guard: GuardOption,
): DiffLog => ({
  ...{ store, world, guard, id: info.id },
  ...(tick !== undefined && { tick }),
});

/** Compares two runs, or two worlds where a tick is named. 0: they agree; 1: they differ. */
export async function diffCommand(io: Io, o: DiffCommandOptions): Promise<number> {
  return withStore(o.store, io.cwd, 'read', async (store) => {
    const a = await needNamed(store, o.a);
    const b = await needNamed(store, o.b);
    const [mine, other] = await worldsOf(io, store, [a.info, b.info], o);
    const found = await diff(sideOf(store, mine, a, o.guard), sideOf(store, other, b, o.guard), {
      limit: o.limit,
    });
    const { equal, tick, heads, difference } = found;
    if (o.json) {
      const shown = { ...(differenceJson(difference) as { readonly [part: string]: unknown }) };
      line(io.stdout, canonicalJson({ a: o.a, b: o.b, equal, tick, heads, difference: shown }));
    } else {
      const isRuns = heads !== null;
      report(io, found, [
        nameText(a.info.id, isRuns ? null : (a.tick ?? a.info.segment.head.tick)),
        nameText(b.info.id, isRuns ? null : (b.tick ?? b.info.segment.head.tick)),
      ]);
    }
    return equal ? EXIT.done : EXIT.failed;
  });
}
