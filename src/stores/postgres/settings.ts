/**
 * The options of the PostgreSQL stores.
 *
 * Owns their checks, and the parameters of a session that follow from them.
 */
import { checkPositive } from '../../base/arguments.ts';
import { show } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import { quote } from './format.ts';
import type { Settings } from './link.ts';
import type { Packages } from './packages.ts';
import { PLAIN_TEXTS } from './values.ts';

/** The schema that holds a store where none is named. */
export const DEFAULT_SCHEMA = 'worldfold';

/** Every option of a store; `postgresStore` and `pgliteStore` document those that users have. */
export interface OpenOptions {
  readonly schema?: string;
  readonly create?: boolean;
  readonly readOnly?: boolean;
  readonly durability?: 'process' | 'power';
  readonly transactionTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
  readonly reconnectMs?: number;
  readonly writerConnections?: number;
  /** Records longer than this are stored in parts of this size. */
  readonly partBytes?: number;
  /** The clock of leases in milliseconds. Default: the clock of the database. */
  readonly clock?: () => number;
  readonly packages?: Packages;
}

/** The options that are checked, with their defaults. */
export type Chosen = Required<
  Pick<
    OpenOptions,
    | 'schema'
    | 'create'
    | 'readOnly'
    | 'durability'
    | 'transactionTimeoutMs'
    | 'lockTimeoutMs'
    | 'reconnectMs'
    | 'writerConnections'
    | 'partBytes'
  >
>;

const PART_BYTES = 8 * 1024 * 1024;
const TRANSACTION_TIMEOUT_MS = 5_000;
const LOCK_TIMEOUT_MS = 10_000;
const RECONNECT_MS = 10_000;
/** Of the 100 connections that a server lets in by default, so that a second process finds some. */
const WRITER_CONNECTIONS = 40;
/** A longer name would be cut by the server, and mean another schema. */
const LONGEST_NAME = 63;

function checkSchema(schema: unknown): void {
  const why =
    typeof schema !== 'string' || schema === ''
      ? 'is a name'
      : Buffer.byteLength(schema) > LONGEST_NAME
        ? `has at most ${LONGEST_NAME} bytes`
        : schema.includes('\0') || !schema.isWellFormed()
          ? 'is a name that a database can hold'
          : /^(pg_|information_schema$)/.test(schema)
            ? 'is none of the database itself'
            : null;
  if (why !== null)
    fail('BAD_USAGE', `schema ${why}, not ${show(schema)}`, { schema }, "Write schema: 'worldfold'.");
}

function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    fail('BAD_USAGE', `${name} is a whole number from 0 on, not ${show(value)}`, { [name]: value });
}

/** Checks the options and fills in the defaults. */
export function chosen(options: OpenOptions): Chosen {
  const {
    schema = DEFAULT_SCHEMA,
    readOnly = false,
    create = !readOnly,
    durability = 'power',
    transactionTimeoutMs = TRANSACTION_TIMEOUT_MS,
    lockTimeoutMs = LOCK_TIMEOUT_MS,
    reconnectMs = RECONNECT_MS,
    writerConnections = WRITER_CONNECTIONS,
    partBytes = PART_BYTES,
  } = options;
  checkSchema(schema);
  for (const [name, value] of Object.entries({ readOnly, create }))
    if (typeof value !== 'boolean')
      fail('BAD_USAGE', `${name} is true or false, not ${show(value)}`, { [name]: value });
  if (readOnly && create)
    fail('BAD_USAGE', 'a store that is opened for reading can only be one that exists', { schema });
  if (durability !== 'process' && durability !== 'power')
    fail('BAD_USAGE', `durability is 'process' or 'power', not ${show(durability)}`, { durability });
  for (const [name, value] of Object.entries({ transactionTimeoutMs, lockTimeoutMs })) {
    checkPositive(name, value);
    if (value > 0x7fffffff) fail('BAD_USAGE', `${name} is at most ${0x7fffffff}`, { [name]: value });
  }
  for (const [name, value] of Object.entries({ reconnectMs, writerConnections })) checkCount(name, value);
  const limits = { transactionTimeoutMs, lockTimeoutMs, reconnectMs, writerConnections };
  return { schema, readOnly, create, durability, ...limits, partBytes };
}

/** The parameters of every session of a store. */
export function settingsOf(options: Chosen): Settings {
  return {
    search_path: quote(options.schema),
    default_transaction_read_only: options.readOnly ? 'on' : 'off',
    synchronous_commit: options.durability === 'power' ? 'on' : 'off',
    idle_in_transaction_session_timeout: String(options.transactionTimeoutMs),
    lock_timeout: String(options.lockTimeoutMs),
  };
}

/** The same for a session that users look through. */
export const lookingSettings = (settings: Settings): Settings => ({
  ...settings,
  ...PLAIN_TEXTS,
  default_transaction_read_only: 'on',
});

/**
 * Those of a writer's own session. It makes few statements very often, with rows as arrays: a plan that is
 * made anew for the length of each array is no better and costs more than what it plans.
 */
export const writingSettings = (settings: Settings): Settings => ({
  ...settings,
  plan_cache_mode: 'force_generic_plan',
});
