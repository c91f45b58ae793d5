/**
 * Banned calls, each with what to use in its place.
 *
 * Owns the lists. A ban here is about determinism or about one way of doing a thing; matters of taste are the
 * linter's.
 */
import ts from 'typescript';
import type { SourceText } from './rule.ts';
import { type Finding, isShipped, isTest, lineOf, memberUsesOf, nodesOf, type Rule } from './rule.ts';

const PLATFORM = 'src/base/platform.ts';
const CANONICAL = 'src/base/canonical.ts';
const FLOORS = /^src\/(base|schema|random|columns|log|projections|simulation|replay)\//;

/** Tests of what is refused inside a tick, and of bugs that are planted there, must use it. */
const isPlanted = (path: string): boolean => /^test\/(guard|gallery)\//.test(path);

const inFloors = (path: string): boolean => isShipped(path) && (FLOORS.test(path) || path === 'src/index.ts');
const isExample = (path: string): boolean => path.startsWith('examples/') && !isTest(path);

/** The members of Math whose result every engine must agree on to the last bit. */
const EXACT_MATH = [
  'abs',
  'ceil',
  'clz32',
  'floor',
  'fround',
  'imul',
  'max',
  'min',
  'round',
  'sign',
  'sqrt',
  'trunc',
];
const isInexactMath = (member: string): boolean => /^[a-z]/.test(member) && !EXACT_MATH.includes(member);
const BARE_ERRORS = ['Error', 'TypeError', 'RangeError', 'SyntaxError', 'EvalError', 'AggregateError'];

/** A rule that objects to members of objects. */
function memberRule(
  about: Pick<Rule, 'name' | 'instead' | 'bad' | 'good'>,
  where: (path: string) => boolean,
  isBanned: (object: string, member: string) => boolean,
): Rule {
  return {
    ...about,
    *find(file) {
      if (!where(file.path)) return;
      for (const { node, object, member } of memberUsesOf(file))
        if (isBanned(object, member)) yield { line: lineOf(node), what: `uses ${object || '…'}.${member}` };
    },
  };
}

/** The name that a `new` or a call is made on. */
function calleeOf(node: ts.Node): string {
  if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return '';
  return ts.isIdentifier(node.expression) ? node.expression.text : '';
}

const hasClock = (path: string): boolean => (isShipped(path) && path !== PLATFORM) || isExample(path);

/** A date made from a number reads no clock; floors have no use for one all the same. */
const readsClock = (node: ts.Node, path: string): boolean =>
  inFloors(path) || !ts.isNewExpression(node) || !node.arguments?.length;

function* clocks(file: SourceText): Generator<Finding> {
  if (!hasClock(file.path)) return;
  for (const node of nodesOf(file))
    if (calleeOf(node) === 'Date' && readsClock(node, file.path))
      yield { line: lineOf(node), what: 'reads the clock by Date' };
  for (const { node, object, member } of memberUsesOf(file))
    if ((object === 'Date' || object === 'performance') && member === 'now')
      yield { line: lineOf(node), what: `reads the clock by ${object}.now` };
}

function* bareErrors(file: SourceText): Generator<Finding> {
  if (!isShipped(file.path)) return;
  for (const node of nodesOf(file))
    if (BARE_ERRORS.includes(calleeOf(node)))
      yield { line: lineOf(node), what: `makes a bare ${calleeOf(node)}` };
}

/** Powers of bigints are exact, and so is two to a whole number; literals show that it is one of these. */
function isExactPower({ left, right }: ts.BinaryExpression): boolean {
  if (ts.isBigIntLiteral(left) || ts.isBigIntLiteral(right)) return true;
  const exponent = ts.isPrefixUnaryExpression(right) ? right.operand : right;
  const isWhole = ts.isNumericLiteral(exponent) && Number.isInteger(Number(exponent.text));
  return ts.isNumericLiteral(left) && left.text === '2' && isWhole;
}

function* powers(file: SourceText): Generator<Finding> {
  if (!inFloors(file.path)) return;
  const { AsteriskAsteriskToken, AsteriskAsteriskEqualsToken } = ts.SyntaxKind;
  for (const node of nodesOf(file)) {
    if (!ts.isBinaryExpression(node)) continue;
    const operator = node.operatorToken.kind;
    if (operator !== AsteriskAsteriskToken && operator !== AsteriskAsteriskEqualsToken) continue;
    if (isExactPower(node)) continue;
    yield { line: lineOf(node), what: 'uses the operator **' };
  }
}

const PORTABLE =
  'its last bit differs between engines; use the portable math of src/random, or write the constant out';

