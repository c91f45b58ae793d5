/**
 * A schema while it is being changed, and the migration step that comes of it.
 *
 * Owns groups: a table with the kinds that write it, which change together; or a kind or config by itself.
 * What is changed, and when, is for `arbitraries-changes.ts` to say.
 */
import type { MigrationStep } from '../schema/migration.ts';
import type { ColumnSpec, ColumnSpecs, ColumnType, SchemaSpec } from '../schema/spec.ts';
import type { Deed } from './arbitraries-changes.ts';
import type { Dice } from './arbitraries-values.ts';

type Turn = (...given: never[]) => unknown;

/** A step's word on one set, as it grows. */
interface Entry {
  from: string | undefined;
  rename: { [column: string]: string };
  drop: string[];
  change: { [column: string]: Turn };
  add: { [column: string]: Turn };
}
const noEntry = (): Entry => ({ from: undefined, rename: {}, drop: [], change: {}, add: {} });

interface TablePart {
  key: string[];
  index: string[];
  readonly single: boolean;
}

/** Columns under one name. */
export class DraftSet {
  readonly part: 'tables' | 'events' | 'inputs' | 'config';
  name: string;
  columns: Map<string, ColumnSpec>;
  readonly table: TablePart | null;
  readonly fact: boolean;
  entry = noEntry();
  /** Columns whose function a step can't do without. */
  needed = new Set<string>();
  isNew: boolean;
  startName: string;
  startColumns: ReadonlySet<string> = new Set();

  constructor(
    part: DraftSet['part'],
    name: string,
    columns: ColumnSpecs,
    more: { readonly table?: TablePart; readonly fact?: boolean; readonly isNew?: boolean } = {},
  ) {
    this.part = part;
    this.name = this.startName = name;
    this.columns = new Map(Object.entries(columns));
    this.table = more.table ?? null;
    this.fact = more.fact ?? false;
    this.isNew = more.isNew ?? false;
  }

  begin(): void {
    this.isNew = false;
    this.entry = noEntry();
    this.needed = new Set();
    this.startName = this.name;
    this.startColumns = new Set(this.columns.keys());
  }

  rename(old: string, name: string): void {
    const spec = this.columns.get(old);
    if (spec === undefined) return;
    this.columns.delete(old);
    this.columns.set(name, spec);
    if (!this.isNew && this.startColumns.has(old)) this.entry.rename[name] = old;
    if (this.table === null) return;
    this.table.key = this.table.key.map((column) => (column === old ? name : column));
    this.table.index = this.table.index.map((column) => (column === old ? name : column));
  }

  /** The step's entry, or undefined where there is nothing to say. Kinds may say it by an upcaster. */
  steps(upcasts: boolean): object | undefined {
    const { from, rename, drop, change, add } = this.entry;
    const turned = Object.keys(change).length + Object.keys(add).length > 0;
    if (upcasts && turned && (this.part === 'events' || this.part === 'inputs')) {
      this.needed = new Set();
      return { ...(from === undefined ? {} : { from }), rename, drop, upcast: upcastOf(this.entry) };
    }
    const empty = from === undefined && !turned && drop.length + Object.keys(rename).length === 0;
    return empty ? undefined : { ...(from === undefined ? {} : { from }), rename, drop, change, add };
  }
}

/** The functions of an entry as one upcaster. */
const upcastOf =
  ({ rename, change, add }: Entry) =>
  ({ size, columns }: { size: number; columns: { readonly [column: string]: readonly never[] } }) => {
    const row = (i: number) =>
      Object.fromEntries(Object.entries(columns).map(([name, list]) => [name, list[i]])) as never;
    const made: { [column: string]: unknown[] } = {};
    for (const [name, turn] of Object.entries(change))
      made[name] = columns[rename[name] ?? name]!.map((old) => turn(old));
    for (const [name, turn] of Object.entries(add))
      made[name] = Array.from({ length: size }, (_, i) => turn(row(i)));
    return made;
  };

/** Sets that change together. The first one has every column of the others. */
export interface DraftGroup {
  readonly table: TablePart | null;
  readonly sets: readonly { readonly set: DraftSet; readonly does: Deed['does'] | null }[];
  /** Columns that this version has changed already. */
  touched: Set<string>;
  /** Columns that began with a default: what they hold on the way is known to no later version. */
  readonly frozen: Set<string>;
  /** The key as this version began. */
  startKey: readonly string[];
  isIndexed(column: string): boolean;
  /** A singleton that a later version brought. */
  readonly isStill: boolean;
}

