/**
 * `bisect`: where two records of what should be one run part.
 *
 * A record's hash stands for all before it, so that the first record that differs is found by halving; that
 * one tick is then compared event by event, and its worlds row by row.
 */
import { checkNames } from '../../base/arguments.ts';
import { assert } from '../../base/errors.ts';
import { loadHash } from '../../base/hash.ts';
import { parseChange } from '../../log/environment.ts';
import { type Both, diffWorlds, type WorldDifference } from '../../projections/world-diff.ts';
import type { Engine } from '../../simulation/engine.ts';
import { frames } from '../../simulation/history.ts';
import { eventsUnder } from '../../simulation/past.ts';
import { originsOf } from '../../simulation/within-tick.ts';
import { type Logs, lastSame, sharedTick } from '../first-difference.ts';
import { checkLimit, engineAt, type GivenLog, type GivenRun, type Log, logGiven } from '../given.ts';
import { compareTicks, type TickDifference, type TickSide } from './compare-ticks.ts';

/** Where two runs part. */
export interface BisectReport {
  readonly runs: Both<string>;
  /** The last tick of each. */
  readonly heads: Both<number>;
  /** The last tick up to which both have the same records; -1 for none. */
  readonly same: number;
  /** The first tick whose records differ; null where none does up to the lesser head. */
  readonly tick: number | null;
  /** Where in that tick; null where there is none, or where the schemas differ. */
  readonly place: TickDifference | null;
  /** What the worlds after that tick differ in; null where they don't, or can't be built. */
  readonly difference: WorldDifference | null;
}

/** What a recorded tick holds, as the world's present schema has it. */
async function sideAt({ world, source }: Log, tick: number, before: Engine | null): Promise<TickSide> {
  for await (const frame of frames(source, tick, tick)) {
    const said = frame.environment === null ? undefined : parseChange(frame.environment).schema;
    const schema = said ?? before?.environment?.schema ?? world.schema.compiled.text;
    return { ...frame, ...eventsUnder(world, schema, frame) };
  }
  return assert(false, 'a log has a record for each of its ticks', { tick }) as never;
}

async function partingAt(
  logs: Logs,
  tick: number,
  limit: number,
): Promise<Pick<BisectReport, 'place' | 'difference'>> {
  const { a, b } = logs;
  const { compiled } = a.world.schema;
  const sides = async (): Promise<[TickSide, TickSide]> => {
    const before = async (log: Log) => (tick === 0 ? null : engineAt(log, tick - 1));
    return [await sideAt(a, tick, await before(a)), await sideAt(b, tick, await before(b))];
  };
  const place =
    compiled.text === b.world.schema.compiled.text
      ? compareTicks(...(await sides()), compiled, originsOf(a.world, tick))
      : null;
  const [mine, theirs] = [await engineAt(a, tick), await engineAt(b, tick)];
  const difference = diffWorlds(mine.state, theirs.state, { limit });
  return { place, difference: difference.same ? null : difference };
}

/**
 * Finds the first tick at which two runs have different records, be it that their worlds still agree, and
 * tells what differs in it: origin, event, columns, streams, tables and rows. `UNKNOWN_RUN`; `NO_STATE` where
 * the worlds can't be built; `CLOSED`, `BAD_USAGE`.
 *
 * @example
 * ```ts
 * const { tick, place } = await bisect(mine, { store: theirs, id: mine.id, world: town });
 * ```
 */
export async function bisect(
  a: GivenRun | GivenLog,
  b: GivenRun | GivenLog,
  options: { readonly limit?: number } = {},
): Promise<BisectReport> {
  checkNames('the options of bisect', options, ['limit']);
  const { limit = 20 } = options;
  checkLimit(limit);
  await loadHash();
  const logs = { a: await logGiven('bisect', a), b: await logGiven('bisect', b) };
  const heads = { a: logs.a.tick, b: logs.b.tick };
  const end = Math.min(heads.a, heads.b);
  const same = await lastSame(logs, Math.min(sharedTick(logs), end), end);
  const runs = { a: logs.a.id, b: logs.b.id };
  if (same === end) return { runs, heads, same, tick: null, place: null, difference: null };
  return { runs, heads, same, tick: same + 1, ...(await partingAt(logs, same + 1, limit)) };
}
