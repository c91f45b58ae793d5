/**
 * Copying runs from one store to another: the same ids, the same bytes, the same hashes.
 *
 * Works through the ports alone, so that it serves any two stores. Whatever was copied is a whole piece of a
 * log: a copy that was interrupted is finished by making it again, and one of a run that went on is caught up
 * in the same way. Nothing that the target has is changed or deleted.
 */
import { checkFunction, checkNames } from '../../base/arguments.ts';
import { hex, sameBytes } from '../../base/bytes.ts';
import { show } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import { loadHash } from '../../base/hash.ts';
import { byCodeUnits } from '../../base/text.ts';
import { type Attempt, hasAttempts, type Store } from '../../log/store.ts';
import { checkSignal, checkStore, checkText } from '../../simulation/arguments.ts';
import { holderOf } from '../../simulation/run-options.ts';
import { Job, type Tally } from './job.ts';
import { copySnapshot, missingIn, snapshotsOf } from './snapshots.ts';
import { firstOwn, recordOf, type Wanted, wantedOf } from './source.ts';
import { type Piece, piecesOf } from './target.ts';
import { PieceWriter } from './writer.ts';

/** How to copy. */
export interface CopyOptions {
  /** Copies every run of the fork tree; else the run, and as much of others as it continues. */
  readonly tree?: boolean;
  /**
   * `all`, the default: the copy is opened and looked at as fast as the run. `pinned`: only those that were
   * to stay, and what eras begin with.
   */
  readonly snapshots?: 'all' | 'pinned';
  /** Hears how many records were copied, of how many that the target lacked. */
  readonly onProgress?: (progress: { readonly records: number; readonly target: number }) => void;
  /** Stops between two groups of records; the report then says how far it came. */
  readonly signal?: AbortSignal;
}

/** A run that the target has through a copy. */
export interface CopiedRun {
  readonly id: string;
  /** The last tick that was to be copied. */
  readonly tick: number;
  /** False for a run of which the target needs only what others continue: its log may go on in the source. */
  readonly whole: boolean;
}

/** What a copy did. */
export interface CopyReport {
  readonly id: string;
  /** Whether all is copied; false where it was stopped. */
  readonly complete: boolean;
  /** Runs that the target has through it, in order of id. */
  readonly runs: readonly CopiedRun[];
  /** Segments that were made in the target. */
  readonly segments: number;
  /** Records that were copied, and their bytes. */
  readonly records: number;
  readonly bytes: number;
  /** Snapshots that were copied, that were there already, and that are damaged in the source. */
  readonly snapshots: { readonly copied: number; readonly present: number; readonly damaged: number };
  /** Failed ticks, kept beside the log, that were copied. */
  readonly attempts: number;
}

function checkCopy(from: unknown, to: unknown, id: unknown, options: unknown): void {
  checkStore('copyRun', from);
  checkStore('copyRun', to, 'write');
  checkText('id', id);
  checkNames('the options of copyRun', options, ['tree', 'snapshots', 'onProgress', 'signal']);
  const { tree, snapshots, onProgress, signal } = options as { readonly [name: string]: unknown };
  if (tree !== undefined && typeof tree !== 'boolean')
    fail('BAD_USAGE', `tree must be true or false, not ${show(tree)}`, { tree }, 'Write tree: true.');
  if (snapshots !== undefined && snapshots !== 'all' && snapshots !== 'pinned')
    fail(
      'BAD_USAGE',
      `snapshots must be 'all' or 'pinned', not ${show(snapshots)}`,
      { snapshots },
      "They are 'all' where it is left out.",
    );
  checkFunction('onProgress', onProgress);
  checkSignal(signal as AbortSignal | undefined);
}

/** Whether any of the segments has something of a kind. */
async function some(wanted: readonly Wanted[], has: (one: Wanted) => Promise<boolean>): Promise<boolean> {
  for (const one of wanted) if (await has(one)) return true;
  return false;
}

/** The failed ticks of a segment that belong to what is copied of it. */
async function attemptsOf(store: object, { info, until }: Wanted): Promise<readonly Attempt[]> {
  if (!hasAttempts(store)) return [];
  return (await store.attempts(info.id)).filter(({ tick }) => tick <= until + 1);
}

