/**
 * Building the world of a tick: from the nearest good snapshot and the records after it, or from record 0.
 *
 * Used when a run is opened, after a failed tick, for a look at the past and for a fork. What is built is
 * compared with the last state hash that was recorded on the way: a world that differs from what the log says
 * of it is not shown and not continued, save by who adopts it. A damaged snapshot is told of and passed over;
 * the log is the truth.
 */
import { hex, sameBytes } from '../base/bytes.ts';
import { messageOf } from '../base/canonical.ts';
import { type ErrorCode, fail, isWorldfoldError, type WorldfoldError } from '../base/errors.ts';
import { warn } from '../base/platform.ts';
import { type EraNote, parseChange, parseEnvironment } from '../log/environment.ts';
import { type LogSpan, spanAt } from '../log/lineage.ts';
import { decodeManifest, type Manifest, type SnapshotPoint, storedChunks } from '../log/manifest.ts';
import { readFrame } from '../log/reader.ts';
import type { RecordFrame } from '../log/record.ts';
import { hasSnapshots, type SnapshotInfo, type SnapshotStore, type StoredSnapshot } from '../log/store.ts';
import { foldHint } from './code.ts';
import type { Engine } from './engine.ts';
import { frames, type LogSource, pages } from './history.ts';

/** What is known of a log beside its records. */
export interface KnownLog {
  /** The era that the next record is to begin, or null. */
  readonly begins: EraNote | null;
  /** The tick from which on the handlers are known to give what was recorded; Infinity where nothing is. */
  readonly from: number;
}

/** Nothing is known of a log. */
export const UNKNOWN_LOG: KnownLog = { begins: null, from: Number.POSITIVE_INFINITY };

/** How a world is built. */
export interface RestoreOptions {
  /**
   * Begin only with snapshots of the present schema that handlers of this hint folded; null: with any. Bases
   * of eras and snapshots of earlier schemas are taken in either case.
   */
  readonly code: string | null;
  /**
   * Compare with the last recorded hash; with that and the newest snapshot after it that other handlers made
   * (`head`); with every one of both; or with none.
   */
  readonly compare: 'last' | 'head' | 'every' | 'none';
  /** What is known of the log by whoever has it open. */
  readonly known: KnownLog;
  /** Hears of damaged snapshots. */
  readonly onDamage: (snapshot: SnapshotInfo, why: unknown) => void;
}

/** Warns of a damaged snapshot of a run. */
export const damageOf =
  (run: string): RestoreOptions['onDamage'] =>
  ({ segment, tick }, why) =>
    warn(`run '${run}': the snapshot of tick ${tick} in segment '${segment}' is not used: ${messageOf(why)}`);

/**
 * How whoever has a log open builds the world of a tick, compared with what was recorded. In the present era
 * it is what the handlers of `code` make of the records, though others may have made a snapshot on the way.
 * What they gave at a tick without a recorded hash is not known to be the same. Before it, any good snapshot
 * does: it holds what was recorded.
 */
export const lookingBack = (code: string, known: KnownLog, tick: number, run: string): RestoreOptions => ({
  code: tick < known.from ? null : code,
  compare: 'last',
  known,
  onDamage: damageOf(run),
});

/** How whoever knows of a stored log no more than its records builds the world of a tick. */
export const asReader = (run: string): RestoreOptions => ({
  code: null,
  compare: 'last',
  known: UNKNOWN_LOG,
  onDamage: damageOf(run),
});

/** What becomes of an error that kept a world of the past from being built. */
export function noState(e: unknown, run: string, tick: number): never {
  if (!NO_WORLD.some((code) => isWorldfoldError(e, code))) throw e;
  return fail(
    'NO_STATE',
    `run '${run}': the world of tick ${tick} can't be rebuilt: ${messageOf(e)}`,
    { run, tick, ...(e as WorldfoldError).facts },
    (e as WorldfoldError).hint,
    e,
  );
}

/** Why a world of the past can't be built. */
const NO_WORLD: readonly ErrorCode[] = ['CORRUPT', 'NO_RECORD', 'REPLAY_DIFFERS', 'SCHEMA_DIFFERS'];
/** What makes a snapshot one to pass over. */
const DAMAGE: readonly ErrorCode[] = ['CORRUPT', 'NO_CHUNK', 'NEWER_FORMAT'];
const PAGE_BYTES = 16 * 1024 * 1024;

