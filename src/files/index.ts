/**
 * Snapshots as files: `worldfold/files`.
 *
 * Owns the public way in and what it promises. A snapshot file is a projection like any other: it can be made
 * again from the log, and carries all that is needed to read it without the code that wrote it.
 */
import { checkNames } from '../base/arguments.ts';
import { show } from '../base/canonical.ts';
import { fail, isWorldfoldError } from '../base/errors.ts';
import { migrateTables } from '../projections/migrate.ts';
import { stateOf, WorldState } from '../projections/world-state.ts';
import type { CompiledSchema } from '../schema/compile.ts';
import type { Schema } from '../schema/define.ts';
import type { Shape } from '../schema/infer.ts';
import { planMigration } from '../schema/migration-plan.ts';
import type { Table, TableColumns, World } from '../schema/views.ts';
import { writeColumns, writePacked } from './column-file.ts';
import type { Durability } from './disk.ts';
import { openFile } from './disk.ts';
import { configOf, configText, type SnapshotFacts } from './header.ts';
import { writeNpz } from './npz-file.ts';
import { loadFile, withFile } from './open.ts';
import { type ColumnInfo, SnapshotPieces } from './pieces.ts';
import type { SnapshotFormat } from './source.ts';

export type { ColumnInfo, SnapshotFormat };

/** How a snapshot file is written, and what it says beside the tables. */
export interface SaveOptions {
  /** `'columns'` or `'npz'`. Default: `'npz'` for a path that ends with `.npz`, else `'columns'`. */
  readonly format?: SnapshotFormat;
  /** Whether columns are compressed, each on its own. Default: false. */
  readonly compress?: boolean;
  /**
   * What the file survives once the promise resolved: `'power'` (default) waits for the disk, `'process'`
   * does not. In either case nothing half-written is ever seen under the path.
   */
  readonly durability?: Durability;
  /** The tick after which the world is as it is. */
  readonly tick?: number;
  /** The seed of the run. */
  readonly seed?: string;
  /** The config of the run. */
  readonly config?: object;
  /** Texts by name, for people. */
  readonly hints?: { readonly [name: string]: string };
}

/** How a snapshot file is loaded. */
export interface LoadOptions<S extends Shape> {
  /**
   * The schema that the world gets; it also types the world. A file of an older version of it is taken along
   * by the declared migrations, or refused (`SCHEMA_DIFFERS`). Default: the file's own.
   * An `.npz` file that another program made needs it.
   */
  readonly schema?: Schema<S>;
  /**
   * Whether another program may have changed the values of an `.npz` file since it was saved. Its values are
   * then checked one by one, and its hashes are not. Default: false.
   */
  readonly edited?: boolean;
}

/** What a snapshot file says beside its tables. */
export interface SnapshotAbout {
  readonly path: string;
  readonly format: SnapshotFormat;
  /** The schema of the world, compiled from the text in the file. */
  readonly schema: CompiledSchema;
  /** SHA-256 of the schema text, in hexadecimal. */
  readonly fingerprint: string;
  /** The state hash, in hexadecimal. */
  readonly stateHash: string;
  /** What the caller of `saveSnapshot` said, or null. */
  readonly tick: number | null;
  readonly seed: string | null;
  readonly config: object | null;
  readonly hints: { readonly [name: string]: string };
}

/** A world from a file. */
export interface Snapshot<S extends Shape> extends SnapshotAbout {
  /** The world, read-only, as `run.at(tick)` gives it. */
  readonly world: World<S>;
}

type TableName<S extends Shape> = keyof S['tables'] & string;
/** What a column gives: as `world.people.columns.x`. */
export type ColumnOf<S extends Shape, T extends TableName<S>, C> =
  World<S>[T] extends Table<S, T>
    ? C extends keyof TableColumns<S, T>
      ? TableColumns<S, T>[C]
      : never
    : ArrayLike<unknown>;

