/** L3 and L9: SQL at a tick holds the rows of the world at that tick, and asking leaves the log as it was. */
import { beforeAll, expect, test } from 'vitest';
import { loadHash } from '../../src/base/hash.ts';
import { memoryStore } from '../../src/index.ts';
import { quoted } from '../../src/projections/sql/names.ts';
import { rowOfSql } from '../../src/projections/sql/table.ts';
import { stateOf } from '../../src/projections/world-state.ts';
import type { RunCore } from '../../src/simulation/run.ts';
import type { Run } from '../../src/simulation/types.ts';
import { catalogueOf } from '../../src/sql/moment.ts';
import { textOf } from '../../src/testing/arbitraries-rows.ts';
import { anyWorld } from '../../src/testing/arbitraries-world.ts';
import { framesOf } from '../support/runs.ts';
import { begin, runOut } from './support/drive.ts';
import { holds } from './support/holds.ts';

beforeAll(loadHash);

type Asking = Pick<Run<never, never>, 'sql'>;

async function rowsBySql(run: RunCore, tick: number): Promise<{ [table: string]: string[] }> {
  const made: { [table: string]: string[] } = {};
  for (const table of catalogueOf(run.definition).tables) {
    const rows = await (run as unknown as Asking).sql(tick, `select * from ${quoted(table.name)}`);
    made[table.layout.name] = rows.map((row) => textOf(rowOfSql(table, Object.values(row)))).sort();
  }
  return made;
}

async function rowsFolded(run: RunCore, tick: number): Promise<{ [table: string]: string[] }> {
  const { tables } = stateOf(await run.at(tick))!;
  const user = [...tables].filter(([name]) => !name.startsWith('$'));
  return Object.fromEntries(
    user.map(([name, { set, size }]) => [
      name,
      Array.from({ length: size }, (_, row) => textOf(set.rowAt(row))).sort(),
    ]),
  );
}

test('L3, L9: SQL over any world at any tick gives its rows, and no record or hash is another', async () => {
  await holds(anyWorld({ maxTicks: 4 }), 8, async (plan) => {
    const store = memoryStore();
    const run = await begin(plan, store);
    await runOut(plan, run);
    await run.flush();
    const id = run.id;
    const before = await framesOf(store, id);
    const hash = textOf(stateOf(run.world)!.digest());
    for (const tick of new Set([0, run.tick >> 1, run.tick]))
      expect(await rowsBySql(run, tick)).toEqual(await rowsFolded(run, tick));
    expect(textOf(stateOf(run.world)!.digest())).toBe(hash);
    expect((await framesOf(store, id)).map((frame) => textOf(frame.hash))).toEqual(
      before.map((frame) => textOf(frame.hash)),
    );
    await run.close();
  });
}, 240_000);