function groupOf(sets: DraftGroup['sets']): DraftGroup {
  const { table, isNew } = sets[0]!.set;
  return {
    isStill: isNew && table?.single === true,
    table,
    sets,
    touched: new Set(),
    frozen: new Set(),
    startKey: table?.key ?? [],
    isIndexed: (column) => table?.index.includes(column) ?? false,
  };
}

/** A column as an event has it. */
function asField(table: string, { type, ...rest }: ColumnSpec): ColumnSpec {
  const of: ColumnType = type.type === 'id' ? { type: 'newId', table } : type;
  return { ...rest, type: of, key: false };
}

/** A table with the kinds that put, set and delete its rows. */
function tableGroup(set: DraftSet): DraftGroup {
  const { name, isNew } = set;
  const { key, single } = set.table!;
  const all = [...set.columns].map(([column, spec]) => [column, asField(name, spec)] as const);
  const keys = all
    .filter(([column]) => key.includes(column))
    .map(([column, spec]): [string, ColumnSpec] => [
      column,
      spec.type.type === 'newId' ? { ...spec, type: { type: 'ref', table: name } } : spec,
    ]);
  const some = all.filter(([column], i) => !key.includes(column) && i % 2 === 0);
  const kind = (does: Deed['does'], columns: Iterable<readonly [string, ColumnSpec]>) => ({
    set: new DraftSet('events', `${does}_${name}`, Object.fromEntries(columns), { isNew }),
    does,
  });
  const kinds = [kind('put', all), kind('set', [...keys, ...some])];
  return groupOf([{ set, does: null }, ...kinds, ...(single ? [] : [kind('delete', keys)])]);
}

/** A type whose references follow a table that got another name. */
function retold(type: ColumnType, old: string, name: string): ColumnType {
  if (type.type === 'ref' || type.type === 'newId')
    return type.table === old ? { ...type, table: name } : type;
  if (type.type === 'list') return { ...type, of: { ...type.of, type: retold(type.of.type, old, name) } };
  if (type.type !== 'struct') return type;
  const fields = Object.entries(type.fields).map(([field, spec]) => [
    field,
    { ...spec, type: retold(spec.type, old, name) },
  ]);
  return { ...type, fields: Object.fromEntries(fields) };
}

function refersTo(type: ColumnType, table: string): boolean {
  if (type.type === 'ref' || type.type === 'newId') return type.table === table;
  if (type.type === 'list') return refersTo(type.of.type, table);
  return type.type === 'struct' && Object.values(type.fields).some((field) => refersTo(field.type, table));
}

const isNewId = ({ type }: ColumnSpec): boolean => type.type === 'newId';

/** The schema that is being changed. */
export class Draft {
  version = 1;
  tick: string;
  groups: DraftGroup[];
  readonly #schema: string;
  #startTick: string;
  #dropped: DraftSet[] = [];
  #names = 0;

  constructor(spec: SchemaSpec) {
    this.#schema = spec.name;
    this.tick = this.#startTick = spec.tick;
    const tables = Object.entries(spec.tables).map(([name, { columns, key, index, single }]) =>
      tableGroup(
        new DraftSet('tables', name, columns, { table: { key: [...key], index: [...index], single } }),
      ),
    );
    const alone = (['events', 'inputs'] as const).flatMap((part) =>
      Object.entries(spec[part]).map(([name, { columns, fact }]) =>
        groupOf([{ set: new DraftSet(part, name, columns, { fact }), does: null }]),
      ),
    );
    const config = groupOf([{ set: new DraftSet('config', 'config', spec.config), does: null }]);
    this.groups = [...tables, ...alone, config];
    for (const set of this.sets) set.begin();
  }

  get sets(): readonly DraftSet[] {
    return this.groups.flatMap(({ sets }) => sets.map(({ set }) => set));
  }

  /** A name that nothing has had before. */
  fresh(letter: string): string {
    return `${letter}${++this.#names}`;
  }

  /** Begins the next version. */
  begin(): void {
    this.version++;
    this.#startTick = this.tick;
    this.#dropped = [];
    for (const group of this.groups) {
      group.touched = new Set();
      group.startKey = group.table?.key ?? [];
    }
    for (const set of this.sets) set.begin();
  }

