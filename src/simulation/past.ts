/**
 * Records and snapshots of another schema version, read as those of the present one.
 */
import { hex } from '../base/bytes.ts';
import { fail } from '../base/errors.ts';
import { sha256 } from '../base/platform.ts';
import { utf8 } from '../base/text.ts';
import type { Batch, Wave } from '../columns/waves.ts';
import { decodeBatches, freshSets, type RecordFrame } from '../log/record.ts';
import type { WorldState } from '../projections/world-state.ts';
import type { AnyWorld } from './world.ts';

/** The events of a record, decoded. */
export interface RecordedEvents {
  readonly waves: readonly Wave[];
  readonly batches: readonly Batch[];
}

/** The way from one schema version to the present one. */
export interface Past {
  /** The config as the present schema has it. */
  config(config: object): object;
  /** The events of a record as the present schema has them. */
  events(frame: RecordFrame): RecordedEvents;
  /** An empty world of that schema. */
  state(): WorldState;
  /** Fills a world of the present schema from one of that schema. */
  migrate(from: WorldState, to: WorldState): void;
}

/** The way from the schema of a text to that of a world. `SCHEMA_DIFFERS` where no migration leads there. */
export function pastOf({ schema: { compiled } }: AnyWorld, text: string): Past {
  return fail(
    'SCHEMA_DIFFERS',
    `the world '${compiled.spec.name}' has another schema than the run was recorded with`,
    {
      world: compiled.spec.name,
      version: compiled.spec.version,
      fingerprint: compiled.fingerprint,
      recorded: hex(sha256(utf8(text))),
    },
    'Open the run with the world that recorded it, or begin a new run.',
  );
}

/** The events of a record that was made under the schema of a text, as the schema of a world has them. */
export function eventsUnder(world: AnyWorld, text: string, frame: RecordFrame): RecordedEvents {
  const { compiled } = world.schema;
  if (text !== compiled.text) return pastOf(world, text).events(frame);
  return { waves: frame.waves, batches: decodeBatches(frame, compiled, freshSets(compiled)) };
}
