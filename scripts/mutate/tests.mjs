/**
 * Which tests a source file is judged by: those of its folder, and those that the table names for it.
 *
 * Owns the table. A test that takes long or starts processes has no place in it: each survivor runs all of
 * those that reach it.
 */
import { readdirSync } from 'node:fs';
import { join, posix } from 'node:path';

/** Folders, and the tests beside their own that hold their behaviour. @type {Record<string, string[]>} */
export const JUDGES = {
  'src/columns': [
    'src/projections/applier.test.ts',
    'src/projections/world-diff.test.ts',
    'src/simulation/apply.test.ts',
    'src/simulation/paranoid.test.ts',
    'src/simulation/snapshots.test.ts',
    'src/files/snapshot.test.ts',
    'test/property/codec.test.ts',
    'test/property/history-free.test.ts',
    'test/golden/golden.test.ts',
    'test/golden/snapshot.test.ts',
  ],
  'src/log': [
    'src/simulation/fork.test.ts',
    'src/simulation/history.test.ts',
    'src/simulation/snapshots.test.ts',
    'src/replay/describe.test.ts',
    'src/replay/eras.test.ts',
    'src/replay/replay.test.ts',
    'src/replay/trees.test.ts',
    'test/contract/memory-store.test.ts',
    'test/contract/sqlite-snapshots.test.ts',
    'test/contract/tree.test.ts',
    'test/property/append.test.ts',
    'test/property/codec.test.ts',
    'test/property/found.test.ts',
    'test/golden/golden.test.ts',
    'test/golden/manifest.test.ts',
  ],
  'src/replay': [
    'src/replay/verify/verdicts.test.ts',
    'src/replay/verify/verify.test.ts',
    'test/gallery/verify.test.ts',
    'test/gallery/sync.test.ts',
    'test/property/diff.test.ts',
    'test/property/parting.test.ts',
    'test/property/verify.test.ts',
  ],
};

/** @param {string} root @param {string} folder @returns {string[]} */
const testsIn = (root, folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `${folder}/${name}`);

/**
 * The tests of a source file, its folder's first.
 * @param {string} root @param {string} file @returns {string[]}
 */
export function testsOf(root, file) {
  /** @type {string[]} */
  const tests = [];
  for (let folder = posix.dirname(file); folder !== '.'; folder = posix.dirname(folder))
    tests.push(...testsIn(root, folder), ...(JUDGES[folder] ?? []));
  return [...new Set(tests)];
}
