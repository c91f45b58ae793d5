/**
 * Recorded ticks computed again, and the engines to do it with.
 */
import { parseChange } from '../../log/environment.ts';
import { encodeRecord, type RecordFrame, type TickContent } from '../../log/record.ts';
import type { LogRecord } from '../../log/store.ts';
import type { Engine } from '../../simulation/engine.ts';
import { recordedInputs } from '../../simulation/later.ts';
import { eventsUnder } from '../../simulation/past.ts';
import { crossEra } from '../../simulation/restore.ts';
import { newEngine } from '../../simulation/run-options.ts';
import { engineAt, type Log } from '../given.ts';

const NO_META = { time: 0, metricNames: null, metrics: [] };

/** A tick that was computed again. */
export interface Executed {
  readonly content: TickContent;
  /** What would have been recorded, but for metadata. */
  readonly record: LogRecord;
}

/**
 * Runs the systems of a recorded tick again, in the world before it, with the inputs that it recorded. The
 * engine is not yet on that tick: see `advanceTo`. What it computed is good until its next tick.
 */
export function executeTick(
  engine: Engine,
  frame: RecordFrame,
  afterWave: ((origin: string) => void) | null = null,
): Executed {
  const { world } = engine;
  const { compiled } = world.schema;
  const hasInputs = frame.waves.some(({ origin }) => origin === 'inputs');
  const inputs = hasInputs ? recordedInputs(compiled, eventsUnder(world, compiled.text, frame)) : [];
  const given = inputs.map(({ input }) => input);
  const content = engine.reexecute(frame, given, afterWave);
  return { content, record: encodeRecord(content, NO_META) };
}

/** What a recorded tick holds, decoded under the present schema. */
export function recordedSide(engine: Engine, frame: RecordFrame): TickContent {
  const { batches } = eventsUnder(engine.world, engine.world.schema.compiled.text, frame);
  return { ...frame, batches };
}

/**
 * An engine with the world that a recorded tick began with: of the tick before it, or of the era that begins
 * with it. `NO_STATE`.
 */
export async function engineBefore(log: Log, frame: RecordFrame, paranoid = false): Promise<Engine> {
  const isEra = frame.environment !== null && parseChange(frame.environment).era !== undefined;
  if (frame.tick === 0 || isEra) {
    const engine = newEngine(log.world, { guard: log.guard, paranoid });
    await crossEra(engine, log.source, frame);
    return engine;
  }
  return engineAt(log, frame.tick - 1, paranoid);
}
