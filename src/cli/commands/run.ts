/**
 * `worldfold run <world module>`: makes a run, or goes on with one, advances it and says where it stands.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { fail, isWorldfoldError } from '../../base/errors.ts';
import { steadyClock } from '../../base/platform.ts';
import { createRun, type GuardOption, openRun, type Store } from '../../index.ts';
import { parseConfig } from '../config.ts';
import type { AnyRun, AnyWorld } from '../engine.ts';
import { EXIT } from '../failure.ts';
import { type Io, line, paintFor } from '../io.ts';
import { loadWorld, moduleFile, moduleHint } from '../load-world.ts';
import { DEFAULT_SEED, placeText, type StorePlace, storeFolder } from '../options.ts';
import { startProgress } from '../progress.ts';
import { quoted, runCommandText } from '../shell.ts';
import { freeId, withStore } from '../stores.ts';
import { counted, grouped } from '../text.ts';
import { choiceOnward } from './tables-choice.ts';

/** What `run` was asked. */
export interface RunOptions {
  readonly module: string;
  readonly store: StorePlace;
  /** The seed of a new run; `worldfold` where none is given. */
  readonly seed?: string | undefined;
  readonly ticks: number;
  readonly config: ReadonlyMap<string, string>;
  readonly id?: string | undefined;
  /** Goes on with the run `id` where its log ends, instead of making one. */
  readonly resume: boolean;
  /** Takes the run from another writer. */
  readonly takeover: boolean;
  /** Goes on though the handlers give another world than was recorded. */
  readonly adopt: boolean;
  /** Keeps the tables in SQL, in the transactions of the commits. */
  readonly tables: boolean;
  readonly guard: GuardOption;
  /** Whether records say how long their ticks took. */
  readonly tickLog: boolean;
  readonly json: boolean;
}

/** Where a run stood when the command was done with it. */
export interface Outcome {
  readonly before: number;
  readonly tick: number;
  readonly durableTick: number;
  readonly stateHash: string;
  readonly ended: boolean;
  readonly stopped: boolean;
  readonly ms: number;
}

/**
 * Advances a run, showing how far it is, until it ends, the ticks are done or the user stops it; then
 * flushes.
 */
export async function advanceRun(
  io: Io,
  run: AnyRun,
  ticks: number,
  silent: boolean,
  note: () => string = () => '',
): Promise<Outcome> {
  const before = run.tick;
  const began = steadyClock();
  const progress = startProgress(io, run.id, before, before + ticks, silent);
  try {
    const onProgress = ({ tick }: { readonly tick: number }) => progress.update(tick, note());
    const { tick, stateHash, ended } = await run.advance(ticks, { signal: io.signal, onProgress });
    const { tick: durableTick } = await run.flush();
    return {
      before,
      tick,
      durableTick,
      stateHash,
      ended,
      stopped: io.signal.aborted,
      ms: steadyClock() - began,
    };
  } finally {
    progress.stop();
  }
}

const CONTINUE = 'Write: worldfold run WORLD --continue --id RUN --ticks 100';

const OPTIONS_THAT_HELP = {
  RUN_IN_USE: 'Stop it there, wait, or add --takeover: the other writer can then commit no more.',
  CODE_CHANGED:
    'Open it with the code that recorded it; or add --adopt, to go on from here with the code as it is: ' +
    'earlier ticks keep their records and hashes.',
} as const;

/**
 * Opens a run to go on with it. One that another process writes, or that other code recorded, is refused with
 * the option to type.
 */
async function resumed(store: Store, world: AnyWorld, id: string, o: RunOptions): Promise<AnyRun> {
  const { takeover, adopt, guard, tickLog } = o;
  // What is kept stays as it was chosen.
  const tables = o.tables && { tables: await choiceOnward(store, id) };
  try {
    return await openRun(world, { store, id, takeover, adopt, guard, tickLog, ...tables });
  } catch (e) {
    for (const code of ['RUN_IN_USE', 'CODE_CHANGED'] as const)
      if (isWorldfoldError(e, code)) fail(code, e.message, e.facts, OPTIONS_THAT_HELP[code], e);
    throw e;
  }
}

