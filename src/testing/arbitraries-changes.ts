/**
 * Schemas that change: versions of one schema, with the migrations between them.
 *
 * Owns what may become of a schema: columns, tables and kinds come, go, get other names, wider types, other
 * types. Each table has kinds of its own that write its rows, and they change with it, so that an event means
 * in every version what it meant when it was recorded.
 */
import * as fc from 'fast-check';
import { Column } from '../columns/column.ts';
import { type CompiledSchema, compileSchema, type SetLayout } from '../schema/compile.ts';
import type { ColumnLayout } from '../schema/layout.ts';
import type { MigrationStep, Migrations } from '../schema/migration.ts';
import type { ColumnSpec, ColumnType, SchemaSpec } from '../schema/spec.ts';
import { anyColumn, anySchema, printedAs } from './arbitraries.ts';
import { Draft, type DraftGroup, type DraftSet } from './arbitraries-draft.ts';
import { digestOf, textOf } from './arbitraries-rows.ts';
import { type Dice, drawCell, pickOf } from './arbitraries-values.ts';
import { seededChoices } from './simulated-scheduler.ts';

/** What the handler of a kind does to a table, in every version. */
export interface Deed {
  readonly does: 'put' | 'set' | 'delete';
  readonly table: string;
}

/** A migration without one of its entries, which the step to `version` needs. */
export interface Lacking {
  readonly version: number;
  readonly what: string;
  readonly migrations: Migrations;
}

/** Versions of one schema. */
export interface SchemaChanges {
  /** From version 1 on. */
  readonly versions: readonly CompiledSchema[];
  /** What the handlers of each version do, by kind; other kinds do nothing. */
  readonly deeds: readonly ReadonlyMap<string, Deed>[];
  /** The steps to all versions after the first. */
  readonly migrations: Migrations;
  readonly lacking: readonly Lacking[];
}

/**
 * A cell from a text, as its column stores it: the same for the same text. Ids and references stay small, so
 * that rows meet.
 */
export function cellBy(layout: ColumnLayout, text: string): unknown {
  const dice = seededChoices(digestOf(text));
  const isId = layout.role !== null && layout.value.kind === 'number' && layout.value.min === 1;
  if (isId) return 1 + dice.below(12);
  const column = new Column(layout, false);
  for (const lane of column.lanes) lane.grow(1);
  column.write(0, drawCell(dice, layout), 'any');
  return column.read(0);
}

/** A layout that is known when the version is compiled. */
interface Box {
  layout: ColumnLayout | null;
}

const WIDER: { readonly [type: string]: readonly string[] } = {
  u8: ['u16', 'i16', 'u32', 'i32', 'int', 'f32', 'f64'],
  i8: ['i16', 'i32', 'int', 'f32', 'f64'],
  u16: ['u32', 'i32', 'int', 'f32', 'f64'],
  i16: ['i32', 'int', 'f32', 'f64'],
  u32: ['int', 'f64'],
  i32: ['int', 'f64'],
  int: ['f64'],
};

/** A type that holds every value of another, or null. */
function widened(dice: Dice, type: ColumnType, exact: boolean): ColumnType | null {
  const choices = (WIDER[type.type] ?? []).filter((to) => !exact || (to !== 'f32' && to !== 'f64'));
  if (choices.length > 0) {
    const to = pickOf(dice, choices) as 'u16' | 'f64';
    return to === 'f64' ? { type: to, nan: dice.below(2) === 0 } : { type: to };
  }
  if (type.type === 'enum') return { ...type, names: [...type.names, `more ${type.names.length}`] };
  if (type.type === 'f32') return { type: dice.below(2) === 0 ? 'f64' : 'f32', nan: true };
  if (type.type === 'f64' && !type.nan) return { ...type, nan: true };
  if (type.type === 'vec' && type.of !== 'f64') return { ...type, of: 'f64' };
  if (type.type === 'list') {
    const of = widened(dice, type.of.type, exact);
    return of === null ? null : { ...type, of: { ...type.of, type: of } };
  }
  if (type.type !== 'struct') return null;
  const name = pickOf(dice, Object.keys(type.fields));
  const field = widened(dice, type.fields[name]!.type, exact);
  if (field === null) return null;
  return { ...type, fields: { ...type.fields, [name]: { ...type.fields[name]!, type: field } } };
}

