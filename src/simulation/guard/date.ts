/**
 * `Date`, which is harmless or not by what it is given.
 *
 * A date that is made from a number of milliseconds is a value like any other, and its UTC methods are
 * functions of it. Without arguments it reads the clock; from years and months, and from most texts, it
 * depends on the time zone of the machine.
 */
import { type AmbientSource, ambient, meet } from '../../base/ambient.ts';

/** The ways of making a date that are refused, by what errors call them. */
export const DATE_SOURCES: { readonly [use in 'call' | 'now' | 'parts' | 'text' | 'parse']: AmbientSource } =
  {
    call: { name: 'Date()', group: 'clock' },
    now: { name: 'new Date()', group: 'clock' },
    parts: { name: 'new Date(year, month, …)', group: 'locale' },
    text: { name: 'new Date(text)', group: 'locale' },
    parse: { name: 'Date.parse', group: 'locale' },
  };

/** The forms of ISO 8601 that ECMAScript fixes and that name their own zone: days, times with `Z` or ±. */
const FIXED = /^([+-]\d{2})?\d{4}(-\d\d(-\d\d)?)?(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;

/** Whether a text is the same moment on every machine. */
const isFixed = (text: string): boolean => FIXED.test(text);

function meetMade(given: readonly unknown[]): void {
  if (given.length === 0) meet(DATE_SOURCES.now);
  else if (given.length > 1) meet(DATE_SOURCES.parts);
  else if (typeof given[0] === 'string' && !isFixed(given[0])) meet(DATE_SOURCES.text);
}

/** The constructor, with what depends on the machine met inside a tick. */
export function guardedDate(original: DateConstructor): DateConstructor {
  const made: DateConstructor = new Proxy(original, {
    apply: (target, self, given) => {
      if (ambient.running !== null) meet(DATE_SOURCES.call);
      return Reflect.apply(target, self, given);
    },
    construct: (target, given, as) => {
      if (ambient.running !== null) meetMade(given);
      return Reflect.construct(target, given, as === made ? target : as);
    },
  });
  return made;
}

/** `Date.parse`, with texts that depend on the machine met inside a tick. */
export const guardedParse = (original: DateConstructor['parse']): DateConstructor['parse'] =>
  ({
    parse(text: string): number {
      if (ambient.running !== null && !isFixed(String(text))) meet(DATE_SOURCES.parse);
      return original(text);
    },
  }).parse;
