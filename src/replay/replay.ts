/**
 * Replay: the world folded again from the log alone, compared with every recorded state hash.
 */
import { hex } from '../base/bytes.ts';
import { fail } from '../base/errors.ts';
import { loadHash } from '../base/hash.ts';
import { steadyClock, yieldToEvents } from '../base/platform.ts';
import { eventCount, type RecordFrame } from '../log/record.ts';
import type { Store } from '../log/store.ts';
import type { Shape } from '../schema/infer.ts';
import { lastAdopted } from '../simulation/adopted.ts';
import { checkReplay } from '../simulation/arguments.ts';
import type { WorldDef } from '../simulation/define-world.ts';
import type { Engine } from '../simulation/engine.ts';
import { inRun } from '../simulation/failures.ts';
import { durableSource } from '../simulation/history.ts';
import { eachFrame } from '../simulation/restore.ts';
import { newEngine } from '../simulation/run-options.ts';
import type { GuardOption } from '../simulation/types.ts';
import type { AnyWorld } from '../simulation/world.ts';
import { refuseLostBase } from './adopted.ts';

/** How to replay. */
export interface ReplayOptions {
  readonly store: Store;
  readonly id: string;
  /** The last tick to fold; the durable head where left out. */
  readonly to?: number;
  readonly onProgress?: (progress: { tick: number; target: number }) => void;
  /** Stops after the tick under way; the report then says how far it came. */
  readonly signal?: AbortSignal;
  /** What becomes of handlers that use a source which no log holds; see the same option of `createRun`. */
  readonly guard?: GuardOption;
}

/** What a replay found. It is returned only where every recorded hash agreed. */
export interface ReplayReport {
  readonly id: string;
  /** The last tick folded. */
  readonly tick: number;
  /**
   * The first tick that was folded: 0, or that of the last era that was adopted, whose base is a snapshot.
   * Records before it are verified and not folded.
   */
  readonly from: number;
  /** The state hash after it, as folded. */
  readonly stateHash: string;
  /** The state hash recorded for that tick, or null where that tick recorded none. */
  readonly recordedHash: string | null;
  /** Ticks whose hash was recorded and compared. */
  readonly compared: number;
  readonly ticks: number;
  readonly events: number;
}

const SLICE_MS = 20;

/** A replay under way: the report grows with every tick. */
class Replay {
  readonly engine: Engine;
  recordedHash: Uint8Array | null = null;
  compared = 0;
  events = 0;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Folds a tick and compares the world with what it recorded. */
  fold(frame: RecordFrame): void {
    this.engine.fold(frame);
    this.engine.compare(frame);
    this.recordedHash = this.engine.isPresent ? frame.stateHash : null;
    if (this.recordedHash !== null) this.compared++;
    this.events += eventCount(frame.counts);
  }
}

/**
 * Folds a run's durable log from nothing and compares every recorded state hash; see {@link ReplayReport}.
 * `REPLAY_DIFFERS` names the first tick whose hash differs; `UNKNOWN_RUN`, `SCHEMA_DIFFERS`, `CORRUPT`,
 * `NO_RECORD`.
 *
 * @example
 * ```ts
 * const { stateHash, compared } = await replay(town, { store, id: 'first' });
 * ```
 */
export async function replay<S extends Shape, M extends string>(
  definition: WorldDef<S, M>,
  options: ReplayOptions,
): Promise<ReplayReport> {
  checkReplay(definition, options);
  await loadHash();
  try {
    return await replayAll(definition as unknown as AnyWorld, options);
  } catch (e) {
    throw inRun(e, options.id);
  }
}

async function replayAll(world: AnyWorld, options: ReplayOptions): Promise<ReplayReport> {
  const { store, id, onProgress, signal, guard } = options;
  const source = await durableSource(store, id);
  const { durableTick: head } = source;
  const target = options.to ?? head;
  if (!Number.isSafeInteger(target) || target < 0 || target > head)
    fail('NO_TICK', `run '${id}' has no durable tick ${target}: it has 0 to ${head}`, {
      run: id,
      tick: target,
      head,
    });
  const engine = newEngine(world, guard === undefined ? {} : { guard });
  const under = new Replay(engine);
  const from = await lastAdopted(source, target);
  let slice = steadyClock();
  const turn = async (tick: number): Promise<boolean> => {
    onProgress?.({ tick, target });
    await yieldToEvents();
    slice = steadyClock();
    return true;
  };
  const lost = async (tick: number, e: unknown): Promise<never> => {
    await refuseLostBase(source, tick, target, e);
    throw e;
  };
  await eachFrame(engine, { source, from: 0, to: target, foldFrom: from }, (frame) => {
    try {
      if (frame.tick >= from) under.fold(frame);
    } catch (e) {
      return lost(frame.tick, e);
    }
    if (signal?.aborted) return false;
    return steadyClock() - slice < SLICE_MS || turn(frame.tick);
  });
  const { tick } = engine.position;
  onProgress?.({ tick, target });
  const recordedHash = under.recordedHash === null ? null : hex(under.recordedHash);
  const { compared, events } = under;
  return {
    id,
    tick,
    from,
    stateHash: engine.stateHash(),
    recordedHash,
    compared,
    ticks: tick - from + 1,
    events,
  };
}
