/**
 * L12 on a user's own world: records of its log are damaged on their way out of the store, one at a time.
 *
 * Owns the damage and what must come of it: whoever reads the log is told segment and tick, or sees the world
 * that was recorded.
 */
import { hex } from '../../base/bytes.ts';
import { messageOf } from '../../base/canonical.ts';
import { isWorldfoldError, type WorldfoldError } from '../../base/errors.ts';
import { spanAt } from '../../log/lineage.ts';
import type { LogRecord, Store } from '../../log/store.ts';
import { engineAt, logOf } from '../../replay/given.ts';
import { verify } from '../../replay/verify/verify.ts';
import { openCore } from '../../simulation/open-run.ts';
import type { GuardOption } from '../../simulation/types.ts';
import type { AnyWorld } from '../../simulation/world.ts';
import { lawBroken } from './law-error.ts';
import { type FirstPlay, type Playing, play, playing, type Recorded, recorded } from './play.ts';

/** What becomes of a record: another one, or nothing. It is given the record before it, if there is one. */
interface Harm {
  readonly name: string;
  readonly of: (record: LogRecord, before: LogRecord | undefined) => LogRecord | null;
}

/** A place within so many bytes: another one in each record, spread over all of it. */
const placeIn = ({ tick }: LogRecord, length: number, part: number, parts: number): number =>
  Math.floor((length * (part + ((tick * 37) % 101) / 101)) / parts);

function flipped(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[at]! ^= 1 << bit;
  return copy;
}

const LOST = 'lost';
const FLIPS = 4;
const CUTS = 2;

const HARMS: readonly Harm[] = [
  { name: LOST, of: () => null },
  { name: 'replaced by the record before it', of: (_, before) => before ?? null },
  {
    name: 'indexed by another hash',
    of: (record) => ({ ...record, hash: flipped(record.hash, record.tick % record.hash.length, 0) }),
  },
  ...Array.from(
    { length: CUTS },
    (_, part): Harm => ({
      name: 'cut',
      of: (record) => {
        const { bytes } = record;
        return { ...record, bytes: bytes.slice(0, placeIn(record, bytes.length, part, CUTS)) };
      },
    }),
  ),
  ...Array.from(
    { length: FLIPS },
    (_, part): Harm => ({
      name: 'changed in one bit',
      of: (record) => {
        const { bytes, tick } = record;
        const at = placeIn(record, bytes.length, part, FLIPS);
        return { ...record, bytes: flipped(bytes, at, (tick + part) % 8) };
      },
    }),
  ),
];

/** A record that is damaged. */
interface Damage {
  readonly segment: string;
  readonly tick: number;
  readonly put: LogRecord | null;
}

/** A store that reads as if a record of it were damaged. All else is as it is. */
function damagedStore(store: Store, { segment, tick, put }: Damage): Store {
  const read: Store['read'] = async (of, from, limit) => {
    const page = await store.read(of, from, limit);
    if (of !== segment) return page;
    const records = page.records.flatMap((record) => {
      if (record.tick !== tick) return [record];
      return put === null ? [] : [put];
    });
    return { ...page, records };
  };
  return new Proxy(store, {
    get: (target, name) => {
      if (name === 'read') return read;
      const found: unknown = Reflect.get(target, name);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}

/** A log, one damaged record, and how it reads. */
interface Damaged {
  readonly given: Playing;
  readonly whole: Recorded;
  readonly damage: Damage;
  /** What is told of it: `the record of tick 3 is cut`. */
  readonly what: string;
}

/** The facts that name a damaged record: its own, or those of what caused it. */
function names(e: unknown, { segment, tick }: Damage): boolean {
  if (!isWorldfoldError(e)) return false;
  const { facts, cause } = e;
  return (facts.segment === segment && facts.tick === tick) || names(cause, { segment, tick, put: null });
}

const broken = ({ damage, what }: Damaged, told: string, cause?: unknown): WorldfoldError =>
  lawBroken('L12', damage.tick, `${what}, and ${told}`, {
    facts: { segment: damage.segment },
    ...(cause !== undefined && { cause, lines: messageOf(cause).split('\n') }),
  });

interface SeenWorld {
  readonly tick: number;
  readonly stateHash: string;
}

/** Looks at a world of a damaged log: the damage is named, or the world is the one that was recorded. */
async function look(damaged: Damaged, who: string, see: () => Promise<SeenWorld>): Promise<void> {
  let seen: SeenWorld;
  try {
    seen = await see();
  } catch (e) {
    if (names(e, damaged.damage)) return;
    throw broken(damaged, `${who} fails without its segment and tick`, e);
  }
  const { tick, stateHash } = seen;
  if (stateHash === hex(damaged.whole.frames[tick]!.stateHash!)) return;
  throw broken(damaged, `${who} shows another world of tick ${tick} than was recorded`);
}

async function verified(damaged: Damaged, store: Store): Promise<void> {
  const { given, damage } = damaged;
  const { world, id, policy } = given;
  const guard = policy.guard ?? 'throw';
  const found = await verify({ store, id, world, guard }, { mode: 'fold' }).catch((e) => {
    throw broken(damaged, 'verify throws', e);
  });
  const facts = found.damage?.facts as { readonly segment?: unknown; readonly tick?: unknown } | undefined;
  if (facts?.segment === damage.segment && facts.tick === damage.tick) return;
  if (found.damage !== null) throw broken(damaged, 'verify tells of another place', found.damage.message);
  const { divergence } = found;
  const at = divergence === null ? '' : ` at tick ${divergence.tick}`;
  throw broken(damaged, `verify says '${found.verdict}'${at}`);
}

async function tryDamage(damaged: Damaged): Promise<void> {
  const { given, whole, damage } = damaged;
  const { world, id, policy } = given;
  const store = damagedStore(given.store, damage);
  await verified(damaged, store);
  for (const tick of new Set([Math.max(damage.tick - 1, 0), whole.log.tick]))
    await look(damaged, `the world of tick ${tick}`, async () => {
      const { state } = await engineAt(await logOf(store, id, world, policy.guard), tick);
      return { tick, stateHash: hex(state.digest()) };
    });
  await look(damaged, 'opening the run', async () => {
    const run = await openCore(world, { ...policy, store, id, takeover: true });
    const seen = await run.advance(0);
    await run.close();
    return seen;
  });
}

/** What a check of L12 is given. */
interface DamageTrial {
  readonly world: AnyWorld;
  readonly first: FirstPlay;
  readonly guard: GuardOption;
  readonly store: () => Promise<Store>;
}

/**
 * L12: records of the log are lost, cut, changed in a bit, or put in the place of others. What reads the log
 * then names segment and tick, and the worlds before are those that were recorded.
 */
export async function damages({ world, first, guard, store }: DamageTrial): Promise<void> {
  const given = playing(world, first.plan, await store(), { guard });
  const run = await play(given);
  await run.close();
  const whole = await recorded(given, given.id);
  const stored = whole.frames.map(({ tick, hash, previous, bytes }) => ({ tick, hash, previous, bytes }));
  const { path } = whole.log.source;
  for (const moment of first.plan.schedule.damages) {
    const tick = moment % stored.length;
    const { segment } = spanAt(path, tick);
    for (const { name, of } of HARMS) {
      const put = of(stored[tick]!, stored[tick - 1]);
      if (put === null && name !== LOST) continue;
      const what = `the record of tick ${tick} is ${name}`;
      await tryDamage({ given, whole, damage: { segment, tick, put }, what });
    }
  }
}
