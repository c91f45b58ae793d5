/**
 * `worldfold rm <run>`: removes a run, and whatever no other run needs then.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { fail, isWorldfoldError } from '../../base/errors.ts';
import { type Removed, removeRun, type Store } from '../../index.ts';
import { EXIT } from '../failure.ts';
import { type Io, line, paintFor } from '../io.ts';
import type { StorePlace } from '../options.ts';
import { needRun, withStore } from '../stores.ts';
import { counted, grouped } from '../text.ts';

/** What `rm` was asked. */
export interface RmOptions {
  readonly run: string;
  readonly store: StorePlace;
  /** Removes a run that another process is writing. */
  readonly force: boolean;
  readonly json: boolean;
}

async function removed(store: Store, { run, force }: RmOptions): Promise<Removed> {
  try {
    return await removeRun(store, run, { force });
  } catch (e) {
    if (!isWorldfoldError(e, 'RUN_IN_USE')) throw e;
    const hint = 'Stop its writer, wait, or add --force: the writer can then commit no more.';
    return fail(e.code, e.message, e.facts, hint, e);
  }
}

/** Names in a sentence: `a`, `a and b`, `a, b and 3 more`. */
function namesText(names: readonly string[]): string {
  const most = 3;
  if (names.length > most)
    return `${names.slice(0, most - 1).join(', ')} and ${names.length - most + 1} more`;
  return names.join(', ').replace(/, ([^,]*)$/, ' and $1');
}

function report(io: Io, { id, records, deleted, kept }: Removed): void {
  const paint = paintFor(io.stdout, io.env);
  line(io.stdout, `${paint.strong(id)}: removed`);
  const things = counted(deleted, 'thing');
  line(io.stdout, `  deleted  ${counted(records, 'record')} (${things} of the store in all)`);
  if (kept === null) return;
  const { from, to, for: names } = kept;
  const ticks = from === to ? `tick ${grouped(from)}` : `ticks ${grouped(from)} to ${grouped(to)}`;
  line(io.stdout, `  kept     ${ticks}, which ${namesText(names)} ${names.length === 1 ? 'needs' : 'need'}`);
}

/** Removes a run without asking, and says what is gone and what stays for its forks. */
export async function rmCommand(io: Io, o: RmOptions): Promise<number> {
  return withStore(o.store, io.cwd, 'change', async (store) => {
    await needRun(store, o.run);
    const { id, records, deleted, kept } = await removed(store, o);
    if (o.json) line(io.stdout, canonicalJson({ id, records, deleted, kept: kept && { ...kept } }));
    else report(io, { id, records, deleted, kept });
    return EXIT.done;
  });
}