  /** Tables that references may name. */
  referable(): readonly string[] {
    return this.sets.filter(({ table }) => table?.key.length === 1).map(({ name }) => name);
  }

  /** Whether anything refers to the table of a group, or anything outside the group. */
  isReferred(group: DraftGroup, outside = false): boolean {
    const own = group.sets.map(({ set }) => set);
    return this.sets.some(
      (set) =>
        !(outside && own.includes(set)) &&
        [...set.columns.values()].some(({ type }) => refersTo(type, own[0]!.name)),
    );
  }

  renameSet(set: DraftSet): void {
    if (set.part === 'config' || set.name !== set.startName) return;
    const old = set.name;
    set.name = this.fresh('n');
    if (!set.isNew) set.entry.from = old;
    if (set.part !== 'tables') return;
    for (const { columns } of this.sets)
      for (const [column, spec] of columns)
        columns.set(column, { ...spec, type: retold(spec.type, old, set.name) });
  }

  dropGroup(group: DraftGroup): void {
    const { set } = group.sets[0]!;
    const last = this.groups.filter(({ table }) => table !== null).length === 1;
    const handsOut = group.table === null && [...set.columns.values()].some(isNewId);
    if (set.part === 'config' || handsOut || (group.table !== null && (last || this.isReferred(group, true))))
      return;
    this.groups = this.groups.filter((other) => other !== group);
    this.#dropped.push(...group.sets.map((one) => one.set).filter(({ isNew }) => !isNew));
  }

  addTable(column: ColumnSpec, dice: Dice): void {
    const id: ColumnSpec = { type: { type: 'id' }, key: true, optional: false };
    const single = dice.below(3) === 0;
    const columns = single ? { value: column } : { id, value: column };
    const table: TablePart = { key: single ? [] : ['id'], index: [], single };
    this.groups.push(tableGroup(new DraftSet('tables', this.fresh('t'), columns, { table, isNew: true })));
  }

  toggleIndex({ table }: DraftGroup): void {
    if (table === null || table.single) return;
    table.index = table.index.length === 0 ? [table.key[0]!] : [];
  }

  /** What the kinds do, by name. */
  deeds(): ReadonlyMap<string, Deed> {
    const deeds = this.groups.flatMap(({ sets }) =>
      sets.flatMap(({ set, does }): [string, Deed][] =>
        does === null ? [] : [[set.name, { does, table: sets[0]!.set.name }]],
      ),
    );
    return new Map(deeds);
  }

  /** The schema of this version. */
  spec(): SchemaSpec {
    const part = <T>(of: DraftSet['part'], make: (set: DraftSet) => T): { [name: string]: T } =>
      Object.fromEntries(this.sets.filter((set) => set.part === of).map((set) => [set.name, make(set)]));
    const columnsOf = ({ columns }: DraftSet): ColumnSpecs => Object.fromEntries(columns);
    const kind = (set: DraftSet) => ({ columns: columnsOf(set), fact: set.fact });
    return {
      name: this.#schema,
      version: this.version,
      tick: this.tick,
      config: part('config', columnsOf).config ?? {},
      tables: part('tables', (set) => ({ columns: columnsOf(set), ...set.table! })),
      events: part('events', kind),
      inputs: part('inputs', kind),
    };
  }

  /** The step to this version; `upcasts` says whether kinds are turned by upcasters. */
  step(upcasts: boolean): MigrationStep {
    const entries = (part: DraftSet['part']): [string, object][] =>
      this.sets.flatMap((set): [string, object][] => {
        const steps = set.part === part && !set.isNew ? set.steps(upcasts) : undefined;
        return steps === undefined ? [] : [[set.name, steps]];
      });
    const gone = (part: DraftSet['part']): string[] =>
      this.#dropped.filter((set) => set.part === part).map(({ startName }) => startName);
    const config = entries('config')[0]?.[1];
    return {
      tables: Object.fromEntries(entries('tables')),
      events: Object.fromEntries(entries('events')),
      inputs: Object.fromEntries(entries('inputs')),
      dropTables: gone('tables'),
      dropEvents: gone('events'),
      dropInputs: gone('inputs'),
      ...(config === undefined ? {} : { config }),
      ...(this.tick === this.#startTick ? {} : { tick: 'changed' as const }),
    };
  }
}