/** Keeps the failed ticks that come after those that both stores have. */
async function copyAttempts({ from, to, tally }: Job, piece: Piece): Promise<void> {
  if (!hasAttempts(to as object)) return;
  const ours = await attemptsOf(from, piece);
  if (ours.length === 0) return;
  const texts = (attempts: readonly Attempt[]) => attempts.map(({ tick, text }) => `${tick} ${text}`);
  const [mine, theirs] = [texts(ours), texts(await to.attempts(piece.info.id))];
  let same = Math.min(mine.length, theirs.length);
  const ends = (count: number): boolean =>
    mine.slice(0, count).every((text, i) => text === theirs[theirs.length - count + i]);
  while (!ends(same)) same--;
  for (const attempt of ours.slice(same)) {
    await to.keepAttempt(piece.info.id, attempt);
    tally.attempts++;
  }
}

/** Copies a segment, each snapshot as soon as its tick is there: an era's base comes before its records. */
async function copyPiece(job: Job, piece: Piece & { readonly name: string }): Promise<void> {
  const writer = new PieceWriter(job, piece);
  try {
    if (piece.there === null) await writer.hold();
    const first = firstOwn(piece.info);
    for (const snapshot of await missingIn(job, piece)) {
      await writer.copyTo(snapshot.tick);
      if (job.stopped) return;
      // One of the parent's tick is taken only before the first own record, and belongs to what comes then.
      if (snapshot.tick >= first || writer.tick < first) await copySnapshot(job, writer, snapshot);
    }
    await writer.copyTo(piece.until);
    if (!job.stopped) await copyAttempts(job, piece);
  } finally {
    await writer.end();
  }
}

/** Checks that the target ends with, or passes through, the record that the source ends with. */
async function checkHeads({ to }: Job, { info, until, hash, run }: Piece): Promise<void> {
  const { hash: actual } = await recordOf(to, info, until);
  if (sameBytes(actual, hash)) return;
  fail('DIVERGED', `the copy of segment '${info.id}' does not end with the record of tick ${until}`, {
    ...{ run: run?.id ?? null, segment: info.id, tick: until },
    expected: hex(hash),
    actual: hex(actual),
  });
}

const isNamed = (piece: Piece): piece is Piece & { readonly name: string } => piece.name !== null;

async function copyAll(job: Job, pieces: readonly Piece[]): Promise<boolean> {
  const named = pieces.filter(isNamed);
  for (const piece of named) {
    await copyPiece(job, piece);
    if (job.stopped) return false;
    await checkHeads(job, piece);
  }
  // All that continues them is there now: their records stay without a name.
  for (const { info, name } of named) if (name === info.id) await job.to.remove(name, false);
  return true;
}

const lacking = ({ info, there, until }: Piece): number =>
  Math.max(0, until - (there?.head.tick ?? firstOwn(info) - 1));

const runsOf = (pieces: readonly Piece[]): readonly CopiedRun[] =>
  pieces
    .filter(({ info, name }) => name !== null && name !== info.id)
    .map(({ name, until, whole }) => ({ id: name!, tick: until, whole }))
    .sort((a, b) => byCodeUnits(a.id, b.id));

const reportOf = (
  id: string,
  complete: boolean,
  runs: readonly CopiedRun[],
  { segments, records, bytes, snapshots, attempts }: Tally,
): CopyReport => ({ id, complete, runs, segments, records, bytes, snapshots: { ...snapshots }, attempts });

/**
 * Copies a run from one store to another: its records as they are, each verified, its snapshots and failed
 * ticks, under the same ids and hashes. What the target has is skipped or continued. `UNKNOWN_RUN`; `EXISTS`
 * where the target has another run of that id; `DIVERGED` with the first tick where it has other records;
 * `RUN_IN_USE` where somebody writes it there; `UNSUPPORTED` before anything is written; `CORRUPT`,
 * `NO_RECORD`.
 *
 * @example
 * ```ts
 * const { records } = await copyRun(await sqliteStore('runs.db'), archive, 'first', { tree: true });
 * ```
 */
export async function copyRun(
  from: Store,
  to: Store,
  id: string,
  options: CopyOptions = {},
): Promise<CopyReport> {
  checkCopy(from, to, id, options);
  await loadHash();
  const { tree = false, snapshots = 'all', onProgress, signal } = options;
  const wanted = await wantedOf(from, id, tree);
  const needsSnapshots = await some(
    wanted,
    async (one) => (await snapshotsOf(from, one, snapshots)).length > 0,
  );
  const pieces = await piecesOf(from, to, wanted, needsSnapshots);
  const target = pieces.reduce((sum, piece) => sum + lacking(piece), 0);
  const told = (records: number): void => onProgress?.({ records, target });
  const job = new Job({ from, to, holder: holderOf({}), snapshots }, { ...(signal && { signal }), told });
  const complete = await copyAll(job, pieces);
  told(job.tally.records);
  return reportOf(id, complete, runsOf(pieces), job.tally);
}
