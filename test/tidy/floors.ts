/**
 * The floors: which folder may import which.
 *
 * Owns the table: a file imports its own folder and lower floors; one file touches the machine;
 * nothing imports the command line; the main entry loads no driver.
 */
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import ts from 'typescript';
import { type Finding, isTest, lineOf, nodesOf, type Rule, referencesOf, type SourceText } from './rule.ts';

/** Folders of `src` and the floor of each. */
const FLOORS: Readonly<Record<string, number>> = {
  base: 0,
  schema: 1,
  random: 1,
  math: 1,
  columns: 2,
  log: 3,
  projections: 3,
  simulation: 4,
  replay: 5,
};
/** Folders that implement a port: they import floors 0 to 3. */
const EDGES = ['stores', 'files', 'live', 'archive', 'vectors', 'traces'];
/** Folders that put everything together. */
const TOPS = ['testing', 'server', 'sql', 'tables', 'cli'];
const EDGE_MAY_IMPORT = 3;
const HIGHEST = 5;
const PLATFORM = 'src/base/platform.ts';
const INDEX = 'src/index.ts';

/** Packages that compute and touch nothing: floors may import them. */
const PURE_PACKAGES = ['seedrandom', '@stdlib'];

/** Globals that reach the machine, or that a browser does not have. */
const MACHINE_GLOBALS = [
  'process',
  'Buffer',
  'crypto',
  'performance',
  'fetch',
  'require',
  '__dirname',
  '__filename',
  'setTimeout',
  'setInterval',
  'setImmediate',
];

/** The unit a file belongs to: a folder of `src`, one store of `src/stores`, or the main entry. */
function unitOf(path: string): string {
  const [, folder = '', inner = ''] = path.split('/');
  return folder === 'stores' && path.split('/').length > 3 ? `stores/${inner}` : folder;
}

const isFloor = (unit: string): boolean => unit in FLOORS;
const folderOf = (unit: string): string => unit.split('/')[0] ?? '';

/** Why a file may not import another, or undefined when it may. Both are paths in `src`. */
function objection(from: string, to: string): string | undefined {
  const [mine, other] = [unitOf(from), unitOf(to)];
  const floor = FLOORS[other];
  if (other === 'cli' && mine !== 'cli') return 'imports the command line, which nothing may import';
  if (from === INDEX) return floor === undefined ? `is the main entry and imports src/${other}` : undefined;
  if (mine === other) return undefined;
  if (isTest(from) && other === 'testing') return undefined;
  if (isFloor(mine)) {
    if (floor !== undefined && floor < FLOORS[mine]!) return undefined;
    return `of floor ${FLOORS[mine]} imports src/${other}${floor === undefined ? '' : ` of floor ${floor}`}`;
  }
  if (EDGES.includes(folderOf(mine))) {
    if (floor !== undefined && floor <= EDGE_MAY_IMPORT) return undefined;
    return other === 'stores/sql' ? undefined : `of an edge imports src/${other}`;
  }
  return TOPS.includes(mine) ? undefined : `is in src/${mine}, which has no floor`;
}

function* crossings(file: SourceText): Generator<Finding> {
  if (!file.path.startsWith('src/')) return;
  const unit = unitOf(file.path);
  if (file.path !== INDEX && !isFloor(unit) && !EDGES.includes(folderOf(unit)) && !TOPS.includes(unit))
    yield { line: 1, what: `src/${unit} is not in the table of floors` };
  for (const { node, specifier } of referencesOf(file)) {
    if (!specifier.startsWith('.')) continue;
    const to = posix.join(posix.dirname(file.path), specifier);
    const inSrc = to.startsWith('src/');
    if (!inSrc && isTest(file.path)) continue;
    const why = inSrc ? objection(file.path, to) : `imports ${to}, which is not in src`;
    if (why) yield { line: lineOf(node), what: `a file ${why}` };
  }
}

const mayNotTouchMachine = (path: string): boolean =>
  path.startsWith('src/') &&
  !isTest(path) &&
  path !== PLATFORM &&
  (path === INDEX || (FLOORS[unitOf(path)] ?? HIGHEST + 1) <= HIGHEST);

function* machineUses(file: SourceText): Generator<Finding> {
  if (!mayNotTouchMachine(file.path)) return;
  for (const { node, specifier } of referencesOf(file)) {
    const isPure = PURE_PACKAGES.some((name) => specifier === name || specifier.startsWith(`${name}/`));
    if (specifier.startsWith('.') || isPure) continue;
    const isNode = specifier.startsWith('node:') || builtinModules.includes(specifier);
    yield { line: lineOf(node), what: `imports ${isNode ? 'the Node module' : 'the package'} ${specifier}` };
  }
  const declared = new Set<string>();
  const used: ts.Identifier[] = [];
  for (const node of nodesOf(file)) {
    if (!ts.isIdentifier(node) || !MACHINE_GLOBALS.includes(node.text)) continue;
    if (isDeclaration(node)) declared.add(node.text);
    else if (isFreeName(node)) used.push(node);
  }
  for (const node of used)
    if (!declared.has(node.text)) yield { line: lineOf(node), what: `uses the global ${node.text}` };
}

