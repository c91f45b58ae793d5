/**
 * worldfold/testing: what proves worlds and stores.
 *
 * Composition only: the kit for users' own worlds, the simulated store and scheduler, the reference world,
 * and arbitraries for fast-check, which is an optional package that only this entry needs.
 */
export {
  type AnySchema,
  anyColumn,
  anySchema,
  cellOf,
  printedAs,
  rowOf,
} from './arbitraries.ts';
export { textOf } from './arbitraries-rows.ts';
export {
  anyWorld,
  handlersOf,
  type InputPlan,
  type SystemPlan,
  type Tap,
  type WorldPlan,
  type WorldVariant,
  worldOf,
} from './arbitraries-world.ts';
export {
  type EventOf,
  type ExpectedEvent,
  type ExpectedTables,
  type Given,
  type GivenParts,
  given,
  type Happening,
  type Outcome,
} from './kit/given.ts';
export type { LawName } from './kit/law-checks.ts';
export {
  checkLaw,
  type LawCircumstances,
  type LawOptions,
  type LawProperty,
  type LawTestOptions,
  lawProperties,
  laws,
  type TestFunction,
} from './kit/laws.ts';
export {
  type Model,
  type ModelEvent,
  type ModelNow,
  type ModelOptions,
  type ModelStep,
  type ModelVerdict,
  model,
} from './kit/model.ts';
export type { Plan, PlannedChange, PlannedInput, Schedule } from './kit/plan.ts';
export {
  arbitraries,
  type ColumnValues,
  type PlanOptions,
  type WorldArbitraries,
} from './kit/plan-arbitraries.ts';
export type { ReproductionModules } from './kit/reproduction.ts';
export { type Emitted, type Scene, type SceneGiven, type SceneTables, scene } from './kit/scene.ts';
export {
  playPlan,
  type RunPredicate,
  type ShrinkLog,
  type ShrinkOptions,
  type Shrunk,
  shrinkRun,
} from './kit/shrink-run.ts';
export {
  dumpWorld,
  firstDifference,
  type ReferenceEvent,
  type ReferenceNow,
  type ReferenceRow,
  ReferenceTable,
  type ReferenceWave,
  ReferenceWorld,
  sameValue,
  type WorldDump,
} from './reference-world.ts';
export { SimulatedMedium, type SimulatedMediumOptions } from './simulated-medium.ts';
export {
  type Actor,
  type SeededChoices,
  type SimulatedScheduler,
  seededChoices,
  simulatedScheduler,
} from './simulated-scheduler.ts';
export {
  type SimulatedFaults,
  type SimulatedStore,
  type SimulatedStoreOptions,
  simulatedStore,
} from './simulated-store.ts';
export { type SyncTestOptions, type SyncTestReport, syncTest } from './sync-test.ts';
