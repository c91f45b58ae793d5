/**
 * The mutants of a source file: small changes, each of which a test should see.
 *
 * Owns what is changed and what is not: types, messages and what stands in the arguments of `fail` and
 * `assert` are left alone, since an assertion never fails in right code and messages are judged by reading.
 * Owns no files and runs nothing.
 */
import seedrandom from 'seedrandom';
import ts from 'typescript';

/**
 * @typedef {object} Mutant
 * @property {number} line counted from 1
 * @property {number} from @property {number} to the characters that are replaced
 * @property {string} text what stands there instead
 * @property {string} was @property {string} becomes the change as a person reads it
 * @property {number} block where the innermost block around it begins, or -1: no block, no proof of its use
 */

/** Operators and what stands in their place; of comparisons with an order it is the boundary that moves. */
const OPERATORS = new Map(
  Object.entries({
    '<': '<=',
    '<=': '<',
    '>': '>=',
    '>=': '>',
    '===': '!==',
    '!==': '===',
    '&&': '||',
    '||': '&&',
    '+': '-',
    '-': '+',
    '*': '/',
    '/': '*',
    '%': '*',
    '&': '|',
    '|': '&',
    '^': '&',
    '<<': '>>',
    '>>': '<<',
    '>>>': '<<',
    '+=': '-=',
    '-=': '+=',
    '*=': '/=',
    '|=': '&=',
    '&=': '|=',
  }),
);
/** Methods and their opposites. */
const METHODS = new Map(
  Object.entries({ min: 'max', max: 'min', some: 'every', every: 'some', floor: 'ceil', ceil: 'floor' }),
);
/** Calls whose arguments are messages and facts. */
const TELLING = /^(fail|assert)$/;
const SHOWN = 70;

/** @typedef {{ node: ts.Node, text: string, note?: string }} Change */

/** @param {ts.Node} node */
const calleeOf = (node) =>
  ts.isCallExpression(node) && ts.isIdentifier(node.expression) ? node.expression.text : '';

/** @param {ts.Node} node */
const isSkipped = (node) =>
  ts.isTypeNode(node) ||
  ts.isInterfaceDeclaration(node) ||
  ts.isTypeAliasDeclaration(node) ||
  ts.isImportDeclaration(node) ||
  ts.isExportDeclaration(node) ||
  TELLING.test(calleeOf(node));

/** @param {ts.Expression} node @returns {boolean} */
const isText = (node) =>
  ts.isStringLiteralLike(node) ||
  ts.isTemplateExpression(node) ||
  (ts.isBinaryExpression(node) && (isText(node.left) || isText(node.right)));

/** @param {ts.Node} node @returns {Iterable<Change>} */
function* operators(node) {
  if (ts.isBinaryExpression(node)) {
    const sign = node.operatorToken.getText();
    const other = OPERATORS.get(sign);
    if (sign === '??') yield { node, text: node.left.getText() };
    else if (other !== undefined && !(/^\+=?$/.test(sign) && isText(node)))
      yield { node: node.operatorToken, text: other, note: node.getText() };
  } else if (ts.isPrefixUnaryExpression(node) && /^[!~-]/.test(node.getText()))
    yield { node, text: node.operand.getText() };
  else if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    // A loop that counts the other way is seen, or never ends: it says nothing and costs a time limit.
    if (ts.isForStatement(node.parent) && node.parent.incrementor === node) return;
    const text = node.getText();
    yield { node, text: text.includes('++') ? text.replace('++', '--') : text.replace('--', '++') };
  }
}

/** @param {ts.Node} node @returns {Iterable<Change>} */
function* conditions(node) {
  // Always true and always false are each harder to see than the opposite, which differs in every case.
  const condition = ts.isIfStatement(node)
    ? node.expression
    : ts.isConditionalExpression(node)
      ? node.condition
      : undefined;
  if (condition !== undefined) {
    yield { node: condition, text: 'false' };
    yield { node: condition, text: 'true' };
  } else if (ts.isWhileStatement(node)) yield { node: node.expression, text: 'false' };
  else if (ts.isForStatement(node) && node.condition) yield { node: node.condition, text: 'false' };
}

