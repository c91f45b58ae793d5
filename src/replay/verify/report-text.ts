/**
 * A verification as text for people: what was done, where the run diverges, why, and what to do next.
 */

import { differenceText } from '../diff-text.ts';
import { aligned, cellText, counted, grouped } from '../diff-text-layout.ts';
import type { BisectReport } from './bisect.ts';
import type { EventAt, TickDifference } from './compare-ticks.ts';
import type { Computed, DamageReport, DivergenceCause, DivergenceReport, VerifyReport } from './report.ts';

const VALUE_WIDTH = 40;
const WIDTH = 100;

/** A text in lines of at most `width` characters, broken between words. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`.trimStart();
    if (longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

const WHY: { readonly [C in DivergenceCause]: string } = {
  'not deterministic':
    'why: two computations of this tick in one process differ. Something in it depends on more than the ' +
    'world, the event and the draws: a variable that outlives the call, the order of a Set or a Map, a ' +
    'clock, chance.',
  'ambient source':
    'why: the code of the tick used a source that no log holds, so that it can not be computed again.',
  'written past':
    'why: the systems give what was recorded, and the events alone do not. A table was written past the ' +
    'write view: emit an event and write in its handler.',
  'changed code':
    'why: the functions of the world have other texts than those that recorded this tick. Verify with the ' +
    'code that recorded it.',
  'changed engine':
    'why: the same texts ran on another engine. Look for functions whose last bits or order are up to the ' +
    'engine: Math.sin, exp, pow, a locale, a sort without a tie-break.',
  unknown:
    'why: the functions have the texts that recorded this tick, and two computations of it agree. What ' +
    'they call or close over has changed, or they depend on something outside that was another then.',
};

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');

/** Who emitted, in words. */
const originText = (origin: string): string =>
  origin === 'setup' || origin === 'inputs' ? `the ${origin}` : `system '${origin}'`;

const eventText = (event: EventAt | null): string =>
  event === null ? 'no further event' : `'${event.kind}' number ${grouped(event.number)}`;

function rowText({ kind, number, row }: EventAt): string {
  const cells = Object.entries(row).map(([name, value]) => `${name} ${cellText(value, VALUE_WIDTH)}`);
  return `'${kind}' number ${grouped(number)}: ${cells.join(', ') || 'no columns'}`;
}

function valueLines({ values }: TickDifference, [a, b]: readonly [string, string]): readonly string[] {
  if (values.length === 0) return [];
  return aligned([
    ['', a, b],
    ...values.map((one) => [one.column, cellText(one.a, VALUE_WIDTH), cellText(one.b, VALUE_WIDTH)]),
  ]).map((line) => `    ${line}`);
}

/** Where a tick parts, as lines. `sides` are what the two are called. */
export function placeText(place: TickDifference, sides: readonly [string, string]): readonly string[] {
  const { what, origin, event, draws } = place;
  const by = origin === null ? '' : ` of ${originText(origin)}`;
  const lines: string[] = [];
  if (what === 'environment') lines.push('  seed, config or schema differ');
  if (what === 'pieces') lines.push(`  the events${by} are the same, and were applied in other pieces`);
  if (what === 'state') lines.push(`  the events are the same; what handlers made of those${by} differs`);
  if (what === 'draws') lines.push('  the events are the same; the draws they came from differ');
  if (event !== null && event.a !== null && event.b !== null && event.a.kind === event.b.kind)
    lines.push(`  first in an event${by}: ${eventText(event.a)}`, ...valueLines(place, sides));
  else if (event !== null)
    lines.push(
      `  first in the events${by}`,
      ...[event.a, event.b].map(
        (one, i) => `    ${sides[i]}: ${one === null ? eventText(one) : rowText(one)}`,
      ),
    );
  for (const { stream, a, b } of draws)
    lines.push(`  stream '${stream}': ${drawText(a)} ${sides[0]}, ${drawText(b)} ${sides[1]}`);
  return lines;
}

const drawText = (draws: number | null): string => (draws === null ? 'no draws' : counted(draws, 'draw'));

