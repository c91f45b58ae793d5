/**
 * Opening a PostgreSQL database as a store.
 *
 * Owns everything between an address or a folder and a `Connection`. Owns no call of a port.
 */
import type { ClientConfig } from 'pg';
import { show } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import type { PostgresAddress } from './address.ts';
import type { Connection } from './connection.ts';
import { EmbeddedSessions } from './embedded.ts';
import { refuse } from './errors.ts';
import { ensureFormat, quote } from './format.ts';
import { builder } from './kysely.ts';
import { INSTALLED, load } from './packages.ts';
import { ServerSessions } from './server.ts';
import type { Sessions } from './session.ts';
import { type Chosen, chosen, type OpenOptions, settingsOf } from './settings.ts';
import { PostgresStore } from './store.ts';

/** Finishes an opening: the tables, and what the store gets. Closes the sessions when it can't be. */
async function connected(
  kind: Connection['kind'],
  sessions: Sessions,
  location: string,
  options: OpenOptions,
  choice: Chosen,
  kysely: typeof import('kysely'),
): Promise<Connection> {
  const { schema, create, readOnly, partBytes } = choice;
  const quoted = quote(schema);
  try {
    await sessions.lend((session) =>
      ensureFormat(session, { location, schema, quoted, create, readOnly }, kysely),
    );
  } catch (e) {
    await sessions.close();
    refuse(e, location);
  }
  const sql = builder(kysely, schema);
  const clock = options.clock ?? null;
  return { kind, location, sessions, sql, schema: quoted, readOnly, partBytes, clock };
}

/** What a server is called in messages: never with a password or parameters. */
function addressOf(pg: typeof import('pg'), config: ClientConfig): string {
  try {
    const { host, port, database } = new pg.Client(config) as import('pg').Client & { database: string };
    return `postgres://${host}:${port}/${database}`;
  } catch {
    // What the driver says may show the address, and with it the password.
    return fail(
      'BAD_USAGE',
      'the address of the server can not be read',
      {},
      "Write await postgresStore('postgres://user@host:5432/database').",
    );
  }
}

/** Connects to a server, and makes or migrates what the store needs there. */
export async function connectServer(
  address: string | PostgresAddress,
  options: OpenOptions = {},
): Promise<Connection> {
  const isText = typeof address === 'string';
  if (isText ? !/^postgres(ql)?:\/\//.test(address) : typeof address !== 'object' || address === null)
    fail(
      'BAD_USAGE',
      'a PostgreSQL store needs the address of a server',
      {},
      "Write await postgresStore('postgres://user@host:5432/database').",
    );
  const choice = chosen(options);
  const { pg, kysely } = await load(options.packages ?? INSTALLED, 'a PostgreSQL store', ['pg', 'kysely']);
  const config: ClientConfig = isText ? { connectionString: address } : ({ ...address } as ClientConfig);
  const location = addressOf(pg, config);
  const sessions = new ServerSessions(pg, config, settingsOf(choice), location);
  return connected('postgres', sessions, location, options, choice, kysely);
}

/** Starts the embedded database of a folder, and makes or migrates what the store needs there. */
export async function connectEmbedded(path: string, options: OpenOptions = {}): Promise<Connection> {
  if (typeof path !== 'string' || path.trim() === '')
    fail(
      'BAD_USAGE',
      `an embedded store needs the path of a folder, or :memory:, not ${show(path)}`,
      { path },
      "Write await pgliteStore('runs').",
    );
  const choice = chosen(options);
  if (choice.readOnly && path === ':memory:')
    fail('BAD_USAGE', 'a store that is opened for reading can only be one that exists', { path });
  const packages = await load(options.packages ?? INSTALLED, 'an embedded PostgreSQL store', [
    'pg',
    'kysely',
    'pglite',
  ]);
  const location = `pglite:${path}`;
  const sessions = await EmbeddedSessions.open(packages, path, choice.create, settingsOf(choice), location);
  return connected('pglite', sessions, location, options, choice, packages.kysely);
}

/** Opens a store on a server with every setting, those of tests included. */
export const openPostgresStore = async (
  address: string | PostgresAddress,
  options?: OpenOptions,
): Promise<PostgresStore> => new PostgresStore(await connectServer(address, options));

/** Opens a store in a folder with every setting, those of tests included. */
export const openPgliteStore = async (path: string, options?: OpenOptions): Promise<PostgresStore> =>
  new PostgresStore(await connectEmbedded(path, options));
