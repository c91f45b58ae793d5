/**
 * What the medium of a simulated schedule really holds, segment by segment.
 *
 * Owns the shape of that knowledge and what follows from it alone: who owns a tick, what a run reaches. Every
 * change of it can be taken back, as the medium's own can, so that after a power loss both must agree again.
 */
import type { BookedTick } from './simulate-records.ts';

/** What somebody asked a fork to be. */
export interface ForkAsk {
  readonly at: number;
  /** The log of the run that was asked. */
  readonly of: BookedLog;
  readonly because: string | null;
  readonly rate: number | null;
  readonly seed: string | null;
  /** The tags of the inputs that it begins with. */
  readonly opening: readonly number[];
  readonly later: 'keep' | 'drop' | 'filter';
}

/** A snapshot as it was kept. */
export interface BookedSnapshot {
  readonly pinned: boolean;
  readonly chunks: readonly number[];
}

/** The log of one run: a segment, and the ticks of those that it continues. */
export interface BookedLog {
  readonly run: string;
  readonly segment: string;
  /** The segment of its root. */
  readonly family: string;
  readonly parent: { readonly log: BookedLog; readonly tick: number } | null;
  /** The first tick of its own. */
  readonly first: number;
  /** What it was asked to be, if it is a fork. */
  readonly ask: ForkAsk | null;
  /** Whether a run names it. */
  named: boolean;
  epoch: number;
  /** The process that took the segment last. */
  pid: number;
  /** From tick 0 on, those of its parents included. */
  readonly ticks: BookedTick[];
  /** The tick of each input in the log, by tag. */
  readonly tags: Map<number, number>;
  /** By tick; its own only. */
  readonly snapshots: Map<number, BookedSnapshot>;
  /** Ticks of which a snapshot went or was replaced. */
  readonly replaced: Set<number>;
  /** Whether so far it had the inputs of its parent and nothing else. */
  pure: boolean;
  /** Inputs that somebody was told are durable. */
  readonly promised: Set<number>;
  /** The last tick that somebody was told is durable. */
  told: number;
}

/** The log whose segment holds a tick of a log. */
export function ownerOf(log: BookedLog, tick: number): BookedLog {
  let owner = log;
  while (tick < owner.first && owner.parent !== null) owner = owner.parent.log;
  return owner;
}

/** What systems see of the seed and the rate in a log's own ticks. */
export function environmentOf({ run, ask }: BookedLog): { readonly seed: string; readonly rate: number } {
  if (ask === null) return { seed: `seed of ${run}`, rate: 0.4 };
  const before = environmentOf(ownerOf(ask.of, ask.at));
  return { seed: ask.seed ?? before.seed, rate: ask.rate ?? before.rate };
}

/** Whether a fork takes an input of its parent's: what its filter answers. */
export const filtered = (tag: number): boolean => tag % 3 !== 0;

/** The tags that a fork is fed at a tick, as far as its parent has come. */
export function fedTags({ ask }: BookedLog, tick: number): readonly number[] {
  if (ask === null || ask.later === 'drop') return [];
  const tags = ask.of.ticks[tick]?.tags ?? [];
  return ask.later === 'keep' ? tags : tags.filter(filtered);
}

/** The last tick of each segment that a run reaches. */
export function reachedBy(named: Iterable<BookedLog>): Map<BookedLog, number> {
  const reached = new Map<BookedLog, number>();
  const reach = (log: BookedLog, tick: number): void =>
    void reached.set(log, Math.max(tick, reached.get(log) ?? -1));
  for (const log of named) {
    reach(log, Number.POSITIVE_INFINITY);
    for (let at = log.parent; at !== null; at = at.log.parent) reach(at.log, at.tick);
  }
  return reached;
}
