import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isWorldfoldError } from '../../base/errors.ts';
import { processSpace, thisProcess } from '../../base/platform.ts';
import { lockFolder, lookAtFolder } from './folder.ts';

let home: string;
let folder: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'worldfold-folder-'));
  folder = join(home, 'db');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'nothing';
  } catch (e) {
    return isWorldfoldError(e) ? e.code : String(e);
  }
};
const lock = (): (() => void) => lockFolder(folder, 'pglite:db');
const look = (create = true): string => lookAtFolder(folder, 'pglite:db', create);

const deadProcess = (): number => spawnSync(process.execPath, ['-e', '0']).pid;
const writeLock = (owner: object): void =>
  writeFileSync(`${folder}.lock`, JSON.stringify({ ...thisProcess(), space: processSpace(), ...owner }));

describe('one process at a time has the folder', () => {
  it('a second one is refused until the first lets go', () => {
    const unlock = lock();
    expect(codeOf(lock)).toBe('STORE_FAILED');
    unlock();
    lock()();
    expect(existsSync(`${folder}.lock`)).toBe(false);
  });

  it('the lock of a dead process is taken over', () => {
    writeLock({ pid: deadProcess() });
    const unlock = lock();
    expect(JSON.parse(readFileSync(`${folder}.lock`, 'utf8'))).toMatchObject({ pid: process.pid });
    unlock();
  });

  it('that of a living one, of another host or container, or one that is being written is not', () => {
    for (const owner of [{ pid: process.ppid }, { pid: deadProcess(), space: 'another' }]) {
      writeLock(owner);
      expect(codeOf(lock)).toBe('STORE_FAILED');
    }
    writeFileSync(`${folder}.lock`, '');
    expect(codeOf(lock)).toBe('STORE_FAILED');
  });

  it('two do not take over at once', () => {
    writeLock({ pid: deadProcess() });
    mkdirSync(`${folder}.lock.taken`);
    expect(codeOf(lock)).toBe('STORE_FAILED');
    expect(existsSync(`${folder}.lock`)).toBe(true);
  });
});

describe('what a folder is', () => {
  it('absent or empty is to be made, if that is wanted', () => {
    expect(look()).toBe('absent');
    expect(codeOf(() => look(false))).toBe('NO_STORE');
    mkdirSync(folder);
    expect(look()).toBe('absent');
    expect(codeOf(() => look(false))).toBe('NO_STORE');
  });

  it('a file, the folder of something else, or one in no folder is refused', () => {
    expect(codeOf(() => lookAtFolder(join(folder, 'inner'), 'pglite:x', true))).toBe('NO_STORE');
    writeFileSync(folder, 'text');
    expect(codeOf(look)).toBe('NO_STORE');
    rmSync(folder);
    mkdirSync(folder);
    writeFileSync(join(folder, 'README'), 'mine');
    expect(codeOf(look)).toBe('NO_STORE');
  });

  it('one that a server runs on is refused; what the embedded database leaves is not', () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'PG_VERSION'), '18\n');
    expect(look()).toBe('there');
    const pid = join(folder, 'postmaster.pid');
    writeFileSync(pid, '-42\n/pglite/data\n');
    expect(look()).toBe('there');
    writeFileSync(pid, `${deadProcess()}\n`);
    expect(look()).toBe('there');
    writeFileSync(pid, `${process.pid}\n`);
    expect(codeOf(look)).toBe('STORE_FAILED');
  });
});
