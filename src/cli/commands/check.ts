/**
 * `worldfold check <run>`: the invariants of a world, new ones among them, over a log.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { type CheckReport, check, type GuardOption, type Violation } from '../../index.ts';
import { literal } from '../../schema/canonical-text.ts';
import { EXIT } from '../failure.ts';
import { type Io, line, paintFor } from '../io.ts';
import type { StorePlace } from '../options.ts';
import { startProgress } from '../progress.ts';
import { worldOf } from '../run-world.ts';
import { needRun, withStore } from '../stores.ts';
import { counted, grouped } from '../text.ts';
import { valueText } from '../values.ts';

/** What `check` was asked. */
export interface CheckCommandOptions {
  readonly run: string;
  readonly store: StorePlace;
  /** The module to take instead of the one that the run remembers. */
  readonly world?: string | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly every: number;
  /** At most how many violations are told. */
  readonly limit: number;
  readonly guard: GuardOption;
  readonly json: boolean;
}

const SHOWN_ROWS = 5;

/** Rows as JSON holds them: columns by name, values as the log writes them. */
function rowJson(row: unknown): unknown {
  if (typeof row !== 'object' || row === null || Array.isArray(row) || ArrayBuffer.isView(row))
    return literal(row);
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, literal(value)]));
}

function tellViolation(io: Io, { tick, invariant, rows }: Violation): void {
  const count = rows.length === 0 ? '' : `, ${counted(rows.length, 'row')}`;
  line(io.stdout, `tick ${grouped(tick)}: '${invariant}' does not hold${count}`);
  for (const row of rows.slice(0, SHOWN_ROWS)) line(io.stdout, `  ${valueText(row)}`);
  if (rows.length > SHOWN_ROWS) line(io.stdout, `  … ${grouped(rows.length - SHOWN_ROWS)} more`);
}

function report(io: Io, { id, from, to, checked, invariants, violations, truncated }: CheckReport): void {
  const paint = paintFor(io.stdout, io.env);
  for (const violation of violations) tellViolation(io, violation);
  if (truncated) line(io.stdout, '… more: raise --limit to see them');
  const what = `${counted(invariants.length, 'invariant')} at ${counted(checked, 'tick')}`;
  const where = `from ${grouped(from)} to ${grouped(to)}`;
  const verdict =
    violations.length === 0
      ? paint.good(`✓ ${id} holds ${what} ${where}`)
      : paint.bad(`✗ ${id}: ${counted(violations.length, 'violation')} of ${what} ${where}`);
  line(io.stdout, verdict);
}

/** Checks a run. 0: every invariant holds; 1: one does not; 130: stopped. */
export async function checkCommand(io: Io, o: CheckCommandOptions): Promise<number> {
  return withStore(o.store, io.cwd, 'read', async (store) => {
    const info = await needRun(store, o.run);
    const { world } = await worldOf(io, store, info, o);
    const target = o.to ?? info.segment.head.tick;
    const progress = startProgress(io, 'check', o.from ?? 0, target, o.json);
    let found: CheckReport;
    try {
      found = await check(world, {
        ...{ store, id: info.id, every: o.every, limit: o.limit, guard: o.guard, signal: io.signal },
        ...(o.from !== undefined && { from: o.from }),
        ...(o.to !== undefined && { to: o.to }),
        onProgress: ({ tick }) => progress.update(tick),
      });
    } finally {
      progress.stop();
    }
    const stopped = io.signal.aborted && found.to < target;
    if (o.json) {
      const violations = found.violations.map((one) => ({ ...one, rows: one.rows.map(rowJson) }));
      line(io.stdout, canonicalJson({ ...found, violations, holds: violations.length === 0, stopped }));
    } else report(io, found);
    if (found.violations.length > 0) return EXIT.failed;
    return stopped ? EXIT.stopped : EXIT.done;
  });
}
