/**
 * The shape of files: lengths, names, headers, exports, left-overs.
 *
 * Owns the limits. What a formatter or the compiler refuses already is not repeated here.
 */
import ts from 'typescript';
import type { SourceText } from './rule.ts';
import { type Finding, isShipped, isTest, lineOf, nodesOf, type Rule, referencesOf } from './rule.ts';

const MAX_FILE_LINES = 500;
const MAX_FUNCTION_LINES = 70;
const MAX_LINE_LENGTH = 110;
/** Assembled, so that this file does not contain them. */
/** What a merge leaves where two sides differ. */
const MARKERS = ['<', '>'].map((sign) => `${sign.repeat(7)} `);
const LEFT_OVERS = ['TO', 'FIX', 'X', 'HA'].map((head, i) => head + ['DO', 'ME', 'XX', 'CK'][i]);
const SUITE = /^(describe|it|test|suite|bench|beforeEach|afterEach|beforeAll|afterAll)$/;

const lines = (count: number): string => 'const x = 1;\n'.repeat(count);

function* longFiles(file: SourceText): Generator<Finding> {
  const count = file.text.endsWith('\n') ? file.lines.length - 1 : file.lines.length;
  if (file.ast && count > MAX_FILE_LINES)
    yield { line: MAX_FILE_LINES + 1, what: `has ${count} lines; the limit is ${MAX_FILE_LINES}` };
}

/** The first name of what is called: `describe` in `describe.each(rows)('…', …)`. */
function rootName(callee: ts.Expression): string {
  if (ts.isIdentifier(callee)) return callee.text;
  if (ts.isPropertyAccessExpression(callee) || ts.isCallExpression(callee))
    return rootName(callee.expression);
  return ts.isTaggedTemplateExpression(callee) ? rootName(callee.tag) : '';
}

const isSuiteCall = (node: ts.Node): boolean =>
  ts.isCallExpression(node) && SUITE.test(rootName(node.expression));

/** Whether a function of a test file is a list of tests, whose length says nothing. */
function holdsTests(fn: ts.Node): boolean {
  if (isSuiteCall(fn.parent)) return true;
  const waiting = [fn];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (isSuiteCall(node)) return true;
    ts.forEachChild(node, (child) => void waiting.push(child));
  }
  return false;
}

function* longFunctions(file: SourceText): Generator<Finding> {
  for (const node of nodesOf(file)) {
    if (!ts.isFunctionLike(node) || !('body' in node) || !node.body) continue;
    if (isTest(file.path) && holdsTests(node)) continue;
    const from = lineOf(node);
    const count = node.getSourceFile().getLineAndCharacterOfPosition(node.end).line + 2 - from;
    const name = node.name?.getText() ?? 'a function';
    if (count > MAX_FUNCTION_LINES)
      yield { line: from, what: `${name} has ${count} lines; the limit is ${MAX_FUNCTION_LINES}` };
  }
}

/** The lines that test data may make long: those that a string or template of some length reaches. */
function dataLines(file: SourceText): ReadonlySet<number> {
  const found = new Set<number>();
  if (!file.ast || !isTest(file.path)) return found;
  for (const node of nodesOf(file)) {
    const isData = ts.isStringLiteralLike(node) || ts.isTemplateExpression(node);
    if (!isData || node.getText().length < MAX_LINE_LENGTH / 3) continue;
    const last = file.ast.getLineAndCharacterOfPosition(node.end).line + 1;
    for (let line = lineOf(node); line <= last; line++) found.add(line);
  }
  return found;
}

