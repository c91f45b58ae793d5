/**
 * `worldfold fork <run> --at N`: begins a run whose log continues another's, and may advance it.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { forkRun, type GuardOption } from '../../index.ts';
import { escaped } from '../../replay/diff-text-layout.ts';
import { parseConfig, parseInput } from '../config.ts';
import type { AnyRun } from '../engine.ts';
import { EXIT } from '../failure.ts';
import { type Io, line, paintFor } from '../io.ts';
import { placeText, type StorePlace } from '../options.ts';
import { worldOf } from '../run-world.ts';
import { runCommandText } from '../shell.ts';
import { freeId, needRun, withStore } from '../stores.ts';
import { counted, grouped } from '../text.ts';
import { advanceRun, newestMetrics, type Outcome, seconds } from './run.ts';

/** What `fork` was asked. */
export interface ForkCommandOptions {
  readonly run: string;
  readonly store: StorePlace;
  readonly world?: string | undefined;
  readonly guard: GuardOption;
  /** Whether records say how long their ticks took. */
  readonly tickLog: boolean;
  readonly at: number;
  readonly input: readonly string[];
  readonly config: ReadonlyMap<string, string>;
  readonly seed?: string | undefined;
  readonly later: 'keep' | 'drop';
  readonly ticks: number;
  readonly id?: string | undefined;
  readonly because?: string | undefined;
  readonly json: boolean;
}

/** What a fork changes, in words. */
function changesText(o: ForkCommandOptions): string {
  const parts = [...o.config].map(([name, value]) => `${name}=${value}`);
  if (o.seed !== undefined) parts.push(`seed ${o.seed}`);
  if (o.input.length > 0) parts.push(counted(o.input.length, 'input'));
  if (o.later === 'keep') parts.push(`the later inputs of ${o.run} are kept`);
  return parts.length === 0 ? 'nothing' : escaped(parts.join(' · '));
}

async function report(io: Io, run: AnyRun, o: ForkCommandOptions, done: Outcome): Promise<void> {
  const paint = paintFor(io.stdout, io.env);
  const because = o.because === undefined ? '' : `, because: ${escaped(o.because)}`;
  line(io.stdout, `${paint.strong(run.id)}: a fork of ${o.run} at tick ${grouped(o.at)}${because}`);
  line(io.stdout, `  changes     ${changesText(o)}`);
  const why = done.stopped ? ', stopped' : done.ended ? ', the world has ended' : '';
  const ticks = counted(done.tick - done.before, 'tick');
  const ran = `${ticks} in ${seconds(done.ms)}, now at tick ${grouped(done.tick)}`;
  line(io.stdout, `  advanced    ${o.ticks === 0 ? 'not yet' : `${ran}${why}`}`);
  if (done.tick > done.before) {
    line(io.stdout, `  state hash  ${paint.good(done.stateHash)}`);
    const metrics = await newestMetrics(run);
    if (metrics) line(io.stdout, `  metrics     ${metrics}`);
  }
  line(io.stdout, `  kept in     ${placeText(o.store)}`);
  const next =
    done.tick > done.before
      ? runCommandText('diff', [o.run, run.id], o.store)
      : runCommandText('tree', [], o.store);
  line(io.stdout, paint.faint(`next: ${io.self} ${next}`));
}

/**
 * Forks a run, which may be advancing elsewhere, and advances the fork. Stopped by the signal, it ends with
 * 130.
 */
export async function forkCommand(io: Io, o: ForkCommandOptions): Promise<number> {
  return withStore(o.store, io.cwd, 'change', async (store) => {
    const info = await needRun(store, o.run);
    const { world, hint } = await worldOf(io, store, info, o);
    const { spec } = world.schema;
    const run = await forkRun(world, {
      store,
      run: info.id,
      guard: o.guard,
      tickLog: o.tickLog,
      at: o.at,
      id: o.id ?? (await freeId(store, `${info.id}-fork`)),
      later: o.later,
      hints: { module: hint },
      ...(o.input.length > 0 && { inputs: o.input.map((text) => parseInput(spec.inputs, text)) as never }),
      ...(o.config.size > 0 && { config: parseConfig(spec.config, o.config) as never }),
      ...(o.seed !== undefined && { seed: o.seed }),
      ...(o.because !== undefined && { because: o.because }),
    });
    try {
      const done = await advanceRun(io, run, o.ticks, o.json);
      if (o.json) {
        const { tick, durableTick, ended, stopped } = done;
        const stateHash = tick > o.at ? done.stateHash : null;
        const facts = { id: run.id, of: info.id, at: o.at, because: o.because ?? null };
        const place = { world: spec.name, store: placeText(o.store) };
        line(io.stdout, canonicalJson({ ...facts, ...place, tick, durableTick, stateHash, ended, stopped }));
      } else await report(io, run, o, done);
      return done.stopped ? EXIT.stopped : EXIT.done;
    } finally {
      await run.close();
    }
  });
}
