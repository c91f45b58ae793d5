/** L13: an older log loads through declared migrations or is refused by name. */
import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { isWorldfoldError } from '../../src/base/errors.ts';
import { loadHash } from '../../src/base/hash.ts';
import { type CompiledSchema, compileSchema, compileText } from '../../src/schema/compile.ts';
import { checkMigrations, type MigrationStep, type Migrations } from '../../src/schema/migration.ts';
import { describeDifference } from '../../src/schema/migration-difference.ts';
import { beginning } from '../../src/schema/migration-fit.ts';
import { migrationSkeleton, planMigration } from '../../src/schema/migration-plan.ts';
import { anySchema } from '../../src/testing/arbitraries.ts';
import { cellBy, type SchemaChanges, schemaChanges } from '../../src/testing/arbitraries-changes.ts';
import { textOf } from '../../src/testing/arbitraries-rows.ts';
import { anyHistory, folded, lookOf, migrated, tickLook, upcast } from './support/evolving.ts';
import { holds } from './support/holds.ts';

beforeAll(loadHash);

/** A schema as a log carries it. */
const carried = (schema: CompiledSchema): CompiledSchema => compileText(schema.text);
const seeds = fc.integer({ min: 0, max: 0xffffffff });

/** Whether a singleton is new of which an older log can't have the row: no step gives it one. */
const lacksRow = (old: CompiledSchema, newer: CompiledSchema): boolean =>
  newer.tables.some(
    ({ name, single, columns }) =>
      single &&
      old.tableOf.get(name)?.single !== true &&
      columns.some((column) => beginning(column) === undefined),
  );

/** Changes that lead on from any version to any later one; what does not is refused, in a test below. */
const changes = schemaChanges().filter(({ versions }) =>
  versions.every((newer, i) => versions.slice(0, i).every((old) => !lacksRow(old, newer))),
);
const withHistory = fc.record({ changes, seed: seeds });

const planFrom = ({ versions, migrations }: SchemaChanges, from: number, to: number) =>
  planMigration(carried(versions[from]!), versions[to]!, migrations);

test('L13: a log of any older version is taken along; without one needed entry it is refused', async () => {
  await holds(changes, 50, ({ versions, migrations, lacking }) => {
    const logs = versions.map(carried);
    versions.forEach((to, i) => {
      const own = Object.entries(migrations).filter(([version]) => Number(version) <= to.spec.version);
      const checked = checkMigrations(to.spec, Object.fromEntries(own));
      for (let from = 0; from <= i; from++)
        expect(planMigration(logs[from]!, to, checked).unchanged).toBe(from === i);
    });
    for (const { version, what, migrations: bare } of lacking) {
      const refused = (): unknown => planMigration(logs[version - 2]!, versions[version - 1]!, bare);
      expect(refused, what).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^(SCHEMA_DIFFERS|BAD_SCHEMA)$/) }),
      );
    }
  });
});

test('L13: folding migrated events gives the world that migrating the folded one gives', async () => {
  await holds(withHistory, 120, ({ changes, seed }) => {
    const { versions, deeds } = changes;
    const last = versions.length - 1;
    const plan = planFrom(changes, 0, last);
    const ticks = anyHistory(plan.from, seed);
    const migratedLast = migrated(plan, folded(plan.from, deeds[0]!, ticks));
    const migratedFirst = folded(plan.to, deeds[last]!, upcast(plan, ticks));
    expect(lookOf(migratedFirst)).toEqual(lookOf(migratedLast));
  });
});

test('L13: step by step comes to what the steps come to at once', async () => {
  await holds(withHistory, 120, ({ changes, seed }) => {
    const { versions, deeds } = changes;
    const last = versions.length - 1;
    const history = anyHistory(carried(versions[0]!), seed);
    let state = folded(carried(versions[0]!), deeds[0]!, history);
    let ticks = history;
    const whole = planFrom(changes, 0, last);
    const atOnce = [lookOf(migrated(whole, state)), upcast(whole, ticks)] as const;
    for (let i = 0; i < last; i++) {
      const plan = planFrom(changes, i, i + 1);
      state = migrated(plan, state);
      ticks = upcast(plan, ticks);
    }
    expect(lookOf(state)).toEqual(atOnce[0]);
    const look = (tick: (typeof ticks)[number]): object => tickLook(whole.to, tick);
    expect(ticks.map(look)).toEqual(atOnce[1].map(look));
  });
});

