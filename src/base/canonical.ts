/**
 * Canonical JSON: one text for one value.
 *
 * Keys in order of UTF-16 code units, numbers in the ECMAScript form (RFC 8785, with −0 written as 0), no
 * white space, strings by the text rule. What JSON would change silently (undefined in arrays, names on
 * arrays, dates, class instances, non-finite numbers, big integers, cycles) is refused with the path to it. A
 * property that is undefined is left out.
 */
import { fail } from './errors.ts';
import { byCodeUnits, textFlaw } from './text.ts';

const MAX_DEPTH = 200;

const PATH = 80;

/** A path that a person can read: one of a deep or cyclic value is cut in the middle. */
const readable = (path: string): string =>
  path.length <= PATH ? path : `${path.slice(0, PATH / 2)}…${path.slice(1 - PATH / 2)}`.toWellFormed();

function refuse(path: string, why: string): never {
  const at = readable(path);
  return fail('BAD_VALUE', `${at} cannot be stored as JSON: ${why}`, { path: at, why });
}

/** Whether an object holds nothing but its own properties; objects of other realms count. */
function plain(value: object): boolean {
  const proto = Object.getPrototypeOf(value);
  if (proto === null || proto === Object.prototype) return true;
  return Object.getPrototypeOf(proto) === null && Object.hasOwn(proto, 'isPrototypeOf');
}

function encodeText(text: string, path: string): string {
  const flaw = textFlaw(text);
  return flaw === null ? JSON.stringify(text) : refuse(path, flaw);
}

function encodeObject(value: object, path: string, depth: number): string {
  if (!plain(value))
    return refuse(path, `it is a ${value.constructor?.name ?? 'class instance'}, no plain object`);
  const parts: string[] = [];
  for (const key of Object.keys(value).sort(byCodeUnits)) {
    const inner = (value as Record<string, unknown>)[key];
    if (inner !== undefined)
      parts.push(`${encodeText(key, path)}:${encode(inner, `${path}.${key}`, depth + 1)}`);
  }
  return `{${parts.join(',')}}`;
}

function encodeArray(value: readonly unknown[], path: string, depth: number): string {
  if (Object.keys(value).length > value.length) return refuse(path, 'it is an array with named properties');
  return `[${Array.from(value, (inner, i) => encode(inner, `${path}[${i}]`, depth + 1)).join(',')}]`;
}

function encode(value: unknown, path: string, depth: number): string {
  if (depth > MAX_DEPTH)
    return refuse(path, `it is nested deeper than ${MAX_DEPTH} levels, or refers to itself`);
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return encodeText(value, path);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'number':
      return Number.isFinite(value) ? JSON.stringify(value) : refuse(path, `${value} has no JSON form`);
    case 'object':
      return Array.isArray(value) ? encodeArray(value, path, depth) : encodeObject(value, path, depth);
    case 'undefined':
      return refuse(path, 'undefined has no JSON form');
    default:
      return refuse(path, `a ${typeof value} has no JSON form`);
  }
}

/**
 * The canonical text of a value. `name` heads the path in errors.
 * Throws `BAD_VALUE` with the path of what has no JSON form.
 */
export const canonicalJson = (value: unknown, name = 'value'): string => encode(value, name, 0);

/**
 * The value of a canonical text. `__proto__` comes back as an ordinary own key. Throws `CORRUPT` on text that
 * is no JSON; that a text is the canonical one is for the hash around it to say.
 */
export function parseCanonical(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    return fail('CORRUPT', 'stored JSON does not parse', { text: text.slice(0, 80) }, undefined, cause);
  }
}

/**
 * At most 60 characters. A cut may fall inside a surrogate pair, and messages are stored: they must stay
 * text.
 */
const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}…` : text).toWellFormed();

/** What a thrown value says, whatever it is. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : typeof thrown === 'string' ? thrown : show(thrown);

/** A value as a short piece of a message: strings quoted, long ones cut, nothing thrown. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${short(value)}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value);
  try {
    return short(JSON.stringify(value));
  } catch {
    return Object.prototype.toString.call(value);
  }
}
