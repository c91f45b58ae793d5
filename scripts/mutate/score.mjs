/**
 * What became of mutants: the run of each against the tests that reach it, and the score of a file.
 *
 * Owns the verdict. A mutant is killed by a test that fails, does not end within its limit, or takes its
 * process with it; it survives where all tests that reach it pass, and where none does.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mutantsOf, mutate, noteReach, sampleOf } from './mutants.mjs';
import { testsOf } from './tests.mjs';

/** @typedef {import('./mutants.mjs').Mutant} Mutant */
/** @typedef {import('./warm.mjs').WarmRunner} WarmRunner */
/** @typedef {{ ms: number, reached: ReadonlySet<string> }} Baseline */
/** @typedef {{ line: number, was: string, becomes: string, isReached: boolean }} Survivor */
/**
 * @typedef {object} Score
 * @property {string} file @property {string} digest of the text that was changed
 * @property {number} mutants @property {number} tried @property {number} killed
 * @property {Survivor[]} survived
 */

/** The first run in a process loads the project, which no mutant is to blame for. */
const FIRST_LIMIT_MS = 600_000;
const limitOf = (/** @type {Baseline} */ { ms }) => 5000 + 4 * ms;

/**
 * Runs the tests of the files as they are, which must pass, and learns which blocks each of them reaches.
 * @param {WarmRunner} runner @param {string} tree @param {readonly string[]} files
 * @param {(line: string) => void} say @returns {Promise<Map<string, Baseline>>}
 */
export async function runBaseline(runner, tree, files, say) {
  const texts = new Map(files.map((file) => [file, readFileSync(join(tree, file), 'utf8')]));
  for (const [file, text] of texts) writeFileSync(join(tree, file), noteReach(text, file));
  /** @type {Map<string, Baseline>} */
  const baselines = new Map();
  for (const test of new Set(files.flatMap((file) => testsOf(tree, file)))) {
    const result = await runner.run(test, undefined, FIRST_LIMIT_MS);
    if (result === undefined)
      throw new Error(
        `${test} took its process with it, or longer than ${FIRST_LIMIT_MS / 1000} s, unchanged`,
      );
    if (!result.passed) throw new Error(`${test} must pass before anything is changed, and fails`);
    say(`${test}: ${result.tests} tests in ${(result.ms / 1000).toFixed(1)} s`);
    baselines.set(test, { ms: result.ms, reached: new Set(result.reached) });
  }
  for (const [file, text] of texts) writeFileSync(join(tree, file), text);
  // What the process holds are the texts with notes.
  runner.stop();
  return baselines;
}

/**
 * Whether one of the tests fails. Those that have killed most come first; the verdict is the same in any
 * order.
 * @param {WarmRunner} runner @param {string} file @param {readonly string[]} tests
 * @param {Map<string, Baseline>} baselines @param {Map<string, number>} kills
 */
async function isKilled(runner, file, tests, baselines, kills) {
  const killsOf = (/** @type {string} */ test) => kills.get(test) ?? 0;
  const msOf = (/** @type {string} */ test) => baselines.get(test)?.ms ?? 0;
  const inOrder = [...tests].sort((a, b) => killsOf(b) / msOf(b) - killsOf(a) / msOf(a) || msOf(a) - msOf(b));
  for (const test of inOrder) {
    const baseline = baselines.get(test);
    const result = baseline && (await runner.run(test, file, limitOf(baseline)));
    if (result?.passed) continue;
    kills.set(test, killsOf(test) + 1);
    return true;
  }
  return false;
}

/** @param {{ line: number, was: string, becomes: string }} mutant */
const nameOf = ({ line, was, becomes }) => JSON.stringify([line, was, becomes]);

/**
 * The score of one file by a sample of its mutants. Of a file that is as it was in an earlier report, only
 * what survived then is tried: more tests let no more survive.
 * @param {WarmRunner} runner @param {string} tree @param {string} file
 * @param {Map<string, Baseline>} baselines
 * @param {{ sample: number, seed: string, before: Score | undefined }} how
 * @param {(line: string) => void} say @returns {Promise<Score>}
 */
export async function scoreFile(runner, tree, file, baselines, { sample, seed, before }, say) {
  const place = join(tree, file);
  const text = readFileSync(place, 'utf8');
  const all = mutantsOf(text);
  const chosen = sampleOf(all, sample, `${seed} ${file}`);
  const tests = testsOf(tree, file);
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const left = before?.digest === digest ? new Set(before.survived.map(nameOf)) : undefined;
  /** @type {Map<string, number>} */
  const kills = new Map();
  /** @type {Score} */
  const score = { file, digest, mutants: all.length, tried: chosen.length, killed: 0, survived: [] };
  for (const mutant of chosen) {
    if (left && !left.has(nameOf(mutant))) {
      score.killed++;
      continue;
    }
    const { line, was, becomes, block } = mutant;
    const key = `${file}:${block}`;
    const reaching = tests.filter((test) => block < 0 || baselines.get(test)?.reached.has(key));
    writeFileSync(place, mutate(text, mutant));
    const killed = await isKilled(runner, file, reaching, baselines, kills);
    if (killed) score.killed++;
    else score.survived.push({ line, was, becomes, isReached: reaching.length > 0 });
    say(`${file}:${line}: ${was} -> ${becomes}: ${killed ? 'killed' : 'SURVIVED'}`);
  }
  writeFileSync(place, text);
  // The next file is changed in a process that has seen nothing of this one's mutants.
  await runner.run(tests[0] ?? '', file, FIRST_LIMIT_MS);
  return score;
}
