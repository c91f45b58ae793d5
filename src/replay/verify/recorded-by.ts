/**
 * What computed a tick, by what its log says, and what computes now.
 */
import { readHeader } from '../../log/header.ts';
import type { WriterNote } from '../../log/record-meta.ts';
import { writerOf } from '../../simulation/code.ts';
import { frames } from '../../simulation/history.ts';
import type { AnyWorld } from '../../simulation/world.ts';
import type { Log } from '../given.ts';
import type { Computed, DivergenceCause } from './report.ts';

type Told = Omit<WriterNote, 'functions'> & Partial<WriterNote>;

const told = ({ code, engine: { node, v8, arch, platform }, functions }: Told): Computed => ({
  code,
  engine: `node ${node}, v8 ${v8}, ${arch}, ${platform}`,
  functions: functions ?? null,
});

/** What this process computes with. */
export const presentOf = (world: AnyWorld): Computed => told(writerOf(world));

/** What computed a tick: the writer that introduced itself last; the run's header where none did; or null. */
export async function recordedBy({ id, source }: Log, tick: number): Promise<Computed | null> {
  let writer: WriterNote | null = null;
  for await (const { meta } of frames(source, 0, tick)) writer = meta.writer ?? writer;
  if (writer !== null) return told(writer);
  const info = await source.store.head(id);
  return info === undefined ? null : told(readHeader(id, info.header));
}

/** Why a tick that computes the same each time is not what was recorded, as far as hints tell. */
export function causeOf(recorded: Computed | null, present: Computed): DivergenceCause {
  if (recorded === null) return 'unknown';
  if (recorded.code !== present.code) return 'changed code';
  return recorded.engine === present.engine ? 'unknown' : 'changed engine';
}

/** The places of the functions whose texts differ, those that only one side has included. */
export function changedFunctions(recorded: Computed | null, present: Computed): readonly string[] {
  const [was, is] = [recorded?.functions ?? null, present.functions];
  if (was === null || is === null) return [];
  return [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .filter((place) => was[place] !== is[place])
    .sort();
}