/**
 * Gives an engine the world of tick `to`. `REPLAY_DIFFERS` where folding gives another world than was
 * recorded; `NO_STATE` where the base of an era is lost; `CORRUPT`, `NO_RECORD`, `SCHEMA_DIFFERS`. Until it
 * is done the world stays hidden.
 */
export async function restore(
  engine: Engine,
  source: LogSource,
  to: number,
  options: RestoreOptions,
): Promise<void> {
  engine.hide();
  let foreign: SnapshotPoint | null = null;
  const onForeign = ({ point }: Manifest): void => void (foreign ??= point);
  if (!(await loadNearest(engine, source, to, { ...options, onForeign }))) engine.clear();
  const first = engine.position.tick + 1;
  const { compare } = options;
  const isLast = compare === 'last' || compare === 'head';
  const hashed = isLast ? await lastHashed(source, first, to) : -1;
  const every = compare === 'every';
  let compared = every ? engine.tableHashes() : null;
  await eachFrame(engine, { source, from: first, to }, (frame, begins) => {
    if (begins) compared &&= engine.tableHashes();
    engine.fold(frame);
    if (every || frame.tick === hashed) engine.compare(frame, compared);
    if (every && frame.stateHash !== null) compared = engine.tableHashes();
    if (foreign !== null && (every || compare === 'head')) compareForeign(engine, frame, foreign);
    return true;
  });
  if (isLast && to > hashed && to >= first) checkProven(engine, to, options);
  if (isLast && to >= first && !engine.isPresent) await checkNotAdopted(source, to, options.known);
  engine.reveal();
}

/**
 * A snapshot that other handlers made tells what the world was, as a recorded hash does, where the tick that
 * it was made of recorded none.
 */
function compareForeign(engine: Engine, { tick, stateHash, meta }: RecordFrame, point: SnapshotPoint): void {
  if (tick === point.tick && stateHash === null && engine.era === point.era)
    engine.compare({ tick, stateHash: point.stateHash, meta });
}

/**
 * Records that other handlers may have made, folded on from a snapshot of theirs or from nothing, give the
 * recorded world only as far as a recorded hash says so.
 */
function checkProven(
  { from, world, isPresent }: Engine,
  tick: number,
  { code, known }: RestoreOptions,
): void {
  if (code !== null || !isPresent || tick >= known.from) return;
  // Nothing says that there were other handlers where nothing is known of the log.
  if (from === null && known.from === Number.POSITIVE_INFINITY) return;
  if (from?.manifest.point.code === foldHint(world)) return;
  const why =
    from === null
      ? 'it lies before the era of these handlers'
      : 'other handlers made the snapshot that it is folded from';
  fail(
    'REPLAY_DIFFERS',
    `tick ${tick} recorded no state hash, and ${why}`,
    { tick, snapshot: from?.manifest.point.tick ?? null },
    'Ask for a tick that recorded a hash, or open the run with the handlers as they are: that compares them.',
  );
}

/**
 * Records of an earlier schema can't be compared. Where handlers were adopted after them, what the present
 * ones make of them is not known to be what was recorded.
 */
async function checkNotAdopted(source: LogSource, tick: number, { begins, from }: KnownLog): Promise<void> {
  const head = Math.max(source.durableTick, source.undurable.at(-1)?.tick ?? 0);
  let isAdopted = begins?.why === 'adopted' && tick <= from;
  for await (const { environment } of frames(source, tick + 1, Math.min(from, head))) {
    if (isAdopted) break;
    isAdopted = environment !== null && parseChange(environment).era?.why === 'adopted';
  }
  if (isAdopted)
    fail(
      'REPLAY_DIFFERS',
      `handlers were adopted after tick ${tick}, and its schema is an earlier one`,
      { tick },
      'Ask for a tick that a snapshot holds, or read it with the code that recorded it.',
    );
}

/**
 * The last tick of a range that recorded a state hash in the era that the range ends in, or -1. What an
 * earlier era recorded is compared with nothing that is shown. It is looked for backwards.
 */
