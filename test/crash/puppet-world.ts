/** What a puppet lives on and the words that are exchanged with it; see puppet.ts. */
import { createRun, memoryStore, type RunPolicy } from '../../src/index.ts';
import { hashesOf } from '../support/runs.ts';
import { herd } from './herd.ts';

/** The world of a puppet. */
export const world = herd({ animals: 40, fields: 100 });
/** How it writes it. */
export const policy: RunPolicy = {
  commit: { ticks: 2 },
  snapshots: { every: 5, keep: 3 },
  clocks: { wall: () => 0 },
};

/** What a puppet is told. */
export type Order =
  | { readonly do: 'open'; readonly id: string; readonly leaseMs?: number; readonly takeover?: boolean }
  /** Advances and flushes. */
  | { readonly do: 'advance'; readonly ticks: number }
  /** Advances tick by tick until it is refused, and says each; then says the refusal. */
  | { readonly do: 'run' }
  /** Stops itself while a transaction of its holds the segment. */
  | { readonly do: 'stop inside' }
  | { readonly do: 'close' };

/** What a puppet answers. */
export type Said =
  | readonly [what: 'done' | 'at', tick: number, durableTick: number]
  | readonly [what: 'refused', code: string, facts: Record<string, unknown>]
  | readonly [what: 'stopping' | 'ready'];

/** The hashes of the records of a run that nothing happened to. */
export async function twinHashes(id: string, ticks: number): Promise<string[]> {
  const store = memoryStore();
  const run = await createRun(world, { ...policy, store, id, seed: id });
  await run.advance(ticks);
  await run.close();
  return hashesOf(store, id);
}