/** The rules of this file. */
export const bannedRules: readonly Rule[] = [
  memberRule(
    {
      name: 'no Math.random',
      instead: 'draw from ctx.rng(name) in a world, from a seeded generator elsewhere',
      bad: [
        { path: 'src/cli/a.ts', text: 'const x = Math.random();' },
        { path: 'test/property/a.test.ts', text: "const x = Math['random']();" },
        { path: 'examples/a.ts', text: 'const { random } = Math;' },
        { path: 'bench/a.ts', text: 'const x = { draw: Math.random };' },
        { path: 'src/base/a.ts', text: 'const x = globalThis.Math.random();' },
      ],
      good: [
        { path: 'src/cli/a.ts', text: "const x = Math.floor(1.5); const y = 'Math.random';" },
        { path: 'test/gallery/a.ts', text: 'const x = Math.random();' },
      ],
    },
    (path) => !isPlanted(path),
    (object, member) => object === 'Math' && member === 'random',
  ),
  {
    name: 'no clock',
    instead: `pass the time in, or use wallClock or steadyClock of ${PLATFORM} outside ticks`,
    find: clocks,
    bad: [
      { path: 'src/simulation/a.ts', text: 'const x = Date.now();' },
      { path: 'src/cli/a.ts', text: 'const x = new Date();' },
      { path: 'src/cli/a.ts', text: 'const x = Date(5);' },
      { path: 'src/log/a.ts', text: 'const x = new Date(5);' },
      { path: 'src/stores/sqlite/a.ts', text: 'const x = performance.now();' },
      { path: 'examples/epidemic/world.ts', text: 'const { now } = performance;' },
    ],
    good: [
      { path: PLATFORM, text: 'const x = Date.now() + performance.now();' },
      { path: 'bench/a.ts', text: 'const x = performance.now();' },
      { path: 'src/cli/a.ts', text: 'const x = new Date(wallClock()).toISOString();' },
    ],
  },
  {
    name: 'no bare errors',
    instead: 'use fail(code, message, facts, hint) of src/base/errors.ts, so that callers can tell it apart',
    find: bareErrors,
    bad: [
      { path: 'src/log/a.ts', text: "throw new Error('no');" },
      { path: 'src/cli/a.ts', text: "throw TypeError('no');" },
      { path: 'src/cli/a.ts', text: "const e = new RangeError('no');" },
      { path: 'src/cli/a.ts', text: "await Promise.reject(new Error('no'));" },
    ],
    good: [
      { path: 'src/log/a.ts', text: "class E extends Error {} fail('GAP', 'no'); throw cause;" },
      { path: 'src/log/a.test.ts', text: "throw new Error('no');" },
    ],
  },
  memberRule(
    {
      name: 'no JSON.stringify',
      instead: `use the canonical encoder of ${CANONICAL}: the order of keys is part of the bytes`,
      bad: [
        { path: 'src/log/a.ts', text: 'const x = JSON.stringify({});' },
        { path: 'src/cli/a.ts', text: 'const f = JSON.stringify;' },
      ],
      good: [
        { path: CANONICAL, text: "const x = JSON.stringify('a');" },
        { path: 'src/log/a.ts', text: "const x = JSON.parse('1');" },
        { path: 'test/a.test.ts', text: 'const x = JSON.stringify({});' },
      ],
    },
    (path) => isShipped(path) && path !== CANONICAL,
    (object, member) => object === 'JSON' && member === 'stringify',
  ),
  memberRule(
    {
      name: 'no inexact Math',
      instead: PORTABLE,
      bad: ['sin', 'cos', 'tan', 'exp', 'log', 'pow', 'log2', 'hypot', 'cbrt', 'atan2', 'expm1'].map(
        (member) => ({
          path: 'src/random/a.ts',
          text: `const x = Math.${member}(1);`,
        }),
      ),
      good: [
        {
          path: 'src/random/a.ts',
          text: 'const x = Math.sqrt(2) + Math.imul(3, 4) + Math.PI + Math.floor(1.5);',
        },
        { path: 'src/cli/a.ts', text: 'const x = Math.log10(5);' },
        { path: 'src/random/a.test.ts', text: 'const x = Math.exp(1);' },
      ],
    },
    inFloors,
    (object, member) => object === 'Math' && member !== 'random' && isInexactMath(member),
  ),
  {
    name: 'no **',
    instead: PORTABLE,
    find: powers,
    bad: [
      { path: 'src/columns/a.ts', text: 'const x = a ** b;' },
      { path: 'src/columns/a.ts', text: 'const x = 2 ** b;' },
      { path: 'src/columns/a.ts', text: 'const x = 2 ** 0.5;' },
      { path: 'src/columns/a.ts', text: 'const x = 10 ** 3;' },
      { path: 'src/index.ts', text: 'x **= 2;' },
    ],
    good: [
      { path: 'src/columns/a.ts', text: 'const x = 2n ** 64n; const y = 2 ** 53 - 2 ** -53;' },
      { path: 'src/cli/a.ts', text: 'const x = 10 ** 3;' },
    ],
  },
  memberRule(
    {
      name: 'no locale',
      instead: 'it depends on the machine; compare by < and >, and format with src/base or src/cli helpers',
      bad: [
        { path: 'src/schema/a.ts', text: 'names.sort((a, b) => a.localeCompare(b));' },
        { path: 'src/cli/a.ts', text: 'const x = (5).toLocaleString();' },
        { path: 'src/cli/a.ts', text: 'const x = new Intl.Collator();' },
        { path: 'examples/a.ts', text: "const x = 'a'.localeCompare('b');" },
      ],
      good: [{ path: 'src/schema/a.ts', text: "names.sort(); 'A'.toLowerCase();" }],
    },
    (path) => isShipped(path) || isExample(path),
    (object, member) => object === 'Intl' || /^(localeCompare|toLocale.*)$/.test(member),
  ),
  memberRule(
    {
      name: 'no console',
      instead: 'only src/cli, scripts, bench and examples print; return data, or throw by fail',
      bad: [
        { path: 'src/log/a.ts', text: "console.log('here');" },
        { path: 'src/testing/a.ts', text: "console.error('here');" },
        { path: 'test/a.test.ts', text: "console.log('here');" },
      ],
      good: [
        { path: 'src/cli/a.ts', text: "console.log('here');" },
        { path: 'scripts/a.mjs', text: "console.log('here');" },
        { path: 'test/guard/a.test.ts', text: "console.log('here');" },
      ],
    },
    (path) => (path.startsWith('src/') && !path.startsWith('src/cli/')) || (isTest(path) && !isPlanted(path)),
    (object) => object === 'console',
  ),
];