/** Whether the identifier is what a declaration, parameter or import gives a name to. */
function isDeclaration(node: ts.Identifier): boolean {
  const parent = node.parent as ts.NamedDeclaration;
  if (ts.isPropertyAccessExpression(parent) || ts.isObjectLiteralElement(parent)) return false;
  if (ts.isTypeElement(parent) || ts.isClassElement(parent)) return false;
  return 'name' in parent && parent.name === node;
}

/** Whether the identifier stands for itself: no member's name, save a member of `globalThis`. */
function isFreeName(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node)
    return parent.expression.getText() === 'globalThis';
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  const named = parent as ts.NamedDeclaration & { readonly propertyName?: ts.Node };
  return named.name !== node && named.propertyName !== node && !ts.isQualifiedName(parent);
}

/** The rules of this file. */
export const floorRules: readonly Rule[] = [
  {
    name: 'floors',
    instead: 'a file imports its own folder and lower floors only; move the code, or pass in what it needs',
    find: crossings,
    bad: [
      { path: 'src/base/a.ts', text: "import { x } from '../schema/x.ts';" },
      { path: 'src/schema/a.ts', text: "import { x } from '../random/x.ts';" },
      { path: 'src/log/a.ts', text: "export type { X } from '../projections/x.ts';" },
      { path: 'src/columns/a.ts', text: "type X = import('../log/x.ts').X;" },
      { path: 'src/simulation/a.ts', text: "const x = await import('../stores/sqlite/index.ts');" },
      { path: 'src/simulation/a.ts', text: "import { x } from '../replay/x.ts';" },
      { path: 'src/simulation/a.test.ts', text: "import { x } from '../replay/x.ts';" },
      { path: 'src/stores/sqlite/a.ts', text: "import { x } from '../../simulation/x.ts';" },
      { path: 'src/stores/sqlite/a.ts', text: "import { x } from '../postgres/x.ts';" },
      { path: 'src/testing/a.ts', text: "import { x } from '../cli/x.ts';" },
      { path: 'src/index.ts', text: "export { x } from './stores/sqlite/index.ts';" },
      { path: 'src/index.ts', text: "export { x } from './cli/x.ts';" },
      { path: 'src/replay/a.ts', text: "import { x } from '../index.ts';" },
      { path: 'src/base/a.ts', text: "import { x } from '../../test/x.ts';" },
      { path: 'src/helpers/a.ts', text: 'const x = 1;' },
    ],
    good: [
      { path: 'src/columns/a.ts', text: "import { x } from '../schema/x.ts'; import { y } from './y.ts';" },
      { path: 'src/stores/sqlite/a.ts', text: "import { x } from '../sql/x.ts'; import '../../log/x.ts';" },
      {
        path: 'src/cli/main.ts',
        text: "import { x } from '../index.ts'; import '../stores/sqlite/index.ts';",
      },
      { path: 'src/index.ts', text: "export { x } from './log/x.ts'; export { y } from './replay/y.ts';" },
      { path: 'src/log/a.test.ts', text: "import '../testing/x.ts'; import '../../test/x.ts';" },
    ],
  },
  {
    name: 'machine',
    instead: `floors 0 to 5 reach the machine through ${PLATFORM} only: add what is missing there`,
    find: machineUses,
    bad: [
      { path: 'src/log/a.ts', text: "import { readFileSync } from 'node:fs';" },
      { path: 'src/log/a.ts', text: "import { readFileSync } from 'fs';" },
      { path: 'src/index.ts', text: "import Database from 'better-sqlite3';" },
      { path: 'src/replay/a.ts', text: "const k = await import('kysely');" },
      { path: 'src/replay/a.ts', text: "import { x } from 'seedrandom-native';" },
      { path: 'src/base/a.ts', text: 'export const x = process.pid;' },
      { path: 'src/base/a.ts', text: 'export const x = globalThis.process;' },
      { path: 'src/columns/a.ts', text: "const b = Buffer.from('x');" },
      { path: 'src/simulation/a.ts', text: 'setTimeout(() => 1, 5);' },
      { path: 'src/simulation/a.ts', text: 'const wait = { setTimeout };' },
    ],
    good: [
      { path: PLATFORM, text: "import process from 'node:process'; setImmediate(() => process.pid);" },
      {
        path: 'src/log/a.ts',
        text: "import seedrandom from 'seedrandom'; const x = { process: 1 }.process;",
      },
      { path: 'src/log/a.ts', text: 'function f(process: () => void) { process(); }' },
      { path: 'src/random/a.ts', text: "import alea from 'seedrandom/lib/alea.js';" },
      { path: 'src/log/a.test.ts', text: "import { readFileSync } from 'node:fs'; process.pid;" },
      { path: 'src/stores/sqlite/a.ts', text: "import { statSync } from 'node:fs'; process.pid;" },
    ],
  },
];
