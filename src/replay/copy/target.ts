/**
 * What the target of a copy has already, and what it can't take: told before anything is written.
 */
import { hex, sameBytes } from '../../base/bytes.ts';
import { type Facts, fail, isWorldfoldError } from '../../base/errors.ts';
import { hasForks, hasSnapshots, type SegmentInfo, type Store, unsupported } from '../../log/store.ts';
import { firstOwn, isUnfinished, namedBy, recordOf, type Wanted } from './source.ts';

/** A segment to copy, with what the target has of it. */
export interface Piece extends Wanted {
  /** The hash of the record of `until`. */
  readonly hash: Uint8Array;
  /** The segment as the target has it, or null. */
  readonly there: SegmentInfo | null;
  /**
   * The run that names it in the target, or will; one with the segment's own id while it is copied and is to
   * have none; null where it is there and can't be written any more.
   */
  readonly name: string | null;
}

/** The segment as a store has it; null where it has none of that id. */
async function segmentIn(store: Store, id: string, name: string | null): Promise<SegmentInfo | null> {
  if (!hasForks(store as object)) return name === null ? null : ((await store.head(name))?.segment ?? null);
  try {
    return (await store.lineage(id))[0]!;
  } catch (e) {
    if (isWorldfoldError(e, 'UNKNOWN_RUN')) return null;
    throw e;
  }
}

/** The name that a segment has in the target. */
async function nameIn(store: Store, segment: string): Promise<string | null> {
  const named = await namedBy(store, segment);
  if (named !== null) return named.id;
  const unfinished = await store.head(segment);
  return unfinished !== undefined && isUnfinished(unfinished) ? unfinished.id : null;
}

/** Refuses what the target has no port for. */
function checkPorts(to: Store, wanted: readonly Wanted[]): void {
  const needsForks = wanted.some(({ info, run }) => info.parent !== null || run === null);
  if (needsForks && !hasForks(to as object)) unsupported(to, 'forks');
}

const taken = (to: Store, { id }: { readonly id: string }): never =>
  fail(
    'EXISTS',
    `${to.location} has another run '${id}'`,
    { run: id, store: to.location },
    'Copy to another store, or remove that run: a run keeps its id when it is copied.',
  );

const closed = (to: Store, { info, run, until }: Wanted, there: SegmentInfo): never =>
  fail(
    'UNKNOWN_RUN',
    `${to.location} has segment '${info.id}' up to tick ${there.head.tick} and no run any more that names it`,
    { run: run?.id ?? null, segment: info.id, store: to.location, head: there.head.tick, tick: until },
    'Nobody can write it there: copy to another store, or remove the forks that continue it and copy again.',
  );

function diverged(from: Store, to: Store, { info, run }: Wanted, tick: number, facts: Facts): never {
  const what = run === null ? `segment '${info.id}'` : `run '${run.id}'`;
  return fail(
    'DIVERGED',
    `${what} has another record of tick ${tick} in ${to.location} than in ${from.location}`,
    { run: run?.id ?? null, segment: info.id, tick, ...facts },
    'Nothing was copied: each store has a history of its own. Copy to another store to keep both.',
  );
}

/** Refuses a segment that has other records in the target, with the first tick that differs. */
async function checkSame(from: Store, to: Store, wanted: Wanted, there: SegmentInfo): Promise<void> {
  const { info, until } = wanted;
  if (there.parent?.segment !== info.parent?.segment || there.parent?.tick !== info.parent?.tick)
    diverged(from, to, wanted, firstOwn(info), { field: 'parent' });
  if (there.opening !== info.opening) diverged(from, to, wanted, firstOwn(info), { field: 'opening' });
  const hashes = async (tick: number) =>
    [(await recordOf(from, info, tick)).hash, (await recordOf(to, there, tick)).hash] as const;
  const differs = async (tick: number): Promise<boolean> => {
    const [expected, actual] = await hashes(tick);
    return !sameBytes(expected, actual);
  };
  let other = Math.min(until, there.head.tick);
  if (!(await differs(other))) return;
  for (let same = firstOwn(info) - 1; other - same > 1; ) {
    const middle = Math.floor((same + other) / 2);
    if (await differs(middle)) other = middle;
    else same = middle;
  }
  const [expected, actual] = await hashes(other);
  diverged(from, to, wanted, other, { field: 'hash', expected: hex(expected), actual: hex(actual) });
}

/** Looks for one segment in the target. */
async function pieceOf(from: Store, to: Store, wanted: Wanted): Promise<Piece> {
  const { info, run, whole, until } = wanted;
  const name = await nameIn(to, info.id);
  const there = await segmentIn(to, info.id, name);
  const other = run === null ? undefined : await to.head(run.id);
  if (whole && other !== undefined && other.segment.id !== info.id) taken(to, other);
  const { hash } = await recordOf(from, info, until);
  if (there === null) {
    const free = run !== null && other === undefined;
    return { ...wanted, hash, there, name: free ? run.id : info.id };
  }
  await checkSame(from, to, wanted, there);
  const isClosed = whole ? name !== run!.id : name === null && there.head.tick < until;
  if (isClosed) closed(to, wanted, there);
  return { ...wanted, hash, there, name };
}

/**
 * The segments with what the target has of them, each after the one that it continues. `UNSUPPORTED` for
 * what the target has no port for; `EXISTS` for another run of the same id; `DIVERGED` for other records;
 * `UNKNOWN_RUN` where a segment is there that nobody can write any more.
 */
export async function piecesOf(
  from: Store,
  to: Store,
  wanted: readonly Wanted[],
  needsSnapshots: boolean,
): Promise<readonly Piece[]> {
  checkPorts(to, wanted);
  if (needsSnapshots && !hasSnapshots(to as object)) unsupported(to, 'snapshots');
  const pieces: Piece[] = [];
  for (const one of wanted) pieces.push(await pieceOf(from, to, one));
  return pieces;
}
