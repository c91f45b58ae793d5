/**
 * The plan that a log, or a failed tick kept beside it, was played by.
 */
import { parseCanonical } from '../../base/canonical.ts';
import { fail } from '../../base/errors.ts';
import { parseChange } from '../../log/environment.ts';
import { leafOf } from '../../log/lineage.ts';
import type { RecordFrame } from '../../log/record.ts';
import { hasAttempts } from '../../log/store.ts';
import type { Log } from '../../replay/given.ts';
import { unliteral } from '../../schema/canonical-text.ts';
import { frames } from '../../simulation/history.ts';
import { recordedInputs } from '../../simulation/later.ts';
import { eventsUnder, pastOf } from '../../simulation/past.ts';
import { type AnyChange, type AnyInput, type AnyPlan, planOf } from './plan.ts';

/** Without the ids that a row creates: they are handed out anew. */
const plainRow = (row: object): object =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));

/** Reads a log from its first record on. */
class Reader {
  readonly inputs: AnyInput[] = [];
  readonly changes: AnyChange[] = [];
  seed = '';
  config: object = {};
  private readonly log: Log;
  private schema = '';

  constructor(log: Log) {
    this.log = log;
  }

  read(frame: RecordFrame): void {
    const { world } = this.log;
    if (frame.environment !== null) this.note(frame.tick, frame.environment);
    const events = eventsUnder(world, this.schema, frame);
    for (const { input } of recordedInputs(world.schema.compiled, events))
      this.inputs.push([frame.tick, input.kind, plainRow(input.row)]);
  }

  private note(tick: number, text: string): void {
    const { schema, seed, config } = parseChange(text);
    this.schema = schema ?? this.schema;
    const change = {
      ...(seed !== undefined && { seed }),
      ...(config !== undefined && { config: this.configOf(config) }),
    };
    if (tick > 0 && Object.keys(change).length > 0) this.changes.push([tick, change]);
    else if (tick === 0) Object.assign(this, change);
  }

  private configOf(text: string): object {
    const { world } = this.log;
    const config = unliteral(parseCanonical(text)) as object;
    const isPresent = this.schema === world.schema.compiled.text;
    return isPresent ? config : pastOf(world, this.schema).config(config);
  }
}

/** The plan of a log up to a tick. A log without a tick after its setup is taken as one of one tick. */
export async function recordedPlan(log: Log, to: number): Promise<AnyPlan> {
  const reader = new Reader(log);
  for await (const frame of frames(log.source, 0, to)) reader.read(frame);
  const { seed, config, inputs, changes } = reader;
  return planOf({ seed, config, ticks: Math.max(to, 1), inputs, changes });
}

/** A failed tick as it was kept. */
export interface KeptAttempt {
  readonly tick: number;
  readonly message: string;
  readonly inputs: readonly AnyInput[];
}

/** The failed ticks that are kept beside a log, oldest first. */
export async function keptAttempts({ source }: Log): Promise<readonly KeptAttempt[]> {
  const { store, path } = source;
  if (!hasAttempts(store)) return [];
  return (await store.attempts(leafOf(path))).map(({ tick, text }) => {
    const { error, inputs } = parseCanonical(text) as {
      readonly error: { readonly message: string };
      readonly inputs: readonly { readonly kind: string; readonly row: unknown }[];
    };
    const rows = inputs.map(({ kind, row }): AnyInput => [tick, kind, unliteral(row) as object]);
    return { tick, message: error.message, inputs: rows };
  });
}

/** The plan of a failed tick: that of the log before it, and the inputs that it had. */
export async function attemptedPlan(log: Log, attempt: KeptAttempt): Promise<AnyPlan> {
  const { tick, inputs } = attempt;
  if (tick > log.tick + 1)
    fail('NO_TICK', `run '${log.id}' ends at tick ${log.tick}, before the failed tick ${tick}`, { tick });
  const before = await recordedPlan(log, tick - 1);
  const earlier = before.inputs.filter((input) => input[0] < tick);
  return { ...before, ticks: tick, inputs: [...earlier, ...inputs] };
}
