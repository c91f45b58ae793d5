/**
 * What a failed command says and which code it ends with.
 *
 * One clear line, one line with a hint, never a stack trace unless asked for; where code and log differ, the
 * difference and what to write, as they are. Exit codes: 0 done, 1 the check failed, 2 wrong usage, 130
 * stopped by Ctrl-C.
 */
import { CommanderError } from 'commander';
import { type ErrorCode, isWorldfoldError, UnsupportedError } from '../base/errors.ts';
import { type Io, line, paintFor } from './io.ts';
import { masked } from './secrets.ts';

/** The exit codes of the command line. */
export const EXIT = { done: 0, failed: 1, usage: 2, stopped: 130 } as const;

/** Refusals that say: what was asked for is not there, or was asked wrongly. All others are failed checks. */
const USAGE: ReadonlySet<ErrorCode> = new Set([
  'BAD_INPUT',
  'BAD_SCHEMA',
  'BAD_USAGE',
  'BAD_VALUE',
  'EXISTS',
  'MISSING_DEPENDENCY',
  'NEWER_FORMAT',
  'NO_PROJECTION',
  'NO_STORE',
  'NO_TICK',
  'RUN_IN_USE',
  'SCHEMA_DIFFERS',
  'UNKNOWN_RUN',
] satisfies ErrorCode[]);

/** Refusals whose message and hint hold lines to be read as lines. */
const IN_LINES: ReadonlySet<ErrorCode> = new Set(['CODE_CHANGED', 'SCHEMA_DIFFERS'] satisfies ErrorCode[]);

/** What went wrong: of a world that can't be rebuilt, why. */
function codeOf(error: unknown): ErrorCode | null {
  if (!isWorldfoldError(error)) return null;
  return error.code === 'NO_STATE' && isWorldfoldError(error.cause) ? error.cause.code : error.code;
}

const isOneOf = (error: unknown, codes: ReadonlySet<ErrorCode>): boolean => {
  const code = codeOf(error);
  return code !== null && codes.has(code);
};

/** The code that a command which threw `error` ends with. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  // A store was named that can't do what was asked.
  if (error instanceof UnsupportedError) return EXIT.usage;
  return isOneOf(error, USAGE) ? EXIT.usage : EXIT.failed;
}

const oneLine = (text: string): string => text.trim().replace(/\s*\n\s*/g, ' · ');
const inLines = (text: string): string => text.trimEnd().replaceAll('\n', '\n  ');

/** What a failure knows beside its message, as lines under it. */
function details(error: unknown): readonly string[] {
  if (!isWorldfoldError(error, 'CODE_CHANGED')) return [];
  const { expected, actual } = error.facts;
  if (typeof expected !== 'string' || typeof actual !== 'string') return [];
  return [`  recorded  ${expected}`, `  folded    ${actual}`];
}

function explain(error: unknown): { message: string; hint: string } {
  if (error instanceof CommanderError)
    return {
      message: error.message.replace(/^error: /, ''),
      hint: 'worldfold --help lists commands and options.',
    };
  if (isWorldfoldError(error)) {
    const cause = error.cause instanceof Error && !error.message.includes(error.cause.message);
    const because = cause ? `: ${(error.cause as Error).message}` : '';
    return {
      message: `${error.message}${because}`,
      hint: error.hint ?? 'Run the command again with --debug to see where it happened.',
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { message, hint: 'Run the command again with --debug to see where it happened.' };
}

/** Says what went wrong on standard error, and with `debug` also where. */
export function reportFailure(io: Io, error: unknown, debug: boolean): void {
  const paint = paintFor(io.stderr, io.env);
  const { message, hint } = explain(error);
  const shown = isOneOf(error, IN_LINES) ? inLines : oneLine;
  // Whatever a message repeats of an address, its password is not printed.
  const say = (text: string): void => line(io.stderr, masked(text));
  say(`${paint.bad('worldfold:')} ${shown(message)}`);
  for (const detail of details(error)) say(detail);
  say(`${paint.strong('hint:')} ${shown(hint)}`);
  if (!debug) return;
  for (let e: unknown = error; e instanceof Error; e = e.cause) {
    if (isWorldfoldError(e)) say(`code: ${e.code}`);
    say(e.stack ?? e.message);
  }
}
