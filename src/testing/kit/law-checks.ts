/**
 * The laws as checks of one plan: each plays the plan once more, under the circumstances that the law speaks
 * of, and compares the records with those of the first play.
 *
 * Only laws that a user's own code can break are here; L1, L2, L7 and L13 are worldfold's and the store's.
 */
import { sameBytes } from '../../base/bytes.ts';
import { messageOf } from '../../base/canonical.ts';
import { assert, isWorldfoldError } from '../../base/errors.ts';
import { decodeBatches, freshSets, type RecordFrame } from '../../log/record.ts';
import type { Store } from '../../log/store.ts';
import { engineAt } from '../../replay/given.ts';
import { divergenceText } from '../../replay/verify/report-text.ts';
import { verify } from '../../replay/verify/verify.ts';
import type { TickNews } from '../../simulation/observers.ts';
import { openCore } from '../../simulation/open-run.ts';
import type { RunCore } from '../../simulation/run.ts';
import { newEngine, type PolicyOptions } from '../../simulation/run-options.ts';
import type { GuardOption } from '../../simulation/types.ts';
import type { AnyWorld } from '../../simulation/world.ts';
import { SimulatedMedium } from '../simulated-medium.ts';
import { type SimulatedStore, simulatedStore } from '../simulated-store.ts';
import { damages } from './law-damage.ts';
import { differenceFacts, lawBroken, recordsDiffer, sameContent, worldsDiffer } from './law-error.ts';
import {
  begin,
  type FirstPlay,
  type Happenings,
  isOfStore,
  type Playing,
  play,
  playedLog,
  playing,
  type Recorded,
  recorded,
} from './play.ts';
import { sourceText } from './source-text.ts';

/** A plan that was played, and where to play it again. */
export interface Trial {
  readonly world: AnyWorld;
  readonly first: FirstPlay;
  /** How every play and fold is guarded. */
  readonly guard: GuardOption;
  /** A new store for each call; whoever tries the law closes them. */
  readonly store: () => Promise<Store>;
  /** Observers of the user's own. */
  readonly observe: ((run: RunCore) => void) | undefined;
}

const FIRST = 'first';

async function again(
  { world, first, store, guard }: Trial,
  policy: PolicyOptions = {},
  happen: (given: Playing) => Happenings = () => ({}),
  as: AnyWorld = world,
): Promise<Recorded> {
  const given = playing(as, first.plan, await store(), { guard, ...policy });
  return playedLog(given, happen(given));
}

const sameRecord = (a: RecordFrame, b: RecordFrame): boolean => sameBytes(a.hash, b.hash);

/** Compares another play with the first, record by record, from a tick on. */
async function compare(
  law: string,
  { first }: Trial,
  other: Recorded,
  { name, what, from = 0, same = sameRecord }: Comparison,
): Promise<void> {
  for (let tick = from; tick < Math.max(first.frames.length, other.frames.length); tick++) {
    const [mine, theirs] = [first.frames[tick], other.frames[tick]];
    if (mine !== undefined && theirs !== undefined && same(mine, theirs)) continue;
    throw await recordsDiffer(law, tick, what, { a: first, b: other, names: [FIRST, name] });
  }
}

interface Comparison {
  /** What the other play is called. */
  readonly name: string;
  /** What is told where they differ. */
  readonly what: string;
  readonly from?: number;
  readonly same?: (a: RecordFrame, b: RecordFrame) => boolean;
}

/** L3: each world is folded from nothing, and compared with what was recorded of it. */
async function fold({ world, first, guard }: Trial): Promise<void> {
  const engine = newEngine(world, { guard });
  for (const frame of first.frames) {
    const { tick, stateHash } = frame;
    try {
      engine.fold(frame);
    } catch (e) {
      if (!isWorldfoldError(e, 'REPLAY_DIFFERS')) throw e;
      const { table, column, kind } = e.facts;
      const facts = { ...(table !== undefined && { table }), ...(column !== undefined && { column }), kind };
      const what = 'a handler throws that did not throw when the tick was computed';
      throw lawBroken('L3', tick, what, { facts, lines: [messageOf(e)], cause: e });
    }
    if (sameBytes(stateHash!, engine.state.digest())) continue;
    const live = await engineAt(first.log, tick);
    const sides = { a: live.state, b: engine.state, names: ['computed', 'folded'] } as const;
    throw worldsDiffer('L3', tick, 'folding the log gives another world than was computed', sides);
  }
}

