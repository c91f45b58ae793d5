/**
 * Brings a fresh clone to the point where tests and the demo can run: installs packages, builds `dist`.
 *
 * Owns the question "is anything missing?" and answers it without starting a process when nothing is. Uses
 * Node alone, since it runs before anything is installed. What follows is in the scripts beside it.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';

/** The project's folder, without a slash at its end. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const modules = join(root, 'node_modules');
const cacheOf = () => join(realpathSync(modules), '.cache', 'worldfold');
/** Tells what is being done, on standard error: standard output belongs to the command. */
export const say = (/** @type {string} */ line) => process.stderr.write(`worldfold: ${line}\n`);

/** Ends the process with one clear line. @returns {never} */
export function stop(/** @type {string} */ line) {
  say(line);
  process.exit(1);
}

/** Parses a JSON file; anything that is missing or damaged reads as undefined. @returns {any} */
export function readJson(/** @type {string} */ file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Runs a command to its end with the terminal handed to it, and ends this process with its exit code.
 * @param {string} command @param {readonly string[]} args @returns {never}
 */
export function hand(command, args) {
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (done.error) stop(`could not start ${command}: ${done.error.message}`);
  process.exit(done.status ?? 1);
}

/**
 * Runs a set-up step quietly; its output is shown only when it fails.
 * @param {string} what @param {string} command @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
function quietly(what, command, args, env = process.env) {
  const shell = process.platform === 'win32' && !command.includes(sep);
  const done = spawnSync(command, args, { cwd: root, env, shell, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (done.status === 0) return;
  process.stderr.write(`${done.stdout ?? ''}${done.stderr ?? ''}\n`);
  stop(`${what} failed${done.error ? `: ${done.error.message}` : ''}`);
}

/** The folder whose C++ headers belong to the running Node, or undefined: node-gyp fetches them then. */
function ownHeaders() {
  const home = dirname(dirname(realpathSync(process.execPath)));
  try {
    const text = readFileSync(join(home, 'include', 'node', 'node_version.h'), 'utf8');
    const abi = /^#define NODE_MODULE_VERSION (\d+)/m.exec(text)?.[1];
    return abi === process.versions.modules ? home : undefined;
  } catch {
    return undefined;
  }
}

/** Whether this Node's headers may make compiled packages end the process: see object-wrap.h. */
const hasUnsafeHeaders = process.versions.node.startsWith('24.') && process.platform !== 'win32';

/** What packages are compiled with, on top of the environment. @returns {NodeJS.ProcessEnv} */
function compileEnv() {
  const home = ownHeaders();
  const shim = join(root, 'scripts', 'object-wrap.h').replaceAll(' ', '\\ ');
  const flags = `${process.env.CXXFLAGS ?? ''} -include ${shim}`.trim();
  return {
    ...(home && { npm_config_nodedir: home }),
    ...(hasUnsafeHeaders && { npm_config_build_from_source: 'true', CXXFLAGS: flags }),
  };
}

/** @param {string} what @param {readonly string[]} args */
function npm(what, args) {
  const env = { ...process.env, ...compileEnv() };
  const cli = process.env.npm_execpath;
  const quiet = [...args, '--no-audit', '--no-fund', '--loglevel=error'];
  if (cli && /npm-cli\.c?js$/.test(cli)) quietly(what, process.execPath, [cli, ...quiet], env);
  else quietly(what, 'npm', quiet, env);
}

/** Whether every package that package-lock.json wants on this machine is there in that version. */
function matchesLock() {
  const wanted = readJson(join(root, 'package-lock.json'))?.packages;
  if (!wanted)
    stop('package-lock.json is missing or damaged: restore it with git checkout package-lock.json');
  const present = readJson(join(modules, '.package-lock.json'))?.packages;
  if (!present) return false;
  return Object.entries(wanted).every(([path, want]) => {
    if (path === '') return true;
    const got = present[path];
    return got ? got.version === want.version && existsSync(join(root, path)) : want.optional === true;
  });
}

const native = join(modules, 'better-sqlite3', 'build', 'Release', 'better_sqlite3.node');

/** Which build of better-sqlite3 is there: when it was compiled, and its size. */
function nativeBuild() {
  const stat = statSync(native, { throwIfNoEntry: false });
  return stat ? `${stat.mtimeMs}:${stat.size}` : 'none';
}

/** Whether better-sqlite3 works under this Node. Asked in another process: a loaded file stays loaded. */
function nativeWorks() {
  if (!existsSync(native)) return false;
  if (hasUnsafeHeaders && readFileSync(native).includes('RemoveEnvironmentCleanupHook')) return false;
  const code = "new (require('better-sqlite3'))(':memory:').close()";
  return spawnSync(process.execPath, ['-e', code], { cwd: root, stdio: 'ignore' }).status === 0;
}

function installStamp() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  return JSON.stringify({
    lock,
    abi: process.versions.modules,
    on: `${process.platform}-${process.arch}`,
    native: nativeBuild(),
  });
}

