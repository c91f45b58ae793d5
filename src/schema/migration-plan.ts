/**
 * From the schema that a log carries to the one that the code declares.
 *
 * Owns the decision whether a log may be taken along: every column of the old schema must end somewhere, be
 * dropped by name, or be turned by a function; every column of the new one must come from somewhere or begin
 * with something. What is decided here is carried out in src/projections/migrate.ts.
 */
import { fail } from '../base/errors.ts';
import { byCodeUnits } from '../base/text.ts';
import {
  type CompiledSchema,
  insertKind,
  type KindLayout,
  type SetLayout,
  SOURCE_KIND,
  SOURCES,
  type TableLayout,
} from './compile.ts';
import type { ColumnLayout } from './layout.ts';
import type { Migrations, StepPart } from './migration.ts';
import { columnText, describeDifference } from './migration-difference.ts';
import { beginning, fits, sameBytes, type TableNames } from './migration-fit.ts';
import { type Gap, gapLine, skeletonOf } from './migration-gaps.ts';
import {
  type Followed,
  followColumns,
  followSets,
  isComputed,
  type Line,
  type Stage,
  stageOf,
  stepsBetween,
  type Way,
} from './migration-lines.ts';
import type { ColumnSpecs } from './spec.ts';
import type { TickLength } from './tick-length.ts';

/** Where a column of the new schema comes from. */
export interface ColumnPlan {
  readonly to: ColumnLayout;
  /** The log's column, where there is one. */
  readonly from: ColumnLayout | null;
  /** Whether the bytes are the same, the values are the same, or a function has a word in it. */
  readonly how: 'same' | 'wider' | 'turned' | 'new';
}

/** How the columns of one set become those of another. */
export interface SetPlan<L extends SetLayout = SetLayout> {
  readonly from: L;
  readonly to: L;
  readonly stages: readonly Stage[];
  /** Whether functions have a word in it. */
  readonly computed: boolean;
  /** Whether the columns may be taken as they are, names included. */
  readonly same: boolean;
  /** In order of the new columns. */
  readonly columns: readonly ColumnPlan[];
}

/** What becomes of a log under another schema; see {@link planMigration}. */
export interface MigrationPlan {
  readonly from: CompiledSchema;
  readonly to: CompiledSchema;
  /** Whether both are one schema: then nothing has to be done. */
  readonly unchanged: boolean;
  /** The tables that go on, by new name; the others of the new schema begin as in a new world. */
  readonly tables: ReadonlyMap<string, SetPlan<TableLayout>>;
  /** By old number; null for kinds whose events are dropped. */
  readonly kinds: readonly (SetPlan<KindLayout> | null)[];
  readonly config: SetPlan;
}

/** What a set is called in messages and skeletons. */
interface Place {
  readonly part: StepPart | 'config';
  readonly set: string;
  /** The declared columns of the new set and of the old one. */
  readonly now: ColumnSpecs;
  readonly old: ColumnSpecs;
}

function columnPlan(to: ColumnLayout, source: Followed | undefined): ColumnPlan {
  const from = source?.column ?? null;
  if (source?.turned) return { to, from, how: 'turned' };
  if (from === null) return { to, from, how: 'new' };
  return { to, from, how: sameBytes(from, to) ? 'same' : 'wider' };
}

function setPlan<L extends SetLayout>(
  [from, to]: readonly [L, L],
  stages: readonly Stage[],
  followed: ReadonlyMap<string, Followed>,
): SetPlan<L> {
  const columns = to.columns.map((column) => columnPlan(column, followed.get(column.name)));
  const same =
    !isComputed(stages) &&
    from.columns.length === columns.length &&
    columns.every(({ how, from: old, to: now }) => how === 'same' && old?.name === now.name);
  return { from, to, stages, computed: isComputed(stages), same, columns };
}

/** A column that took the type of a lost one, for a guess. */
function lookalike(gone: string, fresh: readonly ColumnLayout[], { old, now }: Place): string | null {
  const text = columnText(old[gone]!);
  return fresh.find(({ name }) => columnText(now[name]!) === text)?.name ?? null;
}

/** A column may be declared as it was, and mean another one. */
const changeText = (from: string, to: string): string =>
  from === to ? `${from}, which is another table or has another key` : `${from} -> ${to}`;

function columnGaps(
  to: SetLayout,
  followed: ReadonlyMap<string, Followed>,
  tables: TableNames,
  place: Place,
  open: boolean,
): Gap[] {
  const { part, set, old, now } = place;
  const fresh = to.columns.filter(({ name }) => !followed.has(name));
  const gaps: Gap[] = [];
  for (const [name, { column }] of followed) {
    // What was added on the way and is gone again is no loss of the log's.
    if (to.byName.has(name) || column === null) continue;
    const maybe = lookalike(column.name, fresh, place);
    gaps.push({ gap: 'drop', part, set, column: name, what: columnText(old[column.name]!), maybe });
  }
  for (const column of to.columns) {
    const { name } = column;
    const source = followed.get(name);
    if (source === undefined) {
      if (!open && beginning(column) === undefined)
        gaps.push({ gap: 'add', part, set, column: name, what: columnText(now[name]!), maybe: null });
    } else if (!source.turned && !fits(source.column!, column, tables)) {
      const what = changeText(columnText(old[source.column!.name]!), columnText(now[name]!));
      gaps.push({ gap: 'change', part, set, column: name, what, maybe: null });
    }
  }
  return gaps;
}

