/**
 * Processes killed by SIGKILL at random instants, again and again on one file or one database of a server,
 * beside a twin that nobody kills.
 *
 * 15 kills by default, 60 in CI, a third of that on a server; `WORLDFOLD_KILLS` says another number,
 * thousands for a soak. `WORLDFOLD_KILL_SEED` gives other instants; an instant of a busy machine does not
 * come twice, so what failed is told with the file that it was found in, which stays.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isWorldfoldError, listRuns, memoryStore, openRun, replay, type Store } from '../../src/index.ts';
import { type FreshDatabase, freshDatabase, withoutPostgres } from '../support/postgres.ts';
import { SOURCE } from './herd.ts';
import { live, policy, ROOT, type Said, world } from './life.ts';
import { openStore } from './open-store.ts';
import { framesFrom, hexOf, loadSnapshots, plainFrame } from './stored.ts';
import { bundleChild, drawsOf, type Instant, type LifeEnd, Victims } from './victims.ts';

const { env } = process;
const isThorough = Boolean(env.CI || env.WORLDFOLD_REQUIRE_ALL);
const KILLS = Number(env.WORLDFOLD_KILLS ?? (isThorough ? 60 : 15));
const SEED = Number(env.WORLDFOLD_KILL_SEED ?? 1);
/** Kills on a server: each life is longer there. */
const SERVER_KILLS = Math.ceil(KILLS / 3);
/** Kills of one file. */
const PART = 20;
const MINUTES = 60_000;
/** Ticks that are lived in peace after the last kill. */
const PEACE = 30;
const FOREVER = 1e9;

let folder: string;
let victims: Victims;
let failed = false;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'worldfold-kills-'));
  victims = new Victims(await bundleChild('kill-child'));
});
afterAll(() => {
  victims.close();
  if (!failed) rmSync(folder, { recursive: true });
});

function instants(seed: number): () => Instant {
  const draw = drawsOf(seed);
  // A third of the lives end while the store is opened and the run taken up; the others somewhere later.
  return () => {
    const lines = draw() < 0.3 ? 0 : Math.floor(90 * draw() * draw());
    return { lines, ms: lines === 0 ? 40 * draw() : 8 * draw() };
  };
}

/** What was promised about one file, and what was seen in it. */
class Witness {
  readonly hashes = new Map<string, string[]>();
  private readonly durable = new Map<string, number>();
  private readonly inputs = new Map<number, number>();
  private readonly forks = new Map<string, number>();
  private readonly removed = new Set<string>();
  private readonly pinned = new Set<number>();

  /** Takes note of what a life said. Nothing else than promises may come of it. */
  hear({ said }: LifeEnd): void {
    for (const one of said as Said[])
      if (one[0] === 'durable') this.durable.set(one[1], Math.max(one[2], this.durable.get(one[1]) ?? -1));
      else if (one[0] === 'input') this.inputs.set(one[1], one[2]);
      else if (one[0] === 'fork') this.forks.set(one[1], one[2]);
      else if (one[0] === 'removing') this.removed.add(one[1]);
      else if (one[0] === 'pinned') this.pinned.add(one[1]);
      else if (one[0] !== 'done') expect.fail(`a life said ${JSON.stringify(one)}`);
  }

  /** Looks at what a killed process left: whole, no less than it promised, and nothing else than before. */
  async look(store: Store): Promise<void> {
    const runs = await listRuns(store);
    const ids = new Set(runs.map(({ id }) => id));
    for (const id of [...this.durable.keys(), ...this.forks.keys()])
      if (!this.removed.has(id) && !ids.has(id)) expect.fail(`run ${id} was promised and is not there`);
    for (const { id } of runs) await this.lookAtLog(store, id);
    const snapshots = await loadSnapshots(store, world, [...ids]);
    const pins = new Set(
      snapshots.flatMap(({ segment, tick, pinned }) =>
        pinned && segment.startsWith(`${ROOT}/`) ? [tick] : [],
      ),
    );
    for (const tick of this.pinned) expect(pins).toContain(tick);
  }

  private async lookAtLog(store: Store, id: string): Promise<void> {
    const known = this.hashes.get(id) ?? [];
    const from = Math.max(0, known.length - 1);
    const frames = await framesFrom(store, id, from);
    if (known.length > 0) expect(hexOf(frames[0]!.hash)).toBe(known.at(-1));
    this.hashes.set(id, [...known.slice(0, from), ...frames.map(({ hash }) => hexOf(hash))]);
    const { segment } = (await store.head(id))!;
    expect(hexOf(segment.head.hash)).toBe(this.hashes.get(id)!.at(-1));
    expect(segment.head.tick).toBe(this.hashes.get(id)!.length - 1);
    expect(segment.head.tick).toBeGreaterThanOrEqual(this.durable.get(id) ?? 0);
    if (this.forks.has(id)) expect(segment.parent!.tick).toBe(this.forks.get(id));
  }

