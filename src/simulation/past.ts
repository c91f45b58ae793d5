/**
 * Records and snapshots of another schema version, read as those of the present one.
 */
import type { Batch, Wave } from '../columns/waves.ts';
import { decodeBatches, freshSets, type RecordFrame, reusedSets, type SetSource } from '../log/record.ts';
import { migrateConfig, migrateTables, upcastTick } from '../projections/migrate.ts';
import { WorldState } from '../projections/world-state.ts';
import { compileText } from '../schema/compile.ts';
import { type MigrationPlan, planMigration } from '../schema/migration-plan.ts';
import type { AnyWorld } from './world.ts';

/** The events of a record, decoded. */
export interface RecordedEvents {
  readonly waves: readonly Wave[];
  readonly batches: readonly Batch[];
}

/** The way from one schema version to the present one. */
export class Past {
  private readonly plan: MigrationPlan;
  private readonly sets: SetSource;

  constructor(plan: MigrationPlan) {
    this.plan = plan;
    this.sets = reusedSets(plan.from);
  }

  /** The config as the present schema has it. */
  config(config: object): object {
    return migrateConfig(this.plan, config);
  }

  /** The events of a record as the present schema has them; good until the next record is read. */
  events(frame: RecordFrame): RecordedEvents {
    return upcastTick(this.plan, frame.waves, decodeBatches(frame, this.plan.from, this.sets));
  }

  /** The number that a kind of the present schema had under that one, or -1. */
  numberOf(kind: number): number {
    return this.plan.kinds.findIndex((one) => one !== null && one.to.number === kind);
  }

  /** An empty world of that schema. */
  state(): WorldState {
    return new WorldState(this.plan.from);
  }

  /** Fills a world of the present schema, which is empty, from one of that schema. */
  migrate(from: WorldState, to: WorldState): void {
    migrateTables(this.plan, from.tables, to.tables);
  }
}

const plans = new WeakMap<AnyWorld, Map<string, MigrationPlan>>();

/**
 * How the schema of a text becomes that of a world. `SCHEMA_DIFFERS`, with the difference and a migration to
 * write, where no way leads there.
 */
export function planOf(world: AnyWorld, text: string): MigrationPlan {
  const known = plans.get(world) ?? new Map<string, MigrationPlan>();
  plans.set(world, known);
  let plan = known.get(text);
  if (plan === undefined) {
    plan = planMigration(compileText(text), world.schema.compiled, world.schema.migrations);
    known.set(text, plan);
  }
  return plan;
}

/** The way from the schema of a text to that of a world; fails as {@link planOf} does. */
export const pastOf = (world: AnyWorld, text: string): Past => new Past(planOf(world, text));

/** The events of a record that was made under the schema of a text, as the schema of a world has them. */
export function eventsUnder(world: AnyWorld, text: string, frame: RecordFrame): RecordedEvents {
  const { compiled } = world.schema;
  if (text !== compiled.text) return pastOf(world, text).events(frame);
  return { waves: frame.waves, batches: decodeBatches(frame, compiled, freshSets(compiled)) };
}
