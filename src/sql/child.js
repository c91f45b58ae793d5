/**
 * The process that a query runs in: started by engine.ts, given one task, ended after one answer.
 *
 * A process of its own, because SQLite stops for nobody while it looks for the next row: a thread could not
 * be ended, and would keep the program from ending too. It is JavaScript, so that it runs from the sources
 * and from what is built alike.
 */
import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';

/** @import { Database as Sqlite } from 'better-sqlite3' */
/** @import { Answer, Task, TaskTable } from './task.ts' */

/** Rows that one statement inserts: more is not faster. */
const ROWS = 32;
/** What a query may begin with. */
const READING = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|;)*(?:select|with|values|explain)\b/i;

/** Ends this process when the one that started it has died: a query that runs hears of nothing. */
const WATCH = `
  const { workerData: parent } = require('node:worker_threads');
  setInterval(() => process.ppid !== parent && process.kill(process.pid, 'SIGKILL'), 500);
`;

/** @param {string} name */
const quoted = (name) => `"${name.replaceAll('"', '""')}"`;

/** @param {unknown} value */
const bound = (value) =>
  typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;

/**
 * @param {Sqlite} db
 * @param {string} base
 * @param {TaskTable} table
 */
function fill(db, base, { name, definitions, columns, size }) {
  const full = `${quoted(base)}.${quoted(name)}`;
  const nameOf = (/** @type {string} */ definition) => definition.slice(0, definition.indexOf('"', 1) + 1);
  const empty = (/** @type {number} */ i) => size > 0 && columns[i] === null;
  const made = definitions.map((one, i) => (empty(i) ? nameOf(one) : one));
  db.exec(`create table ${full} (${made.join(', ')})`);
  const given = columns.filter((column) => column !== null);
  const names = definitions.filter((_, i) => i < columns.length && columns[i] !== null).map(nameOf);
  // Rows of which no column is asked for are counted all the same.
  const into = names.length === 0 ? `(${nameOf(definitions[0] ?? '')})` : `(${names.join()})`;
  const row = names.length === 0 ? '(null)' : `(${names.map(() => '?').join()})`;
  const insert = (/** @type {number} */ rows) =>
    db.prepare(`insert into ${full} ${into} values ${Array(rows).fill(row).join()}`);
  const per = Math.max(1, Math.min(ROWS, Math.floor(30_000 / Math.max(1, given.length))));
  const put = (
    /** @type {number} */ from,
    /** @type {number} */ rows,
    /** @type {{ run(...given: unknown[]): unknown }} */ statement,
  ) => {
    const values = [];
    for (let i = from; i < from + rows; i++) for (const column of given) values.push(column[i]);
    statement.run(values);
  };
  const whole = size - (size % per);
  if (whole > 0) {
    const statement = insert(per);
    for (let at = 0; at < whole; at += per) put(at, per, statement);
  }
  if (size > whole) {
    const statement = insert(1);
    for (let at = whole; at < size; at++) put(at, 1, statement);
  }
}

/**
 * A text that was compared with numbers: the form of u64 columns.
 * @param {unknown} value
 */
const u64 = (value) => (value === null ? null : String(value).padStart(20, '0'));

/**
 * @param {Sqlite} db
 * @param {Task} task
 * @returns {Answer}
 */
function answer(db, { query, params, exact }) {
  if (!READING.test(query)) return { refused: 'it does not begin with select, with, values or explain' };
  const statement = db.prepare(query);
  if (!statement.reader || !statement.readonly) return { refused: 'it would write' };
  const big = new Set(exact);
  const columns = statement.columns().map(({ name, database, table, column }) => ({
    name,
    u64: big.has(`${database}.${table}.${column}`),
  }));
  const given = Array.isArray(params)
    ? params.map(bound)
    : Object.fromEntries(Object.entries(params).map(([name, value]) => [name, bound(value)]));
  const rows = /** @type {unknown[][]} */ (statement.raw().safeIntegers().all(given));
  return { columns, rows };
}

/** @param {Task} task */
function work(task) {
  const db = new Database(':memory:');
  db.pragma('journal_mode = off');
  db.pragma('synchronous = off');
  db.function('u64', { deterministic: true, safeIntegers: true }, u64);
  for (const { name, tables } of task.bases) {
    if (name !== 'main') db.prepare('attach ? as ?').run(':memory:', name);
    db.exec('begin');
    for (const table of tables) fill(db, name, table);
    db.exec('commit');
  }
  db.pragma('query_only = on');
  return answer(db, task);
}

process.once('message', (task) => {
  new Worker(WATCH, { eval: true, workerData: process.ppid }).unref();
  /** @type {Answer} */
  let said;
  try {
    said = work(/** @type {Task} */ (task));
  } catch (e) {
    const { message, code } = /** @type {Error & { code?: string }} */ (e);
    said = { error: message, code: code ?? '' };
  }
  process.send?.(said, () => process.exit());
});
