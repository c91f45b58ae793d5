/**
 * Reads a run's header: what the store says about a run beside its log. An index, which holds no truth.
 */
import type { RunInfo } from '../index.ts';

/** What commands use of a header; a part that is not there reads as an empty text. */
export interface Header {
  readonly world: string;
  readonly seed: string;
  readonly createdAt: string;
  readonly schemaFingerprint: string;
  readonly engine: { readonly [part: string]: string };
  readonly hints: { readonly [name: string]: string | undefined };
}

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parsed(text: string): { readonly [key: string]: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : isObject(value) ? textOf(value.name) : '';

const textsOf = (value: unknown): { readonly [name: string]: string } =>
  isObject(value)
    ? Object.fromEntries(Object.entries(value).filter((e): e is [string, string] => typeof e[1] === 'string'))
    : {};

/** The header of a run. Never throws: a header that is damaged must not hide the log. */
export function headerOf(info: RunInfo): Header {
  const header = parsed(info.header);
  return {
    world: textOf(header.world),
    seed: textOf(header.seed),
    createdAt:
      typeof header.createdAt === 'number'
        ? new Date(header.createdAt).toISOString()
        : textOf(header.createdAt),
    schemaFingerprint: textOf(header.schemaFingerprint),
    engine: textsOf(header.engine),
    hints: textsOf(header.hints),
  };
}
