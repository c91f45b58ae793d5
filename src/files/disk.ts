/**
 * Files as snapshots need them: written whole or not at all, read piece by piece.
 *
 * Owns the temporary name and what becomes of it when its writer dies, the order of sync and rename, short
 * reads and writes, and what the operating system's refusals are called. Knows nothing of what is in a file.
 */
import { closeSync, fsync, openSync, readdirSync, unlinkSync, writevSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { hex } from '../base/bytes.ts';
import { fail, isWorldfoldError } from '../base/errors.ts';
import { freshName, isAlive, processSpace, sha256, thisProcess } from '../base/platform.ts';
import { utf8 } from '../base/text.ts';

/** What a file survives once the promise of writing it resolved; the words of the SQLite store. */
export type Durability = 'process' | 'power';

/** How many buffers one vectored call takes (IOV_MAX of Linux and macOS). */
const BUFFERS_A_CALL = 1024;

const HINTS: { readonly [code: string]: string } = {
  ENOENT: 'Make the folder first.',
  ENOSPC: 'The disk is full: make room and do the same again.',
  EACCES: 'Check the rights on the file and on its folder.',
  EPERM: 'Check the rights on the file and on its folder.',
  EISDIR: 'The path is a folder: name a file.',
  EIO: 'The disk or file system failed: check it, and do the same again.',
};

/** Throws what stands for `e`: an error of this project as it is, anything else as `STORE_FAILED`. */
export function refuse(e: unknown, path: string): never {
  if (isWorldfoldError(e)) throw e;
  const code = (e as { code?: string }).code ?? null;
  const said = e instanceof Error ? e.message : String(e);
  return fail('STORE_FAILED', `${path} failed: ${said}`, { path, system: code }, HINTS[code ?? ''], e);
}

/** Writes all buffers in order by vectored calls, without a copy. What one call leaves goes to the next. */
export function writeAll(fd: number, buffers: readonly Uint8Array[], writev = writevSync): void {
  let left = buffers.filter((buffer) => buffer.length > 0);
  while (left.length > 0) {
    const batch = left.slice(0, BUFFERS_A_CALL);
    let written = writev(fd, batch);
    let whole = 0;
    while (whole < batch.length && written >= batch[whole]!.length) written -= batch[whole++]!.length;
    left = left.slice(whole);
    if (written > 0) left[0] = left[0]!.subarray(written);
  }
}

/** What stands for a space of process ids in a name: names of hosts may hold anything. */
const markOf = (space: string): string => hex(sha256(utf8(space))).slice(0, 8);
/** What follows the name of the file in the name of a temporary one: space, process, and what is random. */
const TEMPORARY = /^([0-9a-f]{8})-([1-9]\d*)-[0-9a-f]{16}\.tmp$/;

const prefixOf = (path: string): string => `.${basename(path)}.`;

function temporaryOf(path: string): string {
  const writer = `${markOf(processSpace())}-${thisProcess().pid}`;
  return join(dirname(path), `${prefixOf(path)}${writer}-${freshName()}.tmp`);
}

/**
 * Removes the temporary files of a path whose writers died. Of a writer that can't be seen from here nothing
 * is known: its file stays. A name is never used twice, so that what is removed is the dead writer's.
 */
function removeLeftovers(path: string): void {
  const prefix = prefixOf(path);
  const { host } = thisProcess();
  const here = markOf(processSpace());
  for (const name of namesIn(dirname(path))) {
    const [, space, pid] = (name.startsWith(prefix) && TEMPORARY.exec(name.slice(prefix.length))) || [];
    if (space === here && !isAlive({ host, pid: Number(pid) })) removeQuietly(join(dirname(path), name));
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // A folder that is absent, or may not be listed: whoever makes a file in it hears what is the matter.
    return [];
  }
}

/**
 * Makes a file that is there whole or not at all: `write` fills a temporary file beside it, which is synced
 * and renamed. A crash leaves at most the temporary file, which the next call for the same path removes; an
 * error not even that. What `write` does before it waits is done when the call returns its promise.
 * `STORE_FAILED`.
 */
export async function writeWhole(
  path: string,
  durability: Durability,
  write: (fd: number) => void | Promise<void>,
): Promise<void> {
  // First of all: where the disk is full, they may be what fills it.
  removeLeftovers(path);
  const temporary = temporaryOf(path);
  let fd = -1;
  try {
    fd = openSync(temporary, 'wx');
    await write(fd);
    if (durability === 'power') await promisify(fsync)(fd);
    closeSync(fd);
    fd = -2;
    await rename(temporary, path);
    if (durability === 'power') await syncFolder(dirname(path));
  } catch (e) {
    if (fd >= 0) closeSync(fd);
    if (fd !== -1) removeQuietly(temporary);
    refuse(e, path);
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // What failed is told by the error that led here; a renamed file has no temporary name any more.
  }
}

/** Makes the entry of a folder survive power loss. Windows has no such call and needs none. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A file to read from, piece by piece. */
export interface ReadableFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Fills the buffers in order from the bytes at `at`. `CORRUPT` when the file ends before. */
  read(buffers: readonly Uint8Array[], at: number): Promise<void>;
  close(): Promise<void>;
}

async function readAll(handle: FileHandle, path: string, buffers: readonly Uint8Array[], from: number) {
  let left = buffers.filter((buffer) => buffer.length > 0);
  let at = from;
  while (left.length > 0) {
    const batch = left.slice(0, BUFFERS_A_CALL);
    let { bytesRead } = await handle.readv(batch, at);
    if (bytesRead === 0) fail('CORRUPT', `${path} ends too early`, { path, at });
    at += bytesRead;
    let whole = 0;
    while (whole < batch.length && bytesRead >= batch[whole]!.length) bytesRead -= batch[whole++]!.length;
    left = left.slice(whole);
    if (bytesRead > 0) left[0] = left[0]!.subarray(bytesRead);
  }
}

/** Opens a file for reading. `NO_STORE` when there is none, `STORE_FAILED` when the system refuses. */
export async function openFile(path: string): Promise<ReadableFile> {
  const handle = await open(path, 'r').catch((e) => {
    if ((e as { code?: string }).code !== 'ENOENT') refuse(e, path);
    return fail('NO_STORE', `there is no file ${path}`, { path }, 'Check the path.', e);
  });
  try {
    const { size } = await handle.stat();
    return {
      path,
      size,
      read: (buffers, at) => readAll(handle, path, buffers, at).catch((e) => refuse(e, path)),
      close: () => handle.close(),
    };
  } catch (e) {
    await handle.close();
    return refuse(e, path);
  }
}
