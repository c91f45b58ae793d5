/**
 * What PostgreSQL and its driver say, as errors of this project.
 *
 * Owns the mapping only. A caller of the store never sees an error of the driver except as a cause. Codes are
 * those of https://www.postgresql.org/docs/current/errcodes-appendix.html.
 */
import { messageOf } from '../../base/canonical.ts';
import { fail, isWorldfoldError } from '../../base/errors.ts';

/** The SQLSTATE (`40001`, `57P01`, …) that an error carries, if the database raised it. */
export function sqlState(e: unknown): string | undefined {
  const code = (e as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code) ? code : undefined;
}

/** Sessions that the server ends: shut down, timed out, or a connection that failed. */
const ENDING = /^(08|57P|25P03|25P04)/;

/** Whether nothing can be asked on a connection that gave this error. */
export function endsConnection(e: unknown): boolean {
  if (isWorldfoldError(e)) return false;
  const state = sqlState(e);
  return state === undefined || ENDING.test(state);
}

/** Damage that the server found in its files. */
const DAMAGED = /^XX00[12]$/;

const CONNECT = 'Check the address, and that the server runs and lets this host in.';
const LOST = 'The connection was lost: check the server and the network, and do the same again.';
const RIGHTS = 'Let a role with the rights do it, or grant them to this one.';

const HINTS: readonly (readonly [RegExp, string])[] = [
  [/^(ECONNREFUSED|ENOENT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/, CONNECT],
  [/^(ECONNRESET|EPIPE|08...)$/, LOST],
  [/^28...$/, 'Check the name of the user, the password and the pg_hba.conf of the server.'],
  [/^3D000$/, 'Make the database first: createdb NAME.'],
  [/^42501$/, RIGHTS],
  [/^2BP01$/, 'Something of your own in the database is built on it: drop that, and do the same again.'],
  [/^25006$/, 'The server only lets it be read: it may be a standby, or the role may be set to read only.'],
  [/^(53100|58030)$/, 'The disk of the server is full or failed: make room, and do the same again.'],
  [/^53200$/, 'The server has no memory left: give it more, or have fewer connections.'],
  [/^53300$/, 'The server has no connection left: end some, or raise max_connections.'],
  [/^55P03$/, 'Another process holds what is needed for long: end it, or raise lockTimeoutMs.'],
  [
    /^25P0[34]$/,
    'The process paused inside a transaction and held others up; raise transactionTimeoutMs if it must.',
  ],
  [/^57P0[123]$/, 'The server is stopping or starting: do the same again when it runs.'],
  [/^(40001|40P01)$/, 'Another process was in the way: do the same again.'],
];

/** What an error says; one that stands for several (each address of a host) says what each does. */
const saidBy = (e: unknown): string =>
  e instanceof AggregateError && e.message === '' ? e.errors.map(saidBy).join('; ') : messageOf(e);

/**
 * Throws what stands for `e`: an error of this project as it is, damage as `CORRUPT`, anything else as
 * `STORE_FAILED`, with the cause.
 */
export function refuse(e: unknown, location: string): never {
  if (isWorldfoldError(e)) throw e;
  const state = sqlState(e);
  const said = saidBy(e);
  if (state !== undefined && DAMAGED.test(state))
    fail(
      'CORRUPT',
      `${location} is damaged: ${said}`,
      { location, sqlstate: state },
      'Restore the database from a backup.',
      e,
    );
  const code = (e as { code?: unknown } | null)?.code;
  const hint = HINTS.find(([of]) => typeof code === 'string' && of.test(code))?.[1];
  const isLost = state === undefined && /^Connection terminated|connection error/.test(said);
  return fail(
    'STORE_FAILED',
    `${location} failed: ${said}`,
    { location, sqlstate: state ?? null },
    hint ?? (isLost ? LOST : undefined),
    e,
  );
}