/** L4: the run is closed and opened, with a snapshot of its last tick or without. */
async function reopening(trial: Trial): Promise<void> {
  const { snapshots, reopenings } = trial.first.plan.schedule;
  const policy = { snapshots: { every: Number.MAX_SAFE_INTEGER, onClose: false } };
  const happen = (given: Playing): Happenings => ({
    async between(run) {
      const keeps = snapshots.includes(run.tick);
      if (!keeps && !reopenings.includes(run.tick)) return run;
      if (keeps) await run.snapshot();
      await run.close();
      return openCore(given.world, { ...given.policy, store: given.store, id: given.id });
    },
  });
  const what = 'a run that was closed and opened goes on otherwise than one that was not';
  await compare('L4', trial, await again(trial, policy, happen), { name: 'opened', what });
}

/** L5: the systems are run again from what was recorded, and what diverges is told as `verify` tells it. */
async function sameAgain({ first, guard }: Trial): Promise<void> {
  const { store, id, world } = { ...first.log, store: first.log.source.store as Store };
  const { divergence, damage } = await verify({ store, id, world, guard });
  assert(damage === null, 'a log in memory is not damaged', { damage });
  if (divergence === null) return;
  const { tick, difference, cause } = divergence;
  const [headline, ...lines] = divergenceText(divergence).split('\n');
  const facts = { why: cause, ...(difference !== null && differenceFacts(difference)) };
  throw lawBroken('L5', tick, headline!, { facts, lines });
}

/** L6: forks with equal inputs, made when the parent had gone on, and what became of the parent. */
async function forks(trial: Trial): Promise<void> {
  const { world, first, store, guard } = trial;
  const given = playing(world, first.plan, await store(), { guard });
  const run = await play(given);
  const same: Comparison['same'] = (a, b) => sameContent(world.schema.compiled, a, b);
  for (const at of first.plan.schedule.forks) {
    if (at >= run.tick) continue;
    const fork = await run.fork({ at, later: 'keep', id: `${given.id}-${at}` });
    await fork.advance(run.tick - at);
    await fork.close();
    const what = `a fork of tick ${at} that is given the same inputs goes on otherwise than its parent`;
    await compare('L6', trial, await recorded(given, fork.id), { name: 'fork', what, from: at + 1, same });
  }
  await run.close();
  const what = 'the records of a run that was forked are others than those of one that was not';
  await compare('L6', trial, await recorded(given, given.id), { name: 'forked', what });
}

/** L8: everything that is hashed is looked at around every call of the user's code. */
async function purity(trial: Trial): Promise<void> {
  let other: Recorded;
  try {
    other = await again(trial, { paranoid: true });
  } catch (e) {
    if (!isWorldfoldError(e, 'WRITTEN_PAST')) throw e;
    throw lawBroken('L8', Number(e.facts.tick), e.message, { facts: e.facts, cause: e });
  }
  const what = 'a run that is watched has another record than one that is not';
  await compare('L8', trial, other, { name: 'watched', what });
}

/** Looks at every event of a tick. */
const lookedAt = ({ events }: TickNews): readonly (readonly [string, readonly string[]])[] =>
  Object.entries(events as { readonly [kind: string]: Iterable<object> }).map(([kind, rows]) => [
    kind,
    [...rows].map(sourceText),
  ]);

/** L9: without invariants, metrics and observers; and with observers that look at everything. */
async function observers(trial: Trial): Promise<void> {
  const { world, observe } = trial;
  const { invariants: _, metrics: __, ...def } = world.def;
  const bare = await again(trial, {}, () => ({}), { ...world, def });
  const watching = (run: RunCore): void => {
    run.on('computed', lookedAt);
    run.on('durable', lookedAt);
    observe?.(run);
  };
  const looked = await again(trial, {}, () => ({ begun: watching }));
  const what = (who: string): string => `a run ${who} has another record`;
  await compare('L9', trial, bare, { name: 'unseen', what: what('without invariants and metrics') });
  await compare('L9', trial, looked, { name: 'observed', what: what('with observers') });
}

