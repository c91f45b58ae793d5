/**
 * What a store knows of its runs without the worlds that made them: headers, heads, counts of events,
 * metrics.
 */

import { hex } from '../base/bytes.ts';
import { parseCanonical } from '../base/canonical.ts';
import { isWorldfoldError } from '../base/errors.ts';
import { parseEnvironment } from '../log/environment.ts';
import { type RunHeader, readHeader } from '../log/header.ts';
import { checkHead, pathOf } from '../log/lineage.ts';
import { checkNamed, findRun, readFrames } from '../log/reader.ts';
import type { RunInfo, Store } from '../log/store.ts';
import { unliteral } from '../schema/canonical-text.ts';
import { compileText } from '../schema/compile.ts';
import { checkStore, checkText } from '../simulation/arguments.ts';
import { type MetricFrame, metricsOf, readEnvironment } from '../simulation/history.ts';

export type { RunHeader } from '../log/header.ts';

/** A run in a list. */
export interface RunListing {
  readonly id: string;
  /** The durable head. */
  readonly tick: number;
  readonly header: RunHeader;
}

async function listing(store: Store, { id, header, segment }: RunInfo): Promise<RunListing> {
  await checkHead(store, segment);
  return { id, tick: segment.head.tick, header: readHeader(id, header) };
}

const PAGE = 256;

/** The runs of a store, in order of id, as the store has them: headers unread. */
export async function allRuns(store: Store): Promise<readonly RunInfo[]> {
  const all: RunInfo[] = [];
  for (let after: string | null = null; ; ) {
    const page: readonly RunInfo[] = await store.list(after, PAGE);
    all.push(...page.map(checkNamed));
    if (page.length < PAGE) return all;
    after = page.at(-1)!.id;
  }
}

/**
 * The runs of a store, in order of id. A header that is damaged is `CORRUPT` with the run's name, and so is a
 * head that the log does not have.
 */
export async function listRuns(store: Store): Promise<readonly RunListing[]> {
  checkStore('listRuns', store);
  const listed: RunListing[] = [];
  for (const info of await allRuns(store)) {
    const run = await listing(store, info).catch((e) => removedSince(store, info, e));
    if (run !== null) listed.push(run);
  }
  return listed;
}

/** A run may be removed and collected after it was listed: then it is none. Else the error stands. */
async function removedSince(store: Store, { id, segment }: RunInfo, e: unknown): Promise<null> {
  if (!isWorldfoldError(e, 'NO_RECORD') && !isWorldfoldError(e, 'UNKNOWN_RUN')) throw e;
  const now = await store.head(id);
  if (now?.segment.id === segment.id) throw e;
  return null;
}

/** A run as its log tells it. */
export interface RunDescription extends RunListing {
  /** The last recorded state hash and its tick. */
  readonly stateHash: string | null;
  readonly stateHashTick: number | null;
  readonly recordHash: string;
  /** The config after the last tick, as the log has it: forks and migrations may change it. */
  readonly config: unknown;
  readonly bytes: number;
  readonly events: { readonly [kind: string]: number };
  readonly metrics: MetricFrame;
}

/**
 * Reads a run's whole log, verifying every record, and tells what is in it. `UNKNOWN_RUN`, `CORRUPT`,
 * `NO_RECORD`.
 */
export async function describeRun(store: Store, id: string): Promise<RunDescription> {
  checkStore('describeRun', store);
  checkText('id', id);
  const info = await findRun(store, id);
  const { segment } = info;
  const listed = await listing(store, info);
  const path = await pathOf(store, segment);
  let environment = await readEnvironment(store, path);
  let { kinds } = compileText(environment.schema);
  const events = new Map<string, number>();
  let bytes = 0;
  let hashed: { tick: number; hash: string } | null = null;
  for await (const frame of readFrames(store, path, 0, segment.head.tick)) {
    bytes += frame.bytes.length;
    if (frame.environment !== null && frame.tick > 0) {
      // A fork may change config and seed, a migration the kinds and their numbers.
      environment = parseEnvironment(frame.environment, environment);
      kinds = compileText(environment.schema).kinds;
    }
    if (frame.stateHash !== null) hashed = { tick: frame.tick, hash: hex(frame.stateHash) };
    for (const { kind, size } of frame.counts) {
      const { name } = kinds[kind]!;
      events.set(name, (events.get(name) ?? 0) + size);
    }
  }
  const source = { store, path, durableTick: segment.head.tick, undurable: [] };
  return {
    ...listed,
    stateHash: hashed?.hash ?? null,
    stateHashTick: hashed?.tick ?? null,
    recordHash: hex(segment.head.hash),
    config: unliteral(parseCanonical(environment.config)),
    bytes,
    events: Object.fromEntries(events),
    metrics: await metricsOf(source, segment.head.tick),
  };
}
