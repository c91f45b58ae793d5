/**
 * `worldfold shrink <run>`: the smallest plan that fails as a run does, as a test file.
 */
import { writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { canonicalJson } from '../../base/canonical.ts';
import type { GuardOption, Shape } from '../../index.ts';
import { literal } from '../../schema/canonical-text.ts';
import { type Shrunk, shrinkRun } from '../../testing/kit/shrink-run.ts';
import { EXIT } from '../failure.ts';
import { type Io, line, paintFor } from '../io.ts';
import { moduleFile } from '../load-world.ts';
import { type StorePlace, storeFolder } from '../options.ts';
import { worldOf } from '../run-world.ts';
import { needRun, withStore } from '../stores.ts';
import { counted } from '../text.ts';

/** What `shrink` was asked. */
export interface ShrinkCommandOptions {
  readonly run: string;
  readonly store: StorePlace;
  /** The module to take instead of the one that the run remembers. */
  readonly world?: string | undefined;
  /** The tick that failed, or the last one to play. */
  readonly at?: number | undefined;
  /** At most how many plans are tried. */
  readonly plans: number;
  readonly guard: GuardOption;
  /** Where to write the file, instead of standard output. */
  readonly out?: string | undefined;
  readonly json: boolean;
}

/** A module as a file in a folder imports it. */
function imported(folder: string, file: string): string {
  const path = relative(folder, file).replaceAll('\\', '/');
  return path.startsWith('.') ? path : `./${path}`;
}

function report(
  io: Io,
  o: ShrinkCommandOptions,
  { error, file, summary, tried, stopped }: Shrunk<Shape>,
): void {
  const paint = paintFor(io.stderr, io.env);
  const left = stopped ? '; it stopped there, raise --plans to go on' : '';
  // What was found goes beside the file, which may be piped.
  line(io.stderr, `${paint.strong(o.run)}: ${summary} (${counted(tried, 'plan')} tried${left})`);
  if (error !== null) line(io.stderr, `  ${error.message.split('\n', 1)[0]}`);
  if (o.out === undefined) io.stdout.write(file);
  else line(io.stderr, `  written to ${o.out}`);
}

/** Shrinks what a run fails with. 0: the smallest plan is told; 1: the run does not fail. */
export async function shrinkCommand(io: Io, o: ShrinkCommandOptions): Promise<number> {
  return withStore(o.store, io.cwd, 'read', async (store) => {
    const info = await needRun(store, o.run);
    const { world, hint } = await worldOf(io, store, info, o);
    const folder = o.out === undefined ? io.cwd : dirname(resolve(io.cwd, o.out));
    const module = imported(folder, moduleFile(hint, storeFolder(o.store, io.cwd)));
    const found = await shrinkRun({ store, id: info.id, world, guard: o.guard }, undefined, {
      ...(o.at !== undefined && { to: o.at }),
      maxPlans: o.plans,
      from: { world: module },
    });
    if (o.out !== undefined) writeFileSync(resolve(io.cwd, o.out), found.file);
    const { plan, error, file, tried, stopped } = found;
    if (o.json) {
      const failure = error && { code: error.code, message: error.message };
      line(
        io.stdout,
        canonicalJson({ id: info.id, plan: literal(plan), error: failure, file, tried, stopped }),
      );
    } else report(io, o, found);
    return EXIT.done;
  });
}
