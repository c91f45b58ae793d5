/**
 * What a run is made with: the policies that users choose, their defaults, and the parts that follow; and how
 * it is advanced.
 */
import { guardLevels } from '../base/ambient.ts';
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { freshName, steadyClock, thisProcess, wallClock } from '../base/platform.ts';
import type { Holder } from '../log/store.ts';
import type { CommitPolicy } from './committer.ts';
import { type Cadence, Engine } from './engine.ts';
import { hashTooLate } from './failures.ts';
import type { RunParts } from './run-parts.ts';
import type { SnapshotPolicy } from './snapshots.ts';
import type { InlineTables } from './tables/inline.ts';
import { TickTimer } from './tick-timer.ts';
import type { GuardOption } from './types.ts';
import type { AnyNow, AnyWorld } from './world.ts';

/** How to advance. */
export interface AdvanceOptions {
  readonly onProgress?: (progress: { tick: number; target: number; durableTick: number }) => void;
  readonly signal?: AbortSignal;
  readonly until?: (world: object, now: AnyNow) => boolean;
}

/** What an advance reached. */
export interface AdvanceResult {
  readonly tick: number;
  readonly durableTick: number;
  readonly stateHash: string;
  readonly ended: boolean;
}

/** What an advance of a run reached; a hash that no tick recorded is taken when it is asked for. */
export function resultOf(
  run: { readonly id: string; readonly tick: number; readonly durableTick: number; readonly ended: boolean },
  engine: Engine,
): AdvanceResult {
  const { tick, durableTick, ended } = run;
  if (engine.hashes(tick)) return { tick, durableTick, stateHash: engine.stateHash(), ended };
  return {
    tick,
    durableTick,
    get stateHash(): string {
      if (run.tick !== tick) hashTooLate(run.id, tick, run.tick);
      return engine.stateHash();
    },
    ended,
  };
}

/**
 * The choices that a run makes about itself. `hashEvery` decides which records hold a state hash, `tickLog`
 * whether their metadata hold times; the rest no byte.
 */
export interface PolicyOptions {
  readonly hashEvery?: number;
  readonly invariantsEvery?: number;
  readonly paranoid?: boolean;
  readonly guard?: GuardOption;
  readonly commit?: { readonly ticks?: number; readonly ms?: number };
  readonly snapshots?:
    | false
    | { readonly every?: number; readonly keep?: number; readonly onClose?: boolean };
  readonly tables?: InlineTables;
  readonly maxInputs?: number;
  readonly maxUndurable?: number;
  readonly leaseMs?: number;
  /** Whether records say how long their ticks took, in their metadata. */
  readonly tickLog?: boolean;
  /** Milliseconds since 1970, for metadata; and a clock for intervals. For tests. */
  readonly clocks?: { readonly wall?: () => number; readonly steady?: () => number };
}

const DEFAULTS = {
  hashEvery: 1,
  invariantsEvery: 1,
  commitTicks: 64,
  commitMs: 100,
  snapshotsEvery: 1000,
  snapshotsKeep: 4,
  maxInputs: 10_000,
  maxUndurable: 64 * 1024 * 1024,
  leaseMs: 30_000,
};

/** The epoch of the writer that makes a run, as the port of {@link Store} says. */
export const FIRST_EPOCH = 1;

function positive(name: string, value: number | undefined, fallback: number): number {
  const chosen = value === undefined ? fallback : value;
  if (!Number.isSafeInteger(chosen) || chosen < 1)
    fail(
      'BAD_USAGE',
      `${name} must be a whole number from 1 on, not ${show(value)}`,
      { [name]: value },
      `Leave it out for ${fallback}.`,
    );
  return chosen;
}

const commitPolicy = (o: PolicyOptions): CommitPolicy => ({
  ticks: positive('commit.ticks', o.commit?.ticks, DEFAULTS.commitTicks),
  ms: positive('commit.ms', o.commit?.ms, DEFAULTS.commitMs),
  maxUndurable: positive('maxUndurable', o.maxUndurable, DEFAULTS.maxUndurable),
  leaseMs: positive('leaseMs', o.leaseMs, DEFAULTS.leaseMs),
});

const snapshotPolicy = ({ snapshots = {} }: PolicyOptions): SnapshotPolicy => {
  if (snapshots === false) return { every: Number.POSITIVE_INFINITY, keep: 1, onClose: false };
  return {
    every: positive('snapshots.every', snapshots.every, DEFAULTS.snapshotsEvery),
    keep: positive('snapshots.keep', snapshots.keep, DEFAULTS.snapshotsKeep),
    onClose: snapshots.onClose ?? true,
  };
};

const cadence = (o: PolicyOptions): Cadence => ({
  hashEvery: positive('hashEvery', o.hashEvery, DEFAULTS.hashEvery),
  invariantsEvery: positive('invariantsEvery', o.invariantsEvery, DEFAULTS.invariantsEvery),
  paranoid: o.paranoid ?? false,
  guard: guardLevels(o.guard),
});

/** The lease that a run asks for. */
export const holderOf = (o: PolicyOptions): Holder => ({
  ...thisProcess(),
  token: freshName(),
  ttlMs: positive('leaseMs', o.leaseMs, DEFAULTS.leaseMs),
});

/** An engine before tick 0. */
export const newEngine = (world: AnyWorld, o: PolicyOptions): Engine => new Engine(world, cadence(o));

/** The parts of a run that its policies decide. */
export const policyParts = (
  world: AnyWorld,
  o: PolicyOptions,
): Pick<
  RunParts,
  'policy' | 'snapshots' | 'maxInputs' | 'wallClock' | 'steadyClock' | 'timer' | 'another'
> => ({
  policy: commitPolicy(o),
  snapshots: snapshotPolicy(o),
  maxInputs: positive('maxInputs', o.maxInputs, DEFAULTS.maxInputs),
  wallClock: o.clocks?.wall ?? wallClock,
  steadyClock: o.clocks?.steady ?? steadyClock,
  timer: o.tickLog === true ? new TickTimer(world, o.clocks?.steady ?? steadyClock) : null,
  another: () => newEngine(world, o),
});
