/**
 * Functions written for one layout at run time.
 *
 * A loop over columns that serves every layout sees every kind of typed array and is several times slower
 * than code that names its arrays. Where the host forbids code from text (a strict content security policy),
 * `generate` returns null and the caller takes its general path; tests force that path with
 * `allowGeneration(false)`.
 */
import { outside } from './ambient.ts';
import { assert } from './errors.ts';

let allowed: boolean | null = null;

type Factory = (...values: unknown[]) => unknown;

/** Factories by their text: sets of one layout share one, and what the engine learns about it. */
const factories = new Map<string, Factory>();

function probe(): boolean {
  try {
    return new Function('return true')() === true;
  } catch {
    return false;
  }
}

/** Allows or forbids generated code; null asks the host again. */
export function allowGeneration(allow: boolean | null): void {
  allowed = allow;
}

/**
 * Evaluates `body` as the body of a function of the named values and returns what it returns, or null where
 * code from text is forbidden. Names from users must come in through {@link quote}.
 */
export function generate<T>(values: { readonly [name: string]: unknown }, body: string): T | null {
  allowed ??= outside(probe);
  if (!allowed) return null;
  const names = Object.keys(values).join(',');
  const text = `${names}\n${body}`;
  let factory = factories.get(text);
  if (factory === undefined) {
    // Some platforms look at their settings when code is made from text.
    factory = outside(() => new Function(names, `'use strict';\n${body}`) as Factory);
    factories.set(text, factory);
  }
  const made = factory(...Object.values(values));
  assert(made !== undefined, 'generated code returned nothing');
  return made as T;
}

/** A JavaScript string literal of the text. */
export const quote = (text: string): string =>
  `"${text.replace(/[^A-Za-z0-9_$ ]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`;