const isStamped = (/** @type {string} */ file, /** @type {string} */ stamp) =>
  existsSync(file) && readFileSync(file, 'utf8') === stamp;

/** @param {string} name @param {string} stamp */
function writeStamp(name, stamp) {
  mkdirSync(cacheOf(), { recursive: true });
  writeFileSync(join(cacheOf(), name), stamp);
}

function refuseOldNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 11))
    stop(`Node 20.11 or newer is needed; this is ${process.version}`);
}

/** Two worktrees may share node_modules through a link: the lock lies where the folder really is. */
const lockPlace = () =>
  join(existsSync(modules) ? dirname(realpathSync(modules)) : root, '.cache', 'setup.lock');

/**
 * Makes node_modules match package-lock.json and this Node: `npm ci` when packages are missing or have other
 * versions, a rebuild when better-sqlite3 was compiled for another Node. Silent when all is well.
 */
export function ensureInstalled() {
  refuseOldNode();
  const ready = () => existsSync(modules) && isStamped(join(cacheOf(), 'install.json'), installStamp());
  if (ready()) return;
  withLock(lockPlace(), say, () => {
    if (ready()) return;
    if (!matchesLock()) {
      if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink())
        stop('node_modules is a link and does not match package-lock.json: install where it points to');
      say('installing packages (npm ci); compiling SQLite can take two minutes');
      npm('npm ci', ['ci', '--include=dev']);
    }
    if (!nativeWorks()) {
      say(`compiling better-sqlite3 for Node ${process.version}`);
      npm('npm rebuild better-sqlite3', ['rebuild', 'better-sqlite3']);
      if (!nativeWorks())
        stop('better-sqlite3 does not load: a C++ compiler, make and python3 are needed to compile it');
    }
    writeStamp('install.json', installStamp());
  });
}

/**
 * All files under a folder, sorted, as paths from the project's folder with `/`.
 * @param {string} folder @param {string} [project] @returns {string[]}
 */
export function filesUnder(folder, project = root) {
  const at = join(project, folder);
  if (!existsSync(at)) return [];
  const entries = readdirSync(at, { recursive: true, withFileTypes: true });
  const files = entries.filter((e) => e.isFile());
  return files
    .map((e) =>
      relative(project, join(e.parentPath ?? e.path, e.name))
        .split(sep)
        .join('/'),
    )
    .sort();
}

/** What dist is built from, digested, and what it was built into: another stamp means another build. */
function buildStamp() {
  const sources = filesUnder('src').filter((f) => f.endsWith('.ts') && !f.endsWith('.test.ts'));
  const hash = createHash('sha256');
  for (const file of [...sources, 'tsconfig.json', 'tsconfig.build.json', 'scripts/setup.mjs'])
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  for (const name of ['typescript', 'esbuild', '@stdlib/math-base-special-pow'])
    hash.update(`${name} ${readJson(join(modules, name, 'package.json'))?.version}\0`);
  const built = filesUnder('dist').map((f) => `${f}:${statSync(join(root, f)).size}`);
  return JSON.stringify({ from: hash.digest('hex'), built });
}

/**
 * Puts the library of math into the one file that names it, with the notices of its authors: the bits of its
 * results are then those of this version, and installing the package brings none of its many packages.
 */
function bundleMath() {
  const file = join(root, 'dist', 'math', 'stdlib.js');
  const { buildSync } = createRequire(join(root, 'package.json'))('esbuild');
  const what = { entryPoints: [file], outfile: file, bundle: true, allowOverwrite: true };
  const how = { format: 'esm', platform: 'neutral', mainFields: ['main'], legalComments: 'eof' };
  buildSync({ ...what, ...how, logLevel: 'error' });
  for (const left of [`${file}.map`, file.replace(/\.js$/, '.d.ts')]) rmSync(left, { force: true });
}

/** Programs of package.json's `bin` get a first line that names Node, and the right to be run. */
function makeRunnable() {
  for (const bin of Object.values(readJson(join(root, 'package.json')).bin ?? {})) {
    const file = join(root, String(bin));
    if (!existsSync(file)) continue;
    if (!readFileSync(file, 'utf8').startsWith('#!'))
      stop(`the source of ${bin} must begin with the line #!/usr/bin/env node`);
    chmodSync(file, 0o755);
  }
}

/** Compiles src into dist when dist is missing or comes from other sources. Silent when it is up to date. */
export function ensureBuilt() {
  // The name holds the folder: worktrees that share one node_modules each have a dist of their own.
  const name = `build-${createHash('sha256').update(root).digest('hex').slice(0, 12)}.json`;
  const ready = () => isStamped(join(cacheOf(), name), buildStamp());
  if (ready()) return;
  withLock(lockPlace(), say, () => {
    if (ready()) return;
    say('building dist (tsc)');
    rmSync(join(cacheOf(), name), { force: true });
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    const tsc = createRequire(join(root, 'package.json')).resolve('typescript/bin/tsc');
    quietly('tsc', process.execPath, [tsc, '-p', 'tsconfig.build.json']);
    bundleMath();
    makeRunnable();
    writeStamp(name, buildStamp());
  });
}
