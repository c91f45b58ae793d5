/**
 * A lock between processes, held as a folder: making a folder either succeeds or tells that another has it.
 *
 * Owns waiting, and clearing away what a killed process left. Knows nothing about what is guarded.
 */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const UNNAMED_FOR_MS = 10_000;

const sleep = (/** @type {number} */ ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

/** Makes the folder, or tells that it exists. */
function claim(/** @type {string} */ folder) {
  try {
    mkdirSync(folder);
    return true;
  } catch (e) {
    if (/** @type {NodeJS.ErrnoException} */ (e).code === 'EEXIST') return false;
    throw e;
  }
}

/** The process that holds the lock, or undefined when it has not said so yet. */
function holderOf(/** @type {string} */ folder) {
  try {
    return Number(readFileSync(join(folder, 'pid'), 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function isAlive(/** @type {number} */ pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (e) {
    return /** @type {NodeJS.ErrnoException} */ (e).code === 'EPERM';
  }
}

/** Whether nobody will ever give this lock back. */
function isAbandoned(/** @type {string} */ folder) {
  const pid = holderOf(folder);
  if (pid !== undefined) return !isAlive(pid);
  const made = statSync(folder, { throwIfNoEntry: false })?.mtimeMs;
  return made !== undefined && Date.now() - made > UNNAMED_FOR_MS;
}

/** Removes an abandoned lock. A second folder lets one process at a time look again and remove. */
function clearAbandoned(/** @type {string} */ folder) {
  const sweep = `${folder}.sweep`;
  if (!claim(sweep)) {
    const made = statSync(sweep, { throwIfNoEntry: false })?.mtimeMs;
    if (made !== undefined && Date.now() - made > UNNAMED_FOR_MS)
      rmSync(sweep, { recursive: true, force: true });
    return;
  }
  try {
    if (isAbandoned(folder)) rmSync(folder, { recursive: true, force: true });
  } finally {
    rmSync(sweep, { recursive: true, force: true });
  }
}

/**
 * Runs `work` while no other process holds the same folder; waits for as long as a living process does.
 * @param {string} folder @param {(line: string) => void} say @param {() => void} work
 */
export function withLock(folder, say, work) {
  mkdirSync(dirname(folder), { recursive: true });
  for (let told = false; !claim(folder); sleep(100)) {
    if (isAbandoned(folder)) clearAbandoned(folder);
    else if (!told) {
      say(`waiting for another set-up (process ${holderOf(folder) ?? 'unknown'} holds ${folder})`);
      told = true;
    }
  }
  const release = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', release);
  try {
    writeFileSync(join(folder, 'pid'), String(process.pid));
    work();
  } finally {
    process.off('exit', release);
    release();
  }
}
