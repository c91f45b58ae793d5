/**
 * A process that keeps vitest warm and runs one test file at a time in the tree that it was started in.
 *
 * Owns nothing but the running: whoever started it says what to run, and ends it when it takes too long.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createVitest } from 'vitest/node';

const tree = process.cwd();
const notes = join(tree, '.reached.json');
const vitest = await createVitest('test', {
  root: tree,
  watch: false,
  bail: 1,
  maxWorkers: 1,
  reporters: [{}],
  execArgv: ['--max-old-space-size=1024'],
  setupFiles: [fileURLToPath(new URL('./worker.mjs', import.meta.url))],
});
const project = vitest.getRootProject();

/** @typedef {{ test: string, changed: string | undefined }} Order */
/** @typedef {{ passed: boolean, tests: number, ms: number, reached: string[] }} Result */

/** @param {Order} order @returns {Promise<Result>} */
async function run({ test, changed }) {
  const file = join(tree, test);
  if (changed !== undefined) vitest.invalidateFile(join(tree, changed));
  rmSync(notes, { force: true });
  const began = performance.now();
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications([
    project.createSpecification(file),
  ]);
  const ms = performance.now() - began;
  const module = testModules.find(({ moduleId }) => moduleId === file);
  const passed = module?.state() === 'passed' && unhandledErrors.length === 0;
  const reached = existsSync(notes) ? JSON.parse(readFileSync(notes, 'utf8')) : [];
  return { passed, tests: module ? [...module.children.allTests()].length : 0, ms, reached };
}

process.on('message', (/** @type {Order} */ order) => {
  void run(order).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
