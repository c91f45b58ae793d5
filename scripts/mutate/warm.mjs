/**
 * The warm runner as seen from outside: one test file at a time, within a limit, in a copy of the project.
 *
 * Owns the copy and the process. A run that exceeds its limit ends the process with all that it started,
 * since a loop that never ends can't be asked to.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {import('./runner.mjs').Result} Result */

/** What the copy needs. Everything else of a project has no part in its tests. */
const PARTS = ['src', 'test', 'examples', 'docs', 'scripts', 'lint', 'package.json', 'tsconfig.json'];

/** Lays a copy of the project where nothing else is. @param {string} root @returns {string} its folder */
export function layTree(root) {
  const tree = realpathSync(mkdtempSync(join(tmpdir(), 'worldfold-mutate-')));
  for (const part of [...PARTS, 'vitest.config.ts'])
    if (existsSync(join(root, part))) cpSync(join(root, part), join(tree, part), { recursive: true });
  symlinkSync(realpathSync(join(root, 'node_modules')), join(tree, 'node_modules'), 'dir');
  return tree;
}

/** Runs test files in a tree, one at a time. */
export class WarmRunner {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  #tree;

  /** @param {string} tree */
  constructor(tree) {
    this.#tree = tree;
  }

  /**
   * Runs a test file. `undefined`: it did not end within the limit, or took the process with it.
   * @param {string} test @param {string | undefined} changed what was written since the last run
   * @param {number} limit milliseconds @returns {Promise<Result | undefined>}
   */
  async run(test, changed, limit) {
    const child = this.#child ?? (await this.#start());
    const result = await new Promise((resolve) => {
      const timer = setTimeout(resolve, limit);
      const done = (/** @type {unknown} */ message) => {
        clearTimeout(timer);
        child.removeAllListeners('message').removeAllListeners('exit');
        resolve(message);
      };
      child.once('message', done).once('exit', () => done(undefined));
      child.send({ test, changed });
    });
    if (result === undefined) this.stop();
    return result;
  }

  /** @returns {Promise<import('node:child_process').ChildProcess>} */
  async #start() {
    const runner = fileURLToPath(new URL('./runner.mjs', import.meta.url));
    // A process group of its own, so that its workers end with it.
    const child = spawn(process.execPath, [runner], {
      cwd: this.#tree,
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // Tests of warnings hear them all the same; only nobody prints them.
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    });
    this.#child = child;
    await new Promise((resolve, reject) => {
      child.once('message', resolve);
      child.once('exit', () => reject(new Error('vitest did not start')));
    });
    child.removeAllListeners('exit');
    return child;
  }

  /** Ends the process and all that it started. */
  stop() {
    const child = this.#child;
    this.#child = undefined;
    if (child?.pid === undefined || child.exitCode !== null) return;
    child.removeAllListeners();
    process.kill(-child.pid, 'SIGKILL');
  }

  /** Ends the process and removes the copy. */
  close() {
    this.stop();
    rmSync(this.#tree, { recursive: true, force: true });
  }
}