const sameColumns = (a: ColumnSpecs, b: ColumnSpecs): boolean => {
  const text = (specs: ColumnSpecs): string =>
    Object.keys(specs)
      .sort(byCodeUnits)
      .map((name) => `${name}: ${columnText(specs[name]!)}`)
      .join('\n');
  return text(a) === text(b);
};

/** Works a plan out, and what stands in its way. */
class Planner {
  readonly gaps: Gap[] = [];
  readonly #from: CompiledSchema;
  readonly #to: CompiledSchema;
  readonly #ways: readonly Way[];
  readonly #tables = new Map<string, SetPlan<TableLayout>>();
  readonly #kinds: (SetPlan<KindLayout> | null)[];
  #names: TableNames = new Map();

  constructor(from: CompiledSchema, to: CompiledSchema, ways: readonly Way[]) {
    this.#from = from;
    this.#to = to;
    this.#ways = ways;
    this.#kinds = from.kinds.map(() => null);
  }

  plan(): MigrationPlan {
    const lines = this.#lines('tables');
    this.#names = new Map([...lines].map(([old, { name }]) => [old, name]));
    for (const [old, line] of lines) this.#table(old, line);
    this.#table(SOURCES, { name: SOURCES, stages: [] });
    this.#pair(SOURCE_KIND, SOURCE_KIND, []);
    for (const part of ['events', 'inputs'] as const)
      for (const [old, line] of this.#lines(part)) this.#kind(part, old, line);
    this.#tick();
    return {
      from: this.#from,
      to: this.#to,
      unchanged: false,
      tables: this.#tables,
      kinds: this.#kinds,
      config: this.#config(),
    };
  }

  /** The sets of a part that go on; one that ends nowhere without a word is a gap. */
  #lines(part: StepPart): Map<string, Line> {
    const old = this.#from.spec[part];
    const now = this.#to.spec[part];
    const found = followSets(Object.keys(old), this.#ways, part);
    const taken = new Set([...found.values()].map((line) => line?.name));
    const made = new Map<string, Line>();
    for (const [name, line] of found) {
      if (line === null) continue;
      const next = Object.hasOwn(now, line.name) ? now[line.name] : undefined;
      const single = (spec: object): unknown => 'single' in spec && spec.single;
      if (next !== undefined && single(next) === single(old[name]!)) made.set(name, line);
      else {
        const free = Object.keys(now).filter((other) => !taken.has(other));
        const maybe = free.find((other) => sameColumns(now[other]!.columns, old[name]!.columns)) ?? null;
        this.gaps.push({ gap: 'set', part, set: line.name, maybe });
      }
    }
    return made;
  }

  #table(old: string, { name, stages }: Line): void {
    const from = this.#from.tableOf.get(old)!;
    const to = this.#to.tableOf.get(name)!;
    const followed = followColumns(from, stages, name, this.#from.spec.version);
    this.#tables.set(name, setPlan([from, to], stages, followed));
    if (old === SOURCES) return;
    this.#pair(insertKind(old), insertKind(name), stages);
    const place: Place = {
      part: 'tables',
      set: name,
      old: this.#from.spec.tables[old]!.columns,
      now: this.#to.spec.tables[name]!.columns,
    };
    this.gaps.push(...columnGaps(to, followed, this.#names, place, false));
  }

  #kind(part: 'events' | 'inputs', old: string, { name, stages }: Line): void {
    const { to } = this.#pair(old, name, stages);
    const from = this.#from.kindOf.get(old)!;
    const followed = followColumns(from, stages, name, this.#from.spec.version);
    const place: Place = {
      part,
      set: name,
      old: this.#from.spec[part][old]!.columns,
      now: this.#to.spec[part][name]!.columns,
    };
    const open = stages.some(({ upcast }) => upcast !== null);
    this.gaps.push(...columnGaps(to, followed, this.#names, place, open));
  }

  #pair(old: string, name: string, stages: readonly Stage[]): SetPlan<KindLayout> {
    const from = this.#from.kindOf.get(old)!;
    const to = this.#to.kindOf.get(name)!;
    const followed = followColumns(from, stages, name, this.#from.spec.version);
    return (this.#kinds[from.number] = setPlan([from, to], stages, followed));
  }

  #config(): SetPlan {
    const [from, to] = [this.#from.config, this.#to.config];
    const stages = this.#ways.map(({ version, step }) => stageOf(version, step.config));
    const followed = followColumns(from, stages, 'config', this.#from.spec.version);
    const place: Place = {
      part: 'config',
      set: 'config',
      old: this.#from.spec.config,
      now: this.#to.spec.config,
    };
    this.gaps.push(...columnGaps(to, followed, this.#names, place, false));
    return setPlan([from, to], stages, followed);
  }

  #tick(): void {
    const [from, to] = [this.#from.tick, this.#to.tick];
    if (sameLength(from, to) || this.#ways.some(({ step }) => step.tick === 'changed')) return;
    this.gaps.push({ gap: 'tick', what: `${from.text} -> ${to.text}` });
  }
}

/** A day and 24 hours are one length. */
function sameLength(a: TickLength, b: TickLength): boolean {
  if (a.seconds === null || b.seconds === null) return a.text === b.text;
  return a.seconds[0] * b.seconds[1] === b.seconds[0] * a.seconds[1];
}

/** The plan of a log that is of the code's schema already. */
function identity(from: CompiledSchema, to: CompiledSchema): MigrationPlan {
  return { ...new Planner(from, to, []).plan(), unchanged: true };
}

interface Refusal {
  readonly why: string;
  readonly hint: string;
  readonly lines?: string;
  readonly skeleton?: string;
}

function refuse(from: CompiledSchema, to: CompiledSchema, { why, hint, lines, skeleton }: Refusal): never {
  const difference = describeDifference(from, to);
  const shown = lines ?? difference;
  return fail(
    'SCHEMA_DIFFERS',
    shown === '' ? why : `${why}:\n${shown}`,
    {
      schema: from.spec.name,
      recorded: from.spec.version,
      expected: to.spec.version,
      difference,
      ...(skeleton === undefined ? {} : { skeleton }),
    },
    skeleton === undefined ? hint : `${hint}\n${skeleton}`,
  );
}

/** What no step could bridge. */
function checkVersions(from: CompiledSchema, to: CompiledSchema): void {
  const { name, version } = from.spec;
  if (name !== to.spec.name)
    refuse(from, to, {
      why: `the log is of the schema '${name}', the code of '${to.spec.name}'`,
      hint: 'Open the log with the world that wrote it. A schema keeps its name from version to version.',
      lines: '',
    });
  if (version > to.spec.version)
    refuse(from, to, {
      why: `the log has version ${version} of the schema '${name}', the code only version ${to.spec.version}`,
      hint: 'Open it with the newer code that wrote it: there is no way back to an older version.',
    });
  if (version === to.spec.version)
    refuse(from, to, {
      why: `log and code both say version ${version} of the schema '${name}', and differ`,
      hint: `Make the code's schema version ${version + 1}, and add to defineSchema:`,
      skeleton: migrationSkeleton(from, to),
    });
}

/**
 * How a log of schema `from`, as it carries it (`compileText`), is taken along to `to`, the code's.
 *
 * Steps between the two versions are composed, though the schemas between them are unknown. A column that
 * appeared on the way begins as the newest schema says. `SCHEMA_DIFFERS` where names differ, the log is of a
 * newer version, the newest step is missing, or something is lost or retyped that no step speaks of; its
 * message prints the difference, its hint the step to write. `BAD_SCHEMA` for a step that names what is not
 * there.
 */
export function planMigration(
  from: CompiledSchema,
  to: CompiledSchema,
  migrations: Migrations,
): MigrationPlan {
  if (from.text === to.text) return identity(from, to);
  checkVersions(from, to);
  const { name, version } = from.spec;
  const newest = to.spec.version;
  const planner = new Planner(from, to, stepsBetween(migrations, version, newest));
  const plan = planner.plan();
  if (migrations[newest] === undefined)
    refuse(from, to, {
      why: `the log has version ${version} of the schema '${name}', and no migration leads to ${newest}`,
      hint: 'Add to defineSchema:',
      skeleton: skeletonOf(planner.gaps, newest),
    });
  if (planner.gaps.length > 0)
    refuse(from, to, {
      why: `the migration from version ${version} of the schema '${name}' to ${newest} does not speak of`,
      lines: planner.gaps.map(gapLine).join('\n'),
      hint: `Add to step ${newest}, or to the step where it changed:`,
      skeleton: skeletonOf(planner.gaps, newest),
    });
  checkSingles(from, to, plan);
  return plan;
}

/** A new singleton has its row in an old log too, where no setup gives it one: each column needs a value. */
function checkSingles(from: CompiledSchema, to: CompiledSchema, { tables }: MigrationPlan): void {
  for (const { name, single, columns } of to.tables) {
    const column =
      single && !tables.has(name) ? columns.find((one) => beginning(one) === undefined) : undefined;
    if (column === undefined) continue;
    const type = to.spec.tables[name]!.columns[column.name]!.type.type;
    refuse(from, to, {
      why: `'${name}' is new, and an older log has no value for its '${column.name}'`,
      lines: `+ ${name}.${column.name}: ${type}, without a default`,
      hint: `A singleton has its row from the start: give '${column.name}' a default, or make it optional.`,
    });
  }
}

/**
 * The text of the migration that leads from one schema to another, to be pasted into `defineSchema`: what is
 * gone is dropped, functions say `todo`, and a comment asks whether a column was renamed.
 */
export function migrationSkeleton(from: CompiledSchema, to: CompiledSchema): string {
  const planner = new Planner(from, to, []);
  planner.plan();
  return skeletonOf(planner.gaps, Math.max(to.spec.version, from.spec.version + 1));
}
