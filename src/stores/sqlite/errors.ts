/**
 * What SQLite says, as errors of this project.
 *
 * Owns the mapping only. A caller of the store never sees an error of the driver except as a cause.
 */
import { fail, isWorldfoldError } from '../../base/errors.ts';

/** The result code of SQLite (`SQLITE_BUSY`, `SQLITE_CORRUPT_VTAB`, …) that an error carries, if it does. */
export function sqliteCode(e: unknown): string | undefined {
  const code = (e as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : undefined;
}

const DAMAGED = /^SQLITE_(CORRUPT|NOTADB)/;

const HINTS: readonly (readonly [RegExp, string])[] = [
  [/^SQLITE_(BUSY|LOCKED)/, 'Another process holds the file for long: end it, or raise busyTimeoutMs.'],
  [/^SQLITE_FULL/, 'The disk is full: make room and do the same again.'],
  [/^SQLITE_(READONLY|PERM|CANTOPEN|AUTH)/, 'Check the rights on the file and on its folder.'],
  [/^SQLITE_IOERR/, 'The disk or file system failed: check it, and do the same again.'],
];

/**
 * Throws what stands for `e`: an error of this project as it is, damage as `CORRUPT`, anything else as
 * `STORE_FAILED`, with the cause.
 */
export function refuse(e: unknown, location: string): never {
  if (isWorldfoldError(e)) throw e;
  const code = sqliteCode(e);
  const said = e instanceof Error ? e.message : String(e);
  if (code !== undefined && DAMAGED.test(code))
    fail(
      'CORRUPT',
      `${location} is damaged: ${said}`,
      { location, sqlite: code },
      'Restore the file from a backup; `sqlite3 FILE .recover` may save what is left.',
      e,
    );
  const hint = HINTS.find(([of]) => code !== undefined && of.test(code))?.[1];
  return fail('STORE_FAILED', `${location} failed: ${said}`, { location, sqlite: code ?? null }, hint, e);
}
