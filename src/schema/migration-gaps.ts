/**
 * What a migration leaves open, and the text of the steps that would close it.
 *
 * A gap is a place where data would be lost or made up without anyone having said so. The skeleton names each
 * of them; where a function is needed it says `todo`, which no compiler takes until someone has written it.
 */
import { byCodeUnits } from '../base/text.ts';
import type { StepPart } from './migration.ts';

/** Where a migration says nothing though it must. */
export type Gap =
  /** A whole set is not there any more. */
  | { readonly gap: 'set'; readonly part: StepPart; readonly set: string; readonly maybe: string | null }
  /** A column is not there any more; `maybe` is a new one of the same type. */
  | GapIn<'drop'>
  /** A column has another type, which does not hold every old value. */
  | GapIn<'change'>
  /** A new column has neither a default nor a zero. */
  | GapIn<'add'>
  /** A tick stands for another length of time. */
  | { readonly gap: 'tick'; readonly what: string };

/** A gap in one set; `set` is its new name, `column` the new name, or the old one of what is gone. */
export interface GapIn<G extends 'drop' | 'change' | 'add'> {
  readonly gap: G;
  readonly part: StepPart | 'config';
  readonly set: string;
  readonly column: string;
  /** The type, or old and new type. */
  readonly what: string;
  readonly maybe: string | null;
}
type ColumnGap = GapIn<'drop' | 'change' | 'add'>;

const NOUNS: { readonly [part in StepPart | 'config']: string } = {
  tables: 'table',
  events: 'event',
  inputs: 'input',
  config: 'config',
};

function placeOf({ part, set, column }: ColumnGap): string {
  if (part === 'config') return `config ${column}`;
  return `${set}.${column}${part === 'tables' ? '' : ` (${NOUNS[part]})`}`;
}

/** A gap in a line. */
export function gapLine(gap: Gap): string {
  switch (gap.gap) {
    case 'set':
      return `- ${NOUNS[gap.part]} ${gap.set}`;
    case 'tick':
      return `~ tick: ${gap.what}`;
    case 'drop':
      return `- ${gap.part === 'config' ? '' : 'column '}${placeOf(gap)}: ${gap.what}`;
    case 'change':
      return `~ ${placeOf(gap)}: ${gap.what}`;
    case 'add':
      return `+ ${gap.part === 'config' ? '' : 'column '}${placeOf(gap)}: ${gap.what}, without a default`;
  }
}

/** Lines of an object literal, one level deeper. */
const inside = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);
const object = (head: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`${head}: {`, ...inside(lines), '},'];
const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');

function columnLines(gaps: readonly ColumnGap[]): string[] {
  const of = (kind: Gap['gap']): readonly ColumnGap[] => gaps.filter(({ gap }) => gap === kind);
  const drops = of('drop');
  const guesses = drops.filter(({ maybe }) => maybe !== null);
  return [
    ...guesses.map(({ column, maybe }) => `// Was it renamed? rename: { ${maybe}: '${column}' }`),
    ...(drops.length === 0 ? [] : [`drop: [${quoted(drops.map(({ column }) => column))}],`]),
    ...object(
      'change',
      of('change').map(({ column, what }) => `${column}: (old, row) => todo, // ${what}`),
    ),
    ...object(
      'add',
      of('add').map(({ column, what }) => `${column}: (row) => todo, // ${what}`),
    ),
  ];
}

function partLines(part: StepPart, drop: string, gaps: readonly Gap[]): string[] {
  const columns = gaps.filter((gap): gap is ColumnGap => 'column' in gap && gap.part === part);
  const sets = [...new Set(columns.map(({ set }) => set))].sort(byCodeUnits);
  const gone = gaps.flatMap((gap) => (gap.gap === 'set' && gap.part === part ? [gap] : []));
  return [
    ...object(
      part,
      sets.flatMap((set) => object(set, columnLines(columns.filter((gap) => gap.set === set)))),
    ),
    ...gone
      .filter(({ maybe }) => maybe !== null)
      .map(({ set, maybe }) => `// Was it renamed? ${part}: { ${maybe}: { from: '${set}' } }`),
    ...(gone.length === 0 ? [] : [`${drop}: [${quoted(gone.map(({ set }) => set))}],`]),
  ];
}

/** The text of a step that closes gaps, as a piece of the argument of `defineSchema`. */
export function skeletonOf(gaps: readonly Gap[], version: number): string {
  const config = gaps.filter((gap): gap is ColumnGap => 'column' in gap && gap.part === 'config');
  const lines = [
    ...partLines('tables', 'dropTables', gaps),
    ...partLines('events', 'dropEvents', gaps),
    ...partLines('inputs', 'dropInputs', gaps),
    ...object('config', columnLines(config)),
    ...gaps.flatMap((gap) => (gap.gap === 'tick' ? [`tick: 'changed', // ${gap.what}`] : [])),
  ];
  const step = lines.length === 0 ? [`${version}: {},`] : object(String(version), lines);
  return ['migrations: {', ...inside(step), '},'].join('\n');
}
