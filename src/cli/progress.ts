/**
 * Shows how far a run or a replay is: a bar on a terminal, four quiet lines elsewhere, nothing for programs.
 *
 * Writes to standard error only, so that results can be piped.
 */
import cliProgress from 'cli-progress';
import { type Io, line, paintFor } from './io.ts';
import { counted, grouped } from './text.ts';

/** Something that is told how far the work is. */
export interface Progress {
  /** `note` is a word about the moment: `12,345 ill`. */
  update(tick: number, note?: string): void;
  /** Clears the bar. Must be called whatever happened. */
  stop(): void;
}

const SILENT: Progress = { update() {}, stop() {} };

function bar(io: Io, label: string, from: number, to: number): Progress {
  const paint = paintFor(io.stderr, io.env);
  const single = new cliProgress.SingleBar({
    stream: io.stderr,
    format: `  ${label}  ${paint.curve('{bar}')}  {percentage}%  tick {tick}  {note}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 32,
    fps: 12,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
    linewrap: false,
  });
  single.start(to - from, 0, { tick: `${grouped(from)} of ${grouped(to)}`, note: '' });
  return {
    update: (tick, note = '') =>
      single.update(tick - from, { tick: `${grouped(tick)} of ${grouped(to)}`, note }),
    stop: () => single.stop(),
  };
}

function quiet(io: Io, label: string, from: number, to: number): Progress {
  const step = Math.max(1, Math.ceil((to - from) / 4));
  let next = from + step;
  return {
    update(tick, note = '') {
      if (tick < next || tick >= to) return;
      line(io.stderr, `${label}: ${grouped(tick)} of ${counted(to, 'tick')}${note && `, ${note}`}`);
      while (next <= tick) next += step;
    },
    stop() {},
  };
}

/**
 * Progress for `label` over the ticks `from` to `to`; silent for programs and where there is nothing to do.
 */
export function startProgress(io: Io, label: string, from: number, to: number, silent: boolean): Progress {
  if (silent || to <= from) return SILENT;
  return io.stderr.isTTY === true ? bar(io, label, from, to) : quiet(io, label, from, to);
}