const EXACT = ['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'u64', 'i64', 'int', 'bool', 'enum', 'text'];

/** One version in the making. */
class Change {
  readonly #draft: Draft;
  readonly #dice: Dice;
  readonly #pool: readonly ColumnSpec[];
  readonly #boxes: [set: DraftSet, column: string, box: Box][];

  constructor(draft: Draft, dice: Dice, pool: readonly ColumnSpec[], boxes: Change['boxes']) {
    this.#draft = draft;
    this.#dice = dice;
    this.#pool = pool;
    this.#boxes = boxes;
  }

  get boxes(): [set: DraftSet, column: string, box: Box][] {
    return this.#boxes;
  }

  /** The layout of a column of a group's first set, once there is one. */
  #box(group: DraftGroup, column: string): Box {
    const box: Box = { layout: null };
    this.#boxes.push([group.sets[0]!.set, column, box]);
    return box;
  }

  #free(group: DraftGroup, wanted: (name: string, spec: ColumnSpec) => boolean): string | null {
    const { columns } = group.sets[0]!.set;
    const found = [...columns.keys()].filter(
      (name) => !group.touched.has(name) && wanted(name, columns.get(name)!),
    );
    return found.length === 0 ? null : pickOf(this.#dice, found);
  }

  #isKey = (group: DraftGroup, name: string): boolean => group.table?.key.includes(name) ?? false;

  addColumn(group: DraftGroup): void {
    const name = this.#draft.fresh('c');
    const refs = this.#draft.referable();
    const refers = refs.length > 0 && this.#dice.below(4) === 0;
    const spec: ColumnSpec = refers
      ? { type: { type: 'ref', table: pickOf(this.#dice, refs) }, key: false, optional: false }
      : pickOf(this.#dice, this.#pool);
    const given = spec.optional || spec.fallback !== undefined;
    const must = !given && (refers || hasNoZero(spec.type));
    group.touched.add(name);
    const adds = must || this.#dice.below(3) === 0;
    const box = this.#box(group, name);
    const keys = group.startKey;
    const give = (row: { readonly [column: string]: unknown }): unknown =>
      cellBy(box.layout!, keys.map((key) => textOf(row[key])).join());
    for (const { set, does } of group.sets)
      if (does === null || does === 'put') {
        set.columns.set(name, spec);
        if (adds && !set.isNew) set.entry.add[name] = give;
        if (must && !set.isNew) set.needed.add(name);
      }
    if (!adds) group.frozen.add(name);
  }

  dropColumn(group: DraftGroup): void {
    // Without its new ids an event hands none out, and those that come after it are others.
    const name = this.#free(
      group,
      (column, { type }) => !this.#isKey(group, column) && type.type !== 'newId',
    );
    if (name === null) return;
    group.touched.add(name);
    for (const { set } of group.sets)
      if (set.columns.delete(name)) {
        if (!set.isNew && set.startColumns.has(name)) set.entry.drop.push(name);
        if (set.table) set.table.index = set.table.index.filter((column) => column !== name);
      }
  }

  renameColumn(group: DraftGroup): void {
    const old = this.#free(group, () => true);
    if (old === null) return;
    const name = this.#draft.fresh('c');
    group.touched.add(name);
    if (group.frozen.has(old)) group.frozen.add(name);
    for (const { set } of group.sets) set.rename(old, name);
  }

  widenColumn(group: DraftGroup): void {
    const wide = this.#wide;
    const name = this.#free(group, (column) => !group.frozen.has(column));
    if (name === null) return;
    const spec = group.sets[0]!.set.columns.get(name)!;
    const key = this.#isKey(group, name);
    const next = wide(spec, key, group.isIndexed(name));
    if (next === null) return;
    group.touched.add(name);
    for (const { set } of group.sets) if (set.columns.has(name)) set.columns.set(name, asOf(set, name, next));
  }

  #wide = (spec: ColumnSpec, key: boolean, exact: boolean): ColumnSpec | null => {
    if (spec.type.type === 'id' || spec.type.type === 'newId') return null;
    if (!key && !spec.optional && this.#dice.below(3) === 0) return { ...spec, optional: true };
    const type = widened(this.#dice, spec.type, key || exact);
    return type === null ? null : { ...spec, type };
  };

  retypeColumn(group: DraftGroup): void {
    const name = this.#free(
      group,
      (column, { type }) => !group.frozen.has(column) && type.type !== 'id' && type.type !== 'newId',
    );
    if (name === null) return;
    const { type } = group.sets[0]!.set.columns.get(name)!;
    const key = this.#isKey(group, name);
    if (key && (this.#draft.isReferred(group) || type.type === 'text' || type.type === 'ref')) return;
    const spec: ColumnSpec = key
      ? { type: { type: 'text' }, key: true, optional: false }
      : pickOf(this.#dice, this.#pool);
    group.touched.add(name);
    const box = this.#box(group, name);
    const change = key ? String : (old: unknown): unknown => cellBy(box.layout!, textOf(old));
    for (const { set } of group.sets) {
      if (!set.columns.has(name)) continue;
      set.columns.set(name, asOf(set, name, spec));
      if (set.table && !EXACT.includes(spec.type.type))
        set.table.index = set.table.index.filter((column) => column !== name);
      if (!set.isNew) set.entry.change[name] = change;
      if (!set.isNew && spec.type.type !== type.type && !isNumber(spec.type, type)) set.needed.add(name);
    }
  }

  /** What a singleton holds that appeared on the way is known to no later version: its columns stay. */
  #fill(group: DraftGroup, deed: number): void {
    if (group.isStill) return;
    if (deed < 4) this.addColumn(group);
    else if (deed < 7) this.widenColumn(group);
    else this.retypeColumn(group);
  }

  /** One edit, as the dice say. */
  once(): void {
    const { groups } = this.#draft;
    const group = pickOf(this.#dice, groups);
    const deed = this.#dice.below(22);
    if (deed < 2) this.dropColumn(group);
    else if (deed < 5) this.renameColumn(group);
    else if (deed < 15) this.#fill(group, deed - 5);
    else if (deed < 18) this.#draft.renameSet(pickOf(this.#dice, group.sets).set);
    else if (deed < 19) this.#draft.dropGroup(group);
    else if (deed < 20) this.#draft.addTable(pickOf(this.#dice, this.#pool), this.#dice);
    else if (deed < 21) this.#draft.toggleIndex(group);
    else this.#draft.tick = `${2 + this.#dice.below(9)} days`;
  }
}

/** A column of a group in one of its sets: a key is a key in its table alone. */
const asOf = (set: DraftSet, name: string, spec: ColumnSpec): ColumnSpec => ({
  ...spec,
  key: set.table?.key.includes(name) ?? false,
});

const NUMBERS = [...Object.keys(WIDER), 'f32', 'f64'];
const isNumber = (a: ColumnType, b: ColumnType): boolean =>
  NUMBERS.includes(a.type) && NUMBERS.includes(b.type);

function hasNoZero(type: ColumnType): boolean {
  if (type.type === 'json' || type.type === 'ref') return true;
  return type.type === 'struct' && Object.values(type.fields).some((field) => hasNoZero(field.type));
}

const setIn = (schema: CompiledSchema, { part, name }: DraftSet): SetLayout =>
  part === 'config'
    ? schema.config
    : part === 'tables'
      ? schema.tableOf.get(name)!
      : schema.kindOf.get(name)!;

const without = <T>(object: { readonly [name: string]: T }, name: string): { [name: string]: T } =>
  Object.fromEntries(Object.entries(object).filter(([other]) => other !== name));

type Parts = { readonly [part: string]: unknown };

/** Every way to leave one needed entry of a step out. */
function* lackingSteps(step: MigrationStep, draft: Draft): Generator<[what: string, step: MigrationStep]> {
  for (const list of ['dropTables', 'dropEvents', 'dropInputs'] as const)
    for (const name of step[list] ?? [])
      yield [`${list} ${name}`, { ...step, [list]: step[list]!.filter((other) => other !== name) }];
  if (step.tick) yield ['tick', without(step as never, 'tick')];
  for (const set of draft.sets) {
    const all = step as { readonly [part: string]: Parts };
    const entry = (set.part === 'config' ? step.config : all[set.part]?.[set.name]) as Parts | undefined;
    if (entry === undefined) continue;
    const put = (changed: Parts): MigrationStep =>
      set.part === 'config'
        ? { ...step, config: changed }
        : { ...step, [set.part]: { ...all[set.part], [set.name]: changed } };
    const at = `${set.part}.${set.name}`;
    if (entry.from !== undefined) yield [`${at} from`, put(without(entry, 'from'))];
    for (const name of (entry.drop ?? []) as string[])
      yield [
        `${at} drop ${name}`,
        put({ ...entry, drop: (entry.drop as string[]).filter((other) => other !== name) }),
      ];
    for (const part of ['rename', 'change', 'add'])
      for (const name of Object.keys((entry[part] ?? {}) as object))
        if (part === 'rename' || set.needed.has(name))
          yield [`${at} ${part} ${name}`, put({ ...entry, [part]: without(entry[part] as Parts, name) })];
  }
}

/** What chooses the changes of one version: a number an edit. */
type Edits = readonly number[];

function changesOf(spec: SchemaSpec, pool: readonly ColumnSpec[], all: readonly Edits[]): SchemaChanges {
  const draft = new Draft(spec);
  const versions = [compileSchema(draft.spec())];
  const deeds = [draft.deeds()];
  const migrations: { [version: number]: MigrationStep } = {};
  const lacking: Lacking[] = [];
  for (const edits of all) {
    draft.begin();
    const boxes: Change['boxes'] = [];
    for (const edit of edits) new Change(draft, seededChoices(edit), pool, boxes).once();
    const { version } = draft;
    const compiled = compileSchema(draft.spec());
    for (const [set, column, box] of boxes)
      box.layout = draft.sets.includes(set) ? (setIn(compiled, set).byName.get(column) ?? null) : null;
    const step = draft.step(edits.length % 2 === 1);
    migrations[version] = step;
    for (const [what, bare] of lackingSteps(step, draft))
      lacking.push({ version, what, migrations: { [version]: bare } });
    versions.push(compiled);
    deeds.push(draft.deeds());
  }
  return { versions, deeds, migrations, lacking };
}

/** Schemas of any kind with one to three changed versions, and the migrations that lead to each. */
export function schemaChanges(): fc.Arbitrary<SchemaChanges> {
  const seed = fc.integer({ min: 0, max: 0xffffffff });
  return fc
    .record({
      schema: anySchema(),
      pool: fc.array(anyColumn(), { minLength: 4, maxLength: 8 }),
      edits: fc.array(fc.array(seed, { maxLength: 7 }), { minLength: 1, maxLength: 3 }),
    })
    .map(({ schema, pool, edits }) => {
      const specs = pool.map((column) => column.spec);
      const changes = changesOf(schema.spec, specs, edits);
      return printedAs(changes, () => textOf({ edits, migrations: changes.migrations, first: schema.spec }));
    });
}
