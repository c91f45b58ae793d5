/**
 * `worldfold verify <run>`: the log held against its chain, its fold and its systems.
 */
import { canonicalJson } from '../../base/canonical.ts';
import {
  type GuardOption,
  type Store,
  type VerifyMode,
  type VerifyReport,
  verify,
  verifyJson,
  verifyText,
} from '../../index.ts';
import type { RunInfo } from '../../log/store.ts';
import { EXIT } from '../failure.ts';
import { type Io, line, paintFor } from '../io.ts';
import type { StorePlace } from '../options.ts';
import { startProgress } from '../progress.ts';
import { worldOf } from '../run-world.ts';
import { needRun, withStore } from '../stores.ts';

/** What `verify` was asked. */
export interface VerifyCommandOptions {
  readonly run: string;
  readonly store: StorePlace;
  readonly world?: string | undefined;
  readonly guard: GuardOption;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly mode: VerifyMode;
  /** At most how many rows of each table are listed. */
  readonly limit: number;
  /** How many threads share the ticks. */
  readonly workers: number;
  readonly json: boolean;
}

async function verifyShown(
  io: Io,
  store: Store,
  info: RunInfo,
  o: VerifyCommandOptions,
): Promise<VerifyReport> {
  const { world, file } = await worldOf(io, store, info, o);
  const { id } = info;
  const { mode, limit, workers, from = 0, to = info.segment.head.tick } = o;
  const asked = { mode, limit, from, to };
  const progress = startProgress(io, 'verify', from, to, o.json);
  try {
    // What one process alone may have open is not shared by threads either.
    const isShared = o.store.kind === 'sqlite' || o.store.kind === 'postgres';
    if (workers > 1 && from < to && to <= info.segment.head.tick && isShared) {
      const { verifyOver } = await import('../verify-workers.ts');
      const task = { file, place: o.store, cwd: io.cwd, id, guard: o.guard, asked };
      return await verifyOver(workers, task, io.signal, (done) => progress.update(from + done - 1));
    }
    const onProgress = ({ tick }: { readonly tick: number }) => progress.update(tick);
    return await verify({ store, id, world, guard: o.guard }, { ...asked, onProgress, signal: io.signal });
  } finally {
    progress.stop();
  }
}

function report(io: Io, found: VerifyReport): void {
  const paint = paintFor(io.stdout, io.env);
  const [first, ...rest] = verifyText(found).split('\n');
  const isGood = found.verdict === 'verified';
  line(io.stdout, isGood ? paint.good(`✓ ${first}`) : paint.strong(first!));
  for (const one of rest) line(io.stdout, one);
}

/** Verifies a run. 0: all agrees; 1: it diverges or is damaged; 130: stopped. */
export async function verifyCommand(io: Io, o: VerifyCommandOptions): Promise<number> {
  return withStore(o.store, io.cwd, 'read', async (store) => {
    const found = await verifyShown(io, store, await needRun(store, o.run), o);
    if (o.json) line(io.stdout, canonicalJson(verifyJson(found)));
    else report(io, found);
    if (found.verdict === 'aborted') return EXIT.stopped;
    return found.verdict === 'verified' ? EXIT.done : EXIT.failed;
  });
}
