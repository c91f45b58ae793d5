/**
 * Runs the tests of storing and replaying under a newer Node than the oldest one supported.
 *
 * Owns which tests those are, and the copy they run in: better-sqlite3 is compiled for one Node, so the copy
 * has packages of its own, installed the way a fresh clone does it. Arguments are passed on to vitest.
 * `WORLDFOLD_NODE=22` takes another major.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { root, say, stop } from './setup.mjs';

/** What must hold on every Node: the ports, the laws, the frozen bytes, and what they stand on. */
const TESTS = [
  'test/contract',
  'test/property',
  'test/golden',
  'test/portable',
  'test/guard',
  'src/math',
  'src/log',
  'src/stores',
  'src/replay',
  'src/random',
  'src/files',
  'examples',
];
/** What depends on the server and its processes, and not on Node. */
const LEFT_OUT = ['faults', 'outages', 'processes', 'races', 'capabilities', 'projection-faults'].map(
  (name) => `--exclude=test/contract/postgres-${name}.test.ts`,
);
/** What the copy needs. Everything else of the project has no part in these tests. */
const PARTS = [
  'src',
  'test',
  'scripts',
  'examples',
  'docs',
  'lint',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'vitest.config.ts',
];

const major = process.env.WORLDFOLD_NODE ?? '24';
const packageName = `node-${process.platform}-${process.arch}`;
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
const home = join(root, '.cache', 'newer-node', major);
const copy = join(home, `project-${lock.slice(0, 12)}`);
const nodeHome = join(home, 'node', 'node_modules', packageName);

/**
 * @param {string} what @param {string} command @param {readonly string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv }} options
 */
function run(what, command, args, options) {
  const done = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (done.status !== 0) stop(`${what} failed${done.error ? `: ${done.error.message}` : ''}`);
}

/** Brings the Node binary: packages of this name carry one for each platform, with its headers. */
function ensureNode() {
  if (existsSync(join(nodeHome, 'bin', 'node'))) return;
  mkdirSync(join(home, 'node'), { recursive: true });
  const args = ['install', '--prefix', join(home, 'node'), '--no-save', '--no-audit', '--no-fund'];
  run(`installing ${packageName} ${major}`, 'npm', [...args, `${packageName}@${major}`], { cwd: home });
}

/** Lays the project out anew, but for what was installed and built under that Node before. */
function layCopy() {
  for (const old of existsSync(home) ? readdirSync(home) : [])
    if (old.startsWith('project-') && join(home, old) !== copy) rmSync(join(home, old), { recursive: true });
  mkdirSync(copy, { recursive: true });
  for (const part of PARTS) {
    rmSync(join(copy, part), { recursive: true, force: true });
    if (existsSync(join(root, part))) cpSync(join(root, part), join(copy, part), { recursive: true });
  }
}

ensureNode();
layCopy();
// What is drawn depends on no Node: a part of it is enough here.
const { WORLDFOLD_SCHEDULES = '150', WORLDFOLD_TIMES = '1' } = process.env;
/** @type {NodeJS.ProcessEnv} */
const env = {
  ...process.env,
  WORLDFOLD_SCHEDULES,
  WORLDFOLD_TIMES,
  PATH: `${join(nodeHome, 'bin')}${delimiter}${process.env.PATH ?? ''}`,
};
// Settings of the npm that started this script would name the older Node again.
for (const name of Object.keys(env)) if (/^npm_(?!config_)/.test(name) || name === 'NODE') delete env[name];
const version = spawnSync('node', ['--version'], { cwd: copy, env, encoding: 'utf8' }).stdout.trim();
say(`running the tests of storing and replaying under Node ${version}`);
const chosen = TESTS.filter((place) => existsSync(join(root, place)));
if (chosen.length === 0) stop('none of the chosen tests exist');

// Logs go both ways: what this Node recorded is verified under that one, and what that one did under this.
const portable = join(home, 'portable');
rmSync(portable, { recursive: true, force: true });
/** @param {number} stores @param {NodeJS.ProcessEnv} of @returns {NodeJS.ProcessEnv} */
const sharing = (stores, of) => ({
  ...of,
  WORLDFOLD_PORTABLE: portable,
  WORLDFOLD_PORTABLE_STORES: String(stores),
});
const here = ['test', '--', 'test/portable'];
run(`recording under Node ${process.version}`, 'npm', here, { cwd: root, env: sharing(1, process.env) });
const there = { cwd: copy, env: sharing(2, env) };
run(
  `npm test under Node ${version}`,
  'npm',
  ['test', '--', ...chosen, ...LEFT_OUT, ...process.argv.slice(2)],
  there,
);
run(`verifying under Node ${process.version}`, 'npm', here, { cwd: root, env: sharing(2, process.env) });
