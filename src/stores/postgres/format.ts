/**
 * What a schema of a database holds, and making it a store of the newest format.
 *
 * Owns telling a store from other tables without touching them, the version of a store and its migrations.
 * The version is the number of migrations that the table of migrations holds.
 */
import { fail } from '../../base/errors.ts';
import { newerFormat } from '../sql/format.ts';
import { tablesOf } from '../sql/tables.ts';
import { runner } from './kysely.ts';
import { ROWS } from './partitions.ts';
import type { Session, Statements } from './session.ts';

/** The table that holds the migrations which were applied. */
export const MIGRATED = 'worldfold_migrations';
const LOCK = 'worldfold_migration_lock';

/** Where a store is, and what may be done there. */
export interface Place {
  readonly location: string;
  /** The name of the schema, as it is and as SQL. */
  readonly schema: string;
  readonly quoted: string;
  readonly create: boolean;
  readonly readOnly: boolean;
}

/** A name as SQL. */
export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** The oldest server that is known to do all that is asked of it. */
const OLDEST_SERVER = 130_000;

function checkServer(version: number, location: string): void {
  if (version >= OLDEST_SERVER) return;
  const major = Math.floor(version / 10_000);
  fail(
    'UNSUPPORTED',
    `${location} is served by PostgreSQL ${major}, and a store needs ${OLDEST_SERVER / 10_000} or newer`,
    { location, server: version },
    'Upgrade the server.',
  );
}

const noStore = ({ location, schema }: Place, why: string, hint: string): never =>
  fail('NO_STORE', `${location} ${why}`, { location, schema }, hint);

const foreign = (place: Place, why: string): never =>
  noStore(
    place,
    `has a schema ${place.quoted} that is no worldfold store: ${why}`,
    'Name another schema: this one was left as it is.',
  );

const LOOK = `SELECT current_setting('server_version_num')::int4 AS server, s.oid AS schema,
  ARRAY_TO_STRING(ARRAY(SELECT relname FROM pg_class WHERE relnamespace = s.oid AND relkind IN
    ('r', 'p', 'v', 'm', 'S', 'f') ORDER BY relname), E'\\n') AS relations
  FROM (SELECT 1) one LEFT JOIN pg_namespace s ON s.nspname = $1`;

interface Found {
  readonly server: number;
  readonly schema: number | null;
  readonly relations: string;
}

/** The migrations that were applied and the tables that are there, or null where there is no store yet. */
async function lookAt(statements: Statements, place: Place) {
  const { rows } = await statements.run<Found>({ text: LOOK }, [place.schema]);
  const { server, schema, relations } = rows[0]!;
  checkServer(server, place.location);
  if (schema === null || relations === '') return null;
  const tables = new Set(relations.split('\n'));
  if (!tables.has(MIGRATED)) foreign(place, 'it holds the tables of something else');
  const text = `SELECT name FROM ${place.quoted}.${quote(MIGRATED)} ORDER BY name COLLATE "C"`;
  const applied = (await statements.run<{ name: string }>({ text })).rows.map((row) => row.name);
  return { applied, tables };
}

/** Whether the store must be made or migrated; refuses what is not ours or too new. */
async function needsMigrating(statements: Statements, place: Place, known: readonly string[]) {
  const found = await lookAt(statements, place);
  if (found === null) {
    if (!place.create)
      noStore(
        place,
        `has no store in the schema ${place.quoted}`,
        'Check the name of the schema, or let it be created.',
      );
    return true;
  }
  const { applied, tables } = found;
  const other = applied.find((name, i) => i < known.length && name !== known[i]);
  if (other !== undefined) foreign(place, `it was made by the migration ${other}`);
  if (applied.length > known.length) newerFormat(place.location, applied.length, known.length);
  if (applied.length < known.length) return true;
  const absent = [...tablesOf(Number.MAX_SAFE_INTEGER), ROWS].find((name) => !tables.has(name));
  if (absent !== undefined) foreign(place, `it has no table ${absent}`);
  return false;
}

/** Makes sure that there is a store of the newest version; many processes may do so at once. */
export async function ensureFormat(
  session: Session,
  place: Place,
  kysely: typeof import('kysely'),
): Promise<void> {
  const { MIGRATIONS } = await import('./migrations/index.ts');
  const known = Object.keys(MIGRATIONS).sort();
  if (!(await session.within('read', (statements) => needsMigrating(statements, place, known)))) return;
  if (place.readOnly)
    fail(
      'READ_ONLY',
      `${place.location} must be migrated first`,
      { location: place.location },
      'Open it once for writing.',
    );
  await session.within('write', async (statements) => {
    const lock = 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))';
    await statements.run({ text: lock }, [`worldfold ${place.schema}`]);
    // Another process may have been faster.
    if (!(await needsMigrating(statements, place, known))) return;
    const migrator = new kysely.Migrator({
      db: runner(kysely, statements),
      provider: { getMigrations: async () => ({ ...MIGRATIONS }) },
      migrationTableSchema: place.schema,
      migrationTableName: MIGRATED,
      migrationLockTableName: LOCK,
    });
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined) throw error;
  });
}
