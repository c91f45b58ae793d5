/**
 * What users import, gathered for the type tests, with `createRun` and `openRun` as types only: nothing here
 * is run. Every type that can stand in a user's inferred declaration is here, or `declaration: true` would
 * not compile.
 */
export type { Cursor, Rng } from '../../src/base/draws.ts';
export type { Store } from '../../src/log/store.ts';
export type { Declaration } from '../../src/schema/check.ts';
export {
  type AnyColumn,
  type AsCell,
  type AsVec,
  type Code,
  type Column,
  type Columns,
  type Field,
  type Fields,
  type flavor,
  type Id,
  type info,
  type KeyValue,
  type ListOf,
  type NewIn,
  type OptionalColumn,
  type OwnId,
  type RefTo,
  type Settled,
  type StructOf,
  type StructValue,
  t,
} from '../../src/schema/columns.ts';
export type {
  Ctx,
  Derived,
  Emit,
  EmitOne,
  Handler,
  Handlers,
  Insert,
  InsertOne,
  Now,
  SetupCtx,
  Sync,
  System,
  SystemOptions,
} from '../../src/schema/context.ts';
export {
  defineSchema,
  type InferShape,
  type Schema,
  type ShapeOf,
  type shape,
} from '../../src/schema/define.ts';
export type {
  Config,
  EventRow,
  KeyOf,
  Kinds,
  NewConfig,
  NewEvent,
  NewRow,
  Patch,
  Row,
  Shape,
} from '../../src/schema/infer.ts';
export {
  type EventDef,
  event,
  fact,
  type form,
  singleton,
  type TableDef,
  table,
} from '../../src/schema/tables.ts';
export type {
  Batch,
  BatchColumns,
  Codes,
  NewRows,
  Nulls,
  ReadColumn,
  Rows,
  Single,
  Table,
  TableColumns,
  View,
  World,
  WritableSingle,
  WritableTable,
  WritableWorld,
  WriteCells,
  WriteColumn,
  WriteColumns,
  WriteSpan,
  WriteView,
} from '../../src/schema/views.ts';
export {
  defineWorld,
  type metric,
  type WorldDef,
  type WorldParts,
} from '../../src/simulation/define-world.ts';
export type {
  Advanced,
  CreateRun,
  Frame,
  InputSource,
  LoggedEvent,
  Observed,
  OpenOptions,
  OpenRun,
  Progress,
  Run,
  RunOptions,
  RunState,
  Submit,
  Submitted,
} from '../../src/simulation/types.ts';

import type { Store } from '../../src/log/store.ts';
import type { CreateRun, OpenRun } from '../../src/simulation/types.ts';

export declare const createRun: CreateRun;
export declare const openRun: OpenRun;
export declare const store: Store;
