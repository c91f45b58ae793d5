/**
 * Which code of a tick is running, and what becomes of it when it uses a source that no log holds.
 *
 * An ambient source is what gives something that record and seed do not: chance, clocks, the network, files.
 * Owns the groups that they come in, and the place: one variable, set around each call of user code, that the
 * wrappers around the sources ask. Outside a tick it is null, and a wrapper passes the call on.
 */
import { show } from './canonical.ts';
import { type Facts, fail, WorldfoldError } from './errors.ts';
import { warn } from './platform.ts';
import { placeText, type TickPlace, tickError } from './tick-error.ts';

/** The groups of ambient sources, with what to use instead. */
export const GUARD_GROUPS = {
  random: "Draw from rng('name'), which the seed keys.",
  clock: 'Time inside a tick is tick and seconds; a time from outside comes in as an input.',
  timers: 'Nothing inside a tick may wait: count ticks, or give the system every or when.',
  async: 'Nothing inside a tick may wait: bring answers from outside in as inputs.',
  network: 'Ask between ticks, and submit the answer as an input.',
  files: 'Read before the run or between ticks, and bring it in as config or as an input; print by console.',
  environment: 'What depends on the machine comes in as config or as an input.',
  memory: 'What the garbage collector has done differs from run to run: keep in tables what must be known.',
  locale: 'Compare texts by < and >, use the UTC methods of dates, and format outside the tick.',
  math: "Import it from 'worldfold/math', which gives the same last bit on every engine.",
} as const;

/** A group of ambient sources, for which a level is chosen. */
export type GuardGroup = keyof typeof GUARD_GROUPS;

/** What becomes of a tick that uses a source: it fails, the operator is warned, or nothing. */
export type GuardLevel = 'throw' | 'warn' | 'off';

/** The level of every group. */
export type GuardLevels = { readonly [group in GuardGroup]: GuardLevel };

/** A source as errors name it. Runs are called from outside only, whatever the levels say. */
export interface AmbientSource {
  readonly name: string;
  readonly group: GuardGroup | 'runs';
}

const levelsOf = (level: GuardLevel): GuardLevels =>
  Object.fromEntries(Object.keys(GUARD_GROUPS).map((group) => [group, level])) as GuardLevels;

/** Every group throws. */
export const GUARDED: GuardLevels = levelsOf('throw');
/** No group does anything. */
export const UNGUARDED: GuardLevels = levelsOf('off');

const RUNS_HINT = 'Call runs between ticks, from an observer or from outside; inside a tick, emit.';
const PROMISE: AmbientSource = { name: 'a promise', group: 'async' };

/** What runs now, for {@link meet}. Set and put back around each call of user code. */
export const ambient: { running: Running | null } = { running: null };

/** Code of a tick that may run: one object serves its owner for all its calls. */
export class Running {
  /** Whether a promise was made since the last call ended; told when this one does. */
  promised = false;
  private readonly levels: GuardLevels;
  /** Where it is, asked when a source is met. */
  private readonly place: () => TickPlace;
  /** The first source that was refused, since whoever called may have caught that. */
  private refused: WorldfoldError | null = null;
  private readonly told = new Set<string>();

  constructor(levels: GuardLevels, place: () => TickPlace) {
    this.levels = levels;
    this.place = place;
  }

  /** The code of the tick uses a source: throws, warns once a source and place, or does nothing. */
  meet(source: AmbientSource): void {
    const level = source.group === 'runs' ? 'throw' : this.levels[source.group];
    if (level === 'throw') throw this.refuse(source);
    if (level === 'warn') this.warnOf(source);
  }

  private refuse({ name, group }: AmbientSource): WorldfoldError {
    const facts: Facts = { source: name, group };
    const hint = group === 'runs' ? RUNS_HINT : GUARD_GROUPS[group];
    const error = new WorldfoldError('AMBIENT', `${name} was used, which no log holds`, facts, hint);
    const placed = tickError(error, this.place());
    this.refused ??= placed;
    return placed;
  }

  private warnOf({ name, group }: AmbientSource): void {
    const { tick: _, event: __, ...place } = this.place();
    const where = placeText(place);
    if (this.told.has(`${name} ${where}`)) return;
    this.told.add(`${name} ${where}`);
    warn(`${where}: ${name} was used, which no log holds. ${GUARD_GROUPS[group as GuardGroup]}`);
  }

  /** A call ends that threw nothing: throws all the same when a source was refused, or a promise made. */
  end(): void {
    if (this.promised) this.endPromised();
    if (this.refused !== null) throw this.reason(null);
  }

  private endPromised(): void {
    this.promised = false;
    const { running } = ambient;
    ambient.running = null;
    try {
      this.meet(PROMISE);
    } catch {
      // Kept: the call ends with the first source that was refused.
    } finally {
      ambient.running = running;
    }
  }

  /** Why a call failed that threw `cause`: the first source that was refused, if any. */
  reason(cause: unknown): unknown {
    const { refused } = this;
    this.refused = null;
    this.promised = false;
    return refused ?? cause;
  }
}

/** Is called by the wrapper of a source, with code of a tick running. */
export function meet(source: AmbientSource): void {
  const { running } = ambient;
  if (running === null) return;
  // What makes the error, or prints the warning, is no code of the tick.
  ambient.running = null;
  try {
    running.meet(source);
  } finally {
    ambient.running = running;
  }
}

/** Takes note that a promise is made. It may not throw: it is called by the engine's own code. */
export function promiseMade(): void {
  if (ambient.running !== null) ambient.running.promised = true;
}

/** Refuses a call that must come from outside. Where no code of a tick runs, it does nothing. */
export const refuseInTick = (call: string): void => meet({ name: call, group: 'runs' });

/** Runs what is no code of the tick though code of the tick called it. */
export function outside<T>(run: () => T): T {
  const { running } = ambient;
  ambient.running = null;
  try {
    return run();
  } finally {
    ambient.running = running;
  }
}

/** The levels of an option, checked: one for all, or some by group, where the others throw. `BAD_USAGE`. */
export function guardLevels(given: unknown): GuardLevels {
  if (given === undefined) return GUARDED;
  if (isLevel(given)) return levelsOf(given);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return refuseLevel('guard', given);
  for (const [group, level] of Object.entries(given)) {
    if (!Object.hasOwn(GUARD_GROUPS, group))
      fail('BAD_USAGE', `guard: there is no group '${group}'`, { group }, `There are: ${GROUPS}.`);
    if (!isLevel(level)) refuseLevel(`guard.${group}`, level);
  }
  return { ...GUARDED, ...given };
}

const GROUPS = Object.keys(GUARD_GROUPS).join(', ');
const isLevel = (given: unknown): given is GuardLevel =>
  given === 'throw' || given === 'warn' || given === 'off';

const refuseLevel = (what: string, given: unknown): never =>
  fail(
    'BAD_USAGE',
    `${what} must be 'throw', 'warn' or 'off', not ${show(given)}`,
    { [what]: given },
    `Write guard: 'warn', or guard: { math: 'off' }; the groups are: ${GROUPS}.`,
  );
