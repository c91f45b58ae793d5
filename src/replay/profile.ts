/**
 * Where the time of a run goes: its tick log, summed up.
 *
 * Owns what is counted as what, and the reading of failed attempts for the invariants that broke. How it is
 * laid out for people is not here. docs/profile.md says what each number means.
 */
import { parseCanonical } from '../base/canonical.ts';
import type { LogPath } from '../log/lineage.ts';
import type { Store } from '../log/store.ts';
import { durableSource } from '../simulation/history.ts';
import {
  type ComputedPart,
  computedParts,
  type TickLogEntry,
  type TickTimes,
  tickLogOf,
} from '../simulation/tick-log.ts';

/** How times lie that were taken once a tick, in milliseconds. */
export interface Spread {
  /** How many ticks have one. */
  readonly ticks: number;
  readonly totalMs: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

/** What a part of a tick is. */
export type PartKind = ComputedPart[0] | 'encode' | 'wait';

/** A part of the ticks: a system, what applying its events takes, an invariant, the hashing of the state. */
export interface ProfilePart extends Spread {
  readonly part: PartKind;
  /** Of a system or an invariant; else null. */
  readonly name: string | null;
  /** Of the run's own time: 0 to 1. */
  readonly share: number;
}

/** A tick that took long, and the part of it that took longest. */
export interface SlowTick {
  readonly tick: number;
  readonly computedMs: number;
  readonly events: number;
  readonly part: PartKind;
  readonly name: string | null;
  readonly partMs: number;
}

/** A tick that failed, because an invariant did not hold. It left no record. */
export interface BrokenTick {
  readonly tick: number;
  readonly invariant: string;
  /** How many rows it gave, at most 100; null where the attempt does not say. */
  readonly rows: number | null;
}

/** The groups of ticks that became durable. */
export interface CommitProfile extends Omit<Spread, 'ticks'> {
  readonly groups: number;
  /** Ticks and bytes in them. */
  readonly ticks: number;
  readonly bytes: number;
  /** How much of the store's time ticks were computed beside it: 0 to 1. */
  readonly overlap: number;
}

/** Where the time of a run goes. Tick 0 is told apart: a setup is no tick like the others. */
export interface Profile {
  readonly id: string;
  /** The first and last tick that were looked at. */
  readonly from: number;
  readonly to: number;
  /** Ticks from 1 on among them, and those whose times are known. */
  readonly ticks: number;
  readonly timed: number;
  /** The computing of tick 0, invariants and hash too; null where it has no times or was not looked at. */
  readonly setupMs: number | null;
  /** The run's own time: computing, encoding, and waiting for the store. */
  readonly ownMs: number;
  /** What went on between ticks beside that: observers, snapshots, the caller. */
  readonly otherMs: number;
  /** Of the run's own time; null where it took none that could be measured. */
  readonly ticksPerSecond: number | null;
  readonly computed: Spread;
  /** Most time first. */
  readonly parts: readonly ProfilePart[];
  /** Of the ticks whose times are known. */
  readonly events: number;
  readonly bytes: number;
  /** Null where none was told of. */
  readonly commits: CommitProfile | null;
  /** The invariants that were asked, and after how many ticks each: all of those hold. */
  readonly invariants: readonly { readonly name: string; readonly asked: number }[];
  /** From the failed ticks that are kept beside the log, oldest first. */
  readonly broken: readonly BrokenTick[];
  /** The slowest first. */
  readonly slowest: readonly SlowTick[];
}

const SLOWEST = 5;

/** The value that at least so much of the sorted values do not exceed. */
const quantile = (sorted: Float64Array, q: number): number =>
  sorted.length === 0 ? 0 : sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;

/** What was summed up from microseconds, without the dust of adding fractions. */
const sumOf = (times: readonly number[]): number =>
  Math.round(times.reduce((sum, ms) => sum + ms, 0) * 1000) / 1000;

function spreadOf(times: readonly number[]): Spread {
  const sorted = Float64Array.from(times).sort();
  const totalMs = sumOf(times);
  return {
    ticks: times.length,
    totalMs,
    meanMs: times.length === 0 ? 0 : totalMs / times.length,
    p50Ms: quantile(sorted, 0.5),
    p95Ms: quantile(sorted, 0.95),
    maxMs: quantile(sorted, 1),
  };
}

type Part = readonly [part: PartKind, name: string | null, ms: number | null];

function slowTick({ tick, events }: TickLogEntry, times: TickTimes): SlowTick {
  const { computedMs } = times;
  const most = computedParts(times).reduce((a, b) => ((b[2] ?? 0) > (a[2] ?? 0) ? b : a));
  return { tick, computedMs, events, part: most[0], name: most[1], partMs: most[2] ?? 0 };
}

/** Gathers times tick by tick. */
class Gathered {
  ticks = 0;
  timed = 0;
  setupMs: number | null = null;
  events = 0;
  bytes = 0;
  readonly computed: number[] = [];
  readonly other: number[] = [];
  readonly parts = new Map<string, { part: PartKind; name: string | null; times: number[] }>();
  readonly asked = new Map<string, number>();
  readonly commits: { readonly ticks: number; readonly bytes: number; readonly ms: number }[] = [];
  slowest: SlowTick[] = [];

