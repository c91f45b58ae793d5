/**
 * A statement of SQL, read as far as tables can be put before it.
 *
 * Owns the way from `select … from "people"` to `with "people" as (…) select … from "people"`: which names a
 * statement mentions, which it defines itself, and where its `with` is or would be. It does not judge whether
 * a statement is good; that is for the database.
 */
import { fail } from '../base/errors.ts';
import type { SqlDialect } from '../base/sql.ts';
import { quoted } from '../projections/sql/names.ts';

interface Token {
  /** A bare word, a name in quotes, or anything else: a literal, a number, one character. */
  readonly kind: 'word' | 'name' | 'other';
  readonly text: string;
  readonly at: number;
  readonly end: number;
}

interface Lexis {
  readonly literal: RegExp;
  readonly name: RegExp;
  /** Whether comments nest. */
  readonly nests: boolean;
}

const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const BLANK = /(?:\s+|--[^\n]*)+/y;
const TEXT = /'[^']*(?:''[^']*)*'/.source;
const NAME = /"[^"]*(?:""[^"]*)*"/.source;
const NUMBER = /\d[\w.]*/.source;
/** `$tag$ … $tag$`; a text with escapes. */
const DOLLARS = /\$((?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?)\$[\s\S]*?\$\1\$/.source;
const ESCAPES = /[eE]'[^'\\]*(?:(?:''|\\[\s\S])[^'\\]*)*'/.source;

const LEXES: Readonly<Record<SqlDialect, Lexis>> = {
  sqlite: {
    literal: new RegExp(`${TEXT}|[?:@$]\\w+|${NUMBER}`, 'y'),
    name: new RegExp(`${NAME}|\`[^\`]*(?:\`\`[^\`]*)*\`|\\[[^\\]]*\\]`, 'y'),
    nests: false,
  },
  postgres: {
    literal: new RegExp(`${DOLLARS}|${ESCAPES}|${TEXT}|\\$\\d+|${NUMBER}`, 'y'),
    name: new RegExp(NAME, 'y'),
    nests: true,
  },
};

/** Where the comment ends that begins at `at`. */
function commentEnd(sql: string, at: number, nests: boolean): number {
  const edge = /\/\*|\*\//g;
  edge.lastIndex = at + 2;
  let depth = 1;
  for (let found = edge.exec(sql); found !== null; found = edge.exec(sql)) {
    if (found[0] === '*/') depth--;
    else if (nests) depth++;
    if (depth === 0) return edge.lastIndex;
  }
  return sql.length;
}

/** The end of what a pattern finds at a place; the place itself where it finds nothing. */
function endOf(pattern: RegExp, sql: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(sql) ? pattern.lastIndex : at;
}

function tokensOf(dialect: SqlDialect, sql: string): Token[] {
  const { literal, name, nests } = LEXES[dialect];
  const tokens: Token[] = [];
  for (let at = 0; at < sql.length; ) {
    const blank = sql.startsWith('/*', at) ? commentEnd(sql, at, nests) : endOf(BLANK, sql, at);
    if (blank > at) {
      at = blank;
      continue;
    }
    // Literals first: a text with escapes begins as a word does.
    const ends = [literal, WORD, name].map((pattern) => endOf(pattern, sql, at));
    const which = ends.findIndex((end) => end > at);
    const end = which < 0 ? at + 1 : ends[which]!;
    const kind = which === 1 ? 'word' : which === 2 ? 'name' : 'other';
    tokens.push({ kind, text: sql.slice(at, end), at, end });
    at = end;
  }
  return tokens;
}

const isWord = (token: Token | undefined, ...words: readonly string[]): boolean =>
  token?.kind === 'word' && words.includes(token.text.toLowerCase());
const isSign = (token: Token | undefined, sign: string): boolean =>
  token?.kind === 'other' && token.text === sign;

/** What a name is told from others by: capitals count for nothing in SQLite, and in bare names. */
export const sqlName = (dialect: SqlDialect, name: string): string =>
  dialect === 'sqlite' ? name.toLowerCase() : name;

/** The name that a token is; none where it is no name. */
function nameOf(dialect: SqlDialect, token: Token | undefined): string | null {
  if (token === undefined || token.kind === 'other') return null;
  if (token.kind === 'word') return token.text.toLowerCase();
  const mark = token.text.at(-1)!;
  return sqlName(dialect, token.text.slice(1, -1).replaceAll(mark + mark, mark));
}

/** The token after a group in brackets that begins at `i`; `i` itself where none does. */
function afterGroup(tokens: readonly Token[], i: number): number {
  let depth = 0;
  for (let at = i; at < tokens.length; at++) {
    if (isSign(tokens[at], '(')) depth++;
    else if (isSign(tokens[at], ')')) depth--;
    if (depth === 0) return at === i ? i : at + 1;
  }
  return tokens.length;
}

const QUERIES = ['select', 'with', 'values', 'table'];
const CHANGES = ['insert', 'update', 'delete', 'replace', 'merge'];

/** The token that the explained statement begins with; 0 where nothing is explained. */
function afterExplain(tokens: readonly Token[]): number {
  if (!isWord(tokens[0], 'explain')) return 0;
  const group = afterGroup(tokens, 1);
  if (group > 1 && !isWord(tokens[2], ...QUERIES) && !isSign(tokens[2], '(')) return group;
  let i = 1;
  while (isWord(tokens[i], 'query', 'plan', 'analyze', 'verbose')) i++;
  return i;
}

/** Whether a name is defined at `i`, as `name as (…)` and `name (columns) as not materialized (…)` do. */
function isDefinition(tokens: readonly Token[], i: number): boolean {
  let at = afterGroup(tokens, i + 1);
  if (!isWord(tokens[at++], 'as')) return false;
  while (isWord(tokens[at], 'not', 'materialized')) at++;
  return isSign(tokens[at], '(');
}

const refused = (sql: string): never =>
  fail(
    'READ_ONLY',
    `tables in SQL are only read, and this is no query: ${sql.slice(0, 80).toWellFormed()}`,
    { sql },
    'Ask with select, with, values or explain: what is shown is written by projections alone.',
  );

/** The names that a `with` defines, from its first token on; null where it leads to what is no query. */
function definedFrom(dialect: SqlDialect, tokens: readonly Token[], from: number): Set<string> | null {
  const defined = new Set<string>();
  for (let i = from; i < tokens.length; i = Math.max(afterGroup(tokens, i), i + 1)) {
    const name = nameOf(dialect, tokens[i]);
    if (name !== null && isDefinition(tokens, i)) defined.add(name);
    else if (isWord(tokens[i], ...QUERIES)) break;
    else if (isWord(tokens[i], ...CHANGES)) return null;
  }
  return defined;
}

/** A statement that may read tables. */
export interface Statement {
  readonly sql: string;
  /** Where tables are put in: behind its `with`, or before its first word. */
  readonly at: number;
  readonly hasWith: boolean;
  /** The names that it mentions, and does not define for all of itself; see {@link sqlName}. */
  readonly names: ReadonlySet<string>;
}

/** Reads a statement. `READ_ONLY` where it is no query. */
export function readStatement(dialect: SqlDialect, sql: string): Statement {
  const tokens = tokensOf(dialect, sql);
  const begin = afterExplain(tokens);
  const first = tokens[begin];
  if (!isWord(first, ...QUERIES) && !isSign(first, '(')) refused(sql);
  const names = new Set<string>();
  for (const token of tokens) {
    const name = nameOf(dialect, token);
    if (name !== null) names.add(name);
  }
  if (!isWord(first, 'with')) return { sql, at: first!.at, hasWith: false, names };
  const list = isWord(tokens[begin + 1], 'recursive') ? begin + 2 : begin + 1;
  const defined = definedFrom(dialect, tokens, list) ?? refused(sql);
  for (const name of defined) names.delete(name);
  return { sql, at: tokens[list - 1]!.end, hasWith: true, names };
}

/** The statement with tables put before it: their names, each with the query that it stands for. */
export function withTables({ sql, at, hasWith }: Statement, tables: ReadonlyMap<string, string>): string {
  if (tables.size === 0) return sql;
  const all = [...tables].map(([name, query]) => `${quoted(name)} as not materialized (${query})`).join(', ');
  return `${sql.slice(0, at)}${hasWith ? ` ${all},` : `with ${all} `}${sql.slice(at)}`;
}
