/**
 * What the demo says and draws, part by part.
 *
 * Each function writes one part of the page to standard output and the empty line after it.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Io, line, paintFor, widthOf } from '../io.ts';
import { placeText, type StorePlace } from '../options.ts';
import { runCommandText } from '../shell.ts';
import { areaChart, bytesText, counted, grouped, textTable } from '../text.ts';
import { type Outcome, seconds } from './run.ts';

/** One line of the answer, as `examples/epidemic/questions.ts` gives it. */
export interface Toll {
  readonly code: string;
  readonly city: string;
  readonly state: string;
  readonly infections: number;
  readonly worstDay: number;
  readonly onWorstDay: number;
  readonly residents: number;
  readonly residentsIll: number;
}

/** Metrics by name, a value a day. */
export type Curves = { readonly [name: string]: Float64Array };

/** How many lines a drawn curve is high. */
export const CHART_HEIGHT = 12;

/** The largest value and the first day that has it. */
export function peakOf(curve: Float64Array): { readonly day: number; readonly ill: number } {
  const ill = curve.reduce((a, b) => Math.max(a, b), 0);
  return { day: curve.indexOf(ill), ill };
}

/** Begins a part of the page. */
export function heading(io: Io, text: string, beside = ''): void {
  const paint = paintFor(io.stdout, io.env);
  line(io.stdout, paint.strong(text) + (beside && paint.faint(`  ${beside}`)));
  line(io.stdout);
}

/** What is about to run, and where. */
export function announce(
  io: Io,
  o: {
    readonly id: string;
    readonly seed: string;
    readonly ticks: number;
    readonly store: StorePlace;
    readonly became: string;
  },
): void {
  const paint = paintFor(io.stdout, io.env);
  const { store, became } = o;
  const name = store.kind === 'sqlite' ? store.file : placeText(store);
  const place = store.kind === 'memory' ? 'kept nowhere' : `${name} (${became})`;
  line(io.stdout, paint.strong('An epidemic on the real network of US flights'));
  line(io.stdout, paint.faint(`run ${o.id} · seed ${o.seed} · ${counted(o.ticks, 'day')} · ${place}`));
  line(io.stdout);
}

/** How long the run took and how much it wrote. */
export function tellRun(io: Io, place: StorePlace, done: Outcome): void {
  const size = (suffix: string): number =>
    place.kind === 'sqlite'
      ? (statSync(resolve(io.cwd, place.file + suffix), { throwIfNoEntry: false })?.size ?? 0)
      : 0;
  const written = size('') + size('-wal');
  const log = written === 0 ? '' : `; the log is ${bytesText(written)}`;
  const ran = `${counted(done.tick - done.before, 'day')} in ${seconds(done.ms)}${log}`;
  line(io.stdout, `  ${done.stopped ? `stopped after ${ran}; what was computed is kept` : ran}`);
  line(io.stdout);
}

/** The curve of the ill, and its peak in words. */
export function tellCurve(io: Io, curves: Curves): void {
  const paint = paintFor(io.stdout, io.env);
  const ill = curves.ill!;
  heading(io, 'Travellers who are ill, by day');
  const chart = areaChart({ values: ill, firstTick: 0, width: widthOf(io.stdout) - 2, height: CHART_HEIGHT });
  for (const { axis, area } of chart) line(io.stdout, `  ${paint.faint(axis)}${paint.curve(area)}`);
  line(io.stdout);
  const peak = peakOf(ill);
  const last = ill.length - 1;
  const most = `The peak is day ${peak.day} with ${grouped(peak.ill)} ill.`;
  const [still, never] = [ill[last]!, curves.well![last]!].map(grouped);
  const end = `On day ${last}, ${still} are ill; ${never} never fell ill.`;
  line(io.stdout, `  ${most} ${end}`);
  line(io.stdout);
}

/** Both hashes, and whether they agree. */
export function tellReplay(
  io: Io,
  done: Outcome,
  again: { readonly stateHash: string; readonly ms: number },
): void {
  const paint = paintFor(io.stdout, io.env);
  heading(io, 'Is the log the world?', `folded again from its first record in ${seconds(again.ms)}`);
  line(io.stdout, `  as it ran    ${done.stateHash}`);
  line(io.stdout, `  as replayed  ${again.stateHash}`);
  const verdict =
    again.stateHash === done.stateHash
      ? paint.good(`✓ both hashes agree, and so do those of all ${counted(done.tick, 'day')} before`)
      : paint.bad('✗ the hashes differ');
  line(io.stdout, `  ${verdict}`);
  line(io.stdout);
}

/** The airports hit hardest, as a table. */
export function tellAnswer(io: Io, tolls: readonly Toll[]): void {
  heading(io, 'Which airports were hit hardest?', 'read from the infections in the log');
  const right = 'right' as const;
  const columns = [
    { title: 'airport' },
    { title: 'infected there', align: right },
    { title: 'worst day', align: right },
    { title: 'residents who fell ill', align: right },
  ];
  const rows = tolls.map((t) => [
    `${t.code}  ${t.city}, ${t.state}`,
    grouped(t.infections),
    `day ${t.worstDay}: ${grouped(t.onWorstDay)}`,
    t.residents === 0
      ? ''
      : `${Math.round((100 * t.residentsIll) / t.residents)} % of ${grouped(t.residents)}`,
  ]);
  const paint = paintFor(io.stdout, io.env);
  textTable(columns, rows).forEach((text, i) => {
    line(io.stdout, `  ${i < 2 ? paint.faint(text) : text}`);
  });
  line(io.stdout);
}

/** What to type next; `fork` is the run of the second act, where there was one. */
export function suggest(io: Io, id: string, fork: string | null, place: StorePlace, module: string): void {
  const paint = paintFor(io.stdout, io.env);
  heading(io, 'Next');
  const looks = [
    [runCommandText('show', id, place), 'what the log holds'],
    [runCommandText('replay', fork ?? id, place), 'fold it again, compare every hash'],
    ...(fork === null ? [] : [[runCommandText('tree', [], place), 'both runs, and where they part']]),
  ];
  const next = [
    ...(place.kind === 'memory' ? [] : looks),
    [`run ${module} --ticks 200 --config beta=0.02`, 'a milder illness'],
    ['--help', 'every command'],
  ];
  for (const [words, what] of next) {
    line(io.stdout, `  ${paint.faint(`# ${what}`)}`);
    line(io.stdout, `  ${io.self} ${words}`);
  }
}
