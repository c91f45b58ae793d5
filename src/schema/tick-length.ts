/**
 * What a tick stands for: `1 day`, `1/30 s`, `1 turn`.
 */
import { fail } from '../base/errors.ts';

/** A tick's length as a fraction of seconds; `unit` alone where it is none of time. */
export interface TickLength {
  readonly text: string;
  readonly unit: string;
  /** Seconds a tick as numerator and denominator, or null where the unit is no time (`turn`). */
  readonly seconds: readonly [number, number] | null;
}

const UNITS: { readonly [unit: string]: readonly [number, number] } = {
  ms: [1, 1000],
  millisecond: [1, 1000],
  s: [1, 1],
  second: [1, 1],
  min: [60, 1],
  minute: [60, 1],
  h: [3600, 1],
  hour: [3600, 1],
  day: [86400, 1],
  week: [604800, 1],
};

/** Reads the declared length of a tick. */
export function tickLength(text: string): TickLength {
  const match = /^(\d+)(?:\/(\d+))? ([A-Za-z]+)$/.exec(text);
  if (match === null || Number(match[1]) === 0 || Number(match[2] ?? 1) === 0)
    return fail(
      'BAD_SCHEMA',
      `'${text}' is no length of a tick`,
      { tick: text },
      "Write it as '1 day', '1/30 s' or '1 turn'.",
    );
  const word = match[3]!;
  const name = Object.hasOwn(UNITS, word) ? word : word.replace(/s$/, '');
  const unit = Object.hasOwn(UNITS, name) ? UNITS[name] : undefined;
  if (unit === undefined) return { text, unit: word, seconds: null };
  return { text, unit: word, seconds: [Number(match[1]) * unit[0], Number(match[2] ?? 1) * unit[1]] };
}

/** Seconds from tick 0 to a tick. Where a tick is no time: `BAD_USAGE`. */
export function secondsAt(length: TickLength, tick: number): number {
  if (length.seconds === null)
    return fail(
      'BAD_USAGE',
      `a ${length.unit} has no length in seconds`,
      { tick: length.text },
      'Use now.tick.',
    );
  return (tick * length.seconds[0]) / length.seconds[1];
}
