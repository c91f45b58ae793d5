/**
 * What becomes of the tables, kinds and columns of a log's schema on the way through some steps.
 *
 * The schemas in between are not known: a log carries the first, the code the last. So names are followed,
 * step by step. A name that a later step speaks of and nobody has met was added on the way, and is passed
 * over.
 */
import { fail } from '../base/errors.ts';
import type { SetLayout } from './compile.ts';
import type { ColumnLayout } from './layout.ts';
import {
  type AddColumn,
  type ChangeColumn,
  type ColumnSteps,
  type KindStep,
  type MigrationStep,
  type Migrations,
  STEP_PARTS,
  type StepPart,
  type Upcast,
} from './migration.ts';

/** What one step does to the columns of one set. */
export interface Stage {
  /** The version that the step leads to. */
  readonly version: number;
  /** New names by old ones. */
  readonly renamed: ReadonlyMap<string, string>;
  readonly dropped: ReadonlySet<string>;
  readonly changed: ReadonlyMap<string, ChangeColumn>;
  readonly added: ReadonlyMap<string, AddColumn>;
  readonly upcast: Upcast | null;
}

/** A step on the way; `next` says that it follows the log's version, all of whose names are known. */
export interface Way {
  readonly version: number;
  readonly step: MigrationStep;
  readonly next: boolean;
}

/** The steps from one version to another, in order. */
export const stepsBetween = (migrations: Migrations, from: number, to: number): readonly Way[] =>
  Object.keys(migrations)
    .map(Number)
    .filter((version) => version > from && version <= to)
    .sort((a, b) => a - b)
    .map((version) => ({ version, step: migrations[version]!, next: version === from + 1 }));

/** A set of the log's schema that goes on: its name now, and what happens to its columns. */
export interface Line {
  readonly name: string;
  readonly stages: readonly Stage[];
}

function unknownName(version: number, what: string, name: string): never {
  return fail(
    'BAD_SCHEMA',
    `the step to version ${version} speaks of ${what} '${name}', which version ${version - 1} does not have`,
    { version, name },
    'A step takes away, renames and changes what the version before it has.',
  );
}

/** A step's word on one set of columns. */
export const stageOf = (version: number, steps: ColumnSteps & Pick<KindStep, 'upcast'> = {}): Stage => ({
  version,
  renamed: new Map(Object.entries(steps.rename ?? {}).map(([name, old]) => [old, name])),
  dropped: new Set(steps.drop),
  changed: new Map(Object.entries(steps.change ?? {})),
  added: new Map(Object.entries(steps.add ?? {})),
  upcast: steps.upcast ?? null,
});

const ONE: { readonly [part in StepPart]: string } = {
  tables: 'the table',
  events: 'the event',
  inputs: 'the input',
};

/** Refuses a step that speaks of sets which the version before it does not have. */
function checkSets({ version, step }: Way, part: StepPart, names: ReadonlySet<string>): void {
  const drop = step[STEP_PARTS[part]] ?? [];
  for (const name of drop) if (!names.has(name)) unknownName(version, ONE[part], name);
  for (const [name, set] of Object.entries(step[part] ?? {})) {
    const old = set.from ?? name;
    if (!names.has(old)) unknownName(version, ONE[part], old);
  }
}

/** The new name of a set, or null when the step drops it. */
function nextName({ version, step }: Way, part: StepPart, name: string): string | null {
  if (step[STEP_PARTS[part]]?.includes(name)) return null;
  const sets: { readonly [name: string]: KindStep } = step[part] ?? {};
  for (const [next, set] of Object.entries(sets)) if (set.from === name) return next;
  const taken = Object.hasOwn(sets, name) ? sets[name]!.from : undefined;
  if (taken === undefined) return name;
  return fail(
    'BAD_SCHEMA',
    `the step to version ${version} makes '${taken}' of ${part} to '${name}', which is there already`,
    { version, name, from: taken },
    `Drop '${name}' with ${STEP_PARTS[part]}, or give it another name too.`,
  );
}

