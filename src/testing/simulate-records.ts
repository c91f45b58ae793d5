/**
 * What a record of the simulated world says, read without the engine that wrote it.
 */
import { hex } from '../base/bytes.ts';
import { type Environment, parseEnvironment } from '../log/environment.ts';
import { decodeBatches, decodeFrame, eventCount, freshSets, type RecordFrame } from '../log/record.ts';
import type { LogRecord } from '../log/store.ts';
import { SOURCE_KIND } from '../schema/compile.ts';
import { validRow } from '../schema/validate.ts';
import type { PendingInput } from '../simulation/engine.ts';
import { compiledOf, versionOf } from './simulate-codes.ts';
import type { EraTick } from './simulate-eras.ts';

/** A tick as the medium holds it. */
export interface BookedTick {
  readonly hash: string;
  readonly stateHash: string | null;
  /** The tags of its inputs, in order. */
  readonly tags: readonly number[];
  /** What the fold depends on after it. */
  readonly environment: Environment;
  /** What it says of the environment itself. */
  readonly change: string | null;
  /** The number of the next event. */
  readonly sequence: number;
  /** What the reference world makes of it; null in a schedule without eras. */
  readonly told: EraTick | null;
}

type Row = { [column: string]: unknown };

/** The inputs of a recorded tick, in order. */
function* inputRows(frame: RecordFrame, version: 1 | 2): Generator<{ kind: number; row: Row }> {
  const compiled = compiledOf(version);
  const sets = new Map(
    decodeBatches(frame, compiled, freshSets(compiled)).map(({ kind, set }) => [kind, set]),
  );
  const next = new Map<number, number>();
  for (const { origin, runs } of frame.waves) {
    if (origin !== 'inputs') continue;
    for (const { kind, size, times } of runs)
      for (let left = size * times; left > 0; left--) {
        const at = next.get(kind) ?? 0;
        next.set(kind, at + 1);
        yield { kind, row: sets.get(kind)!.rowAt(at) as Row };
      }
  }
}

/** The inputs of a recorded tick, in order, as they waited for it. */
export function inputsOf(frame: RecordFrame, version: 1 | 2): PendingInput[] {
  const inputs: PendingInput[] = [];
  for (const { kind, row } of inputRows(frame, version)) {
    const layout = compiledOf(version).kinds[kind]!;
    if (layout.name === SOURCE_KIND)
      inputs.push({ ...inputs.pop()!, source: row.source as string, seq: row.seq as number });
    else {
      for (const { name } of layout.creates) delete row[name];
      const own = validRow(layout, row, 'a recorded input', 'BAD_INPUT');
      inputs.push({ kind: layout.name, row: own, source: null, seq: 0 });
    }
  }
  return inputs;
}

/** What a record says, given the tick before it; `tell` is asked what the reference world makes of it. */
export function booked(
  record: LogRecord,
  before: BookedTick | undefined,
  tell: ((frame: RecordFrame, environment: Environment) => EraTick) | null,
): BookedTick {
  const frame = decodeFrame(record.bytes.slice(), { tick: record.tick });
  const { environment: change, stateHash } = frame;
  const environment =
    change === null ? before!.environment : parseEnvironment(change, before?.environment ?? null);
  const tags: number[] = [];
  for (const { row } of inputRows(frame, versionOf(environment.schema)))
    if (row.tag !== undefined) tags.push(row.tag as number);
  return {
    hash: hex(record.hash),
    stateHash: stateHash === null ? null : hex(stateHash),
    tags,
    environment,
    change,
    sequence: frame.sequence + eventCount(frame.counts),
    told: tell?.(frame, environment) ?? null,
  };
}
