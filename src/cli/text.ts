/**
 * Text for people: numbers with separators, tables with aligned columns, a curve drawn with block characters.
 *
 * Owns shapes of text only. Colours are put on by the caller, around whole lines or cells.
 */

/** A number with thousands separated by commas: `1234567` is `1,234,567`. Fractions are kept. */
export function grouped(value: number): string {
  const [whole, fraction] = String(value).split('.');
  if (!/^-?\d+$/.test(whole!)) return String(value);
  const spaced = whole!.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? spaced : `${spaced}.${fraction}`;
}

/** `1 tick`, `2 ticks`. */
export const counted = (n: number, one: string, many = `${one}s`): string =>
  `${grouped(n)} ${n === 1 ? one : many}`;

/** A size in bytes as a person reads it: `27.4 MB` (powers of 1,000). */
export function bytesText(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return unit === 0 ? counted(bytes, 'byte') : `${value.toFixed(1)} ${units[unit]}`;
}

/** A column of a text table: its heading and where its cells stand. */
export interface TextColumn {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/**
 * Lines of a table: a heading, a rule, one line a row; no trailing spaces. Each row has a cell per column.
 */
export function textTable(
  columns: readonly TextColumn[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...rows.map((row) => [...(row[i] ?? '')].length)),
  );
  const lay = (cells: readonly string[]): string =>
    columns
      .map(({ align }, i) => {
        const cell = cells[i] ?? '';
        const gap = ' '.repeat(widths[i]! - [...cell].length);
        return align === 'right' ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd();
  return [lay(columns.map((c) => c.title)), lay(widths.map((w) => '─'.repeat(w))), ...rows.map(lay)];
}

const EIGHTHS = ' ▁▂▃▄▅▆▇█';

/** Puts `values` into `width` buckets and keeps each bucket's largest, so that a peak is never lost. */
export function squeeze(values: ArrayLike<number>, width: number): Float64Array {
  const out = new Float64Array(Math.min(width, values.length));
  for (let i = 0; i < out.length; i++) {
    const from = Math.floor((i * values.length) / out.length);
    const to = Math.max(from + 1, Math.floor(((i + 1) * values.length) / out.length));
    let top = Number.NEGATIVE_INFINITY;
    for (let j = from; j < to; j++) top = Math.max(top, values[j]!);
    out[i] = top;
  }
  return out;
}

/** A curve in one line of at most `width` characters, from its least value to its greatest. */
export function sparkline(values: ArrayLike<number>, width: number): string {
  const points = squeeze(values, width);
  const low = Math.min(...points);
  const span = Math.max(...points) - low;
  return [...points].map((v) => EIGHTHS[span === 0 ? 1 : 1 + Math.round(((v - low) / span) * 7)]).join('');
}

/** The least round number that is not below `value`, such that its half is round too: a top for an axis. */
export function niceTop(value: number): number {
  if (!(value > 0) || value === Number.POSITIVE_INFINITY) return 1;
  let unit = 1;
  while (unit * 10 <= value) unit *= 10;
  while (unit > value) unit /= 10;
  return [1, 1.2, 1.6, 2, 2.4, 3, 3.2, 4, 5, 6, 8, 10]
    .map((m) => Number((m * unit).toPrecision(2)))
    .find((top) => top >= value)!;
}

/** A drawn curve, cut where colours begin and end. */
export interface AreaLine {
  /** The label of the axis and the axis itself. */
  readonly axis: string;
  /** The filled part. */
  readonly area: string;
}

/** What to draw: values from 0 up, one a tick, the tick of the first, and how large the drawing may be. */
export interface AreaChart {
  readonly values: ArrayLike<number>;
  /** Values of the same ticks, drawn over the area as a line of dots. */
  readonly over?: ArrayLike<number>;
  readonly firstTick: number;
  readonly width: number;
  readonly height: number;
}

/** What a line over an area is drawn with. */
export const DOT = '•';

/** For each point of a line the rows that it takes, from and to: steep parts take all that they pass. */
function dotsOf(points: Float64Array, top: number, height: number): readonly (readonly [number, number])[] {
  const rows = Array.from(points, (v) => Math.max(0, height - Math.max(1, Math.ceil((v / top) * height))));
  return rows.map((row, i) => {
    const before = rows[i - 1] ?? row;
    return row < before ? [row, Math.max(row, before - 1)] : [Math.min(row, before + 1), row];
  });
}

/**
 * Draws a filled curve over ticks: `height` lines of area, each eight steps high, a line and labels under
 * it.
 */
export function areaChart({ values, over = [], firstTick, width, height }: AreaChart): readonly AreaLine[] {
  let most = 0;
  for (const all of [values, over]) for (let i = 0; i < all.length; i++) most = Math.max(most, all[i]!);
  const top = niceTop(most);
  const labels = Array.from({ length: height + 1 }, (_, r) => {
    const marked = r === 0 || r === height || (height % 2 === 0 && r === height / 2);
    return marked ? grouped((top * (height - r)) / height) : '';
  });
  const margin = Math.max(...labels.map((l) => l.length));
  const room = width - margin - 2;
  const points = squeeze(values, room);
  // Few values are drawn wide, many are squeezed: either way the curve fills the room.
  const wide = Math.max(1, Math.floor(room / Math.max(1, points.length)));
  const dots = dotsOf(squeeze(over, room), top, height);
  const lines = Array.from({ length: height }, (_, r) => {
    const below = (height - 1 - r) * 8;
    const cells = [...points].map((v, i) => {
      const dot = dots[i];
      if (dot !== undefined && dot[0] <= r && r <= dot[1]) return DOT.repeat(wide);
      const eighths = v > 0 ? Math.max(1, Math.round((v / top) * height * 8)) : 0;
      return EIGHTHS[Math.max(0, Math.min(8, eighths - below))]!.repeat(wide);
    });
    return {
      axis: `${labels[r]!.padStart(margin)} ${labels[r] ? '┤' : '│'}`,
      area: cells.join('').trimEnd(),
    };
  });
  const drawn = points.length * wide;
  return [
    ...lines,
    { axis: `${labels[height]!.padStart(margin)} └${tickMarks(drawn)}`, area: '' },
    { axis: `${' '.repeat(margin + 2)}${tickLabels(firstTick, values.length, drawn)}`, area: '' },
  ];
}

const MARKS = 4;

/** Where the labels of the horizontal axis stand: first, quarters, last. */
const markAt = (i: number, drawn: number): number => Math.round((i * (drawn - 1)) / MARKS);

function tickMarks(drawn: number): string {
  const at = new Set(Array.from({ length: MARKS + 1 }, (_, i) => markAt(i, drawn)));
  return Array.from({ length: drawn }, (_, i) => (at.has(i) ? '┴' : '─')).join('');
}

function tickLabels(first: number, count: number, drawn: number): string {
  let text = '';
  for (let i = 0; i <= MARKS; i++) {
    const label = String(first + Math.round((i * (count - 1)) / MARKS));
    const start = Math.max(0, markAt(i, drawn) - (i === MARKS ? label.length - 1 : label.length >> 1));
    if (i > 0 && start < text.length + 2) continue;
    text = text.padEnd(start) + label;
  }
  return text;
}