  /** The inputs that were said to be durable are in the log, once each, at the tick that was said. */
  async lookForInputs(store: Store): Promise<number> {
    const run = await openRun(world, { ...policy, store, id: ROOT });
    const logged = new Map<number, number[]>();
    for await (const { note, tick } of run.events('fed')) {
      const seq = Number(note.split(' ')[1]);
      logged.set(seq, [...(logged.get(seq) ?? []), tick]);
    }
    for await (const { name, tick } of run.events('bought')) {
      const seq = Number(name.split(' ')[1]);
      logged.set(seq, [...(logged.get(seq) ?? []), tick]);
    }
    await run.close();
    for (const [seq, tick] of this.inputs)
      expect([SOURCE, seq, logged.get(seq)]).toEqual([SOURCE, seq, [tick]]);
    for (const [seq, ticks] of logged) expect([seq, ticks.length]).toEqual([seq, 1]);
    return this.inputs.size;
  }
}

/** Opens the file as the next process would, and looks at it. */
async function look(path: string, witness: Witness): Promise<void> {
  const store = await openStore(path);
  await witness.look(store);
  await store.close();
}

/** Compares all that was ever seen in a file with a run of the same script that nobody killed. */
async function compare(path: string, witness: Witness): Promise<void> {
  const store = await openStore(path);
  const twin = memoryStore();
  const { tick } = (await store.head(ROOT))!.segment.head;
  await live(twin, { until: tick, say() {}, tidies: false });
  for (const [id, hashes] of witness.hashes) {
    const unkilled = await framesFrom(twin, id, 0);
    expect(unkilled.slice(0, hashes.length).map(({ hash }) => hexOf(hash))).toEqual(hashes);
    if ((await store.head(id)) === undefined) continue;
    const killed = await framesFrom(store, id, 0);
    expect(killed.map(plainFrame)).toEqual(unkilled.slice(0, killed.length).map(plainFrame));
    const report = await replay(world, { store, id });
    expect(report.compared).toBe(killed.length);
  }
  expect(await witness.lookForInputs(store)).toBeGreaterThan(0);
  await store.collect(Number.POSITIVE_INFINITY);
  await witness.look(store);
  await store.close();
}

async function killAndCompare(path: string, seed: number, kills: number): Promise<void> {
  const witness = new Witness();
  const next = instants(seed);
  for (let kill = 0; kill < kills; kill++) {
    const end = await victims.live({ path, until: FOREVER }, next());
    expect({ signal: end.signal, last: end.said.at(-1) }).toMatchObject({ signal: 'SIGKILL' });
    witness.hear(end);
    await look(path, witness);
  }
  const head = (witness.hashes.get(ROOT)?.length ?? 1) - 1;
  const peace = await victims.live({ path, until: head + PEACE }, null);
  expect([peace.code, peace.said.at(-1)]).toEqual([0, ['done']]);
  witness.hear(peace);
  await look(path, witness);
  await compare(path, witness);
}

async function tellingWhere(path: string, seed: number, kills: number): Promise<void> {
  try {
    await killAndCompare(path, seed, kills);
  } catch (e) {
    failed = true;
    const code = isWorldfoldError(e) ? e.code : '';
    throw new Error(`WORLDFOLD_KILL_SEED=${SEED}: see ${path}: ${code} ${(e as Error).message}`, {
      cause: e,
    });
  }
}

for (let from = 0, part = 0; from < KILLS; from += PART, part++) {
  const to = Math.min(from + PART, KILLS);
  test(
    `L11: a run that is killed is a prefix of one that is not: kills ${from} to ${to - 1}`,
    {
      timeout: 10 * MINUTES,
    },
    () => tellingWhere(join(folder, `part-${part}.db`), SEED * 1000 + part, to - from),
  );
}

describe.skipIf(withoutPostgres)('on a server', () => {
  const databases: FreshDatabase[] = [];
  afterAll(async () => {
    if (!failed) for (const database of databases) await database.drop();
  });

  for (let from = 0, part = 0; from < SERVER_KILLS; from += PART, part++) {
    const to = Math.min(from + PART, SERVER_KILLS);
    test(`L11: a run that is killed is a prefix of one that is not: kills ${from} to ${to - 1}`, {
      timeout: 10 * MINUTES,
    }, async () => {
      const database = await freshDatabase();
      databases.push(database);
      await tellingWhere(database.url, SEED * 1000 + 500 + part, to - from);
    });
  }
});
