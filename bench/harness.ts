/**
 * Measures ratios: what is compared runs turn and turn about in one process, so that a slow minute of the
 * machine slows all of it, and each figure stands beside the baseline that it is a multiple of.
 *
 * Owns the rounds, the medians and the table. What is measured, and what belongs inside the timer, is said by
 * each comparison. A harness that runs one task to its end before the next would be less code here, but the
 * drift of the machine between them would be part of the ratio.
 */

/** One of the things compared. `P` is what `prepare` makes. */
export interface Contestant<P = unknown> {
  readonly name: string;
  /** Makes what one run needs, outside the timer; a contestant with it is timed one run at a time. */
  readonly prepare?: () => P | Promise<P>;
  /** What is timed. What it returns is kept, so that the work can't be optimised away. */
  readonly run: (prepared: P) => unknown;
  /** Clears up after one run, outside the timer. */
  readonly dispose?: (prepared: P) => unknown;
}

/** What a ratio should be: of speeds, of times, or an absolute number of operations a second. */
export type Aim =
  | { readonly speedAtLeast: number }
  | { readonly timeAtMost: number }
  | { readonly perSecondAtLeast: number };

/** A contestant that is measured against the baseline. */
export interface Candidate<P = unknown> extends Contestant<P> {
  readonly aim?: Aim;
}

/** A baseline, what is held against it, and how the figures read. */
export interface Comparison {
  readonly name: string;
  /** Log mode, hash cadence, and what is inside the timer: a figure without it means nothing. */
  readonly conditions: string;
  /** What one operation is: `events`, `ticks`, `MB`. */
  readonly unit: string;
  readonly opsPerRun: number;
  // Each contestant prepares a type of its own, which it alone sees.
  readonly baseline: Contestant<any>;
  readonly candidates: readonly Candidate<any>[];
}

/** How long to measure. Times are in milliseconds of `clock`. */
export interface Effort {
  /** Rounds of one turn for everybody; the figures are medians over them. Default 15. */
  readonly rounds?: number;
  /** Each contestant runs for as long before the first round. Default 150. */
  readonly warmUpMs?: number;
  /** A turn repeats a run that needs no preparation until it lasts about as long. Default 20. */
  readonly turnMs?: number;
  readonly clock?: () => number;
}

/** One line of the table. */
export interface Row {
  readonly what: string;
  readonly conditions: string;
  readonly unit: string;
  readonly candidate: string;
  readonly baseline: string;
  /** Operations a second: medians. */
  readonly measured: number;
  readonly baselineMeasured: number;
  /** How many times the baseline's speed: the median over the rounds of the ratio within each. */
  readonly speed: number;
  /** The quartiles of that ratio: a wide pair says that the machine was not quiet. */
  readonly quartiles: readonly [number, number];
  readonly aim?: Aim;
  /** Whether the aim is reached; null where there is none. */
  readonly ok: boolean | null;
}

interface Racer {
  readonly contestant: Contestant;
  readonly repeats: number;
  /** Operations a second, one figure a round. */
  readonly speeds: number[];
}

const sink: { value: unknown } = { value: undefined };

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof (value as { then?: unknown } | null | undefined)?.then === 'function';

/** The value below which the given share of the sorted numbers lies, interpolated. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)] ?? Number.NaN, sorted[Math.ceil(at)] ?? Number.NaN];
  return low + (high - low) * (at - Math.floor(at));
}

/** Times one turn, and returns the milliseconds of all its runs together. */
async function turn({ prepare, run, dispose }: Contestant, repeats: number, clock: () => number) {
  const prepared = await prepare?.();
  (globalThis as { gc?: () => void }).gc?.();
  const from = clock();
  for (let i = 0; i < repeats; i++) {
    const result = run(prepared);
    sink.value = isPromise(result) ? await result : result;
  }
  const spent = clock() - from;
  await dispose?.(prepared);
  return spent;
}

/** Runs a contestant until it is warm, and finds how many runs make a turn. */
async function warm(contestant: Contestant, effort: Required<Effort>): Promise<Racer> {
  let [spent, runs] = [0, 0];
  while (spent < effort.warmUpMs || runs < 2) {
    const batch = contestant.prepare || spent === 0 ? 1 : Math.ceil((effort.turnMs * runs) / spent);
    spent += await turn(contestant, batch, effort.clock);
    runs += batch;
  }
  const repeats = contestant.prepare ? 1 : Math.max(1, Math.round((effort.turnMs * runs) / spent));
  return { contestant, repeats, speeds: [] };
}

