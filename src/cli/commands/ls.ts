/**
 * `worldfold ls`: the runs of a store.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { isWorldfoldError, type WorldfoldError } from '../../base/errors.ts';
import type { RunHeader } from '../../log/header.ts';
import type { RunInfo } from '../../log/store.ts';
import { allRuns } from '../../replay/describe.ts';
import { EXIT } from '../failure.ts';
import { headerOf, momentText } from '../header.ts';
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

/** A run of the list: with its header, or with what is wrong with it. */
interface Listed {
  readonly id: string;
  readonly tick: number;
  readonly header: RunHeader | null;
  readonly damage: WorldfoldError | null;
}

function listed(info: RunInfo): Listed {
  const { id, segment } = info;
  try {
    return { id, tick: segment.head.tick, header: headerOf(info), damage: null };
  } catch (e) {
    if (!isWorldfoldError(e, 'CORRUPT')) throw e;
    return { id, tick: segment.head.tick, header: null, damage: e };
  }
}

function factsOf({ id, tick, header }: Listed): object {
  if (header === null) return { id, tick, damaged: true };
  const { world, version, seed, createdAt } = header;
  return { id, world, version, tick, seed, createdAt };
}

function rowOf({ id, tick, header }: Listed): readonly string[] {
  if (header === null) return [id, 'damaged', grouped(tick)];
  return [id, header.world, grouped(tick), header.seed, momentText(header.createdAt)];
}

/**
 * Lists runs in order of id. With `json`: an array of `{ id, world, version, tick, seed, createdAt }`. A run
 * whose header is damaged is listed as such, and then raised as `CORRUPT`.
 */
export async function lsCommand(io: Io, o: LsOptions): Promise<number> {
  return withStore(o.store, io.cwd, 'read', async (store) => {
    const runs = (await allRuns(store)).map(listed);
    if (o.json) line(io.stdout, canonicalJson(runs.map(factsOf)));
    else if (runs.length === 0) line(io.stdout, `${placeText(o.store)} holds no run yet`);
    else for (const text of textTable(COLUMNS, runs.map(rowOf))) line(io.stdout, text);
    const damaged = runs.find(({ damage }) => damage !== null);
    if (damaged?.damage) throw damaged.damage;
    return EXIT.done;
  });
}
