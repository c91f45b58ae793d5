/**
 * Folding a world anew from a log: at an opening, after a failed tick, for a look at the past.
 *
 * What is folded is compared with the last state hash that was recorded on the way: a world that differs from
 * what the log says of it is never shown and never continued.
 */
import type { Engine } from './engine.ts';
import { frames, type LogSource } from './history.ts';

/**
 * Folds ticks 0 to `to` into an engine, from nothing. `REPLAY_DIFFERS`; until it is done the world stays
 * hidden.
 */
export async function foldInto(engine: Engine, source: LogSource, to: number): Promise<void> {
  engine.hide();
  const hashed = await lastHashed(source, to);
  engine.clear();
  for await (const frame of frames(source, 0, to)) {
    engine.fold(frame);
    if (frame.tick === hashed) engine.compare(frame);
  }
  engine.reveal();
}

/**
 * The last tick up to `to` that recorded a state hash. Runs hash every tick or every few, so it is looked for
 * backwards.
 */
async function lastHashed(source: LogSource, to: number): Promise<number> {
  for (let span = 1; ; span *= 2) {
    const from = Math.max(0, to - span + 1);
    let found = -1;
    for await (const { tick, stateHash } of frames(source, from, to)) if (stateHash !== null) found = tick;
    if (found >= 0 || from === 0) return found;
  }
}
