/**
 * `worldfold snapshot <run> --out FILE`: the world of a run at a tick, as a file.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { canonicalJson } from '../../base/canonical.ts';
import { type GuardOption, readWorld } from '../../index.ts';
import { EXIT } from '../failure.ts';
import { type Io, line, paintFor } from '../io.ts';
import type { StorePlace } from '../options.ts';
import { nameText, worldOf } from '../run-world.ts';
import { needRun, withStore } from '../stores.ts';
import { bytesText, counted } from '../text.ts';

/** What `snapshot` was asked. */
export interface SnapshotOptions {
  readonly run: string;
  readonly store: StorePlace;
  readonly world?: string | undefined;
  readonly guard: GuardOption;
  /** The durable head where left out. */
  readonly at?: number | undefined;
  readonly out: string;
  readonly compress: boolean;
  readonly json: boolean;
}

/** Writes a snapshot file: columns, or `.npz` for numpy where the name ends so. */
export async function snapshotCommand(io: Io, o: SnapshotOptions): Promise<number> {
  return withStore(o.store, io.cwd, 'read', async (store) => {
    const info = await needRun(store, o.run);
    const { world: definition } = await worldOf(io, store, info, o);
    const { saveSnapshot } = await import('../../files/index.ts');
    const where = { store, id: info.id, guard: o.guard, ...(o.at !== undefined && { tick: o.at }) };
    const { id, tick, world, seed, config, stateHash } = await readWorld(definition, where);
    const path = resolve(io.cwd, o.out);
    await saveSnapshot(world, path, { tick, seed, config, compress: o.compress, hints: { run: id } });
    const { size } = statSync(path);
    if (o.json) {
      line(io.stdout, canonicalJson({ id, tick, stateHash, out: o.out, bytes: size }));
      return EXIT.done;
    }
    const paint = paintFor(io.stdout, io.env);
    const tables = counted(Object.keys(world).length, 'table');
    line(
      io.stdout,
      `${paint.strong(o.out)}: the world of ${nameText(id, tick)}, ${tables}, ${bytesText(size)}`,
    );
    line(io.stdout, `  state hash  ${paint.good(stateHash)}`);
    return EXIT.done;
  });
}
