/**
 * `worldfold copy <run> --from PLACE --to PLACE`: a run, or its whole fork tree, into another store.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { type CopyReport, copyRun } from '../../index.ts';
import { EXIT } from '../failure.ts';
import { type Io, line, paintFor } from '../io.ts';
import { placeText, type StorePlace } from '../options.ts';
import { type Progress, startProgress } from '../progress.ts';
import { needRun, withStore } from '../stores.ts';
import { bytesText, counted, grouped } from '../text.ts';

/** What `copy` was asked. */
export interface CopyCommandOptions {
  readonly run: string;
  readonly from: StorePlace;
  readonly to: StorePlace;
  /** Copies every run of the fork tree. */
  readonly tree: boolean;
  readonly snapshots: 'all' | 'pinned';
  readonly json: boolean;
}

/** Copies with a bar, which begins when it is known how much there is to copy. */
async function copied(io: Io, o: CopyCommandOptions): Promise<CopyReport> {
  const { run, tree, snapshots } = o;
  let progress: Progress | null = null;
  return withStore(o.from, io.cwd, 'read', async (from) => {
    // Before the other store is opened: a mistyped id must not leave an empty one behind.
    await needRun(from, run);
    try {
      return await withStore(o.to, io.cwd, 'write', (to) =>
        copyRun(from, to, run, {
          ...{ tree, snapshots, signal: io.signal },
          onProgress: ({ records, target }) => {
            progress ??= startProgress(io, 'copy', 0, target, o.json);
            progress.update(records);
          },
        }),
      );
    } finally {
      (progress as Progress | null)?.stop();
    }
  });
}

function snapshotsText({ copied: made, present, damaged }: CopyReport['snapshots']): string {
  const others = [
    ...(present > 0 ? [`${grouped(present)} there already`] : []),
    ...(damaged > 0 ? [`${grouped(damaged)} damaged and left out`] : []),
  ];
  return `${counted(made, 'snapshot')}${others.length > 0 ? ` (${others.join(', ')})` : ''}`;
}

function report(io: Io, found: CopyReport, o: CopyCommandOptions): void {
  const { complete, runs, records, bytes, snapshots } = found;
  const paint = paintFor(io.stdout, io.env);
  const place = placeText(o.to);
  const names = runs.map(({ id, tick, whole }) => (whole ? id : `${id} up to tick ${grouped(tick)}`));
  const shown = names.length > 5 ? [...names.slice(0, 4), `${names.length - 4} more`] : names;
  const what = `${counted(records, 'record')}, ${bytesText(bytes)}, ${snapshotsText(snapshots)}`;
  if (complete) line(io.stdout, paint.good(`✓ ${place} has ${shown.join(', ')}`));
  else line(io.stdout, paint.strong(`stopped: ${place} has a part; the same command goes on from there`));
  line(io.stdout, `  copied ${what}`);
}

/** Copies a run. 0: the target has it; 130: stopped. */
export async function copyCommand(io: Io, o: CopyCommandOptions): Promise<number> {
  const found = await copied(io, o);
  if (o.json) line(io.stdout, canonicalJson({ ...found, runs: found.runs.map((run) => ({ ...run })) }));
  else report(io, found, o);
  return found.complete ? EXIT.done : EXIT.stopped;
}
