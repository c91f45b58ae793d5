/**
 * `worldfold replay <run>`: folds the log from its first record and compares the hash of every tick.
 */
import { existsSync } from 'node:fs';
import { canonicalJson } from '../../base/canonical.ts';
import { fail, isWorldfoldError } from '../../base/errors.ts';
import { steadyClock } from '../../base/platform.ts';
import { type RunInfo, replay } from '../../index.ts';
import type { AnyWorld } from '../engine.ts';
import { EXIT } from '../failure.ts';
import { headerOf } from '../header.ts';
import { type Io, line, paintFor } from '../io.ts';
import { loadWorld, moduleFile } from '../load-world.ts';
import { type StorePlace, storeFolder } from '../options.ts';
import { startProgress } from '../progress.ts';
import { needRun, withStore } from '../stores.ts';
import { counted, grouped } from '../text.ts';
import { seconds } from './run.ts';

/** What `replay` was asked. */
export interface ReplayOptions {
  readonly run: string;
  readonly store: StorePlace;
  /** The module to take instead of the one that the run remembers. */
  readonly world?: string | undefined;
  readonly json: boolean;
}

/** The world to fold with: the one named, or the one that the run remembers. Neither there: `BAD_USAGE`. */
async function worldOf(info: RunInfo, o: ReplayOptions, io: Io): Promise<AnyWorld> {
  if (o.world !== undefined) return (await loadWorld(moduleFile(o.world, io.cwd))).world;
  const remembered = headerOf(info).hints.module;
  const hint = 'Name it: worldfold replay RUN --world path/to/world.ts';
  if (remembered === undefined)
    return fail(
      'BAD_USAGE',
      `the run '${info.id}' does not remember its world module`,
      { run: info.id },
      hint,
    );
  const file = moduleFile(remembered, storeFolder(o.store, io.cwd));
  if (!existsSync(file))
    fail(
      'BAD_USAGE',
      `the world module of '${info.id}' is not at ${file} any more`,
      { run: info.id, file },
      hint,
    );
  return (await loadWorld(file)).world;
}

/** Replays a run. 0: every hash agrees; 1: one differs, or the log is damaged. */
export async function replayCommand(io: Io, o: ReplayOptions): Promise<number> {
  return withStore(o.store, io.cwd, 'read', async (store) => {
    const info = await needRun(store, o.run);
    const world = await worldOf(info, o, io);
    const progress = startProgress(io, `replay ${info.id}`, 0, info.segment.head.tick, o.json);
    const began = steadyClock();
    try {
      const onProgress = ({ tick }: { readonly tick: number }) => progress.update(tick);
      const done = await replay(world, { store, id: info.id, onProgress, signal: io.signal });
      progress.stop();
      if (o.json) {
        const { tick, stateHash, recordedHash, agrees, events } = done;
        line(io.stdout, canonicalJson({ id: info.id, tick, stateHash, recordedHash, agrees, events }));
      } else {
        const paint = paintFor(io.stdout, io.env);
        const work = `${counted(done.tick, 'tick')}, ${counted(done.events, 'event')} in ${seconds(steadyClock() - began)}`;
        line(io.stdout, `${paint.strong(info.id)}: folded ${work}; the state hash agrees at every tick`);
        line(io.stdout, `  state hash at tick ${grouped(done.tick)}  ${paint.good(done.stateHash)}`);
      }
      return done.agrees ? EXIT.done : EXIT.failed;
    } catch (e) {
      if (o.json && isWorldfoldError(e, 'REPLAY_DIFFERS'))
        line(io.stdout, canonicalJson({ id: info.id, agrees: false, tick: e.facts.tick ?? null }));
      throw e;
    } finally {
      progress.stop();
    }
  });
}