  /** Takes note of a tick. */
  add(entry: TickLogEntry): void {
    const { tick, events, bytes, times } = entry;
    if (tick > 0) this.ticks++;
    if (times === null) return;
    this.commits.push(...times.commits);
    for (const { name } of times.invariants) this.asked.set(name, (this.asked.get(name) ?? 0) + 1);
    if (tick === 0) {
      this.setupMs = times.computedMs;
      return;
    }
    this.timed++;
    this.events += events;
    this.bytes += bytes;
    this.computed.push(times.computedMs);
    const { after } = times;
    const own: Part[] = [
      ['encode', null, after?.encodeMs ?? null],
      ['wait', null, after?.waitedMs ?? null],
    ];
    for (const part of [...computedParts(times), ...own]) this.addPart(part);
    if (after !== null) this.other.push(after.otherMs);
    this.slowest = [...this.slowest, slowTick(entry, times)]
      .sort((a, b) => b.computedMs - a.computedMs || a.tick - b.tick)
      .slice(0, SLOWEST);
  }

  private addPart([part, name, ms]: Part): void {
    if (ms === null) return;
    const key = `${part} ${name}`;
    const found = this.parts.get(key);
    if (found === undefined) this.parts.set(key, { part, name, times: [ms] });
    else found.times.push(ms);
  }

  private waitedMs(): number {
    return sumOf(this.parts.get('wait null')?.times ?? []);
  }

  private commitProfile(): CommitProfile | null {
    const { commits } = this;
    if (commits.length === 0) return null;
    const { ticks: groups, ...spread } = spreadOf(commits.map(({ ms }) => ms));
    const sum = (of: 'ticks' | 'bytes'): number => commits.reduce((all, commit) => all + commit[of], 0);
    const beside = Math.max(0, spread.totalMs - this.waitedMs());
    const overlap = spread.totalMs === 0 ? 0 : beside / spread.totalMs;
    return { groups, ticks: sum('ticks'), bytes: sum('bytes'), ...spread, overlap };
  }

  /** All that is known of the ticks. */
  summedUp(): Omit<Profile, 'id' | 'from' | 'to' | 'broken'> {
    const { ticks, timed, setupMs, events, bytes, slowest } = this;
    const spreads = [...this.parts.values()].map(({ part, name, times }) => ({
      part,
      name,
      ...spreadOf(times),
    }));
    const ownMs = sumOf(spreads.map(({ totalMs }) => totalMs));
    return {
      ...{ ticks, timed, setupMs, ownMs, otherMs: sumOf(this.other) },
      ticksPerSecond: ownMs === 0 ? null : (timed * 1000) / ownMs,
      computed: spreadOf(this.computed),
      parts: spreads
        .map((spread) => ({ ...spread, share: ownMs === 0 ? 0 : spread.totalMs / ownMs }))
        .sort((a, b) => b.totalMs - a.totalMs),
      ...{ events, bytes },
      commits: this.commitProfile(),
      invariants: [...this.asked].map(([name, asked]) => ({ name, asked })),
      slowest,
    };
  }
}

/** The failed ticks that an invariant ended, on the way of a log. */
async function brokenTicks(
  store: Store,
  path: LogPath,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<readonly BrokenTick[]> {
  const broken: BrokenTick[] = [];
  for (const span of path)
    for (const { tick, text } of await store.attempts(span.segment)) {
      if (tick < Math.max(from, span.from) || tick > Math.min(to, span.to)) continue;
      const { error } = parseCanonical(text) as {
        readonly error: { readonly code: string | null; readonly invariant?: string; readonly rows?: number };
      };
      if (error.code === 'INVARIANT_BROKEN')
        broken.push({ tick, invariant: error.invariant!, rows: error.rows ?? null });
    }
  return broken;
}

/**
 * Sums up the tick log of a stored run over ticks `from` to `to`, as far as there are such ticks. It needs no
 * world and writes nothing. `UNKNOWN_RUN`, `CORRUPT`, `NO_RECORD`.
 */
export async function profileOf(
  store: Store,
  id: string,
  { from = 0, to = Number.POSITIVE_INFINITY }: { readonly from?: number; readonly to?: number } = {},
): Promise<Profile> {
  const source = await durableSource(store, id);
  const { path, durableTick: head } = source;
  const gathered = new Gathered();
  for await (const entry of tickLogOf(source, from, to)) gathered.add(entry);
  // A tick that failed at the end of the log left no record there.
  const broken = await brokenTicks(store, path, { from, to: to >= head ? head + 1 : to });
  return { id, from, to: Math.min(to, head), ...gathered.summedUp(), broken };
}