function isReached(aim: Aim | undefined, measured: number, speed: number): boolean | null {
  if (!aim) return null;
  if ('speedAtLeast' in aim) return speed >= aim.speedAtLeast;
  if ('timeAtMost' in aim) return 1 / speed <= aim.timeAtMost;
  return measured >= aim.perSecondAtLeast;
}

function rowOf(comparison: Comparison, base: Racer, racer: Racer, aim: Aim | undefined): Row {
  const ratios = racer.speeds.map((speed, round) => speed / base.speeds[round]!);
  const [measured, speed] = [quantile(racer.speeds, 0.5), quantile(ratios, 0.5)];
  return {
    what: comparison.name,
    conditions: comparison.conditions,
    unit: comparison.unit,
    candidate: racer.contestant.name,
    baseline: base.contestant.name,
    measured,
    baselineMeasured: quantile(base.speeds, 0.5),
    speed,
    quartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    ...(aim && { aim }),
    ok: isReached(aim, measured, speed),
  };
}

/** Runs baseline and candidates in turn, round after round, and returns a row for each candidate. */
export async function compare(comparison: Comparison, effort: Effort = {}): Promise<readonly Row[]> {
  const full = { rounds: 15, warmUpMs: 150, turnMs: 20, clock: () => performance.now(), ...effort };
  const base = await warm(comparison.baseline, full);
  const rivals: Racer[] = [];
  for (const candidate of comparison.candidates) rivals.push(await warm(candidate, full));
  for (let round = 0; round < full.rounds; round++)
    for (const { contestant, repeats, speeds } of [base, ...rivals]) {
      const ms = await turn(contestant, repeats, full.clock);
      speeds.push((comparison.opsPerRun * repeats * 1000) / ms);
    }
  return rivals.map((racer, i) => rowOf(comparison, base, racer, comparison.candidates[i]?.aim));
}

/** A number of operations a second, with three digits and a letter for its size. */
function rate(perSecond: number, unit: string): string {
  const [size, letter] =
    perSecond >= 1e9 ? [1e9, 'G'] : perSecond >= 1e6 ? [1e6, 'M'] : perSecond >= 1e3 ? [1e3, 'k'] : [1, ''];
  return `${Number((perSecond / size).toPrecision(3))}${letter} ${unit}/s`;
}

const times = (ratio: number): string => `${Number(ratio.toPrecision(3))}×`;

function aimText(aim: Aim | undefined, unit: string): string {
  if (!aim) return '–';
  if ('speedAtLeast' in aim) return `≥ ${times(aim.speedAtLeast)}`;
  if ('timeAtMost' in aim) return `≤ ${times(aim.timeAtMost)} the time`;
  return `≥ ${rate(aim.perSecondAtLeast, unit)}`;
}

function cells(row: Row): string[] {
  const isTime = row.aim !== undefined && 'timeAtMost' in row.aim;
  return [
    `${row.what}: ${row.candidate}`,
    rate(row.measured, row.unit),
    `${row.baseline} ${rate(row.baselineMeasured, row.unit)}`,
    isTime ? `${times(1 / row.speed)} the time` : times(row.speed),
    aimText(row.aim, row.unit),
    row.ok === null ? '' : row.ok ? 'yes' : 'NO',
  ];
}

/** The rows as an aligned text table, followed by the conditions of each comparison. */
export function table(rows: readonly Row[]): string {
  const all = [['what', 'measured', 'baseline', 'ratio', 'aim', 'ok?'], ...rows.map(cells)];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((line) => line[column]!.length)));
  const lines = all.map((line) =>
    line
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join(' | ')
      .trimEnd(),
  );
  const conditions = new Map(rows.map((row) => [row.what, row.conditions]));
  const rule = widths.map((width) => '-'.repeat(width)).join('-|-');
  const notes = [...conditions].map(([what, text]) => `${what}: ${text}`);
  return [lines[0], rule, ...lines.slice(1), '', ...notes].join('\n');
}

/** Prints the rows: as one JSON array when the arguments hold `--json`, else as a table. */
export function report(rows: readonly Row[], args: readonly string[] = process.argv.slice(2)): void {
  console.log(args.includes('--json') ? JSON.stringify(rows, null, 2) : table(rows));
}
