/**
 * The inputs that a parent recorded after the tick of a fork, as inputs of the fork.
 *
 * They are read tick by tick from the parent's durable log, under the schema that each record was made with,
 * and enter the fork like any other input: ids that they create are handed out anew, and one that the fork's
 * handlers refuse is dropped. What the parent records after the fork has passed a tick never enters it.
 */
import { isWorldfoldError, WorldfoldError } from '../base/errors.ts';
import { refusePromise } from '../base/tick-error.ts';
import type { ColumnSet } from '../columns/column-set.ts';
import { parseChange } from '../log/environment.ts';
import { checkHead, type LogPath, pathThrough } from '../log/lineage.ts';
import { readFrames, runOf } from '../log/reader.ts';
import type { RecordFrame } from '../log/record.ts';
import { hasForks, type Store, unsupported } from '../log/store.ts';
import { type CompiledSchema, SOURCE_KIND } from '../schema/compile.ts';
import type { PendingInput } from './engine.ts';
import { eventsUnder, type RecordedEvents } from './past.ts';
import type { AnyWorld } from './world.ts';

/** Whether an input that the parent recorded at a tick enters the fork. */
export type LaterFilter = (input: readonly [kind: string, row: object], tick: number) => unknown;

/** Where a parent's later inputs are. */
export interface LaterSource {
  /** The segment that the parent's log ended in when it was forked. */
  readonly segment: string;
  /** The schema text of the parent's log at the tick of the fork. */
  readonly schema: string;
  /** The last durable tick of the parent's log then: one that ends earlier was cut. */
  readonly head: number;
}

/** What a reader of a parent's inputs is made of. */
export interface LaterParts extends LaterSource {
  readonly store: Store;
  readonly world: AnyWorld;
  /** The tick of the fork. */
  readonly at: number;
  readonly filter: LaterFilter | null;
}

/** Reads a parent's inputs. */
export class LaterReader {
  private readonly parts: LaterParts;
  private path: LogPath | null = null;
  /** How records are read that come after `known`. */
  private schema: string;
  private known: number;

  constructor(parts: LaterParts) {
    this.parts = parts;
    this.schema = parts.schema;
    this.known = parts.at;
  }

  /**
   * The inputs that the parent recorded at a tick, in order; none where its durable log does not reach so
   * far yet. `NO_STATE` where it was removed and does not reach so far, as it may have been collected;
   * `CORRUPT`, `NO_RECORD`, `SCHEMA_DIFFERS`; `ASYNC_IN_TICK` where the filter returns a promise. What the
   * filter throws is thrown.
   */
  async at(tick: number): Promise<readonly PendingInput[]> {
    const { filter, world, segment } = this.parts;
    try {
      const frame = await this.frame(tick);
      if (frame === null) return [];
      return recordedInputs(world.schema.compiled, eventsUnder(world, this.schema, frame))
        .filter(({ input, row }) => filter === null || takes(filter, [input.kind, row], tick))
        .map(({ input }) => input);
    } catch (e) {
      if (!(await this.isGone(e))) throw e;
      throw gone(segment, tick, e);
    }
  }

  /**
   * Whether an error says that the parent was removed: its log goes from its end, maybe between two calls.
   */
  private async isGone(e: unknown): Promise<boolean> {
    const { store, segment } = this.parts;
    if (isWorldfoldError(e, 'UNKNOWN_RUN')) return true;
    if (!isWorldfoldError(e, 'NO_RECORD') || !hasForks(store)) return false;
    try {
      const [leaf] = await store.lineage(segment);
      return leaf!.head.tick < Number(e.facts.tick);
    } catch (now) {
      return isWorldfoldError(now, 'UNKNOWN_RUN');
    }
  }

  /** Whether the parent has its name: what no run names may have been cut, and nothing tells of how much. */
  private async isNamed(): Promise<boolean> {
    const { store, segment } = this.parts;
    const info = await store.head(runOf(segment));
    return info?.segment.id === segment;
  }

  /** The parent's record of a tick, or null; takes note of the schema changes up to it. */
  private async frame(tick: number): Promise<RecordFrame | null> {
    const { store, segment } = this.parts;
    if (!hasForks(store)) return unsupported(store, 'forks');
    const lineage = await store.lineage(segment);
    this.path ??= await pathThrough(store, lineage);
    const { head } = lineage[0]!;
    // Where nothing is said to be there, nothing must be there: else its inputs would be passed over.
    if (head.tick < tick) await checkHead(store, lineage[0]!);
    if (head.tick < this.parts.head || (head.tick < tick && !(await this.isNamed())))
      throw gone(segment, tick);
    let frame: RecordFrame | null = null;
    // A tick that is computed again needs no step back: a change of schema is noted once.
    const from = Math.min(tick, this.known + 1);
    for await (frame of readFrames(store, this.path, from, Math.min(tick, head.tick)))
      if (frame.tick > this.known) this.note(frame);
    return frame?.tick === tick ? frame : null;
  }

  private note({ tick, environment }: RecordFrame): void {
    if (environment !== null) this.schema = parseChange(environment).schema ?? this.schema;
    this.known = tick;
  }
}

const gone = (segment: string, tick: number, cause?: unknown): WorldfoldError =>
  new WorldfoldError(
    'NO_STATE',
    `the later inputs of the parent from tick ${tick} on are gone: its run '${runOf(segment)}' was removed`,
    { segment, tick },
    "Open the fork with later: 'drop' to go on without them.",
    cause,
  );

function takes(filter: LaterFilter, ...given: Parameters<LaterFilter>): boolean {
  const answer = filter(...given);
  refusePromise(answer, 'the filter of later inputs');
  return Boolean(answer);
}

/** An input among the events of a tick. */
export interface RecordedInput {
  /** The input as a fork takes it: ids that it created are handed out anew. */
  readonly input: PendingInput;
  /** Its row as it was recorded, for a filter to look at. */
  readonly row: object;
}

/**
 * The inputs among the events of a tick, in order. Each is a wave of its own, in which the mark of its source
 * comes after it; the mark stands alone where the present schema has dropped the kind of the input.
 */
export function recordedInputs(schema: CompiledSchema, { waves, batches }: RecordedEvents): RecordedInput[] {
  const sets = new Map<number, ColumnSet>(batches.map(({ kind, set }) => [kind, set]));
  const cursors = new Map<number, number>();
  const inputs: RecordedInput[] = [];
  for (const { origin, runs } of waves) {
    if (origin !== 'inputs') continue;
    let own: RecordedInput | null = null;
    for (const { kind } of runs) {
      const at = cursors.get(kind) ?? 0;
      cursors.set(kind, at + 1);
      const { name, creates } = schema.kinds[kind]!;
      const row = sets.get(kind)!.rowAt(at);
      if (name !== SOURCE_KIND) {
        const anew = Object.fromEntries(creates.map(({ name: column }) => [column, undefined]));
        // A row of its own: a filter may write into the one that it sees.
        own = {
          input: { kind: name, row: { ...sets.get(kind)!.rowAt(at), ...anew }, source: null, seq: 0 },
          row,
        };
        inputs.push(own);
      } else if (own !== null) {
        const { source, seq } = row as { readonly source: string; readonly seq: number };
        inputs[inputs.length - 1] = { row: own.row, input: { ...own.input, source, seq } };
      }
    }
  }
  return inputs;
}
