/**
 * Beginning a run on a record of another: checks of the change, the segment, and the run at the fork's tick.
 *
 * A fork stores nothing that its parent holds: a name, a header and what it is to begin with. Its log is its
 * parent's up to the tick, and its own from there.
 */
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { freshName } from '../base/platform.ts';
import type { EnvironmentChange, LaterInputs } from '../log/environment.ts';
import { forkPath, leafOf, spanAt } from '../log/lineage.ts';
import { segmentPrefix } from '../log/reader.ts';
import { hasForks, type NewFork, type RunInfo, type Store, unsupported } from '../log/store.ts';
import { validRow } from '../schema/validate.ts';
import { checkNewId, checkText } from './arguments.ts';
import { foldHint, headerOf } from './code.ts';
import { keptAnswer, persistent, release } from './committer.ts';
import { configHint, configText, validConfig } from './config.ts';
import type { Engine, PendingInput } from './engine.ts';
import { beginEra, isOnBase, logSchema } from './eras.ts';
import type { LogSource } from './history.ts';
import { type LaterFilter, LaterReader } from './later.ts';
import { type Opening, openingText } from './opening.ts';
import { type KnownLog, lookingBack, noState, restore } from './restore.ts';
import { RunCore } from './run.ts';
import { FIRST_EPOCH, holderOf, newEngine, type PolicyOptions, policyParts } from './run-options.ts';
import type { RunParts } from './run-parts.ts';
import { inlineRows } from './tables/inline.ts';
import type { GuardOption } from './types.ts';
import type { AnyWorld } from './world.ts';

/** How to fork; types.ts says what each part means. */
export interface ForkOptions {
  readonly at: number;
  readonly because?: string;
  readonly inputs?: readonly (readonly [kind: string, row?: object])[];
  readonly config?: object;
  readonly seed?: string;
  readonly later?: 'keep' | 'drop' | LaterFilter;
  readonly id?: string;
  readonly hints?: { readonly [name: string]: string };
  readonly guard?: GuardOption;
  readonly tickLog?: boolean;
}

/** The policy of an option. */
const laterPolicy = (later: ForkOptions['later']): LaterInputs =>
  typeof later === 'function' ? 'filter' : (later ?? 'drop');

/** What a fork changes in the environment, checked. `BAD_INPUT`, `BAD_USAGE`. */
function forkChange(
  world: AnyWorld,
  config: object,
  { because = null, config: patch, seed, later }: Omit<ForkOptions, 'because'> & { because?: string | null },
): EnvironmentChange {
  if (seed !== undefined) checkText('seed', seed);
  // A column that is undefined is one that stays, and none that goes back to its default.
  const given = Object.entries(patch ?? {}).filter(([, value]) => value !== undefined);
  return {
    ...(seed !== undefined && { seed }),
    ...(patch !== undefined && {
      config: configText(validConfig(world, { ...config, ...Object.fromEntries(given) })),
    }),
    fork: { because, later: laterPolicy(later) },
  };
}

/** The inputs of a fork, checked and copied. `BAD_INPUT` names the kinds that there are. */
function forkInputs({ schema }: AnyWorld, inputs: ForkOptions['inputs'] = []): PendingInput[] {
  const kinds = schema.compiled.kinds.filter(({ source }) => source === 'input');
  return inputs.map((given) => {
    const [name, row] = Array.isArray(given) ? given : [];
    const kind = kinds.find((one) => one.name === name);
    if (kind === undefined)
      return fail(
        'BAD_INPUT',
        name === undefined
          ? `an input of a fork is [kind, row], and not ${show(given)}`
          : `there is no input of kind ${show(name)}`,
        { kind: name },
        kinds.length === 0
          ? 'This world takes no inputs.'
          : `Write [kind, row]; this world takes: ${kinds.map((one) => one.name).join(', ')}.`,
      );
    const own = validRow(kind, row ?? {}, `input '${kind.name}'`, 'BAD_INPUT');
    return { kind: kind.name, row: own, source: null, seq: 0 };
  });
}

/** Stores a fork. Where the answer was lost, the name of the segment tells that it is there and ours. */
async function storeFork(store: Store, fork: NewFork): Promise<RunInfo> {
  if (!hasForks(store)) return unsupported(store, 'forks');
  return keptAnswer(
    () => store.fork(fork),
    async () => {
      const info = await store.head(fork.id);
      return info?.segment.id === fork.segment ? info : undefined;
    },
  );
}