async function openOrCreate(
  io: Io,
  store: Store,
  world: AnyWorld,
  file: string,
  o: RunOptions,
): Promise<AnyRun> {
  if (o.takeover && !o.resume)
    fail('BAD_USAGE', '--takeover goes with --continue: a new run has no other writer', {}, CONTINUE);
  if (o.adopt && !o.resume)
    fail('BAD_USAGE', '--adopt goes with --continue: a new run has no other code', {}, CONTINUE);
  if (!o.resume) {
    return createRun(world, {
      store,
      guard: o.guard,
      tickLog: o.tickLog,
      seed: o.seed ?? DEFAULT_SEED,
      id: o.id ?? (await freeId(store, world.schema.spec.name)),
      ...(o.tables && { tables: true }),
      config: parseConfig(world.schema.spec.config, o.config),
      hints: { module: moduleHint(o.module, file, storeFolder(o.store, io.cwd)) },
    });
  }
  const given = o.config.size > 0 ? 'config' : o.seed !== undefined ? 'seed' : null;
  if (o.id !== undefined && given === null) return resumed(store, world, o.id, o);
  return fail(
    'BAD_USAGE',
    o.id === undefined
      ? '--continue needs the id of a run'
      : `--continue takes no --${given}: the run has its own`,
    {},
    CONTINUE,
  );
}

/** The newest value of each metric: `ill 3 · well 36,306`. Empty where the world has none. */
export async function newestMetrics(run: AnyRun): Promise<string> {
  const { size, columns } = await run.metrics();
  return Object.entries(columns)
    .filter(([name]) => name !== 'tick')
    .map(([name, values]) => `${name} ${grouped(values[size - 1]!)}`)
    .join(' · ');
}

async function report(io: Io, run: AnyRun, world: AnyWorld, o: RunOptions, done: Outcome): Promise<void> {
  const paint = paintFor(io.stdout, io.env);
  const ran = done.tick - done.before;
  const why = done.stopped ? ', stopped' : done.ended ? ', the world has ended' : '';
  const place = placeText(o.store);
  line(
    io.stdout,
    `${paint.strong(run.id)}: ${counted(ran, 'tick')} of ${world.schema.spec.name} in ${seconds(done.ms)}, ` +
      `now at tick ${grouped(done.tick)}${why}`,
  );
  line(io.stdout, `  state hash  ${paint.good(done.stateHash)}`);
  const metrics = await newestMetrics(run);
  if (metrics) line(io.stdout, `  metrics     ${metrics}`);
  if (o.store.kind === 'memory') return line(io.stdout, paint.faint('  kept nowhere: the store was memory:'));
  line(io.stdout, `  kept in     ${place}${o.tables ? ', with its tables in SQL' : ''}`);
  const more = o.tables ? ' --tables' : '';
  const next = done.stopped
    ? `run ${quoted(o.module)} --continue --id ${quoted(run.id)} --store ${quoted(place)}${more}`
    : runCommandText(o.tables ? 'tables' : 'replay', run.id, o.store);
  line(io.stdout, paint.faint(`next: ${io.self} ${next}`));
}

/** A duration for people: `12.3 s`. */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/**
 * Advances a world by so many ticks in a store. Stopped by the signal, it flushes, closes and ends with 130.
 */
export async function runCommand(io: Io, o: RunOptions): Promise<number> {
  const { world, file } = await loadWorld(moduleFile(o.module, io.cwd));
  return withStore(o.store, io.cwd, 'write', async (store) => {
    const run = await openOrCreate(io, store, world, file, o);
    try {
      const done = await advanceRun(io, run, o.ticks, o.json);
      if (o.json) {
        const { tick, durableTick, stateHash, ended, stopped } = done;
        const facts = { id: run.id, world: world.schema.spec.name, store: placeText(o.store) };
        line(io.stdout, canonicalJson({ ...facts, tick, durableTick, stateHash, ended, stopped }));
      } else await report(io, run, world, o, done);
      return done.stopped ? EXIT.stopped : EXIT.done;
    } finally {
      await run.close();
    }
  });
}
