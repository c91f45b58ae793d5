/**
 * What PostgreSQL itself says of a store's database.
 *
 * Owns no call of a port: records and snapshots are verified by whoever reads them. This looks beside them,
 * at versions, sizes and settings that weaken what a commit promises, and changes nothing.
 */
import type { Connection } from './connection.ts';
import { MIGRATED, quote } from './format.ts';
import { connectEmbedded, connectServer } from './open.ts';
import type { Sessions } from './session.ts';

/** The state of a store's database. */
export interface PostgresCondition {
  /** The version of PostgreSQL. */
  readonly server: string;
  /** The format that the store has, and the newest that this version knows. */
  readonly format: number;
  readonly known: number;
  /** Bytes of its tables and their indexes. */
  readonly bytes: number;
  /** Settings under which a commit may be lost, or the database damaged; empty where all is well. */
  readonly problems: readonly string[];
}

const SIZES = `SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::int8 AS bytes
  FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r'`;

/** Settings of a server without which a stop of its machine may damage the database. */
const NEEDED = [
  ['fsync', 'the server does not wait for its disk: fsync is off'],
  ['full_page_writes', 'a torn page can not be mended: full_page_writes is off'],
] as const;

async function problemsOf(sessions: Sessions): Promise<readonly string[]> {
  const names = NEEDED.map(([name], i) => `current_setting('${name}') AS s${i}`).join(', ');
  const { rows } = await sessions.lend((session) =>
    session.run<{ readonly [column: string]: string }>({ text: `SELECT ${names}` }),
  );
  return NEEDED.filter((_, i) => rows[0]![`s${i}`] !== 'on').map(([, what]) => what);
}

/** Examines an open database. */
export async function examine({ kind, sessions, schema }: Connection): Promise<PostgresCondition> {
  const { MIGRATIONS } = await import('./migrations/index.ts');
  const version = `SELECT current_setting('server_version') AS server,
    (SELECT count(*) FROM ${schema}.${quote(MIGRATED)})::int8 AS format`;
  const [found, sizes] = await sessions.lend(async (session) => [
    (await session.run<{ server: string; format: number }>({ text: version })).rows[0]!,
    (await session.run<{ bytes: number }>({ text: SIZES }, [schema])).rows[0]!,
  ]);
  // The embedded database never waits for the disk, whatever its settings say; its store's promise says so.
  const problems = kind === 'postgres' ? await problemsOf(sessions) : [];
  return { ...found, ...sizes, known: Object.keys(MIGRATIONS).length, problems };
}

async function examined(connection: Connection): Promise<PostgresCondition> {
  try {
    return await examine(connection);
  } finally {
    await connection.sessions.close();
  }
}

interface ExamineOptions {
  readonly schema?: string;
}

const LOOKING = { readOnly: true, create: false } as const;

/** Examines the database of a store on a server, which must be there. Errors are those of `postgresStore`. */
export const examineServer = async (
  address: string,
  options: ExamineOptions = {},
): Promise<PostgresCondition> => examined(await connectServer(address, { ...options, ...LOOKING }));

/** Examines the database of a folder, which must be there. Errors are those of `pgliteStore`. */
export const examineFolder = async (path: string): Promise<PostgresCondition> =>
  examined(await connectEmbedded(path, LOOKING));
