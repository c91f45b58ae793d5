/** Mistakes in questions over tables in SQL: each must not compile, and has a twin that compiles. */
import type { Mistake } from './mistake.ts';

const HEAD = "import { runTables, u64, worldTables } from '../../src/tables/index.ts';";
const asking = (name: string, wrong: string, right: string, says: string | readonly string[]): Mistake => {
  const asked = (query: string) =>
    `${HEAD} export async function f(run: Run<Village, 'ill'>) { const db = await runTables(run); ${query} }`;
  return { name, wrong: asked(wrong), right: asked(right), says };
};

export const tables: readonly Mistake[] = [
  asking(
    'a column that the table does not have',
    "return db.selectFrom('people').where('helth', '=', 'ill');",
    "return db.selectFrom('people').where('health', '=', 'ill');",
    `'"helth"' is not assignable to`,
  ),
  asking(
    'a column of another table',
    "return db.selectFrom('people').select('ground');",
    "return db.selectFrom('cells').select('ground');",
    `'"ground"' is not assignable to`,
  ),
  asking(
    'a table that the world does not have',
    "return db.selectFrom('peple').selectAll();",
    "return db.selectFrom('people').selectAll();",
    `'"peple"' is not assignable to`,
  ),
  asking(
    'a name that the enum does not have',
    "return db.selectFrom('people').where('health', '=', 'sick');",
    "return db.selectFrom('people').where('health', '=', 'ill');",
    `'"sick"' is not assignable to`,
  ),
  asking(
    'a number compared with a u64',
    "return db.selectFrom('jobs').where('pay', '>', 100);",
    "return db.selectFrom('jobs').where('pay', '>', u64(100));",
    "Argument of type '100' is not assignable",
  ),
  asking(
    'a bigint compared with a u64',
    "return db.selectFrom('jobs').where('pay', '>', 100n);",
    "return db.selectFrom('jobs').where('pay', '>', u64(100n));",
    "Argument of type '100n' is not assignable",
  ),
  asking(
    'a text of one’s own compared with a u64',
    "return db.selectFrom('jobs').where('pay', '=', '100');",
    "return db.selectFrom('jobs').where('pay', '=', u64(100));",
    `'"100"' is not assignable to`,
  ),
  asking(
    'a field of a struct by the path that worlds have',
    "return db.selectFrom('people').select('pos.x');",
    "return db.selectFrom('people').select('pos_x');",
    `'"pos.x"' is not assignable to`,
  ),
  asking(
    'a text where a key is a number',
    "return db.selectFrom('people').where('id', '=', 'one');",
    "return db.selectFrom('people').where('id', '=', 1);",
    `'"one"' is not assignable to`,
  ),
  asking(
    'the tick of a table that is not its history',
    "return db.selectFrom('people').select('tick');",
    "return db.selectFrom('people_history').select('tick');",
    `'"tick"' is not assignable to`,
  ),
  asking(
    'a kind that the world does not have',
    "return db.selectFrom('events').where('kind', '=', 'infcted');",
    "return db.selectFrom('events').where('kind', '=', 'infected');",
    `'"infcted"' is not assignable to`,
  ),
  asking(
    'the run of rows that are all of one',
    "return db.selectFrom('people').select('run');",
    "return (await worldTables(village, store)).selectFrom('people').select('run');",
    `'"run"' is not assignable to`,
  ),
];
