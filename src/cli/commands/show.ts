/**
 * `worldfold show <run>`: what a run is and what its log holds, read without the world that made it; with a
 * tick or a table, the world itself.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import { describeRun, type GuardOption, type RunDescription } from '../../index.ts';
import { escaped } from '../../replay/diff-text-layout.ts';
import { literal } from '../../schema/canonical-text.ts';
import { EXIT } from '../failure.ts';
import { momentText } from '../header.ts';
import { type Io, line, paintFor, widthOf } from '../io.ts';
import type { StorePlace } from '../options.ts';
import { needNamed } from '../run-world.ts';
import { withStore } from '../stores.ts';
import { bytesText, counted, grouped, sparkline, type TextColumn, textTable } from '../text.ts';
import { valueText } from '../values.ts';
import { showWorld } from './table.ts';

/** What `show` was asked. */
export interface ShowOptions {
  /** `RUN`, or `RUN@TICK` for the world of a tick. */
  readonly run: string;
  readonly store: StorePlace;
  /** The module to fold with, instead of the one that the run remembers. */
  readonly world?: string | undefined;
  readonly guard: GuardOption;
  /** The table whose rows are shown. */
  readonly table?: string | undefined;
  readonly where: ReadonlyMap<string, string>;
  readonly columns?: readonly string[] | undefined;
  readonly limit: number;
  readonly json: boolean;
}

const CURVE = 40;
/** The width of the labels in front of the facts. */
const LABEL = 10;

/** Config by name as JSON: what JSON has no form for is written as in the log, `{"$bytes":"00ff"}`. */
const configJson = ({ config }: RunDescription): object =>
  Object.fromEntries(Object.entries(config as object).map(([name, value]) => [name, literal(value)]));

/** Words laid out in lines of at most `width` characters. */
function wrapped(words: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines[lines.length - 1];
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** The last value of each metric by name. */
function newest({ metrics: { size, columns } }: RunDescription): {
  readonly [metric: string]: number | null;
} {
  const known = Object.entries(columns).filter(([name]) => name !== 'tick');
  // A metric that a tick did not record is NaN, which JSON has no form for.
  return Object.fromEntries(
    known.map(([name, values]) => [name, Number.isFinite(values[size - 1]) ? values[size - 1]! : null]),
  );
}

function tellJson(io: Io, d: RunDescription): void {
  const { world, version, seed, createdAt, fingerprint, engine, hints, fork } = d.header;
  const log = { records: d.tick + 1, bytes: d.bytes, recordHash: d.recordHash, events: { ...d.events } };
  const about = { world, version, seed, createdAt, fingerprint };
  const header = { ...about, engine: { ...engine }, hints: { ...hints }, fork: fork ? { ...fork } : null };
  const state = { tick: d.tick, stateHash: d.stateHash, stateHashTick: d.stateHashTick };
  line(
    io.stdout,
    canonicalJson({ id: d.id, ...header, ...state, config: configJson(d), log, metrics: newest(d) }),
  );
}

function forkText({ run, tick, because }: NonNullable<RunDescription['header']['fork']>): string {
  const why = because === null ? '' : `, because: ${escaped(because)}`;
  return `${run} at tick ${grouped(tick)}${why}`;
}

function tellHeader(io: Io, d: RunDescription): void {
  const paint = paintFor(io.stdout, io.env);
  const { world, version, seed, createdAt, engine, hints, fork } = d.header;
  const config = Object.entries(d.config as object).map(([name, value]) => `${name}=${valueText(value)}`);
  const facts: [string, string][] = [
    ['world', `${world}, version ${version}${hints.module ? ` (${hints.module})` : ''}`],
    ...(fork === undefined ? [] : [['fork of', forkText(fork)] as [string, string]]),
    ['seed', seed],
    ['config', wrapped(config, widthOf(io.stdout) - LABEL - 4).join(`\n${' '.repeat(LABEL + 4)}`)],
    ['made', `${momentText(createdAt)} UTC by Node ${engine.node} on ${engine.platform} ${engine.arch}`],
    [
      'state hash',
      d.stateHash === null ? 'none recorded' : `${d.stateHash}  at tick ${grouped(d.stateHashTick!)}`,
    ],
    ['log', `${counted(d.tick + 1, 'record')}, ${bytesText(d.bytes)}`],
  ];
  line(io.stdout, `${paint.strong(d.id)}: at tick ${grouped(d.tick)}`);
  for (const [name, text] of facts) line(io.stdout, `  ${paint.faint(name.padEnd(LABEL))}  ${text}`);
}

const NUMBER = { align: 'right' } as const;
const EVENT_COLUMNS: readonly TextColumn[] = [{ title: 'events' }, { title: 'count', ...NUMBER }];
const METRIC_COLUMNS: readonly TextColumn[] = [
  { title: 'metrics' },
  { title: 'least', ...NUMBER },
  { title: 'most', ...NUMBER },
  { title: 'last', ...NUMBER },
  { title: 'by tick' },
];

function tellTables(io: Io, d: RunDescription): void {
  // `+people` are the rows that the setup inserted; `$…` is the framework's own.
  const events = Object.entries(d.events)
    .filter(([kind]) => !kind.startsWith('$'))
    .map(([kind, count]) => [kind.startsWith('+') ? `setup: ${kind.slice(1)}` : kind, grouped(count)]);
  const metrics = Object.entries(d.metrics.columns)
    .filter(([name]) => name !== 'tick')
    .map(([name, values]) => {
      const numbers = values.filter(Number.isFinite);
      const low = numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
      const high = numbers.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      const last = values[values.length - 1]!;
      return [name, grouped(low), grouped(high), grouped(last), sparkline(numbers, CURVE)];
    });
  for (const [columns, rows] of [
    [EVENT_COLUMNS, events],
    [METRIC_COLUMNS, metrics],
  ] as const) {
    if (rows.length === 0) continue;
    line(io.stdout);
    for (const text of textTable(columns, rows)) line(io.stdout, `  ${text}`);
  }
}

/** What belongs to the rows of a table. */
function checkTable({ table, where, columns }: ShowOptions): void {
  if (table === undefined && (where.size > 0 || columns !== undefined))
    fail(
      'BAD_USAGE',
      `--${where.size > 0 ? 'where' : 'columns'} goes with --table`,
      {},
      'Write: worldfold show RUN@30 --table people --where health=ill',
    );
}

/**
 * Shows a run: what its log holds, or, where a tick or a table is named, the world of that tick. Reads and
 * verifies the whole log, or what the world is built from: a damaged one is `CORRUPT` or `NO_RECORD`.
 */
export async function showCommand(io: Io, o: ShowOptions): Promise<number> {
  checkTable(o);
  return withStore(o.store, io.cwd, 'read', async (store) => {
    const named = await needNamed(store, o.run);
    if (named.tick !== undefined || o.table !== undefined) return showWorld(io, store, named, o);
    const description = await describeRun(store, o.run);
    if (o.json) tellJson(io, description);
    else {
      tellHeader(io, description);
      tellTables(io, description);
    }
    return EXIT.done;
  });
}
