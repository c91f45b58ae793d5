/**
 * The demo's second act: the same epidemic from day 30 on with the two busiest airports closed.
 *
 * Both runs share the log of the first 30 days, and every draw of a traveller whom the closure does not
 * touch: what differs is what the closure did.
 */
import { type DiffReport, diff, differenceText, type Store } from '../../index.ts';
import type { AnyRun } from '../engine.ts';
import { type Io, line, paintFor, widthOf } from '../io.ts';
import { freeId } from '../stores.ts';
import { areaChart, DOT, grouped, textTable } from '../text.ts';
import type { DemoOptions } from './demo.ts';
import { demoHints } from './demo-file.ts';
import { CHART_HEIGHT, type Curves, heading, peakOf } from './demo-text.ts';
import { advanceRun, type Outcome, seconds } from './run.ts';

/** An airport in words. */
interface Airport {
  readonly code: string;
  readonly city: string;
  readonly state: string;
}

/** What the second act uses of `examples/epidemic/questions.ts`. */
export interface Closures {
  closeBusiest(
    world: object,
    most: number,
  ): { readonly airports: readonly Airport[]; readonly inputs: never };
}

/** The day whose world the second act begins with. */
export const FORK_DAY = 30;
const CLOSED = 2;
const SHOWN_ROWS = 4;

/** What the second act came to. */
export interface SecondAct {
  readonly stopped: boolean;
  readonly facts: {
    readonly id: string;
    readonly at: number;
    readonly airports: readonly string[];
    readonly tick: number;
    readonly stateHash: string;
    readonly peak: { readonly day: number; readonly ill: number };
    /** The first day that differs. */
    readonly parts: number | null;
  };
}

const right = 'right' as const;

/** A change with its sign: `+1,234`, `−56`. */
const signed = (n: number): string => (n === 0 ? '0' : `${n < 0 ? '−' : '+'}${grouped(Math.abs(n))}`);

/** A change in percent; of a handful it would mislead. */
const percent = (before: number, after: number): string =>
  before < 100 ? '' : ` (${signed(Math.round((100 * (after - before)) / before))} %)`;

/** Both curves in one drawing. */
function tellCurves(io: Io, before: Curves, after: Curves): void {
  const paint = paintFor(io.stdout, io.env);
  const chart = areaChart({
    values: after.ill!,
    over: before.ill!,
    firstTick: 0,
    width: widthOf(io.stdout) - 2,
    height: CHART_HEIGHT,
  });
  line(
    io.stdout,
    `  travellers who are ill: ${paint.strong(DOT)} as it was, ${paint.curve('█')} with both closed`,
  );
  line(io.stdout);
  const painted = (area: string): string =>
    area.replace(/•+|[^•]+/gu, (part) => (part.startsWith(DOT) ? paint.strong(part) : paint.curve(part)));
  for (const { axis, area } of chart) line(io.stdout, `  ${paint.faint(axis)}${painted(area)}`);
  line(io.stdout);
}

/** What the closure changed, in numbers. */
function tellChange(io: Io, before: Curves, after: Curves): void {
  const paint = paintFor(io.stdout, io.env);
  const last = before.ill!.length - 1;
  const [was, is] = [peakOf(before.ill!), peakOf(after.ill!)];
  const never = [before.well![last]!, after.well![last]!] as const;
  const still = [before.ill![last]!, after.ill![last]!] as const;
  const days = is.day - was.day;
  const later =
    days === 0 ? 'the same day' : `${grouped(Math.abs(days))} days ${days > 0 ? 'later' : 'earlier'}`;
  const counts = (title: string, [a, b]: readonly [number, number]): readonly string[] => [
    title,
    grouped(a),
    grouped(b),
    `${signed(b - a)}${percent(a, b)}`,
  ];
  const rows = [
    ['day of the peak', `day ${was.day}`, `day ${is.day}`, later],
    counts('ill on that day', [was.ill, is.ill]),
    counts(`ill on day ${last}`, still),
    counts('never fell ill', never),
  ];
  const columns = [
    { title: '' },
    { title: 'as it was', align: right },
    { title: 'both closed', align: right },
    { title: 'change', align: right },
  ];
  textTable(columns, rows).forEach((text, i) => {
    line(io.stdout, `  ${i < 2 ? paint.faint(text) : text}`);
  });
  line(io.stdout);
}

/** The first day on which the two differ, and in what. */
function tellParting(io: Io, { tick, difference }: DiffReport, names: readonly [string, string]): void {
  heading(io, `Where do the two part? On day ${tick}:`, 'found by the hashes in both logs');
  for (const text of differenceText(difference, names).split('\n')) line(io.stdout, `  ${text}`);
  line(io.stdout);
}

function tellFork(io: Io, fork: AnyRun, airports: readonly Airport[], done: Outcome): void {
  const places = airports.map(({ code, city, state }) => `${code} ${city}, ${state}`).join(' and ');
  line(io.stdout, `  ${places} close; the first ${FORK_DAY} days are shared.`);
  const ran = `day ${FORK_DAY + 1} to ${done.tick} in ${seconds(done.ms)}, kept as ${fork.id}`;
  line(io.stdout, `  ${done.stopped ? `stopped: ${ran}` : ran}`);
  line(io.stdout);
}

/** Forks, advances, draws and compares. */
export async function forkShown(
  io: Io,
  o: DemoOptions,
  store: Store,
  run: AnyRun,
  module: string,
  questions: Closures,
): Promise<SecondAct> {
  const { airports, inputs } = questions.closeBusiest(await run.at(FORK_DAY), CLOSED);
  const codes = airports.map(({ code }) => code);
  const id = await freeId(store, `${run.id}-closed`);
  const because = `${codes.join(' and ')} closed`;
  const hints = demoHints(module, run.tick);
  if (!o.json) heading(io, `What if the two busiest airports close after day ${FORK_DAY}?`);
  const fork = await run.fork({ at: FORK_DAY, inputs, because, id, hints });
  try {
    const done = await advanceRun(io, fork, run.tick - FORK_DAY, o.json);
    if (!o.json) tellFork(io, fork, airports, done);
    const [before, after] = [(await run.metrics()).columns, (await fork.metrics()).columns];
    const report = await diff(run, fork, { limit: SHOWN_ROWS });
    if (!o.json && !done.stopped) {
      tellCurves(io, before, after);
      tellChange(io, before, after);
      if (report.tick !== null) tellParting(io, report, [run.id, fork.id]);
    }
    const { tick, stateHash } = done;
    const peak = peakOf(after.ill!);
    const facts = { id, at: FORK_DAY, airports: codes, tick, stateHash, peak, parts: report.tick };
    return { stopped: done.stopped, facts };
  } finally {
    await fork.close();
  }
}
