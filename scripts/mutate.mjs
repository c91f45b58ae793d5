/**
 * `npm run mutate -- src/log`: changes the sources a little, one change at a time, and tells which changes no
 * test sees. Everything happens in a scratch copy of the project.
 *
 * Owns the command and its report. `--sample 40` tries as many mutants of each file (`all` for all of them),
 * `--seed 1` chooses them, `--json` prints data. `--again FILE` takes such data, and tries with the same seed
 * and sample what survived then. `--root` takes another project that is laid out the same way.
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runBaseline, scoreFile } from './mutate/score.mjs';
import { layTree, WarmRunner } from './mutate/warm.mjs';
import { ensureInstalled, filesUnder, root as ownRoot, readJson, say, stop } from './setup.mjs';

/** @typedef {import('./mutate/score.mjs').Score} Score */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    again: { type: 'string' },
    root: { type: 'string', default: ownRoot },
  },
});
const sample = values.sample === 'all' ? Number.POSITIVE_INFINITY : Number(values.sample);
if (!(sample >= 1)) stop(`--sample is a number from 1 on, or all, not ${values.sample}`);
const earlier = values.again === undefined ? undefined : readJson(values.again);
const isSame = earlier?.seed === values.seed && earlier?.sample === values.sample;
if (values.again !== undefined && !isSame) stop(`${values.again} is no report of this seed and this sample`);
if (positionals.length === 0) stop('say what to change: npm run mutate -- src/log');

/** The sources among what was named. @param {string} named @returns {string[]} */
function sourcesOf(named) {
  const place = join(values.root, named);
  if (!existsSync(place)) stop(`there is no ${named}`);
  const files = statSync(place).isFile() ? [named] : filesUnder(named, values.root);
  return files.filter((file) => /\.ts$/.test(file) && !/\.(test|d)\.ts$/.test(file));
}

/** @param {Score[]} scores */
function rate(scores) {
  const tried = scores.reduce((sum, score) => sum + score.tried, 0);
  const killed = scores.reduce((sum, score) => sum + score.killed, 0);
  return { tried, killed, percent: tried === 0 ? 100 : (100 * killed) / tried };
}

/** @param {Score} score */
function print({ file, mutants, tried, killed, survived }) {
  console.log(`${file}: ${killed} of ${tried} killed (${mutants} mutants)`);
  for (const { line, was, becomes, isReached } of survived)
    console.log(`  ${file}:${line}  ${was}  ->  ${becomes}${isReached ? '' : '  (no test comes here)'}`);
}

ensureInstalled();
const files = [...new Set(positionals.map((named) => named.replace(/\/$/, '')).flatMap(sourcesOf))].sort();
if (files.length === 0) stop('there are no sources in what was named');
const tree = layTree(values.root);
const runner = new WarmRunner(tree);
process.on('exit', () => runner.close());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

/** @type {Score[]} */
const scores = [];
try {
  const baselines = await runBaseline(runner, tree, files, say);
  for (const file of files) {
    /** @type {Score | undefined} */
    const before = earlier?.files.find((/** @type {Score} */ score) => score.file === file);
    const how = { sample, seed: values.seed, before };
    const score = await scoreFile(runner, tree, file, baselines, how, say);
    scores.push(score);
    if (!values.json) print(score);
  }
} catch (e) {
  stop(e instanceof Error ? e.message : String(e));
}
const total = rate(scores);
const chosenBy = { seed: values.seed, sample: values.sample };
if (values.json) console.log(JSON.stringify({ ...total, ...chosenBy, files: scores }, null, 2));
else console.log(`score ${total.percent.toFixed(1)} %: ${total.killed} of ${total.tried} killed`);
process.exit();