/** The migrations of a skeleton, with each function filled in by what gives values that fit. */
function filled(text: string, to: CompiledSchema): Migrations {
  const { migrations } = new Function('todo', `return {${text}}`)(undefined) as { migrations: Migrations };
  const fill = (part: 'tables' | 'events' | 'inputs' | 'config', name: string, steps: object): object => {
    const set =
      part === 'config' ? to.config : part === 'tables' ? to.tableOf.get(name)! : to.kindOf.get(name)!;
    const functions = (given: object | undefined, give: (column: string) => unknown) =>
      Object.fromEntries(Object.keys(given ?? {}).map((column) => [column, give(column)]));
    const { change, add } = steps as { readonly change?: object; readonly add?: object };
    const cell = (column: string) => (row: unknown) => cellBy(set.byName.get(column)!, textOf(row));
    return { ...steps, change: functions(change, cell), add: functions(add, cell) };
  };
  const step = (given: MigrationStep): object => ({
    ...given,
    ...Object.fromEntries(
      (['tables', 'events', 'inputs'] as const).map((part) => [
        part,
        Object.fromEntries(
          Object.entries(given[part] ?? {}).map(([name, steps]) => [name, fill(part, name, steps)]),
        ),
      ]),
    ),
    ...(given.config === undefined ? {} : { config: fill('config', 'config', given.config) }),
  });
  return Object.fromEntries(Object.entries(migrations).map(([version, given]) => [version, step(given)]));
}

test('L13: the skeleton of any difference, filled in, takes the log along', async () => {
  const pair = fc.record({ from: anySchema(), to: anySchema(), seed: seeds, tick: fc.boolean() });
  await holds(pair, 80, ({ from, to, seed, tick }) => {
    const newer = compileSchema({
      ...to.compiled.spec,
      version: 2,
      tick: tick ? '9 days' : from.spec.tick,
    });
    const old = carried(from.compiled);
    let skeleton = '';
    try {
      planMigration(old, newer, {});
    } catch (e) {
      expect(isWorldfoldError(e, 'SCHEMA_DIFFERS')).toBe(true);
      const { message, hint, facts } = e as { message: string; hint: string; facts: { skeleton: string } };
      expect(message).toContain(describeDifference(old, newer));
      expect(hint).toContain(facts.skeleton);
      skeleton = facts.skeleton;
    }
    expect(skeleton).toBe(migrationSkeleton(old, newer));
    const migrations = checkMigrations(newer.spec, filled(skeleton, newer));
    if (lacksRow(old, newer)) {
      expect(() => planMigration(old, newer, migrations)).toThrow(
        / is new, and an older log has no value for /,
      );
      return;
    }
    const plan = planMigration(old, newer, migrations);
    const ticks = anyHistory(old, seed);
    upcast(plan, ticks);
    try {
      migrated(plan, folded(old, new Map(), ticks));
    } catch (e) {
      // Two rows may come to one key: then it is said so.
      expect(e).toMatchObject({ code: 'DUPLICATE_KEY', facts: { version: 2 } });
    }
  });
});

test('L13: the difference is empty for one schema, and for no two', async () => {
  await holds(fc.record({ from: anySchema(), to: anySchema() }), 60, ({ from, to }) => {
    expect(describeDifference(carried(from.compiled), from.compiled)).toBe('');
    const equal = from.compiled.text === to.compiled.text;
    expect(describeDifference(from.compiled, to.compiled) === '').toBe(equal);
  });
  await holds(changes, 40, ({ versions }) => {
    versions.slice(1).forEach((to, i) => {
      const from = versions[i]!;
      const { version } = to.spec;
      const equal = compileSchema({ ...from.spec, version }).text === to.text;
      expect(describeDifference(from, to) === '').toBe(equal);
    });
  });
});