function computedLines({ recordedBy, recomputedBy }: DivergenceReport): readonly string[] {
  const text = ({ code, engine }: Computed): string => `code ${code}, ${engine}`;
  return [
    `  recorded by   ${recordedBy === null ? 'nobody knows what' : text(recordedBy)}`,
    `  recomputed by ${text(recomputedBy)}`,
  ];
}

function headline({ run, tick, after, found, place, tables }: DivergenceReport): string {
  const by = place?.origin ? `, ${originText(place.origin)}` : '';
  const since = found === 'fold' && tick - after > 1 ? `, or on a tick after ${grouped(after)}` : '';
  const what =
    found === 'fold' ? 'folding its events gives another world' : 'running it again gives something else';
  const where =
    tables.length > 0 ? `; after it ${quoted(tables)} ${tables.length === 1 ? 'differs' : 'differ'}` : '';
  return `run '${run}' diverges at tick ${grouped(tick)}${since}${by}: ${what}${where}`;
}

/** A divergence as lines for a terminal, without a newline at the end. */
export function divergenceText(report: DivergenceReport): string {
  const { place, sides, error, kinds, changed, difference, cause } = report;
  const lines = [headline(report)];
  if (place !== null) lines.push(...placeText(place, sides));
  if (kinds.length > 0) lines.push(`  handlers in question: ${quoted(kinds)}`);
  if (changed.length > 0) lines.push(`  functions whose texts have changed: ${changed.join(', ')}`);
  if (error !== null) lines.push(`  computing it again fails: ${error.message}`);
  lines.push(...computedLines(report));
  if (difference !== null)
    lines.push(
      ...differenceText(difference, sides)
        .split('\n')
        .map((line) => `  ${line}`),
    );
  return [...lines, ...wrapped(WHY[cause], WIDTH)].join('\n');
}

function damageText({ run, code, message, hint }: DamageReport): string {
  const lines = [`run '${run}' is damaged (${code}): ${message}`];
  return [...lines, ...(hint === null ? [] : [hint])].join('\n');
}

/** A verification as lines for a terminal, without a newline at the end. */
export function verifyText(report: VerifyReport): string {
  const { run, chained, compared, executed, older, events, verdict, mode } = report;
  const lines: string[] = [];
  if (report.damage !== null) lines.push(damageText(report.damage));
  if (report.divergence !== null) lines.push(divergenceText(report.divergence));
  if (verdict === 'aborted') lines.push(`the verification of run '${run}' was aborted`);
  if (verdict === 'verified') lines.push(`run '${run}' is verified`);
  if (chained !== null)
    lines.push(
      `  ticks ${grouped(chained.from)} to ${grouped(chained.to)}: records and their chain, ` +
        `${counted(events, 'event')}`,
    );
  if (mode !== 'chain') lines.push(`  ${counted(compared, 'state hash', 'state hashes')} compared`);
  if (mode === 'execute') lines.push(`  ${counted(executed, 'tick')} executed again`);
  if (older !== null)
    lines.push(
      `  ticks ${grouped(older.from)} to ${grouped(older.to)} belong to an older era: their records alone ` +
        'were verified; the code that recorded them can do more',
    );
  return lines.join('\n');
}

/** Where two runs part, as lines for a terminal, without a newline at the end. */
export function bisectText({ runs, heads, tick, same, place, difference }: BisectReport): string {
  const sides: readonly [string, string] = [runs.a, runs.b];
  if (tick === null) {
    const ends = heads.a === heads.b ? 'where both end' : `where ${heads.a < heads.b ? runs.a : runs.b} ends`;
    return `${runs.a} and ${runs.b} have the same records up to tick ${grouped(same)}, ${ends}`;
  }
  const by = place?.origin ? `, ${originText(place.origin)}` : '';
  const lines = [`${runs.a} and ${runs.b} part at tick ${grouped(tick)}${by}`];
  if (place !== null) lines.push(...placeText(place, sides));
  if (difference === null) lines.push('  the worlds after the tick are equal');
  else
    lines.push(
      ...differenceText(difference, sides)
        .split('\n')
        .map((line) => `  ${line}`),
    );
  return lines.join('\n');
}
