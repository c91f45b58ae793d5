/**
 * L7: many runs of one database, written through several stores at once in an order that a seed gives, with
 * forks, snapshots, removals and collections between. Each run that is left equals its solo twin in memory.
 */
import process from 'node:process';
import { afterEach, describe, expect, test } from 'vitest';
import { createRun, memoryStore, openRun, type RunPolicy, replay, type Store } from '../../src/index.ts';
import { openPgliteStore, openPostgresStore } from '../../src/stores/postgres/open.ts';
import { herd } from '../crash/herd.ts';
import { drawsOf } from '../crash/victims.ts';
import { freshDatabase, withoutPostgres } from '../support/postgres.ts';
import { hashesOf } from '../support/runs.ts';

const isThorough = Boolean(process.env.CI || process.env.WORLDFOLD_REQUIRE_ALL);
const WORLDS = [
  { animals: 8, fields: 12 },
  { animals: 20, fields: 5 },
  { animals: 4, fields: 300 },
].map(herd);
const policy: RunPolicy = {
  commit: { ticks: 3 },
  snapshots: { every: 4, keep: 2 },
  clocks: { wall: () => 0 },
};

const create = (of: number, store: Store, id: string) =>
  createRun(WORLDS[of]!, { ...policy, store, id, seed: id });
type HerdRun = Awaited<ReturnType<typeof create>>;

/** How a run came to be; what it takes to make its twin. */
interface Origin {
  readonly id: string;
  readonly world: number;
  readonly parent: Origin | null;
  /** The tick that it was forked at. */
  readonly at: number;
}

interface Live {
  readonly origin: Origin;
  run: HerdRun;
  busy: boolean;
}

/** The runs of a database, and how they are written. */
class Town {
  readonly live: Live[] = [];
  removed = 0;
  forked = 0;
  private readonly stores: readonly Store[];
  private readonly draw: () => number;

  constructor(stores: readonly Store[], seed: number) {
    this.stores = stores;
    this.draw = drawsOf(seed);
  }

  below(n: number): number {
    return Math.floor(this.draw() * n);
  }

  private store(): Store {
    return this.stores[this.below(this.stores.length)]!;
  }

  async begin(id: string): Promise<void> {
    const origin = { id, world: this.below(WORLDS.length), parent: null, at: 0 };
    const run = await create(origin.world, this.store(), id);
    this.live.push({ origin, run, busy: false });
  }

  private async fork({ origin, run }: Live): Promise<void> {
    const at = this.below(run.tick + 1);
    const id = `fork ${this.forked++} of ${origin.id}`;
    const fork = await run.fork({ at, id, seed: id });
    this.live.push({ origin: { id, world: origin.world, parent: origin, at }, run: fork, busy: false });
  }

  /** Closes a run and takes it up through another store. */
  private async move(live: Live): Promise<void> {
    await live.run.close();
    live.run = await openRun(WORLDS[live.origin.world]!, {
      ...policy,
      store: this.store(),
      id: live.origin.id,
    });
  }

  private async remove(live: Live): Promise<void> {
    this.live.splice(this.live.indexOf(live), 1);
    await live.run.close();
    await this.store().remove(live.origin.id, false);
    await this.store().collect(1 + this.below(60));
    this.removed++;
  }

  /** Does something with some run that nobody else has at hand. */
  async step(): Promise<void> {
    const idle = this.live.filter(({ busy }) => !busy);
    const live = idle[this.below(idle.length)];
    if (live === undefined) return;
    live.busy = true;
    const what = this.below(100);
    if (what < 76) await live.run.advance(1 + this.below(4));
    else if (what < 84) await live.run.snapshot({ pin: what % 2 === 0 });
    else if (what < 90) await this.fork(live);
    else if (what < 95) await this.move(live);
    else await this.remove(live);
    live.busy = false;
  }

  async work(workers: number, steps: number): Promise<void> {
    const one = async () => {
      for (let i = 0; i < steps; i++) await this.step();
    };
    await Promise.all(Array.from({ length: workers }, one));
    for (const { run } of this.live) await run.close();
  }
}

/** Makes a run alone in memory, with those that it was forked from, up to a tick. */
async function alone(store: Store, { id, world, parent, at }: Origin, to: number): Promise<HerdRun> {
  const run =
    parent === null
      ? await create(world, store, id)
      : await (await alone(store, parent, at)).fork({ at, id, seed: id });
  // A fork may begin before its parent did.
  await run.advance(Math.max(0, to - run.tick));
  await run.flush();
  return run;
}

async function expectTwins(store: Store, { live }: Town): Promise<void> {
  const runs = await store.list(null, Infinity);
  expect(runs.map(({ id }) => id)).toEqual(live.map(({ origin }) => origin.id).sort());
  for (const { origin } of live) {
    const { id } = origin;
    const hashes = await hashesOf(store, id);
    const twin = memoryStore();
    await alone(twin, origin, hashes.length - 1);
    expect([id, await hashesOf(twin, id)]).toEqual([id, hashes]);
    expect(await replay(WORLDS[origin.world]!, { store, id })).toMatchObject({ compared: hashes.length });
  }
}

interface Bench {
  readonly open: () => Promise<Store>;
  readonly end: () => Promise<void>;
}

const onServer = async (): Promise<Bench> => {
  const database = await freshDatabase();
  return { open: () => openPostgresStore(database.url, { writerConnections: 12 }), end: database.drop };
};
const embedded = async (): Promise<Bench> => {
  const store = await openPgliteStore(':memory:');
  return { open: async () => store, end: async () => {} };
};

const BENCHES = [
  { name: 'a server', left: withoutPostgres, make: onServer, runs: 50, steps: isThorough ? 90 : 30 },
  { name: 'the embedded database', left: false, make: embedded, runs: 12, steps: isThorough ? 24 : 8 },
];

for (const { name, left, make, runs, steps } of BENCHES)
  describe.skipIf(left)(`many runs on ${name}`, () => {
    const ends: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const end of ends.splice(0).reverse()) await end();
    });

    test.each(isThorough ? [1, 2] : [1])('L7: seed %i: each equals its twin', async (seed) => {
      const bench = await make();
      ends.push(bench.end);
      const stores: Store[] = [];
      for (let i = 0; i < 3; i++) stores.push(await bench.open());
      ends.push(async () => {
        for (const store of stores) await store.close();
      });
      const town = new Town(stores, seed);
      await Promise.all(Array.from({ length: runs }, (_, i) => town.begin(`run ${i}`)));
      await town.work(12, steps);
      expect(town.removed).toBeGreaterThan(0);
      expect(town.forked).toBeGreaterThan(0);
      await expectTwins(stores[0]!, town);
      while ((await stores[1]!.collect(50)) > 0);
      await expectTwins(stores[2]!, town);
    });
  });