/** @param {ts.Node} node @returns {Iterable<Change>} */
function* statements(node) {
  const isAlone = ts.isIfStatement(node.parent) && node.parent.elseStatement === undefined;
  // Alone under an `if`, it is removed where that condition is made false.
  if (isAlone) return;
  if (ts.isContinueStatement(node) || ts.isBreakStatement(node)) yield { node, text: ';' };
  if (!ts.isExpressionStatement(node)) return;
  const { expression } = node;
  const does = ts.isAwaitExpression(expression) ? expression.expression : expression;
  const isSuper = ts.isCallExpression(does) && does.expression.kind === ts.SyntaxKind.SuperKeyword;
  if (!isSuper && calleeOf(does) !== 'assert') yield { node, text: ';' };
}

/** @param {ts.Node} node @returns {Iterable<Change>} */
function* constants(node) {
  const isSigned = ts.isPrefixUnaryExpression(node.parent) && !/^[!~]/.test(node.parent.getText());
  if (ts.isNumericLiteral(node) && !isSigned) {
    const value = Number(node.getText().replaceAll('_', ''));
    yield { node, text: String(value === 1 ? 0 : value + 1) };
  } else if (ts.isBigIntLiteral(node) && !isSigned) {
    const value = BigInt(node.getText().replaceAll('_', '').slice(0, -1));
    yield { node, text: `${value === 1n ? 0n : value + 1n}n` };
  } else if (node.kind === ts.SyntaxKind.TrueKeyword) yield { node, text: 'false' };
  else if (node.kind === ts.SyntaxKind.FalseKeyword) yield { node, text: 'true' };
}

/** @param {ts.Node} node @returns {Iterable<Change>} */
function* methods(node) {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return;
  const { name, expression } = node.expression;
  const other = METHODS.get(name.text);
  if (other !== undefined) yield { node: name, text: other, note: node.getText() };
  // What is not copied is shared with whoever writes it next.
  if (name.text === 'slice' && node.arguments.length === 0) yield { node, text: expression.getText() };
}

/** @param {string} text */
function short(text) {
  const line = text.replace(/\s+/g, ' ');
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
}

/** @param {Change} change @param {number} block @returns {Mutant} */
function mutantOf({ node, text, note }, block) {
  const file = node.getSourceFile();
  const from = node.getStart(file);
  const line = file.getLineAndCharacterOfPosition(from).line + 1;
  const was = short(note ?? node.getText());
  const becomes = text === ';' ? 'nothing' : note === undefined ? short(text) : `${text} there`;
  return { line, from, to: node.end, text, was, becomes, block };
}

const KINDS = [operators, conditions, statements, constants, methods];

/** @param {string} text */
const parse = (text) => ts.createSourceFile('source.ts', text, ts.ScriptTarget.ES2022, true);

/** All mutants of a text, in order of place. @param {string} text @returns {Mutant[]} */
export function mutantsOf(text) {
  /** @type {Mutant[]} */
  const found = [];
  /** @param {ts.Node} node @param {number} block */
  const visit = (node, block) => {
    if (isSkipped(node)) return;
    if (node.parent)
      for (const kind of KINDS) for (const change of kind(node)) found.push(mutantOf(change, block));
    const inner = ts.isBlock(node) ? node.getStart() : block;
    ts.forEachChild(node, (child) => visit(child, inner));
  };
  visit(parse(text), -1);
  return found.sort((a, b) => a.from - b.from || a.to - b.to);
}

/** The text with a mutant in it. @param {string} text @param {Mutant} mutant */
export const mutate = (text, { from, to, text: put }) => text.slice(0, from) + put + text.slice(to);

/**
 * The text with a note at the beginning of each block: the name and where the block begins go into the set
 * `globalThis.mutateReached`.
 * @param {string} text @param {string} name
 */
export function noteReach(text, name) {
  /** @type {number[]} */
  const blocks = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isBlock(node)) blocks.push(node.getStart());
    ts.forEachChild(node, visit);
  };
  visit(parse(text));
  let noted = text;
  for (const at of blocks.sort((a, b) => b - a))
    noted = `${noted.slice(0, at + 1)}globalThis.mutateReached?.add('${name}:${at}');${noted.slice(at + 1)}`;
  return noted;
}

/**
 * A sample that depends on nothing but its seed and the name of the file; a smaller one is a part of it.
 * @param {readonly Mutant[]} mutants @param {number} count @param {string} seed @returns {Mutant[]}
 */
export function sampleOf(mutants, count, seed) {
  const next = seedrandom(seed);
  const drawn = mutants.map((mutant) => ({ mutant, order: next() }));
  const chosen = drawn.sort((a, b) => a.order - b.order).slice(0, count);
  return chosen.map(({ mutant }) => mutant).sort((a, b) => a.from - b.from || a.to - b.to);
}