function* longLines(file: SourceText): Generator<Finding> {
  if (!file.ast && !file.path.startsWith('.ci/')) return;
  const exempt = dataLines(file);
  for (const [i, line] of file.lines.entries())
    if (line.length > MAX_LINE_LENGTH && !exempt.has(i + 1) && !/https?:\/\//.test(line))
      yield { line: i + 1, what: `is ${line.length} wide; the limit is ${MAX_LINE_LENGTH}` };
}

function* leftOvers(file: SourceText): Generator<Finding> {
  const word = new RegExp(`\\b(${LEFT_OVERS.join('|')})\\b`);
  for (const [i, line] of file.lines.entries()) {
    const found = word.exec(line);
    if (found) yield { line: i + 1, what: `has a left-over ${found[0]}` };
  }
}

function* narrowedTests(file: SourceText): Generator<Finding> {
  if (!isTest(file.path)) return;
  for (const node of nodesOf(file))
    if (ts.isPropertyAccessExpression(node) && /^(only|skip|todo|fails)$/.test(node.name.text))
      if (SUITE.test(rootName(node))) yield { line: lineOf(node), what: `says ${node.getText()}` };
}

function* exportForms(file: SourceText): Generator<Finding> {
  // Declarations of other people's modules say what those export.
  if (!file.path.startsWith('src/') || file.path.endsWith('.d.ts')) return;
  for (const node of nodesOf(file)) {
    if (ts.isExportAssignment(node)) yield { line: lineOf(node), what: 'has a default export' };
    if (ts.isExportDeclaration(node) && !(node.exportClause && ts.isNamedExports(node.exportClause)))
      yield { line: lineOf(node), what: 'exports everything of another module' };
    if (ts.isExportSpecifier(node) && node.name.text === 'default')
      yield { line: lineOf(node), what: 'has a default export' };
    if (ts.canHaveModifiers(node))
      for (const modifier of ts.getModifiers(node) ?? [])
        if (modifier.kind === ts.SyntaxKind.DefaultKeyword)
          yield { line: lineOf(node), what: 'has a default export' };
  }
}

const isHeader = (file: SourceText, position: number): boolean =>
  file.text
    .slice(0, position)
    .replace(/^#!.*\n/, '')
    .trim() === '';

/** Whether a statement has a docstring of its own: the module's header does not count as one. */
function isDocumented(file: SourceText, statement: ts.Node): boolean {
  const ranges = ts.getLeadingCommentRanges(file.text, statement.getFullStart()) ?? [];
  return ranges.some((r) => file.text.startsWith('/**', r.pos) && !isHeader(file, r.pos));
}

/** The names that a statement declares. */
function declaredNames(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map((d) => d.name.getText());
  const name = (statement as ts.Statement & ts.NamedDeclaration).name;
  return name ? [name.getText()] : [];
}

function* undocumented(file: SourceText): Generator<Finding> {
  if (!file.ast || !isShipped(file.path)) return;
  const listed = new Set<string>();
  const documented = new Set<string>();
  for (const statement of file.ast.statements) {
    if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier) continue;
    if (statement.exportClause && ts.isNamedExports(statement.exportClause))
      for (const e of statement.exportClause.elements) listed.add((e.propertyName ?? e.name).text);
  }
  for (const statement of file.ast.statements) {
    const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
    const isExported = modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword);
    for (const name of declaredNames(statement)) {
      if (isDocumented(file, statement)) documented.add(name);
      if ((isExported || listed.has(name)) && !documented.has(name))
        yield { line: lineOf(statement), what: `exports ${name} without a docstring` };
    }
  }
}

function* headless(file: SourceText): Generator<Finding> {
  if (!isShipped(file.path) || !file.ast) return;
  const first = file.text.indexOf('/**');
  if (first < 0 || !isHeader(file, first)) yield { line: 1, what: 'has no header' };
}

function* extensions(file: SourceText): Generator<Finding> {
  if (!/\.m?ts$/.test(file.path)) return;
  for (const { node, specifier } of referencesOf(file))
    if (/^\.\.?(\/|$)/.test(specifier) && !/\.(ts|mjs|json)$/.test(specifier))
      yield { line: lineOf(node), what: `imports ${specifier}` };
}

function* fileNames(file: SourceText): Generator<Finding> {
  if (!file.ast) return;
  const isKebab = file.path.split('/').every((part) => /^\.?[a-z0-9]+([-.][a-z0-9]+)*$/.test(part));
  if (!isKebab) yield { line: 1, what: 'is not named in kebab-case' };
}

const HEADER = '/** What this owns. */\n';