/** Follows the sets of one part through steps. What is dropped on the way is null. */
export function followSets(
  names: readonly string[],
  ways: readonly Way[],
  part: StepPart,
): ReadonlyMap<string, Line | null> {
  const lines = new Map<string, Line | null>(names.map((name) => [name, { name, stages: [] }]));
  for (const way of ways) {
    if (way.next) checkSets(way, part, new Set(names));
    for (const [first, line] of lines) {
      if (line === null) continue;
      const name = nextName(way, part, line.name);
      const set = name === null ? undefined : way.step[part]?.[name];
      const stages = [...line.stages, stageOf(way.version, set)];
      lines.set(first, name === null ? null : { name, stages });
    }
  }
  return lines;
}

/** How a step turns one column. */
export interface StageActs<T> {
  change(name: string, how: ChangeColumn, old: T): T;
  add(name: string, how: AddColumn): T;
}

/** Takes columns through a stage, but for its upcast. Names that nobody has met are passed over. */
export function passStage<T>(
  stage: Stage,
  before: ReadonlyMap<string, T>,
  acts: StageActs<T>,
): Map<string, T> {
  const after = new Map<string, T>();
  for (const [name, held] of before)
    if (!stage.dropped.has(name)) after.set(stage.renamed.get(name) ?? name, held);
  for (const [name, how] of stage.changed)
    if (after.has(name)) after.set(name, acts.change(name, how, after.get(name)!));
  for (const [name, how] of stage.added) after.set(name, acts.add(name, how));
  return after;
}

/** A column after some stages: the log's column that it comes from, and whether a function touched it. */
export interface Followed {
  readonly column: ColumnLayout | null;
  readonly turned: boolean;
}

function checkColumns(stage: Stage, before: ReadonlyMap<string, unknown>, where: string, next: boolean) {
  const { version, renamed, dropped, changed, added } = stage;
  const after = new Map<string, string>();
  for (const name of before.keys()) {
    if (dropped.has(name)) continue;
    const now = renamed.get(name) ?? name;
    const other = after.get(now);
    if (other !== undefined || added.has(now))
      fail(
        'BAD_SCHEMA',
        other === undefined
          ? `the step to version ${version} adds '${where}.${now}', which is there already`
          : `the step to version ${version} makes '${other}' and '${name}' of '${where}' to one '${now}'`,
        { version, set: where, column: now },
        'Drop the old column, rename it too, or change it.',
      );
    after.set(now, name);
  }
  if (!next) return;
  for (const name of [...dropped, ...renamed.keys()])
    if (!before.has(name)) unknownName(version, 'a column', `${where}.${name}`);
  for (const name of changed.keys())
    if (!after.has(name)) unknownName(version, 'a column', `${where}.${name}`);
}

/** Follows the columns of a set through stages. `where` names the set in errors. */
export function followColumns(
  from: SetLayout,
  stages: readonly Stage[],
  where: string,
  known: number,
): ReadonlyMap<string, Followed> {
  let columns = new Map<string, Followed>(
    from.columns.map((column) => [column.name, { column, turned: false }]),
  );
  for (const stage of stages) {
    checkColumns(stage, columns, where, stage.version === known + 1);
    columns = passStage<Followed>(stage, columns, {
      change: (_name, _how, { column }) => ({ column, turned: true }),
      add: () => ({ column: null, turned: true }),
    });
    if (stage.upcast !== null)
      for (const [name, { column }] of columns) columns.set(name, { column, turned: true });
  }
  return columns;
}

/** Whether a function has a word in it, so that rows or batches must be looked at one by one. */
export const isComputed = (stages: readonly Stage[]): boolean =>
  stages.some(({ changed, added, upcast }) => changed.size > 0 || added.size > 0 || upcast !== null);