/** A snapshot file that is open, of which nothing but the header was read. */
export interface SnapshotFile<S extends Shape> extends SnapshotAbout {
  /** Every column of the user's tables, with its rows and its bytes in the file. */
  readonly columns: readonly ColumnInfo[];
  /** Reads and verifies one column, and nothing else. `BAD_USAGE` when there is none, `CORRUPT`. */
  column<T extends TableName<S>, C extends keyof S['tables'][T]['columns'] & string>(
    table: T,
    column: C,
  ): Promise<ColumnOf<S, T, C>>;
  /** Reads and verifies one table, and nothing else: what `world.people` is. `BAD_USAGE`, `CORRUPT`. */
  table<T extends TableName<S>>(table: T): Promise<World<S>[T]>;
  /** Closes the file. What was read stays good. */
  close(): Promise<void>;
}

const SAVE = ['format', 'compress', 'durability', 'tick', 'seed', 'config', 'hints'];

const bad = (what: string, given: unknown, rule: string): never =>
  fail('BAD_USAGE', `${what} is ${show(given)}`, { given }, rule);

function checkPath(path: unknown): void {
  if (typeof path !== 'string' || path === '' || path.includes('\0'))
    bad('the path of a snapshot', path, 'Give the path of a file as a string.');
}

function oneOf(what: string, given: unknown, allowed: readonly unknown[]): void {
  if (given !== undefined && !allowed.includes(given))
    bad(what, given, `It is one of ${allowed.map(show).join(', ')}.`);
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a caller says of a world, checked. */
function factsOf({ tick, seed, config, hints }: SaveOptions): SnapshotFacts {
  if (tick !== undefined && (!Number.isSafeInteger(tick) || tick < 0))
    bad('the tick of a snapshot', tick, 'Ticks are whole numbers from 0 on.');
  if (seed !== undefined && typeof seed !== 'string')
    bad('the seed of a snapshot', seed, 'Seeds are strings.');
  if (config !== undefined && !isPlain(config)) bad('the config of a snapshot', config, 'It is an object.');
  if (
    hints !== undefined &&
    (!isPlain(hints) || Object.values(hints).some((hint) => typeof hint !== 'string'))
  )
    bad('the hints of a snapshot', hints, 'Hints are texts by name: { hints: { by: "Ada" } }.');
  return {
    tick: tick ?? null,
    seed: seed ?? null,
    config: config === undefined ? null : configText(config),
    hints: { ...hints },
  };
}

function stateBehind(world: unknown): WorldState {
  const state = isPlain(world) ? stateOf(world) : undefined;
  if (state === undefined)
    return bad('the world of a snapshot', world, 'Give what run.world or run.at(tick) gives.');
  if (state.gate.open)
    fail('BAD_USAGE', 'a world can not be saved while a handler writes it', {}, 'Save it between ticks.');
  state.gate.checkVisible('the world');
  return state;
}

/**
 * Saves a world to a file: all of it, as it is at the call. What happens to the world afterwards, while the
 * promise is pending, does not reach the file.
 *
 * Plain columns and arrays are written from memory by vectored writes; `compress` copies the columns first.
 * The file appears under its path when it is whole, in place of one that was there. What a save to the same
 * path left when its process died is removed.
 * Refuses with `BAD_USAGE` and `STORE_FAILED` (rights, disk, no such folder).
 *
 * @example
 * ```ts
 * await saveSnapshot(await run.at(30), 'day-30.wfs', { tick: 30 });
 * await saveSnapshot(run.world, 'town.npz'); // numpy.load('town.npz')['people/health']
 * ```
 */
export async function saveSnapshot(world: object, path: string, options: SaveOptions = {}): Promise<void> {
  checkPath(path);
  checkNames('the options of saveSnapshot', options, SAVE);
  const { format = path.endsWith('.npz') ? 'npz' : 'columns', compress = false } = options;
  const { durability = 'power' } = options;
  oneOf('the format of a snapshot', format, ['columns', 'npz']);
  oneOf("a snapshot's compress", compress, [true, false]);
  oneOf('the durability of a snapshot', durability, ['process', 'power']);
  const state = stateBehind(world);
  const facts = factsOf(options);
  if (format === 'npz') await writeNpz(state, facts, path, compress, durability);
  else if (compress) await writePacked(state, facts, path, durability);
  else await writeColumns(state, facts, path, durability);
}

const about = (
  path: string,
  format: SnapshotFormat,
  schema: CompiledSchema,
  stateHash: string,
  facts: SnapshotFacts | null,
): SnapshotAbout => ({
  path,
  format,
  schema,
  fingerprint: schema.fingerprint,
  stateHash,
  tick: facts?.tick ?? null,
  seed: facts?.seed ?? null,
  config: facts === null || facts.config === null ? null : configOf(facts.config),
  hints: { ...facts?.hints },
});

/**
 * Loads a world from a file, which may be of any format, and verifies it: magic, version, header, every
 * column, the state hash.
 *
 * Refuses with `NO_STORE` (no such file, or no snapshot), `CORRUPT` (with `path`, and `table` and `column`
 * where one is damaged), `NEWER_FORMAT`, `SCHEMA_DIFFERS`, `STORE_FAILED` and `BAD_USAGE`; arrays of another
 * program also with `BAD_VALUE`, `DUPLICATE_KEY` and `UNSUPPORTED`.
 *
 * @example
 * ```ts
 * const { world, tick } = await loadSnapshot('day-30.wfs', { schema });
 * ```
 */
export async function loadSnapshot<S extends Shape = Shape>(
  path: string,
  options: LoadOptions<S> = {},
): Promise<Snapshot<S>> {
  checkPath(path);
  checkNames('the options of loadSnapshot', options, ['schema', 'edited']);
  const { schema, edited = false } = options;
  oneOf("a snapshot's edited", edited, [true, false]);
  const { state, stateHash, head, format } = await loadFile(path, {
    edited,
    ...(schema !== undefined && {
      schema: schema.compiled,
      migrate: (from) => migrated(path, from, schema),
    }),
  });
  const said = about(path, format, state.schema, stateHash, head);
  return { ...said, world: state.reader as World<S> };
}

/** A world of a file under a later version of its schema. */
function migrated(
  path: string,
  { schema: from, tables }: WorldState,
  { compiled, migrations }: Pick<Schema<Shape>, 'compiled' | 'migrations'>,
): WorldState {
  try {
    const plan = planMigration(from, compiled, migrations);
    const to = new WorldState(compiled);
    migrateTables(plan, tables, to.tables);
    return to;
  } catch (e) {
    if (!isWorldfoldError(e)) throw e;
    return fail(e.code, `${path}: ${e.message}`, { path, ...e.facts }, e.hint, e);
  }
}

/**
 * Opens a snapshot file to read some of it: the header now, columns and tables when they are asked for. Each
 * is verified by its own hash. Close it when done. Refuses as {@link loadSnapshot} does; an `.npz` file that
 * another program made has no header, and can only be loaded whole.
 *
 * @example
 * ```ts
 * const file = await openSnapshot('day-30.wfs', { schema });
 * const health = await file.column('people', 'health'); // Uint8Array
 * await file.close();
 * ```
 */
export async function openSnapshot<S extends Shape = Shape>(
  path: string,
  options: Pick<LoadOptions<S>, 'schema'> = {},
): Promise<SnapshotFile<S>> {
  checkPath(path);
  checkNames('the options of openSnapshot', options, ['schema']);
  const file = await openFile(path);
  return withFile(file, true, (opened) => {
    const pieces = new SnapshotPieces(opened, options.schema?.compiled);
    const { source, schema } = pieces;
    const said = about(path, source.format, schema, source.head.stateHash, source.head);
    return {
      ...said,
      columns: pieces.columns,
      column: (table: string, column: string) => pieces.column(table, column) as never,
      table: (table: string) => pieces.table(table) as never,
      close: () => pieces.close(),
    };
  });
}