async function lastHashed(source: LogSource, first: number, to: number): Promise<number> {
  for (let span = 1; first <= to; span *= 2) {
    const from = Math.max(first, to - span + 1);
    let found = -1;
    let isFirst = from === first;
    for await (const { tick, stateHash, environment } of frames(source, from, to)) {
      if (environment !== null && parseChange(environment).era !== undefined) {
        found = -1;
        isFirst = true;
      }
      if (stateHash !== null) found = tick;
    }
    if (found >= 0 || isFirst) return found;
  }
  return -1;
}

/** How a snapshot is looked for; `onForeign` hears of those of this log that other handlers made. */
interface Search extends RestoreOptions {
  readonly onForeign: (manifest: Manifest) => void;
}

/** Loads the newest good snapshot up to a tick; false where there is none. */
async function loadNearest(engine: Engine, source: LogSource, to: number, options: Search): Promise<boolean> {
  const { store, path, durableTick } = source;
  if (!hasSnapshots(store)) return false;
  const last = Math.min(to, durableTick);
  for (const span of [...path].reverse()) {
    // A fork may have a snapshot of the tick that it begins on.
    if (span.from - 1 > last) continue;
    const infos = await store.snapshots(span.segment);
    for (const info of [...infos].reverse()) {
      if (info.tick > Math.min(last, span.to)) continue;
      try {
        // It has the change of the fork entered already, unless it is what an era begins with: it is of use
        // to the fork's own ticks, and not to whoever begins with that tick again.
        const baseOnly = info.tick < span.from && to < span.from;
        if (await loadOne(engine, source, store, info, options, baseOnly)) return true;
      } catch (e) {
        if (!DAMAGE.some((known) => isWorldfoldError(e, known))) throw e;
        options.onDamage(info, e);
      }
    }
  }
  return false;
}

async function loadOne(
  engine: Engine,
  source: LogSource,
  store: SnapshotStore,
  { segment, tick }: SnapshotInfo,
  options: Search,
  baseOnly: boolean,
): Promise<boolean> {
  const where = { segment, tick };
  const stored = await store.readSnapshot(segment, tick);
  if (stored === undefined) return false;
  const manifest = decodeManifest(stored.manifest, where);
  const { point } = manifest;
  if (point.tick !== tick)
    fail('CORRUPT', `a snapshot of tick ${point.tick} stands in the place of another`, where);
  const isBase = point.era === tick + 1;
  if (baseOnly && !isBase) return false;
  const fits = isBase
    ? await isBaseOf(engine, source, manifest, options)
    : !isOfOtherCode(engine, manifest, options.code);
  if (!fits && isBase) return false;
  await checkPoint(source, manifest, isBase);
  if (!fits) options.onForeign(manifest);
  if (!fits) return false;
  await loadStored(engine, store, stored, manifest);
  return true;
}

/**
 * Whether other handlers made a snapshot of the present schema: whether they give the same results is then to
 * be seen from what they were folded of. A snapshot of an earlier schema is what a migration starts from.
 */
function isOfOtherCode(engine: Engine, { point }: Manifest, code: string | null): boolean {
  if (code === null || point.code === code) return false;
  return engine.holdsSchema(parseEnvironment(point.environment, null).schema);
}

async function loadStored(
  engine: Engine,
  store: SnapshotStore,
  { segment, tick, chunks: numbers }: StoredSnapshot,
  manifest: Manifest,
): Promise<void> {
  const where = { segment, tick };
  if (storedChunks(manifest) !== numbers.length)
    fail('CORRUPT', `a snapshot has ${numbers.length} pieces and not ${storedChunks(manifest)}`, where);
  const chunks: Uint8Array[] = [];
  while (chunks.length < numbers.length)
    chunks.push(...(await store.readChunks(segment, numbers.slice(chunks.length), PAGE_BYTES)));
  engine.load({ manifest, chunks, numbers, where });
}

