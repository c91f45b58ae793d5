/**
 * `worldfold show <run>`: what a run is and what its log holds, read without the world that made it.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { describeRun, type RunDescription } from '../../index.ts';
import { literal } from '../../schema/canonical-text.ts';
import { EXIT } from '../failure.ts';
import { momentText } from '../header.ts';
import { type Io, line, paintFor, widthOf } from '../io.ts';
import type { StorePlace } from '../options.ts';
import { needRun, withStore } from '../stores.ts';
import { bytesText, counted, grouped, sparkline, type TextColumn, textTable } from '../text.ts';
import { valueText } from '../values.ts';

/** What `show` was asked. */
export interface ShowOptions {
  readonly run: string;
  readonly store: StorePlace;
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
  const { world, version, seed, createdAt, fingerprint, engine, hints } = d.header;
  const log = { records: d.tick + 1, bytes: d.bytes, recordHash: d.recordHash, events: { ...d.events } };
  const header = { world, version, seed, createdAt, fingerprint, engine: { ...engine }, hints: { ...hints } };
  const state = { tick: d.tick, stateHash: d.stateHash, stateHashTick: d.stateHashTick };
  line(
    io.stdout,
    canonicalJson({ id: d.id, ...header, ...state, config: configJson(d), log, metrics: newest(d) }),
  );
}

function tellHeader(io: Io, d: RunDescription): void {
  const paint = paintFor(io.stdout, io.env);
  const { world, version, seed, createdAt, engine, hints } = d.header;
  const config = Object.entries(d.config as object).map(([name, value]) => `${name}=${valueText(value)}`);
  const facts: [string, string][] = [
    ['world', `${world}, version ${version}${hints.module ? ` (${hints.module})` : ''}`],
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

/** Shows a run. Reads and verifies its whole log: a damaged one is `CORRUPT` or `NO_RECORD`. */
export async function showCommand(io: Io, o: ShowOptions): Promise<number> {
  return withStore(o.store, io.cwd, 'read', async (store) => {
    await needRun(store, o.run);
    const description = await describeRun(store, o.run);
    if (o.json) tellJson(io, description);
    else {
      tellHeader(io, description);
      tellTables(io, description);
    }
    return EXIT.done;
  });
}
