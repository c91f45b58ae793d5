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
  { title: 'fork of' },
  { title: 'made (UTC)' },
];
const FORK_OF = COLUMNS.findIndex(({ title }) => title === 'fork of');

/** A run of the list: with its header, or with what is wrong with it. */
interface Listed {
  readonly id: string;
  readonly tick: number;
  /** The tick that it was forked at, or null. */
  readonly at: number | null;
  readonly header: RunHeader | null;
  readonly damage: WorldfoldError | null;
}

function listed(info: RunInfo): Listed {
  const { id, segment } = info;
  const known = { id, tick: segment.head.tick, at: segment.parent?.tick ?? null };
  try {
    return { ...known, header: headerOf(info), damage: null };
  } catch (e) {
    if (!isWorldfoldError(e, 'CORRUPT')) throw e;
    return { ...known, header: null, damage: e };
  }
}

/** What a fork was made of, as far as that is known: the header names the run, the segment the tick. */
function forkOf({ at, header }: Listed): { readonly of: string | null; readonly at: number } | null {
  return at === null ? null : { of: header?.fork?.run ?? null, at };
}

function factsOf(run: Listed): object {
  const { id, tick, header } = run;
  if (header === null) return { id, tick, fork: forkOf(run), damaged: true };
  const { world, version, seed, createdAt } = header;
  return { id, world, version, tick, seed, fork: forkOf(run), createdAt };
}

function rowOf(run: Listed): readonly string[] {
  const { id, tick, header } = run;
  const fork = forkOf(run);
  const forked = fork === null ? '' : `${fork.of ?? '?'} at ${grouped(fork.at)}`;
  if (header === null) return [id, 'damaged', grouped(tick), '', forked, ''];
  return [id, header.world, grouped(tick), header.seed, forked, momentText(header.createdAt)];
}

/** The lines of the list; without forks there is no column for them. */
function linesOf(runs: readonly Listed[]): readonly string[] {
  const hasForks = runs.some(({ at }) => at !== null);
  const kept = <T>(cells: readonly T[]): readonly T[] => cells.filter((_, i) => hasForks || i !== FORK_OF);
  return textTable(
    kept(COLUMNS),
    runs.map((run) => kept(rowOf(run))),
  );
}

/**
 * Lists runs in order of id. With `json`: an array of `{ id, world, version, tick, seed, fork, createdAt }`,
 * where `fork` is `{ of, at }` or null. A run whose header is damaged is listed as such, and then raised as
 * `CORRUPT`.
 */
export async function lsCommand(io: Io, o: LsOptions): Promise<number> {
  return withStore(o.store, io.cwd, 'read', async (store) => {
    const runs = (await allRuns(store)).map(listed);
    if (o.json) line(io.stdout, canonicalJson(runs.map(factsOf)));
    else if (runs.length === 0) line(io.stdout, `${placeText(o.store)} holds no run yet`);
    else for (const text of linesOf(runs)) line(io.stdout, text);
    const damaged = runs.find(({ damage }) => damage !== null);
    if (damaged?.damage) throw damaged.damage;
    return EXIT.done;
  });
}