/** A snapshot belongs to the record that it names, and has the state hash that the record has. */
async function checkPoint({ store, path }: LogSource, { point }: Manifest, isBase: boolean): Promise<void> {
  const { tick, hash, stateHash } = point;
  const frame = await readFrame(store, path, tick);
  if (!sameBytes(frame.hash, hash)) fail('CORRUPT', 'a snapshot was made of another log', { tick });
  if (!isBase && frame.stateHash !== null && !sameBytes(frame.stateHash, stateHash))
    fail('CORRUPT', 'a snapshot has another state hash than its record', {
      tick,
      expected: hex(frame.stateHash),
      actual: hex(stateHash),
    });
}

/**
 * Whether the log goes on, or is about to go on, with the era that a snapshot was made to begin. Where no
 * record and nobody who has the log open tells, it is about to under the code that made the snapshot, which
 * may have taken the place of the one that the era began with; and under any that is being adopted.
 */
async function isBaseOf(
  engine: Engine,
  source: LogSource,
  { point }: Manifest,
  { known: { begins }, compare }: RestoreOptions,
): Promise<boolean> {
  for await (const { environment } of frames(source, point.tick + 1, point.tick + 1))
    return environment !== null && parseChange(environment).era?.base === hex(point.stateHash);
  if (begins !== null) return begins.base === hex(point.stateHash);
  if (!engine.holdsSchema(parseEnvironment(point.environment, null).schema)) return false;
  return compare === 'none' || point.code === foldHint(engine.world);
}

/**
 * An era begins with the world that its first record names: its base. Where folding came to another world,
 * or to one that can't be compared, the pinned snapshot of the base is taken. `NO_STATE` without it. Returns
 * whether an era begins.
 */
export async function crossEra(engine: Engine, source: LogSource, frame: RecordFrame): Promise<boolean> {
  const change = frame.environment === null ? {} : parseChange(frame.environment);
  if (change.era === undefined || engine.era === frame.tick) return false;
  const { base } = change.era;
  const isComparable = engine.isPresent && (change.schema === undefined || engine.holdsSchema(change.schema));
  if (isComparable && engine.isHash(base)) return true;
  const why = await loadBase(engine, source, spanAt(source.path, frame.tick), frame.tick, base);
  if (why !== null)
    fail(
      'NO_STATE',
      `the era that begins with tick ${frame.tick} has lost the snapshot it began with: ${why}`,
      { tick: frame.tick, base },
      'Earlier ticks can still be read; open the run with the code that recorded them to replay it.',
    );
  return true;
}

/** Ticks of a log to be folded. */
export interface Stretch {
  readonly source: LogSource;
  readonly from: number;
  readonly to: number;
  /** The first that is folded, where those before it are only read. */
  readonly foldFrom?: number;
}

/**
 * Gives `take` one frame after another, and whether an era begins with it, until it returns false. The engine
 * is at the frame's era. What folds many frames at hand pays for watching them once: see {@link Watch}.
 */
export async function eachFrame(
  engine: Engine,
  { source, from, to, foldFrom = from }: Stretch,
  take: (frame: RecordFrame, begins: boolean) => boolean | Promise<boolean>,
): Promise<void> {
  const { watch } = engine;
  try {
    for await (const page of pages(source, from, to)) {
      for (const frame of page) {
        let begins = false;
        if (frame.environment !== null && frame.tick >= foldFrom) {
          watch.release();
          begins = await crossEra(engine, source, frame);
        }
        watch.hold();
        const goesOn = take(frame, begins);
        if (goesOn === true) continue;
        watch.release();
        if (!(await goesOn)) return;
      }
      watch.release();
    }
  } finally {
    watch.release();
  }
}

/** Loads the snapshot that an era begins with; answers why not where that can't be. */
async function loadBase(
  engine: Engine,
  { store }: LogSource,
  { segment }: LogSpan,
  tick: number,
  base: string,
): Promise<string | null> {
  if (!hasSnapshots(store)) return 'the store keeps none';
  const stored = await store.readSnapshot(segment, tick - 1);
  if (stored === undefined) return 'it is gone';
  try {
    const manifest = decodeManifest(stored.manifest, { segment, tick: tick - 1 });
    if (hex(manifest.point.stateHash) !== base)
      return 'another one is in its place, since the run was opened anew';
    await loadStored(engine, store, stored, manifest);
    return null;
  } catch (e) {
    if (!DAMAGE.some((code) => isWorldfoldError(e, code))) throw e;
    return messageOf(e);
  }
}