/** Reads the inputs that a fork keeps of its parent's; null where it keeps none. */
export function laterReader(
  world: AnyWorld,
  store: Store,
  at: number,
  { later }: Pick<Opening, 'later'>,
  filter: LaterFilter | null,
): LaterReader | null {
  return later === null ? null : new LaterReader({ ...later, store, world, at, filter });
}

/**
 * How runs of a world begin forks of theirs, at a tick that is durable. `NO_STATE` where the world of the
 * tick can't be rebuilt; `BAD_INPUT` and `BAD_USAGE` for what does not fit; `EXISTS`; `TICK_FAILED` where the
 * world's `until` throws under the change. No run is there then.
 */
export function forkCall(world: AnyWorld, of: PolicyOptions & { readonly store: Store }): RunParts['fork'] {
  return async (source, known, parent, options) => {
    const { at, guard, tickLog } = options;
    const o = { ...of, ...(guard !== undefined && { guard }), ...(tickLog !== undefined && { tickLog }) };
    const engine = newEngine(world, o);
    const restoring = lookingBack(foldHint(world), known, at, parent);
    await restore(engine, source, at, restoring).catch((e) => noState(e, parent, at));
    return forkFrom(world, o, engine, { source, known, parent }, options);
  };
}

/**
 * Whether the handlers may not give the world of a tick from its records: it is what an era began with that
 * the fork's log will not hold, or the snapshot of other handlers, before the era that is open.
 */
const isUnproven = (world: AnyWorld, engine: Engine, at: number, known: KnownLog): boolean => {
  const { from } = engine;
  return (
    isOnBase(engine) || (from !== null && at < known.from && from.manifest.point.code !== foldHint(world))
  );
};

/** Begins a fork, with an engine that holds the world of its tick. */
async function forkFrom(
  world: AnyWorld,
  o: PolicyOptions & { readonly store: Store },
  engine: Engine,
  { source, known, parent }: { source: LogSource; known: KnownLog; parent: string },
  options: ForkOptions,
): Promise<RunCore> {
  const { store } = o;
  const { at, because = null, later, hints } = options;
  const id = options.id ?? `${world.schema.compiled.spec.name}-${freshName().slice(0, 8)}`;
  checkNewId(id);
  const { seed } = engine.environment!;
  const schema = await logSchema(engine, source);
  const change = forkChange(world, engine.config, options);
  const inputs = forkInputs(world, options.inputs);
  const keeps = change.fork?.later !== 'drop';
  const opening = {
    change,
    inputs,
    later: keeps ? { segment: leafOf(source.path), schema, head: source.durableTick } : null,
  };
  const given = policyParts(world, o);
  const segment = segmentPrefix(id) + freshName();
  const { hash } = engine.position;
  const fork = { run: parent, tick: at, because };
  await storeFork(store, {
    id,
    header: headerOf(world, {
      seed: change.seed ?? seed,
      createdAt: given.wallClock(),
      hints: { ...hints },
      config: configHint(change.config ?? configText(engine.config)),
      fork,
    }),
    segment,
    parent: { segment: spanAt(source.path, at).segment, tick: at },
    hash,
    opening: openingText(opening),
    holder: holderOf(o),
  });
  const held = { store, segment, epoch: FIRST_EPOCH };
  const own = {
    ...given,
    ...held,
    id,
    path: forkPath(source.path, at, segment),
    engine,
    code: foldHint(world),
    opening: inputs,
    later: laterReader(world, store, at, opening, typeof later === 'function' ? later : null),
    fork: forkCall(world, o),
    introduced: false,
  };
  try {
    // The world may be what an era begins with that is not in this fork's log: then it begins one as well.
    const isNewEra = beginEra(world, engine, schema, isUnproven(world, engine, at, known));
    const rows = await inlineRows(engine, { ...o, id });
    const run = new RunCore({ ...own, rows }, { tick: at, hash });
    await run.begin(isNewEra, change);
    return run;
  } catch (e) {
    await release(held);
    await discard(store, id);
    throw e;
  }
}

/** Takes the name of a fork back that could not begin. One that somebody took up meanwhile stays. */
async function discard(store: Store, id: string): Promise<void> {
  if (hasForks(store)) await persistent(() => store.remove(id, false)).catch(() => {});
}
