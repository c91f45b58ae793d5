/**
 * What users import, gathered for the type tests, with `createRun` and `openRun` as types only: nothing here
 * is run.
 */
export type { Rng } from '../../src/base/draws.ts';
export { type Code, type Column, type flavor, type Id, type info, t } from '../../src/schema/columns.ts';
export type { Ctx, Derived, Emit, Handlers, Now, SetupCtx, Sync, System } from '../../src/schema/context.ts';
export { defineSchema, type InferShape, type Schema, type shape } from '../../src/schema/define.ts';
export type { Config, EventRow, KeyOf, NewEvent, NewRow, Row, Shape } from '../../src/schema/infer.ts';
export { event, fact, type form, singleton, table } from '../../src/schema/tables.ts';
export type {
  Batch,
  ReadColumn,
  Table,
  World,
  WritableTable,
  WritableWorld,
  WriteColumn,
} from '../../src/schema/views.ts';
export { defineWorld, type metric, type WorldDef } from '../../src/simulation/define-world.ts';
export type { CreateRun, Frame, OpenRun, Run, RunState } from '../../src/simulation/types.ts';

import type { Store } from '../../src/log/store.ts';
import type { CreateRun, OpenRun } from '../../src/simulation/types.ts';

export declare const createRun: CreateRun;
export declare const openRun: OpenRun;
export declare const store: Store;