/** L10: the store that was given, beside the one in memory. */
async function backends(trial: Trial): Promise<void> {
  const other = await again(trial);
  const what = 'the store that was given holds another record than the one in memory';
  await compare('L10', trial, other, { name: 'store', what });
}

/** L11: the machine stops at some commits; the run is opened at what is left of it and goes on. */
async function crashes(trial: Trial): Promise<void> {
  const { world, first, guard } = trial;
  const { commitTicks, crashes: moments } = first.plan.schedule;
  const medium = new SimulatedMedium({ seed: moments.reduce((seed, tick) => seed * 31 + tick, 1) });
  const left = new Map(moments.map((tick, place) => [tick, place % 2 === 0 ? 'before' : 'after'] as const));
  const policy = { guard, commit: { ticks: commitTicks }, snapshots: { every: 3, keep: 2 } };
  let store: SimulatedStore = simulatedStore({ medium });
  const given = playing(world, first.plan, store, policy);
  const happen: Happenings = {
    async between(run) {
      const when = left.get(run.tick);
      if (when !== undefined && !run.ended && left.delete(run.tick)) medium.crashAtCommit(when);
      return run;
    },
    async failed(error) {
      if (!isOfStore(error) || store.isAlive) throw error;
      store = simulatedStore({ medium });
      const on = { ...given, store };
      // Where even the setup is lost, the run begins anew.
      if ((await store.head(given.id)) === undefined) return begin(on);
      return openCore(world, { ...given.policy, store, id: given.id, takeover: true });
    },
  };
  const run = await play(given, happen);
  await run.close();
  const what = 'a run whose machine stopped goes on otherwise than one that never stopped';
  await compare('L11', trial, await recorded({ ...given, store }, given.id), { name: 'crashed', what });
}

/** L14: what observers hear is what the log holds. */
async function live(trial: Trial): Promise<void> {
  const heard: (readonly (readonly [string, readonly string[]])[])[] = [];
  const listen = (run: RunCore): void =>
    void run.on('computed', (news) => void (heard[news.tick] = lookedAt(news)));
  const { log, frames } = await again(trial, {}, () => ({ begun: listen }));
  const { compiled } = log.world.schema;
  for (const frame of frames.slice(1)) {
    const batches = decodeBatches(frame, compiled, freshSets(compiled));
    const news = heard[frame.tick];
    if (news === undefined) throw lawBroken('L14', frame.tick, 'nobody was told of the tick');
    for (const [kind, rows] of news) {
      const set = batches.find((one) => compiled.kinds[one.kind]!.name === kind)?.set;
      const stored = Array.from({ length: set?.size ?? 0 }, (_, i) => sourceText(set!.rowAt(i)));
      const at = stored.findIndex((row, i) => row !== rows[i]);
      if (at < 0 && stored.length === rows.length) continue;
      const lines = [`heard   ${rows[at] ?? rows.length}`, `stored  ${stored[at] ?? stored.length}`];
      throw lawBroken('L14', frame.tick, `event ${at} of '${kind}' was heard otherwise`, {
        facts: { kind, event: at },
        lines,
      });
    }
  }
}

/** A law that users can break. */
export interface LawCheck {
  /** What holds, as the name of a test. */
  readonly says: string;
  check(trial: Trial): Promise<void>;
}

/** The laws of a user's own world. */
export const LAW_CHECKS = {
  L3: { says: 'folding its log gives every world as it was computed', check: fold },
  L4: { says: 'closed and opened, from a snapshot or not, it goes on as it would have', check: reopening },
  L5: { says: 'run again, it has the same records', check: sameAgain },
  L6: { says: 'a fork with the same inputs goes on as its parent, which stays as it was', check: forks },
  L8: { says: 'a tick reads nothing but the world, and writes only through the write view', check: purity },
  L9: { says: 'invariants, metrics and observers change nothing', check: observers },
  L10: { says: 'the store that was given holds the same bytes as memory', check: backends },
  L11: { says: 'where the machine stops, it goes on as if it never had', check: crashes },
  L12: { says: 'a damaged record of its log is named, and never folded in', check: damages },
  L14: { says: 'what is heard of a tick is what the log holds', check: live },
} as const satisfies { readonly [law: string]: LawCheck };

/** A law that a user's world can break. */
export type LawName = keyof typeof LAW_CHECKS;
