/**
 * What a command may touch of the outside: two streams, the current folder, the environment, a signal to
 * stop.
 *
 * Owns the type and the plain helpers over it. Commands get it handed in, so that tests run them without a
 * process.
 */

/** A stream to write text to; a terminal says so and knows its width. */
export interface Sink extends NodeJS.WritableStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** The outside of a command. */
export interface Io {
  /** Results: what a person or a program asked for. */
  readonly stdout: Sink;
  /** Progress, remarks and errors. */
  readonly stderr: Sink;
  /** How this program was called, for commands to suggest: `npx worldfold`. */
  readonly self: string;
  readonly cwd: string;
  readonly env: { readonly [name: string]: string | undefined };
  /** Aborts when the user asks to stop (Ctrl-C). */
  readonly signal: AbortSignal;
}

/** Writes one line. */
export const line = (sink: Sink, text = ''): void => void sink.write(`${text}\n`);

/** The width to draw in: the terminal's, at most 100 columns; 80 where there is no terminal. */
export const widthOf = (sink: Sink): number => Math.max(40, Math.min(sink.columns ?? 80, 100));

/** Puts text in a colour, or leaves it as it is. */
export interface Paint {
  strong(text: string): string;
  faint(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  curve(text: string): string;
}

const style =
  (on: boolean, open: number, close: number) =>
  (text: string): string =>
    on ? `\u001b[${open}m${text}\u001b[${close}m` : text;

/** Colours for a terminal; plain text elsewhere and wherever `NO_COLOR` is set (https://no-color.org). */
export function paintFor(sink: Sink, env: Io['env']): Paint {
  const on = sink.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  return {
    strong: style(on, 1, 22),
    faint: style(on, 2, 22),
    good: style(on, 32, 39),
    bad: style(on, 31, 39),
    curve: style(on, 36, 39),
  };
}
