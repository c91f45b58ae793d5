/**
 * `worldfold replay <run>`: folds the log from its first record and compares the hash of every tick.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { isWorldfoldError } from '../../base/errors.ts';
import { steadyClock } from '../../base/platform.ts';
import { type GuardOption, type ReplayReport, replay, type Store } from '../../index.ts';
import type { AnyWorld } from '../engine.ts';
import { EXIT } from '../failure.ts';
import { type Io, line, paintFor } from '../io.ts';
import type { StorePlace } from '../options.ts';
import { startProgress } from '../progress.ts';
import { worldOf } from '../run-world.ts';
import { needRun, withStore } from '../stores.ts';
import { counted, grouped } from '../text.ts';
import { seconds } from './run.ts';

/** What `replay` was asked. */
export interface ReplayOptions {
  readonly run: string;
  readonly store: StorePlace;
  /** The module to take instead of the one that the run remembers. */
  readonly world?: string | undefined;
  readonly guard: GuardOption;
  readonly json: boolean;
}

/** What a replay found, and how long it took. */
export interface Replayed extends ReplayReport {
  readonly ms: number;
  /** Stopped by the signal before the head. */
  readonly stopped: boolean;
}

/**
 * Folds a run's log from nothing up to `target`, showing how far it is. A hash that differs is
 * `REPLAY_DIFFERS`.
 */
export async function replayShown(
  io: Io,
  world: AnyWorld,
  from: { readonly store: Store; readonly id: string; readonly target: number; readonly guard: GuardOption },
  silent: boolean,
): Promise<Replayed> {
  const { store, id, target, guard } = from;
  const progress = startProgress(io, 'replay', 0, target, silent);
  const began = steadyClock();
  try {
    const onProgress = ({ tick }: { readonly tick: number }) => progress.update(tick);
    const done = await replay(world, { store, id, guard, onProgress, signal: io.signal });
    return { ...done, ms: steadyClock() - began, stopped: done.tick < target };
  } finally {
    progress.stop();
  }
}

function report(io: Io, done: Replayed): void {
  const paint = paintFor(io.stdout, io.env);
  const { id, tick, from, compared, events, ms } = done;
  const ticks = from === 0 ? counted(tick, 'tick') : `ticks ${grouped(from)} to ${grouped(tick)}`;
  const work = `${ticks} and ${counted(events, 'event')} in ${seconds(ms)}`;
  line(io.stdout, `${paint.strong(id)}: folded ${work}`);
  if (from > 0)
    line(io.stdout, `  ticks 0 to ${grouped(from - 1)} were recorded by other code: verified, not folded`);
  line(io.stdout, `  state hash  ${done.stateHash}  at tick ${grouped(tick)}`);
  const hashes = counted(compared, 'recorded hash', 'recorded hashes');
  const verdict = paint.good(`✓ agrees with the log at each of ${hashes}`);
  line(io.stdout, `  ${done.stopped ? 'stopped before the end of the log' : verdict}`);
}

/** Replays a run. 0: every recorded hash agrees; 1: one differs, or the log is damaged; 130: stopped. */
export async function replayCommand(io: Io, o: ReplayOptions): Promise<number> {
  return withStore(o.store, io.cwd, 'read', async (store) => {
    const info = await needRun(store, o.run);
    const { world } = await worldOf(io, store, info, o);
    try {
      const from = { store, id: info.id, target: info.segment.head.tick, guard: o.guard };
      const done = await replayShown(io, world, from, o.json);
      if (o.json) {
        const { tick, from, stateHash, recordedHash, compared, events, stopped } = done;
        const facts = { id: info.id, agrees: !stopped, from, tick, stateHash, recordedHash };
        line(io.stdout, canonicalJson({ ...facts, compared, events, stopped }));
      } else report(io, done);
      return done.stopped ? EXIT.stopped : EXIT.done;
    } catch (e) {
      if (o.json && isWorldfoldError(e, 'REPLAY_DIFFERS')) {
        const { tick, expected, actual } = e.facts;
        line(
          io.stdout,
          canonicalJson({ id: info.id, agrees: false, tick, recordedHash: expected, stateHash: actual }),
        );
      }
      throw e;
    }
  });
}