/** The rules of this file. */
export const shapeRules: readonly Rule[] = [
  {
    name: 'file length',
    instead: 'split it along what it owns',
    find: longFiles,
    bad: [{ path: 'test/a.test.ts', text: lines(MAX_FILE_LINES + 1) }],
    good: [
      { path: 'src/base/a.ts', text: lines(MAX_FILE_LINES) },
      { path: 'docs/SPEC.md', text: lines(MAX_FILE_LINES + 1) },
    ],
  },
  {
    name: 'function length',
    instead: 'name its parts and call them',
    find: longFunctions,
    bad: [
      { path: 'src/base/a.ts', text: `function f() {\n${lines(MAX_FUNCTION_LINES - 1)}}` },
      { path: 'src/base/a.ts', text: `const f = () => {\n${lines(MAX_FUNCTION_LINES - 1)}};` },
      { path: 'src/base/a.ts', text: `class A { f() {\n${lines(MAX_FUNCTION_LINES - 1)}} }` },
      { path: 'test/a.test.ts', text: `function helper() {\n${lines(MAX_FUNCTION_LINES)}}` },
    ],
    good: [
      { path: 'src/base/a.ts', text: `function f() {\n${lines(MAX_FUNCTION_LINES - 2)}}` },
      { path: 'test/a.test.ts', text: `describe('a', () => {\n${lines(MAX_FUNCTION_LINES)}});` },
      { path: 'test/a.test.ts', text: `it.each([1])('a', () => {\n${lines(MAX_FUNCTION_LINES)}});` },
      { path: 'test/a.ts', text: `function suite() {\n${lines(MAX_FUNCTION_LINES)}it('a', () => {}); }` },
    ],
  },
  {
    name: 'line length',
    instead: 'break it; addresses, and long strings in test data, are exempt',
    find: longLines,
    bad: [
      { path: 'src/base/a.ts', text: `const x = '${'y'.repeat(MAX_LINE_LENGTH)}';` },
      { path: 'test/a.test.ts', text: `// ${'y'.repeat(MAX_LINE_LENGTH)}` },
      { path: '.ci/run', text: `# ${'y'.repeat(MAX_LINE_LENGTH)}` },
    ],
    good: [
      { path: 'src/base/a.ts', text: 'y'.repeat(MAX_LINE_LENGTH) },
      { path: 'src/base/a.ts', text: `// https://example.org/${'y'.repeat(MAX_LINE_LENGTH)}` },
      { path: 'test/a.test.ts', text: `const x = '${'y'.repeat(MAX_LINE_LENGTH)}';` },
      { path: 'docs/SPEC.md', text: 'y'.repeat(MAX_LINE_LENGTH + 1) },
    ],
  },
  {
    name: 'merged',
    instead: 'choose one side, or take both, and take the markers away',
    *find({ lines: all }) {
      for (const [i, text] of all.entries())
        if (MARKERS.some((marker) => text.startsWith(marker))) yield { line: i + 1, what: 'a merge marker' };
    },
    bad: MARKERS.flatMap((marker) => [
      { path: 'src/base/a.ts', text: `const x = 1;\n${marker}main` },
      { path: 'docs/SPEC.md', text: `${marker}main` },
    ]),
    good: [{ path: 'docs/SPEC.md', text: 'a title\n=======\n  <<<<<<< quoted' }],
  },
  {
    name: 'no left-overs',
    instead: 'do it now, or file it where work is kept',
    find: leftOvers,
    bad: LEFT_OVERS.flatMap((word) => [
      { path: 'src/base/a.ts', text: `// ${word}: later` },
      { path: 'docs/SPEC.md', text: `${word} later` },
    ]),
    good: [{ path: 'src/base/a.ts', text: "const todo = 'hacking';" }],
  },
  {
    name: 'no narrowed tests',
    instead: 'a test runs or is deleted; one that needs something absent says so by skipIf',
    find: narrowedTests,
    bad: [
      { path: 'test/a.test.ts', text: "it.only('a', () => {});" },
      { path: 'src/base/a.test.ts', text: "describe.skip('a', () => {});" },
      { path: 'test/a.test.ts', text: "it.todo('a');" },
      { path: 'test/a.test.ts', text: "test.concurrent.skip('a', () => {});" },
    ],
    good: [{ path: 'test/a.test.ts', text: "it.skipIf(cond)('a', () => {}); range.skip(3);" }],
  },
  {
    name: 'named exports',
    instead: 'export by name: `export const x`, or `export { x } from`',
    find: exportForms,
    bad: [
      { path: 'src/base/a.ts', text: 'export default function f() {}' },
      { path: 'src/base/a.ts', text: 'export default 1;' },
      { path: 'src/base/a.ts', text: 'const x = 1; export { x as default };' },
      { path: 'src/index.ts', text: "export * from './base/errors.ts';" },
      { path: 'src/index.ts', text: "export * as errors from './base/errors.ts';" },
    ],
    good: [
      { path: 'src/index.ts', text: "export { x, type Y } from './base/errors.ts'; export const z = 1;" },
      { path: 'src/random/alea.d.ts', text: "declare module 'alea' { export default function f(): 1; }" },
      { path: 'vitest.config.ts', text: 'export default {};' },
      { path: 'examples/a.ts', text: 'export default world;' },
    ],
  },
  {
    name: 'docstrings',
    instead: 'say what it does, its units and shapes, its errors, in a /** comment */ of its own',
    find: undocumented,
    bad: [
      { path: 'src/base/a.ts', text: `${HEADER}\nexport function f() {}` },
      { path: 'src/base/a.ts', text: `${HEADER}\n// no docstring\nexport const x = 1;` },
      { path: 'src/base/a.ts', text: `${HEADER}import './b.ts';\nexport interface A {}` },
      { path: 'src/base/a.ts', text: `${HEADER}import './b.ts';\nexport type A = 1;` },
      { path: 'src/base/a.ts', text: `${HEADER}import './b.ts';\nexport class A {}` },
      { path: 'src/base/a.ts', text: `${HEADER}import './b.ts';\nconst x = 1;\nexport { x };` },
    ],
    good: [
      { path: 'src/base/a.ts', text: `${HEADER}\n/** One. */\nexport const x = 1;\nconst y = 2;` },
      {
        path: 'src/base/a.ts',
        text: `${HEADER}\n/** F. */\nexport function f(): 1;\nexport function f() {}`,
      },
      { path: 'src/base/a.ts', text: `${HEADER}import './b.ts';\n/** One. */\nconst x = 1;\nexport { x };` },
      { path: 'src/index.ts', text: `${HEADER}export { x } from './base/a.ts';` },
    ],
  },
  {
    name: 'header',
    instead: 'open the module with a /** comment */: what it owns, what it does not, why',
    find: headless,
    bad: [
      { path: 'src/base/a.ts', text: "import './b.ts';\n/** One. */\nexport const x = 1;" },
      { path: 'src/base/a.ts', text: '// A line.\nconst x = 1;' },
    ],
    good: [
      { path: 'src/base/a.ts', text: `${HEADER}import './b.ts';` },
      { path: 'src/cli/main.ts', text: `#!/usr/bin/env node\n${HEADER}import './b.ts';` },
    ],
  },
  {
    name: 'import extensions',
    instead: 'name the file as it is, with .ts',
    find: extensions,
    bad: [
      { path: 'src/base/a.ts', text: "import { x } from './b.js';" },
      { path: 'test/a.ts', text: "import { x } from '../src/base';" },
      { path: 'test/a.ts', text: "const x = await import('..');" },
    ],
    good: [{ path: 'test/a.ts', text: "import { x } from './b.ts'; import '../scripts/setup.mjs';" }],
  },
  {
    name: 'file names',
    instead: 'use kebab-case: record-codec.ts, record-codec.test.ts',
    find: fileNames,
    bad: [
      { path: 'src/log/recordCodec.ts', text: '' },
      { path: 'src/Log/record.ts', text: '' },
      { path: 'test/record_codec.test.ts', text: '' },
    ],
    good: [
      { path: 'src/log/record-codec.test.ts', text: '' },
      { path: 'docs/SPEC.md', text: '' },
    ],
  },
];
