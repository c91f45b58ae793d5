/**
 * `worldfold sql RUN@N "select …"`: a query over the world of a run at a tick; without a query, the tables
 * that there are.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import type { GuardOption, Store } from '../../index.ts';
import { cellText, cut, escaped } from '../../replay/diff-text-layout.ts';
import { literal } from '../../schema/canonical-text.ts';
import type { SqlFound, StoredMoment } from '../../sql/index.ts';
import { EXIT } from '../failure.ts';
import { type Io, line, paintFor } from '../io.ts';
import type { StorePlace } from '../options.ts';
import { needNamed, worldOf } from '../run-world.ts';
import { withStore } from '../stores.ts';
import { grouped, type TextColumn, textTable } from '../text.ts';

/** What `sql` was asked. */
export interface SqlCommandOptions {
  readonly run: string;
  readonly query?: string | undefined;
  /** More runs, by the name that the query calls them: `other=RUN@N`. */
  readonly with: ReadonlyMap<string, string>;
  readonly store: StorePlace;
  readonly world?: string | undefined;
  readonly guard: GuardOption;
  readonly limit: number;
  /** In seconds. */
  readonly timeout?: number | undefined;
  readonly csv: boolean;
  readonly json: boolean;
}

const TABLES = `select m.name as "table", group_concat(p.name, ', ') as columns
  from sqlite_schema m, pragma_table_info(m.name) p where m.type = 'table' group by m.name order by m.rowid`;
const CELL = 40;

async function momentOf(io: Io, store: Store, word: string, o: SqlCommandOptions): Promise<StoredMoment> {
  const named = await needNamed(store, word);
  const { world } = await worldOf(io, store, named.info, o);
  const { tick } = named;
  return { store, id: named.info.id, world, guard: o.guard, ...(tick !== undefined && { tick }) };
}

/** A field as RFC 4180 has it; bytes are in hexadecimal, as in JSON. */
function csvField(value: unknown): string {
  if (value === null) return '';
  const text = value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function tellCsv(io: Io, { columns, rows }: SqlFound): void {
  for (const row of [columns, ...rows]) io.stdout.write(`${row.map(csvField).join(',')}\r\n`);
}

function tellJson(io: Io, { columns, rows }: SqlFound): void {
  const objects = rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, literal(row[i])])));
  line(io.stdout, canonicalJson({ columns, rows: objects }));
}

const isNumber = (value: unknown): boolean => typeof value === 'number' || typeof value === 'bigint';

function cellOf(value: unknown): string {
  if (isNumber(value)) return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'string' && value !== '') return cut(escaped(value.slice(0, 3 * CELL)), CELL);
  return cellText(value, CELL);
}

function tellTable(io: Io, { columns, rows }: SqlFound, limit: number): void {
  const paint = paintFor(io.stdout, io.env);
  const titles = columns.map((title, i): TextColumn => {
    const numbers = rows.length > 0 && rows.every((row) => row[i] === null || isNumber(row[i]));
    return numbers ? { title: escaped(title), align: 'right' } : { title: escaped(title) };
  });
  const cells = rows.slice(0, limit).map((row) => row.map(cellOf));
  for (const [i, text] of textTable(titles, cells).entries())
    line(io.stdout, i < 2 ? paint.faint(text) : text);
  if (rows.length > limit)
    line(io.stdout, paint.faint(`… ${grouped(rows.length - limit)} more rows (--limit, --json, --csv)`));
}

/** Asks a query and tells what it found. Reads only; Ctrl-C cancels it. */
export async function sqlCommand(io: Io, o: SqlCommandOptions): Promise<number> {
  if (o.csv && o.json) fail('BAD_USAGE', '--csv and --json do not go together', {}, 'Leave one of them out.');
  const { sqlAt } = await import('../../sql/index.ts');
  return withStore(o.store, io.cwd, 'read', async (store) => {
    const others: { [name: string]: StoredMoment } = {};
    for (const [name, word] of o.with) others[name] = await momentOf(io, store, word, o);
    const main = await momentOf(io, store, o.run, o);
    const found = await sqlAt(main, o.query ?? TABLES, [], {
      with: others,
      signal: io.signal,
      ...(o.timeout !== undefined && { timeoutMs: Math.ceil(o.timeout * 1000) }),
    });
    if (o.csv) tellCsv(io, found);
    else if (o.json) tellJson(io, found);
    else tellTable(io, found, o.limit);
    return EXIT.done;
  });
}
