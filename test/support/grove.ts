/** Random fork trees of a world whose snapshots share chunks: with eras, inputs, pins and removed names. */
import * as fc from 'fast-check';
import {
  createRun,
  defineSchema,
  defineWorld,
  event,
  isWorldfoldError,
  openRun,
  type Store,
  singleton,
  t,
  table,
} from '../../src/index.ts';

const schema = defineSchema({
  name: 'grove',
  version: 1,
  tables: {
    trees: table({ id: t.id(), height: t.f64().default(0), kind: t.f64().default(3) }),
    sums: singleton({ total: t.f64().default(0) }),
  },
  events: { grown: event({ tree: t.ref('trees'), by: t.f64() }) },
  inputs: { watered: event({ n: t.f64() }) },
});

/** Enough rows that a column is a chunk of its own. */
const TREES = 200;

const grow = schema.system('grow', ({ emit, rng }) =>
  emit.grown({ tree: rng('grow').int(1, TREES) as never, by: rng('grow').float() }),
);

/** The world; handlers of another factor make another world of the same events. */
export const grove = (factor: number) => {
  // The factor must show in the text of the handler, as an edit of the code would.
  const grown = new Function(
    'w',
    'e',
    `const { height } = w.trees.get(e.tree); w.trees.update(e.tree, { height: height + e.by * ${factor} });`,
  ) as (w: object, e: object) => undefined;
  return defineWorld(schema, {
    setup: ({ insert }) => {
      for (let i = 0; i < TREES; i++) insert.trees({ kind: i });
    },
    apply: {
      grown,
      watered: (w, e) => w.sums.set({ total: w.sums.value.total + e.n }),
    },
    systems: [grow],
  });
};

/** One thing that happens to a tree; numbers pick among the runs that are there. */
export type GroveStep =
  | { do: 'plant' }
  | { do: 'advance'; run: number; ticks: number; water: number }
  | { do: 'fork'; run: number; back: number; later: 'keep' | 'drop'; ticks: number }
  | { do: 'remove'; run: number }
  | { do: 'collect'; limit: number }
  | { do: 'adopt'; run: number }
  | { do: 'pin'; run: number }
  | { do: 'fail'; run: number };

const pick = fc.nat(20);
const step: fc.Arbitrary<GroveStep> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: fc.constant('plant' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      run: pick,
      ticks: fc.nat(7),
      water: fc.nat(2),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('fork' as const),
      run: pick,
      back: fc.nat(9),
      later: fc.constantFrom('keep' as const, 'drop' as const),
      ticks: fc.nat(5),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), run: pick }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('collect' as const), limit: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('adopt' as const), run: pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pin' as const), run: pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const), run: pick }) },
);

/** Steps after which every run that was there is still there. */
export const growing: fc.Arbitrary<GroveStep> = step.filter((one) => one.do !== 'remove');

/** Up to 16 steps that begin with a run. */
export const groves: fc.Arbitrary<readonly GroveStep[]> = fc
  .array(step, { maxLength: 14 })
  .map((steps) => [{ do: 'plant' }, { do: 'advance', run: 0, ticks: 6, water: 1 }, ...steps]);

/** A store in which trees grow, and which code each run has. */
export class Grove {
  readonly store: Store;
  private readonly factors = new Map<string, number>();
  private made = 0;

  constructor(store: Store) {
    this.store = store;
  }

  /** The runs, in order of id. */
  get runs(): readonly string[] {
    return [...this.factors.keys()].sort();
  }

  /** The world of a run. */
  worldOf(run: string) {
    return grove(this.factors.get(run)!);
  }

  /** Plays steps. */
  async play(steps: readonly GroveStep[]): Promise<this> {
    for (const one of steps) await this.one(one);
    return this;
  }

  private async one(s: GroveStep): Promise<void> {
    if (s.do === 'plant') return this.plant();
    if (s.do === 'collect') return void (await this.store.collect(s.limit));
    const { runs } = this;
    const id = runs[s.run % Math.max(1, runs.length)];
    if (id === undefined) return;
    if (s.do === 'remove') {
      await this.store.remove(id, false);
      this.factors.delete(id);
    } else if (s.do === 'fail') {
      const { segment } = (await this.store.head(id))!;
      await this.store.keepAttempt(segment.id, { tick: segment.head.tick + 1, text: `{"n":${this.made++}}` });
    } else await this.written(id, s);
  }

  private async plant(): Promise<void> {
    const id = `run ${this.made++ % 7}`;
    if (this.factors.has(id)) return;
    const run = await createRun(grove(1), {
      store: this.store,
      seed: id,
      id,
      snapshots: { every: 3, keep: 2 },
    });
    await run.close();
    this.factors.set(id, 1);
  }

  private async written(id: string, s: GroveStep & { readonly run: number }): Promise<void> {
    const factor = this.factors.get(id)! + (s.do === 'adopt' ? 1 : 0);
    const snapshots = { every: 3, keep: 2 };
    const run = await openRun(grove(factor), { store: this.store, id, snapshots, adopt: s.do === 'adopt' });
    try {
      if (s.do === 'advance') {
        for (let i = 0; i < s.water; i++) run.submit.watered({ n: i });
        await run.advance(s.ticks);
      } else if (s.do === 'adopt') {
        const before = run.tick;
        // A parent's later inputs may be gone after the first tick, which has begun the era by then.
        await run.advance(2).finally(() => run.tick > before && this.factors.set(id, factor));
      } else if (s.do === 'pin') await run.snapshot({ pin: true });
      else if (s.do === 'fork') await this.fork(run, factor, s);
    } catch (e) {
      // The later inputs of a parent that was removed may be gone.
      if (!isWorldfoldError(e, 'NO_STATE')) throw e;
    } finally {
      await run.close();
    }
  }

  private async fork(
    run: Awaited<ReturnType<typeof openRun<never, never>>> | { readonly tick: number; fork: unknown },
    factor: number,
    { back, later, ticks }: GroveStep & { readonly do: 'fork' },
  ): Promise<void> {
    const id = `run ${this.made++ % 7}`;
    if (this.factors.has(id)) return;
    const at = Math.max(0, run.tick - back);
    try {
      const fork = await (run as any).fork({ id, at, later, because: 'why not' });
      await fork.advance(ticks);
      await fork.close();
      this.factors.set(id, factor);
    } catch (e) {
      // Not every tick before an adopted era can be built; inputs of a removed parent may be gone.
      if (!isWorldfoldError(e, 'NO_STATE')) throw e;
      if ((await this.store.head(id)) !== undefined) await this.store.remove(id, true);
    }
  }
}
