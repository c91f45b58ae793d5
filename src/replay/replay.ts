/**
 * Replay: the world folded again from the log alone, compared with every recorded state hash.
 */
import { hex, sameBytes } from '../base/bytes.ts';
import { fail } from '../base/errors.ts';
import { loadHash } from '../base/hash.ts';
import { steadyClock, yieldToEvents } from '../base/platform.ts';
import { findRun, readFrames } from '../log/reader.ts';
import { eventCount } from '../log/record.ts';
import type { Store } from '../log/store.ts';
import type { Shape } from '../schema/infer.ts';
import { engineFor, readEnvironment } from '../simulation/create-run.ts';
import type { WorldDef } from '../simulation/define-world.ts';
import type { Engine } from '../simulation/engine.ts';
import type { AnyWorld } from '../simulation/world.ts';

/** How to replay. */
export interface ReplayOptions {
  readonly store: Store;
  readonly id: string;
  /** The last tick to fold; the durable head where left out. */
  readonly to?: number;
  readonly onProgress?: (progress: { tick: number; target: number }) => void;
  readonly signal?: AbortSignal;
}

/** What a replay found. It is returned only where every recorded hash agreed. */
export interface ReplayReport {
  readonly id: string;
  /** The last tick folded. */
  readonly tick: number;
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
  private readonly run: string;

  constructor(engine: Engine, run: string) {
    this.engine = engine;
    this.run = run;
  }

  /** Compares the folded world with what the frame recorded. */
  compare(tick: number, recorded: Uint8Array | null): void {
    this.recordedHash = recorded;
    if (recorded === null) return;
    this.compared++;
    const actual = this.engine.state.digest();
    if (!sameBytes(recorded, actual))
      fail(
        'REPLAY_DIFFERS',
        `run '${this.run}': folding tick ${tick} gives another world than was recorded`,
        {
          run: this.run,
          tick,
          expected: hex(recorded),
          actual: hex(actual),
        },
        'The code of apply has changed since, or it is not deterministic.',
      );
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
  await loadHash();
  const world = definition as unknown as AnyWorld;
  const { store, id, onProgress, signal } = options;
  const { segment } = await findRun(store, id);
  const target = options.to ?? segment.head.tick;
  if (!Number.isSafeInteger(target) || target < 0 || target > segment.head.tick)
    fail('NO_TICK', `run '${id}' has no durable tick ${target}: it has 0 to ${segment.head.tick}`, {
      run: id,
      tick: target,
      head: segment.head.tick,
    });
  const engine = engineFor(world, await readEnvironment(store, segment.id), {});
  const under = new Replay(engine, id);
  let slice = steadyClock();
  for await (const frame of readFrames(store, segment.id, 0, target)) {
    if (signal?.aborted) break;
    engine.fold(frame);
    under.compare(frame.tick, frame.stateHash);
    under.events += eventCount(frame.counts);
    if (steadyClock() - slice < SLICE_MS) continue;
    onProgress?.({ tick: frame.tick, target });
    await yieldToEvents();
    slice = steadyClock();
  }
  const { tick } = engine.position;
  onProgress?.({ tick, target });
  const recordedHash = under.recordedHash === null ? null : hex(under.recordedHash);
  const { compared, events } = under;
  return { id, tick, stateHash: engine.stateHash(), recordedHash, compared, ticks: tick + 1, events };
}
