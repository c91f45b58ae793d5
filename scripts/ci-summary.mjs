/**
 * The closing line of a CI run, from the results that vitest wrote and the names of the steps that failed.
 *
 * Usage: node scripts/ci-summary.mjs FOLDER [failed step…]. Prints the line alone on standard output and what
 * failed on standard error; exits with 1 when anything did. A test that did not run counts as failed.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Steps that leave a file of results, by the file's name: the file says how many failed. */
const WITH_RESULTS = new Map([
  ['tests', 'tests'],
  ['newer Node', 'newer-node'],
]);

/**
 * @typedef {{ status: string, fullName: string }} TestResult
 * @typedef {{ name: string, status: string, message?: string, assertionResults: TestResult[] }} FileResult
 */

/** What one file of results says. */
function read(/** @type {string} */ file) {
  /** @type {{ testResults: FileResult[] }} */
  const { testResults } = JSON.parse(readFileSync(file, 'utf8'));
  let passed = 0;
  const failures = [];
  for (const { name, status, message, assertionResults } of testResults) {
    for (const test of assertionResults)
      if (test.status === 'passed') passed++;
      else failures.push(`${test.status}: ${basename(name)}: ${test.fullName}`);
    const isBroken = status === 'failed' && !assertionResults.some((test) => test.status === 'failed');
    if (isBroken) failures.push(`failed: ${basename(name)}: ${message?.split('\n')[0] ?? 'did not load'}`);
  }
  if (passed + failures.length === 0) failures.push(`failed: ${basename(file)} holds no tests`);
  return { passed, failures };
}

const [folder = '.', ...steps] = process.argv.slice(2);
let passed = 0;
/** @type {string[]} */
const failures = [];
const explained = new Set();
for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
  const found = read(join(folder, name));
  passed += found.passed;
  failures.push(...found.failures);
  if (found.failures.length > 0) explained.add(basename(name, '.json'));
}
for (const [step, file] of WITH_RESULTS)
  if (!steps.includes(step) && !existsSync(join(folder, `${file}.json`)))
    failures.push(`did not run: ${step}`);
// A step whose results name what failed is counted by them; any other counts as one.
for (const step of steps) if (!explained.has(WITH_RESULTS.get(step))) failures.push(`failed: ${step}`);

for (const failure of failures) process.stderr.write(`${failure}\n`);
process.stdout.write(`${passed} passed, ${failures.length} failed\n`);
process.exitCode = failures.length > 0 ? 1 : 0;
