/**
 * worldfold: deterministic simulations in which the log is the world.
 *
 * Composition only: the public names of floors 0 to 5. Stores with drivers are exports of their own:
 * `worldfold/sqlite` and `worldfold/postgres`.
 */
export type { GuardGroup, GuardLevel } from './base/ambient.ts';
export type { Cursor, Rng } from './base/draws.ts';
export {
  ERROR_CODES,
  type ErrorCode,
  type Facts,
  isWorldfoldError,
  UnsupportedError,
  WorldfoldError,
} from './base/errors.ts';
export type { Capability } from './log/backends.ts';
export {
  capability,
  type FindOptions,
  type FoundAttempt,
  hasJsonb,
  hasPartitions,
  type JsonbStore,
  type NewPartitionRow,
  type PartitionInfo,
  type PartitionRow,
  type PartitionStore,
} from './log/capabilities.ts';
export { memoryStore } from './log/memory-store.ts';
export type { RunInfo, Store } from './log/store.ts';
export type {
  Both,
  ChangedRow,
  ColumnDifference,
  DiffOptions,
  LoneRow,
  MovedRow,
  RowCounts,
  RowDifference,
  TableDifference,
  ValueDifference,
  WorldDifference,
} from './projections/world-diff.ts';
export { differenceJson } from './projections/world-diff.ts';
export { type CheckOptions, type CheckReport, check, type Violation } from './replay/check.ts';
export {
  type CopiedRun,
  type CopyOptions,
  type CopyReport,
  copyRun,
} from './replay/copy/copy-run.ts';
export { describeRun, listRuns, type RunDescription } from './replay/describe.ts';
export { type DiffLog, type DiffReport, diff } from './replay/diff.ts';
export { differenceText } from './replay/diff-text.ts';
export { type ForkRunOptions, forkRun } from './replay/fork-run.ts';
export { type ForkNode, forkTree } from './replay/fork-tree.ts';
export type { GivenLog, GivenRun } from './replay/given.ts';
export { type Moment, type ReadWorldOptions, readWorld } from './replay/read-world.ts';
export { type Removed, removeRun } from './replay/remove-run.ts';
export { type ReplayOptions, type ReplayReport, replay } from './replay/replay.ts';
export {
  describeTables,
  dropTables,
  type FollowOptions,
  followTables,
  type ProjectedReport,
  projectTables,
  type TableInSql,
  type TablesOptions,
  type TablesReport,
} from './replay/tables.ts';
export { type ReadTickLogOptions, readTickLog } from './replay/tick-log.ts';
export { type BisectReport, bisect } from './replay/verify/bisect.ts';
export type { DrawsDifference, EventAt, TickDifference } from './replay/verify/compare-ticks.ts';
export type { VerifyOptions } from './replay/verify/options.ts';
export type {
  Computed,
  DamageReport,
  DivergenceCause,
  DivergenceReport,
  Ticks,
  VerifyMode,
  VerifyReport,
} from './replay/verify/report.ts';
export { bisectJson, verifyJson } from './replay/verify/report-json.ts';
export { bisectText, divergenceText, verifyText } from './replay/verify/report-text.ts';
export { verify } from './replay/verify/verify.ts';
export type { Declaration } from './schema/check.ts';
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
  type U64,
} from './schema/columns.ts';
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
} from './schema/context.ts';
export { defineSchema, type InferShape, type Schema, type ShapeOf, type shape } from './schema/define.ts';
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
} from './schema/infer.ts';
export { type EventDef, event, fact, type form, singleton, type TableDef, table } from './schema/tables.ts';
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
  WriteSpan,
  WriteView,
} from './schema/views.ts';
export { createRun } from './simulation/create-run.ts';
export {
  defineWorld,
  type Metrics,
  type metric,
  type WorldDef,
  type WorldParts,
} from './simulation/define-world.ts';
export { removeGuard } from './simulation/guard/install.ts';
export { openRun } from './simulation/open-run.ts';
export { RUN_CALLS } from './simulation/run-states.ts';
export type {
  SqlMoment,
  SqlOptions,
  SqlParams,
  SqlQuery,
  SqlRow,
} from './simulation/sql-types.ts';
export type { ChosenTicks, TablesChoice } from './simulation/tables/choice.ts';
export type {
  AfterTick,
  InvariantTime,
  LandedCommit,
  SystemTime,
  TickLogEntry,
  TickTimes,
} from './simulation/tick-log.ts';
export type {
  Advanced,
  AdvanceOptions,
  ForkOptions,
  Frame,
  GuardOption,
  Input,
  InputSource,
  KeptSnapshot,
  LaterFilter,
  LoggedEvent,
  Observed,
  OpenOptions,
  Progress,
  RecordedInput,
  Run,
  RunOptions,
  RunPolicy,
  RunState,
  Submit,
  Submitted,
} from './simulation/types.ts';
