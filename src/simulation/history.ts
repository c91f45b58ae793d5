/**
 * Reading a run's past: frames from the store and from memory, events, metrics, the world at a tick.
 */

import { fail } from '../base/errors.ts';
import { placedRuns } from '../columns/waves.ts';
import { type Environment, parseChange, parseEnvironment } from '../log/environment.ts';
import { type LogPath, leafOf, pathOf } from '../log/lineage.ts';
import { findRun, readFrame, readPages } from '../log/reader.ts';
import { decodeFrame, type RecordFrame } from '../log/record.ts';
import type { LogRecord, LogStore, Store } from '../log/store.ts';
import { eventsUnder, pastOf } from './past.ts';
import type { AnyWorld } from './world.ts';

/** Where a log is: durable ticks in the segments of a store, later ones in memory. */
export interface LogSource {
  readonly store: LogStore;
  readonly path: LogPath;
  readonly durableTick: number;
  readonly undurable: readonly LogRecord[];
}

/** The durable log of a stored run, as it stands. `UNKNOWN_RUN`. */
export async function durableSource(store: Store, id: string): Promise<LogSource> {
  const { segment } = await findRun(store, id);
  return { store, path: await pathOf(store, segment), durableTick: segment.head.tick, undurable: [] };
}

/** Frames of ticks `from` to `to`, both included, in pages: see {@link readPages}. */
export async function* pages(
  source: LogSource,
  from: number,
  to: number,
): AsyncGenerator<Iterable<RecordFrame>> {
  const { store, path, durableTick } = source;
  if (from <= Math.min(to, durableTick)) yield* readPages(store, path, from, Math.min(to, durableTick));
  yield undurableFrames(source, from, to);
}

function* undurableFrames(
  { path, durableTick, undurable }: LogSource,
  from: number,
  to: number,
): Generator<RecordFrame> {
  for (const record of undurable)
    if (record.tick > durableTick && record.tick >= from && record.tick <= to)
      yield decodeFrame(record.bytes, { segment: leafOf(path), tick: record.tick });
}

/** Frames of ticks `from` to `to`, both included. */
export async function* frames(source: LogSource, from: number, to: number): AsyncGenerator<RecordFrame> {
  for await (const page of pages(source, from, to)) yield* page;
}

/** The environment of record 0. */
export async function readEnvironment(store: LogStore, path: LogPath): Promise<Environment> {
  const { environment } = await readFrame(store, path, 0);
  if (environment !== null) return parseEnvironment(environment, null);
  return fail('CORRUPT', 'record 0 says nothing of its environment', { segment: path[0]!.segment, tick: 0 });
}

/** The schema text of a log at a tick, as its records tell. It is looked for backwards. */
export async function schemaAt(source: LogSource, tick: number): Promise<string> {
  for (let last = tick, span = 1; last >= 0; last -= span, span *= 2) {
    let found: string | undefined;
    for await (const { environment } of frames(source, Math.max(0, last - span + 1), last))
      if (environment !== null) found = parseChange(environment).schema ?? found;
    if (found !== undefined) return found;
  }
  return fail('CORRUPT', 'record 0 says nothing of its schema', {
    segment: source.path[0]!.segment,
    tick: 0,
  });
}

/**
 * The events of one kind in order, each with its tick and its sequence number in the log. Records of older
 * schemas are read as the present one has them; `era` is the first tick of the present one.
 */
export async function* eventsOf(
  source: LogSource,
  world: AnyWorld,
  kind: string,
  { from, to, era }: { readonly from: number; readonly to: number; readonly era: number },
): AsyncGenerator<object> {
  const { compiled } = world.schema;
  const layout = compiled.kindOf.get(kind);
  if (layout === undefined) return fail('BAD_USAGE', `there is no event of kind '${kind}'`, { kind });
  let text = compiled.text;
  // Which schema a record is of, those before it tell: a look before the present era begins with the first.
  for await (const frame of frames(source, from < era ? 0 : from, to)) {
    if (from < era && frame.environment !== null) text = parseChange(frame.environment).schema ?? text;
    if (frame.tick < from) continue;
    const past = text === compiled.text ? null : pastOf(world, text);
    const number = past === null ? layout.number : past.numberOf(layout.number);
    if (!frame.counts.some((count) => count.kind === number)) continue;
    const { batches } = eventsUnder(world, text, frame);
    const { set } = batches.find((one) => one.kind === layout.number)!;
    for (const run of placedRuns(frame.waves))
      for (let i = 0; run.kind === number && i < run.size; i++)
        yield { tick: frame.tick, seq: frame.sequence + run.place + i, ...set.rowAt(run.row + i) };
  }
}

/**
 * Metrics as columns, one row a tick, with the ticks beside them. Metrics that a tick did not record are NaN.
 */
export interface MetricFrame {
  readonly size: number;
  readonly columns: { readonly [metric: string]: Float64Array };
}

/** Reads the recorded metrics of ticks 0 to `to`. */
export async function metricsOf(source: LogSource, to: number): Promise<MetricFrame> {
  const columns = new Map([['tick', new Float64Array(to + 1)]]);
  let names: readonly string[] = [];
  for await (const { tick, meta } of frames(source, 0, to)) {
    names = meta.metricNames ?? names;
    columns.get('tick')![tick] = tick;
    names.forEach((name, i) => {
      if (!columns.has(name)) columns.set(name, new Float64Array(to + 1).fill(Number.NaN));
      columns.get(name)![tick] = meta.metrics[i]!;
    });
  }
  return { size: to + 1, columns: Object.fromEntries(columns) };
}
