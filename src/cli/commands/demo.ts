/**
 * `worldfold demo`: the epidemic example in a fresh SQLite file, from the first day to a question answered,
 * and then the same epidemic with two airports closed.
 *
 * Owns the order of the show; the second act is in `demo-fork.ts`, what is drawn in `demo-text.ts`. The
 * world, and the questions, are those of `examples/epidemic`, loaded like any user's module.
 */
import { dirname, join } from 'node:path';
import { canonicalJson } from '../../base/canonical.ts';
import { createRun, type Store } from '../../index.ts';
import { parseConfig } from '../config.ts';
import type { AnyRun, AnyWorld } from '../engine.ts';
import { EXIT } from '../failure.ts';
import { type Io, line } from '../io.ts';
import { loadModule, loadWorld, moduleFile } from '../load-world.ts';
import { placeText, type StorePlace } from '../options.ts';
import { freeId, openStore } from '../stores.ts';
import { grouped } from '../text.ts';
import { demoHints, makeRoom } from './demo-file.ts';
import { type Closures, FORK_DAY, forkShown } from './demo-fork.ts';
import {
  announce,
  peakOf,
  suggest,
  type Toll,
  tellAnswer,
  tellCurve,
  tellReplay,
  tellRun,
} from './demo-text.ts';
import { replayShown } from './replay.ts';
import { advanceRun } from './run.ts';

/** What `demo` was asked. */
export interface DemoOptions {
  readonly store: StorePlace;
  readonly seed: string;
  readonly ticks: number;
  readonly config: ReadonlyMap<string, string>;
  /** Whether records say how long their ticks took. */
  readonly tickLog: boolean;
  readonly json: boolean;
}

/** What the demo uses of `examples/epidemic/questions.ts`. */
interface Questions extends Closures {
  hardestHit(run: AnyRun, most: number): Promise<readonly Toll[]>;
}

const MODULE = 'example:epidemic';
const HARDEST_HIT = 5;

/** The show itself: advance, draw, replay, ask, fork. Returns the exit code. */
async function show(
  io: Io,
  o: DemoOptions,
  world: AnyWorld,
  store: Store,
  run: AnyRun,
  questions: Questions,
) {
  const people = run.world.travellers as unknown as { count(match: { health: string }): number };
  const note = () => `${grouped(people.count({ health: 'ill' }))} ill`;
  const done = await advanceRun(io, run, o.ticks, o.json, note);
  if (!o.json) tellRun(io, o.store, done);
  if (done.stopped) return EXIT.stopped;
  const { columns } = await run.metrics();
  if (!o.json) tellCurve(io, columns);
  const replayed = await replayShown(
    io,
    world,
    { store, id: run.id, target: done.tick, guard: 'throw' },
    o.json,
  );
  if (replayed.stopped) return EXIT.stopped;
  if (!o.json) tellReplay(io, done, replayed);
  const tolls = await questions.hardestHit(run, HARDEST_HIT);
  if (!o.json) tellAnswer(io, tolls);
  const second = done.tick > FORK_DAY ? await forkShown(io, o, store, run, MODULE, questions) : null;
  if (second?.stopped) return EXIT.stopped;
  if (o.json) {
    const { tick, stateHash } = done;
    const facts = { id: run.id, store: placeText(o.store), tick, stateHash, peak: peakOf(columns.ill!) };
    const proof = { replayHash: replayed.stateHash, agrees: replayed.stateHash === stateHash };
    const answers = { hardestHit: tolls.map((toll) => ({ ...toll })), closed: second && { ...second.facts } };
    line(io.stdout, canonicalJson({ ...facts, ...proof, ...answers }));
  } else suggest(io, run.id, second?.facts.id ?? null, o.store, MODULE);
  return replayed.stateHash === done.stateHash ? EXIT.done : EXIT.failed;
}

/** Runs the demo. 0: both hashes agree; 1: they differ; 130: stopped by the user. */
export async function demoCommand(io: Io, o: DemoOptions): Promise<number> {
  const { world, file } = await loadWorld(moduleFile(MODULE, io.cwd));
  const { exports } = await loadModule(join(dirname(file), 'questions.ts'));
  const config = parseConfig(world.schema.spec.config, o.config);
  const became = await makeRoom(o.store, io.cwd);
  const store = await openStore(o.store, io.cwd, 'write');
  try {
    const id = await freeId(store, 'demo');
    if (!o.json) announce(io, { ...o, id, became });
    const hints = demoHints(MODULE, o.ticks);
    const run = await createRun(world, { store, seed: o.seed, id, config, hints, tickLog: o.tickLog });
    try {
      return await show(io, o, world, store, run, exports as unknown as Questions);
    } finally {
      await run.close();
    }
  } finally {
    await store.close();
  }
}
