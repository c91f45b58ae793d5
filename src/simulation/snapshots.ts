/**
 * The snapshots of one run: when one is kept, what it shares with those before, which ones are thinned.
 *
 * A snapshot is a cache of the log. That one can't be written never stops a run: it is warned about, and the
 * next one is written whole.
 */
import { messageOf } from '../base/canonical.ts';
import { fail, isWorldfoldError } from '../base/errors.ts';
import { warn } from '../base/platform.ts';
import { ChunkBook } from '../log/chunks.ts';
import { parseChange } from '../log/environment.ts';
import { encodeManifest } from '../log/manifest.ts';
import { hasForks, type SnapshotInfo, type Store } from '../log/store.ts';
import { isLost, persistent } from './committer.ts';
import type { Engine } from './engine.ts';
import { frames, type LogSource } from './history.ts';

/** When a run keeps snapshots by itself, and how many of them. */
export interface SnapshotPolicy {
  /** Ticks between two of them; Infinity for none. */
  readonly every: number;
  /** How many of the newest stay; older ones are thinned. */
  readonly keep: number;
  /** Whether a close keeps one. */
  readonly onClose: boolean;
}

/** Where snapshots go, and what they are made of. */
export interface KeeperParts {
  readonly run: string;
  readonly store: Store;
  readonly segment: string;
  readonly epoch: number;
  readonly engine: Engine;
  readonly policy: SnapshotPolicy;
  /** The hint about the handlers; see code.ts. */
  readonly code: string;
  /** The first tick that is the segment's own. */
  readonly first: number;
}

/**
 * Of the snapshots of a run, oldest first, those to let go: the newest `keep` stay, and of the older ones the
 * oldest of each doubling of their distance from the newest. Their number grows with the logarithm of the
 * run.
 */
export function thinned(snapshots: readonly SnapshotInfo[], keep: number): number[] {
  const unpinned = snapshots.filter(({ pinned }) => !pinned).map(({ tick }) => tick);
  const newest = unpinned.at(-1) ?? 0;
  const taken = new Set<number>();
  return unpinned.slice(0, Math.max(0, unpinned.length - keep)).filter((tick) => {
    const band = 31 - Math.clz32(newest - tick);
    if (taken.has(band)) return true;
    taken.add(band);
    return false;
  });
}

/** How many pieces of snapshots that are gone are deleted each time that some were let go. */
const COLLECTED = 2048;

/** Keeps the snapshots of one run. */
export class SnapshotKeeper {
  private readonly parts: KeeperParts;
  private readonly book = new ChunkBook();
  /** The tick of the last one, or where the next interval is counted from. */
  private last: number;
  private lastKept = -1;

  constructor(parts: KeeperParts) {
    this.parts = parts;
    // A run that was opened without a snapshot of its code keeps one soon: it was a long way.
    this.last = Math.max(parts.first - 1, 0);
    this.restored();
  }

  /** Takes note that the world was built anew: what its snapshot holds still is not stored again. */
  restored(): void {
    const { from } = this.parts.engine;
    this.book.forget();
    if (from === null) return;
    this.book.kept(from.manifest.tables, from.numbers);
    this.lastKept = this.last = from.manifest.point.tick;
  }

  /** Whether the policy wants one of the world as it is. */
  isDue(): boolean {
    const { engine, policy } = this.parts;
    return engine.position.tick - this.last >= policy.every;
  }

  /** Keeps one if the policy wants one at a close, and none is kept of this tick. */
  async close(): Promise<void> {
    const { engine, policy, first } = this.parts;
    const { tick } = engine.position;
    if (policy.onClose && tick >= first && tick !== this.lastKept) await this.keepQuietly();
  }

  /**
   * Replaces snapshots of the run's own that were found damaged by one of the world as it is. Pinned ones
   * stay.
   */
  async mend(damaged: readonly SnapshotInfo[]): Promise<void> {
    const { run, store, segment, engine, first } = this.parts;
    try {
      await store.dropSnapshots(
        segment,
        damaged.map(({ tick }) => tick),
      );
    } catch (e) {
      if (isLost(e)) throw e;
      warn(`run '${run}' could not remove its damaged snapshots: ${messageOf(e)}`);
    }
    if (engine.position.tick >= first) await this.keepQuietly();
  }

  /**
   * Keeps one, thins the older ones and collects what that lets go; what fails is warned about. A writer that
   * was replaced is told: `WRITER_REPLACED`, `DIVERGED`, `UNKNOWN_RUN`.
   */
  async keepQuietly(): Promise<void> {
    const { run, store, segment, engine, policy } = this.parts;
    this.last = engine.position.tick;
    try {
      await this.keep(false);
      const old = thinned(await store.snapshots(segment), policy.keep);
      if (old.length === 0) return;
      await store.dropSnapshots(segment, old);
      if (hasForks(store)) await store.collect(COLLECTED);
    } catch (e) {
      if (isLost(e)) throw e;
      warn(`run '${run}' could not keep a snapshot of tick ${engine.position.tick}: ${messageOf(e)}`);
    }
  }

  /**
   * Keeps a snapshot of the world as it is, whose tick must be durable. Errors of the store are thrown; where
   * it fails, it is asked three times.
   */
  async keep(pinned: boolean): Promise<void> {
    try {
      await this.offer(pinned);
    } catch (e) {
      this.book.forget();
      // The chunks that it meant to share were collected meanwhile: it is stored whole.
      if (!isWorldfoldError(e, 'NO_CHUNK')) throw e;
      await this.offer(pinned);
    }
  }

  private async offer(pinned: boolean): Promise<void> {
    const { store, segment, epoch, engine, code } = this.parts;
    const point = engine.point(code);
    const plan = this.book.plan(engine.state.tables);
    const manifest = encodeManifest({ point, tables: plan.tables });
    const { tick, hash } = point;
    const snapshot = { segment, epoch, tick, hash, pinned, manifest, chunks: plan.chunks };
    const numbers = await persistent(() => store.keepSnapshot(snapshot));
    this.book.kept(plan.tables, numbers);
    this.last = this.lastKept = tick;
  }
}

/**
 * Refuses to unpin the snapshot that an era of the log begins with, or is about to begin with (`begins`):
 * nothing else holds its world. `BAD_USAGE`.
 */
export async function checkUnpin(
  run: string,
  source: LogSource,
  tick: number,
  begins: boolean,
): Promise<void> {
  let isBase = begins;
  const head = Math.max(source.durableTick, source.undurable.at(-1)?.tick ?? 0);
  for await (const { environment } of frames(source, tick + 1, Math.min(tick + 1, head)))
    isBase ||= environment !== null && parseChange(environment).era !== undefined;
  if (isBase)
    fail(
      'BAD_USAGE',
      `run '${run}': an era begins with the snapshot of tick ${tick}`,
      { run, tick },
      'Nothing else holds its world: it stays pinned.',
    );
}
