/**
 * The folder of an embedded database, and the lock beside it.
 *
 * Owns telling such a folder from others without changing it, and that one process at a time has it open: two
 * would destroy it. The lock is a file with the process that holds it; that of a dead process is taken over.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { canonicalJson } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import { isAlive, type ProcessIdentity, processSpace, thisProcess } from '../../base/platform.ts';

const noStore = (location: string, why: string, hint: string): never =>
  fail('NO_STORE', `${location} ${why}`, { location }, hint);

/** Whether a folder holds a database, or is to be made; refuses what is something else. */
export function lookAtFolder(folder: string, location: string, create: boolean): 'there' | 'absent' {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found !== undefined && !found.isDirectory())
    noStore(location, 'is no folder', 'Name another: this was left as it is.');
  const isEmpty = found !== undefined && readdirSync(folder).length === 0;
  if (found === undefined || isEmpty) {
    if (!create)
      noStore(location, isEmpty ? 'is empty' : 'does not exist', 'Check the path, or let it be created.');
    if (!existsSync(dirname(folder)))
      noStore(location, 'is in a folder that does not exist', 'Make the folder, or name another.');
    return 'absent';
  }
  if (!existsSync(join(folder, 'PG_VERSION')))
    noStore(location, 'is the folder of something else', 'Name another: this was left as it is.');
  checkNoServer(folder, location);
  return 'there';
}

/** A server writes its process id in front of this file; the embedded database writes a negative number. */
function checkNoServer(folder: string, location: string): void {
  const file = join(folder, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number.parseInt(readFileSync(file, 'latin1'), 10);
  if (pid > 0 && isAlive({ ...thisProcess(), pid }))
    fail(
      'STORE_FAILED',
      `${location} is served by a PostgreSQL server, process ${pid}`,
      { location, pid },
      'Give the address of the server to postgresStore.',
    );
}

interface Owner extends ProcessIdentity {
  /** Process ids of another space, as containers have it, say nothing here. */
  readonly space: string;
}

function ownerOf(file: string): Owner | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner;
  } catch {
    return null;
  }
}

/** A lock that can't be read is one that is being written, or that a stop of the machine cut short. */
const holds = (owner: Owner | null): boolean =>
  owner === null || owner.space !== processSpace() || isAlive(owner);

const inUse = (location: string, file: string, owner: Owner | null): never =>
  fail(
    'STORE_FAILED',
    owner === null
      ? `${location} is being opened by another process`
      : `${location} is open in another process: ${owner.pid} on ${owner.host}`,
    { location, lock: file, host: owner?.host ?? null, pid: owner?.pid ?? null },
    `It is for one process: end the other, or use a server. If no process has it open, delete ${file}.`,
  );

/** Makes the file, or says that there is one. */
function made(file: string, text: string): boolean {
  try {
    const opened = openSync(file, 'wx');
    writeSync(opened, text);
    closeSync(opened);
    return true;
  } catch (e) {
    if ((e as { code?: string }).code === 'EEXIST') return false;
    throw e;
  }
}

/** Deletes the lock of a dead process; a folder lets one process at a time do so. */
function takeOver(file: string, location: string): void {
  const turn = `${file}.taken`;
  try {
    mkdirSync(turn);
  } catch (e) {
    if ((e as { code?: string }).code === 'EEXIST') inUse(location, turn, null);
    throw e;
  }
  try {
    const owner = ownerOf(file);
    if (existsSync(file) && holds(owner)) inUse(location, file, owner);
    if (existsSync(file)) unlinkSync(file);
  } finally {
    rmdirSync(turn);
  }
}

/** Locks the folder for this process. Gives what unlocks it. */
export function lockFolder(folder: string, location: string): () => void {
  const file = `${folder}.lock`;
  const text = canonicalJson({ ...thisProcess(), space: processSpace() } satisfies Owner);
  if (!made(file, text)) {
    const owner = ownerOf(file);
    if (holds(owner)) inUse(location, file, owner);
    takeOver(file, location);
    if (!made(file, text)) inUse(location, file, ownerOf(file));
  }
  return () => unlinkSync(file);
}
