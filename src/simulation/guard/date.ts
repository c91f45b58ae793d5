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
const DAY = /(?!-000000)([+-]\d\d)?\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?/.source;
const TIME = /(([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?|24:00(:00(\.0{1,9})?)?)/.source;
const ZONE = /(Z|[+-]([01]\d|2[0-3]):[0-5]\d)/.source;
/** What is out of range is left to the engine: V8 reads `-000000` by other rules, in the machine's zone. */
const FIXED = new RegExp(`^${DAY}(T${TIME}${ZONE})?$`);

/** Whether a text is the same moment on every machine. */
const isFixed = (text: string): boolean => FIXED.test(text);

const { getTime } = Date.prototype;

function isDate(given: unknown): boolean {
  try {
    getTime.call(given);
    return true;
  } catch {
    return false;
  }
}

/** What a date is made from where it is given an object: asked once, as the object may answer otherwise. */
function primitive(given: unknown): unknown {
  if ((typeof given !== 'object' && typeof given !== 'function') || given === null || isDate(given))
    return given;
  const object = given as { readonly [name: string | symbol]: unknown };
  const own = object[Symbol.toPrimitive];
  if (own !== undefined && own !== null) return Reflect.apply(own as () => unknown, object, ['default']);
  for (const method of [object.valueOf, object.toString]) {
    const value = typeof method === 'function' ? Reflect.apply(method, object, []) : object;
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return value;
  }
  return given;
}

/** Meets what a date is made from, and gives what to make it from. */
function meetMade(given: readonly unknown[]): readonly unknown[] {
  if (given.length === 0) meet(DATE_SOURCES.now);
  if (given.length > 1) meet(DATE_SOURCES.parts);
  if (given.length !== 1) return given;
  const value = primitive(given[0]);
  if (typeof value === 'string' && !isFixed(value)) meet(DATE_SOURCES.text);
  return [value];
}

/** The constructor, with what depends on the machine met inside a tick. */
export function guardedDate(original: DateConstructor): DateConstructor {
  const made: DateConstructor = new Proxy(original, {
    apply: (target, self, given) => {
      if (ambient.running !== null) meet(DATE_SOURCES.call);
      return Reflect.apply(target, self, given);
    },
    construct: (target, given, as) => {
      const from = ambient.running === null ? given : meetMade(given);
      return Reflect.construct(target, from, as === made ? target : as);
    },
  });
  return made;
}

/** `Date.parse`, with texts that depend on the machine met inside a tick. */
export const guardedParse = (original: DateConstructor['parse']): DateConstructor['parse'] =>
  ({
    parse(text: string): number {
      if (ambient.running === null) return original(text);
      const given = `${text}`;
      if (!isFixed(given)) meet(DATE_SOURCES.parse);
      return original(given);
    },
  }).parse;
