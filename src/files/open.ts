/**
 * Opening snapshot files: which format one has, whose schema counts, and what becomes of it.
 *
 * Owns the order of the checks. The format is told by the first bytes, never by the name.
 */
import { hex } from '../base/bytes.ts';
import { fail } from '../base/errors.ts';
import { loadHash } from '../base/hash.ts';
import { WorldState } from '../projections/world-state.ts';
import { type CompiledSchema, compileText } from '../schema/compile.ts';
import { isColumnFile, openColumnFile } from './column-file.ts';
import { openFile, type ReadableFile } from './disk.ts';
import { readForeign } from './foreign.ts';
import { checkTables, type SnapshotHead } from './header.ts';
import { npzSource, readNpzHead } from './npz-file.ts';
import { nameFile, readWorld, type SnapshotFormat, type SnapshotSource } from './source.ts';
import { isZip, ZipReader } from './zip.ts';

const FIRST_BYTES = 4;

/** The format of a file by its first bytes. `NO_STORE` when it is none of ours, `CORRUPT` when it is cut. */
async function formatOf(file: ReadableFile): Promise<SnapshotFormat> {
  const { path, size } = file;
  const first = new Uint8Array(Math.min(size, FIRST_BYTES));
  await file.read([first], 0);
  if (isColumnFile(first)) return 'columns';
  if (isZip(first)) return 'npz';
  return fail(
    'NO_STORE',
    `${path} is no snapshot file`,
    { path, size },
    'Name a file that saveSnapshot wrote.',
  );
}

/** A file that is open: a source, or an archive without a header. */
export interface OpenedFile {
  readonly source: SnapshotSource | null;
  readonly zip: ZipReader | null;
  readonly format: SnapshotFormat;
  readonly file: ReadableFile;
}

async function opened(file: ReadableFile): Promise<OpenedFile> {
  const format = await formatOf(file);
  // Sources differ in what their headers say of lanes, and get their own back.
  if (format === 'columns')
    return { source: (await openColumnFile(file)) as unknown as SnapshotSource, zip: null, format, file };
  const zip = await ZipReader.open(file);
  const head = await readNpzHead(zip);
  const source = head === null ? null : (npzSource(zip, head) as unknown as SnapshotSource);
  return { source, zip, format, file };
}

/** Does something with an opened file; closes it unless `keep`, and on errors in any case. */
export async function withFile<T>(
  file: ReadableFile,
  keep: boolean,
  work: (opened: OpenedFile) => T | Promise<T>,
): Promise<T> {
  let isKept = false;
  try {
    await loadHash();
    const made = await work(await opened(file));
    isKept = keep;
    return made;
  } catch (e) {
    return nameFile(e, file.path);
  } finally {
    if (!isKept) await file.close();
  }
}

/** The schema to read a file by: the given one where it has the same text, for its checks of JSON. */
export function schemaFor(head: SnapshotHead, given: CompiledSchema | undefined): CompiledSchema {
  return given?.text === head.schema ? given : compileText(head.schema);
}

/** Refuses a schema that differs from the file's. */
export function checkSchema(path: string, found: CompiledSchema, given: CompiledSchema | undefined): void {
  if (given === undefined || found.text === given.text) return;
  fail(
    'SCHEMA_DIFFERS',
    `${path} holds a world of '${found.spec.name}' version ${found.spec.version}, and the schema given is ` +
      `another: '${given.spec.name}' version ${given.spec.version}`,
    { path, expected: given.fingerprint, actual: found.fingerprint },
    'Leave the schema out to read the file by its own.',
  );
}

/** How a file is loaded. */
export interface LoadPlan {
  readonly schema?: CompiledSchema;
  /** Whether values may differ from what was saved: they are checked one by one. */
  readonly edited?: boolean;
  /** Makes a world of the given schema from one of the file's. */
  readonly migrate?: (from: WorldState) => WorldState;
}

/** What was loaded. */
export interface LoadedFile {
  readonly state: WorldState;
  readonly stateHash: string;
  /** What the file says beside its tables; null where it has no header. */
  readonly head: SnapshotHead | null;
  readonly format: SnapshotFormat;
}

async function stateIn({ source, zip, file }: OpenedFile, plan: LoadPlan): Promise<WorldState> {
  const { path } = file;
  if (source === null) {
    if (plan.schema === undefined)
      return fail(
        'BAD_USAGE',
        `${path} says nothing of its schema`,
        { path },
        'Give { schema }: only files that saveSnapshot wrote carry one.',
      );
    const state = new WorldState(plan.schema);
    await readForeign(zip!, state, null);
    return state;
  }
  const { head } = source;
  const schema = schemaFor(head, plan.schema);
  if (plan.migrate === undefined) checkSchema(path, schema, plan.schema);
  const state = new WorldState(schema);
  checkTables(head, state, path);
  if (plan.edited && zip !== null) await readForeign(zip, state, head);
  else await readWorld(source, state);
  return state;
}

/** Loads a world from an open file. */
export async function loadWorld(opened: OpenedFile, plan: LoadPlan): Promise<LoadedFile> {
  const { source, format, file } = opened;
  const found = await stateIn(opened, plan);
  const differs = plan.schema !== undefined && found.schema.text !== plan.schema.text;
  const state = differs && plan.migrate !== undefined ? plan.migrate(found) : found;
  checkSchema(file.path, state.schema, plan.schema);
  return { state, stateHash: hex(state.digest()), head: source?.head ?? null, format };
}

/** Loads a world from a file by its path; see `loadSnapshot` for what it refuses. */
export const loadFile = async (path: string, plan: LoadPlan): Promise<LoadedFile> =>
  withFile(await openFile(path), false, (opened) => loadWorld(opened, plan));
