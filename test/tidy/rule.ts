/**
 * What a tidy rule is: a name, a finder, and the snippets that prove the finder sees.
 *
 * Owns the shapes and the few ways of walking a parsed file that rules share. The rules are data in the files
 * beside this one; `test/tidy.test.ts` runs them over the project and over their own snippets.
 */
import ts from 'typescript';

/** A file as rules see it. `path` is relative to the project, with `/`. */
export interface SourceText {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  /** The parsed file; only code (`.ts`, `.mts`, `.js`, `.mjs`, `.cjs`) has one. */
  readonly ast: ts.SourceFile | undefined;
}

/** Something a rule objects to. `line` counts from 1. */
export interface Finding {
  readonly line: number;
  readonly what: string;
}

/** A file that exists only to try a rule on. */
export interface Snippet {
  readonly path: string;
  readonly text: string;
}

/** One rule. It must catch every `bad` snippet and pass every `good` one: no rule goes blind unseen. */
export interface Rule {
  readonly name: string;
  /** What to do about a finding, as the end of its message. */
  readonly instead: string;
  find(file: SourceText): Iterable<Finding>;
  readonly bad: readonly Snippet[];
  readonly good: readonly Snippet[];
}

/** Reads a text as a file of that path. */
export function sourceText(path: string, text: string): SourceText {
  const isCode = /\.(ts|mts|js|mjs|cjs)$/.test(path);
  const kind = path.endsWith('ts') ? ts.ScriptKind.TS : ts.ScriptKind.JS;
  const ast = isCode ? ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true, kind) : undefined;
  return { path, text, lines: text.split('\n'), ast };
}

/** Where in the project a file stands. */
export const isTest = (path: string): boolean => path.startsWith('test/') || path.endsWith('.test.ts');
/** Shipped code: everything in `src` that is no test. */
export const isShipped = (path: string): boolean => path.startsWith('src/') && !isTest(path);

/** The line of a node, counted from 1. */
export function lineOf(node: ts.Node): number {
  const file = node.getSourceFile();
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
}

/** Every node of a file, parents before their children. */
export function* nodesOf(file: SourceText): Generator<ts.Node> {
  if (!file.ast) return;
  const waiting: ts.Node[] = [file.ast];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    yield node;
    const children: ts.Node[] = [];
    ts.forEachChild(node, (child) => void children.push(child));
    waiting.push(...children.reverse());
  }
}

/** A module that a file names: by import, re-export, `import()` or a type from `import('…')`. */
export interface Reference {
  readonly node: ts.Node;
  readonly specifier: string;
}

/** Everything a file imports, whatever the form. */
export function* referencesOf(file: SourceText): Generator<Reference> {
  for (const node of nodesOf(file)) {
    let from: ts.Node | undefined;
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) from = node.moduleSpecifier;
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) from = node.argument.literal;
    else if (ts.isCallExpression(node) && isImporting(node.expression)) from = node.arguments[0];
    if (from && ts.isStringLiteralLike(from)) yield { node, specifier: from.text };
  }
}

const isImporting = (callee: ts.Expression): boolean =>
  callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require');

/** A use of a member of a named object: `Math.random`, `Math['random']`, `const { random } = Math`. */
export interface MemberUse {
  readonly node: ts.Node;
  readonly object: string;
  readonly member: string;
}

/** Every use of a member in a file; `object` is empty where the member is taken from an expression. */
export function* memberUsesOf(file: SourceText): Generator<MemberUse> {
  for (const node of nodesOf(file)) {
    if (ts.isPropertyAccessExpression(node))
      yield { node, object: nameOf(node.expression), member: node.name.text };
    else if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression))
      yield { node, object: nameOf(node.expression), member: node.argumentExpression.text };
    else if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name) && node.initializer)
      for (const element of node.name.elements)
        yield {
          node: element,
          object: nameOf(node.initializer),
          member: (element.propertyName ?? element.name).getText(),
        };
  }
}

/** The name of an object: `Math`, and `Math` in `globalThis.Math` too. */
function nameOf(node: ts.Expression): string {
  if (ts.isIdentifier(node)) return node.text;
  if (ts.isPropertyAccessExpression(node) && nameOf(node.expression) === 'globalThis') return node.name.text;
  return '';
}
