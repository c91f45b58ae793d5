/**
 * The world that folds a stored run, and runs as they are named: `RUN`, or `RUN@TICK`.
 */
import { existsSync } from 'node:fs';
import { fail } from '../base/errors.ts';
import type { Store } from '../index.ts';
import type { RunInfo } from '../log/store.ts';
import type { AnyWorld } from './engine.ts';
import { headerOf } from './header.ts';
import type { Io } from './io.ts';
import { loadWorld, moduleFile, moduleHint } from './load-world.ts';
import { type StorePlace, storeFolder } from './options.ts';
import { needRun } from './stores.ts';

/** Where the world of a run is to be looked for. */
export interface WorldPlace {
  readonly store: StorePlace;
  /** The module to take instead of the one that the run remembers. */
  readonly world?: string | undefined;
}

/** A world, and how a run remembers its module. */
export interface RunWorld {
  readonly world: AnyWorld;
  readonly hint: string;
  /** The module, as an absolute path. */
  readonly file: string;
}

/** The module that a run remembers; a fork that remembers none has that of the run it was made from. */
async function remembered(store: Store, info: RunInfo): Promise<string | undefined> {
  const seen = new Set<string>();
  for (let at: RunInfo | undefined = info; at !== undefined && !seen.has(at.id); ) {
    seen.add(at.id);
    const { hints, fork } = headerOf(at);
    if (hints.module !== undefined) return hints.module;
    at = fork === undefined ? undefined : await store.head(fork.run);
  }
  return undefined;
}

/** The module to load, and how a run remembers it. */
async function moduleOf(io: Io, store: Store, info: RunInfo, o: WorldPlace) {
  const folder = storeFolder(o.store, io.cwd);
  if (o.world !== undefined) {
    const file = moduleFile(o.world, io.cwd);
    return { file, hint: moduleHint(o.world, file, folder) };
  }
  const hint = await remembered(store, info);
  const advice = 'Name it: add --world path/to/world.ts';
  const run = info.id;
  if (hint === undefined)
    return fail('BAD_USAGE', `the run '${run}' does not remember its world module`, { run }, advice);
  const file = moduleFile(hint, folder);
  if (!existsSync(file))
    fail('BAD_USAGE', `the world module of '${run}' is not at ${file} any more`, { run, file }, advice);
  return { file, hint };
}

/** The world to fold a run with: the one named, or the one that the run remembers. Neither: `BAD_USAGE`. */
export async function worldOf(io: Io, store: Store, info: RunInfo, o: WorldPlace): Promise<RunWorld> {
  const { file, hint } = await moduleOf(io, store, info, o);
  return { world: (await loadWorld(file)).world, hint, file };
}

/** The worlds of two runs: one and the same where one module folds both. */
export async function worldsOf(
  io: Io,
  store: Store,
  [a, b]: readonly [RunInfo, RunInfo],
  o: WorldPlace,
): Promise<readonly [AnyWorld, AnyWorld]> {
  const files = [await moduleOf(io, store, a, o), await moduleOf(io, store, b, o)] as const;
  const { world } = await loadWorld(files[0].file);
  return [world, files[0].file === files[1].file ? world : (await loadWorld(files[1].file)).world];
}

/** A run, or the world that it had after a tick. */
export interface Named {
  readonly info: RunInfo;
  /** The tick that was named. */
  readonly tick?: number;
}

/** Finds `RUN` or `RUN@TICK`. An id may hold an @ of its own: a run of that whole name comes first. */
export async function needNamed(store: Store, word: string): Promise<Named> {
  const whole = await store.head(word);
  if (whole !== undefined) return { info: whole };
  const [, id, tick] = /^(.+)@(\d+)$/s.exec(word) ?? [];
  if (id === undefined) return { info: await needRun(store, word) };
  return { info: await needRun(store, id), tick: Number(tick) };
}

/** A run, or a moment of it, as it is named. */
export const nameText = (id: string, tick?: number | null): string => (tick == null ? id : `${id}@${tick}`);
