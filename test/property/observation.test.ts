/** L9: hashes are the same with every observer on, off, slow, failing, or spoiling what it is given. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { memoryStore } from '../../src/log/memory-store.ts';
import type { RunCore } from '../../src/simulation/run.ts';
import { anyWorld, type WorldPlan } from '../../src/testing/arbitraries-world.ts';
import { dumpWorld, firstDifference } from '../../src/testing/reference-world.ts';
import { begin, runOut } from './support/drive.ts';
import { holds } from './support/holds.ts';
import { framesOf, hashedPart } from './support/recorded.ts';

// An observer that fails is told of by a warning; here that is no news.
const warned = vi.spyOn(process, 'emitWarning');
beforeAll(() => void warned.mockImplementation(() => {}));
afterAll(() => warned.mockRestore());

type Batch = Iterable<object> & { readonly columns: object; readonly size: number; at(i: number): object };
type News = { readonly tick: number; readonly events: { readonly [kind: string]: Batch } };

/** Overwrites whatever can be overwritten, however deep. */
function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (ArrayBuffer.isView(value)) {
    const array = value as Uint8Array | BigUint64Array;
    array.fill((array instanceof BigUint64Array || array instanceof BigInt64Array ? 9n : 9) as never);
    return;
  }
  for (const inner of Object.values(value)) spoil(inner);
  for (const name of Object.keys(value))
    try {
      (value as { [name: string]: unknown })[name] = 'spoilt';
    } catch {
      // What is frozen stays.
    }
  if (Array.isArray(value) && !Object.isFrozen(value)) value.length = 0;
}

function look({ events }: News, use: (seen: unknown) => void): void {
  for (const batch of Object.values(events)) {
    use(batch.columns);
    for (const row of batch) use(row);
    for (let i = 0; i < batch.size; i++) use(batch.at(i));
  }
}

/** Row objects of a world, for those who keep or spoil them. Columns are the world's own, as they say. */
function lookAt(plan: WorldPlan, world: object, use: (seen: unknown) => void): void {
  for (const [name, { single }] of Object.entries(plan.schema.spec.tables)) {
    const table = (world as { readonly [t: string]: never })[name]!;
    if (single) use((table as { value: object }).value);
    else {
      // Reading columns makes values that later rows must not share.
      for (const column of Object.values((table as { columns: object }).columns)) void column;
      for (const row of table as Iterable<object>) use(row);
      for (const row of (table as { where(match: object): Iterable<object> }).where({})) use(row);
    }
  }
}

type Watch = (run: RunCore, plan: WorldPlan) => void;

const WATCHERS: { readonly [name: string]: Watch } = {
  'that look': (run) => {
    for (const when of ['computed', 'durable'] as const)
      run.on(when, (news) => look(news as never, () => {}));
  },
  'that are slow': (run) => {
    run.on('computed', async (news) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      look(news as never, () => {});
    });
  },
  'that fail': (run) => {
    run.on('computed', () => {
      throw new TypeError('an observer failed');
    });
    run.on('durable', () => Promise.reject(new TypeError('an observer failed late')));
  },
  'that spoil what they get': (run) => {
    for (const when of ['computed', 'durable'] as const) run.on(when, (news) => look(news as never, spoil));
  },
  'that spoil rows of the world': (run, plan) => {
    run.on('computed', () => lookAt(plan, run.world, spoil));
  },
  'that read the past meanwhile': (run, plan) => {
    run.on('computed', async ({ tick }) => {
      lookAt(plan, await run.at(tick), spoil);
      for await (const event of run.events(plan.inputs[0]?.kind ?? Object.keys(plan.schema.spec.events)[0]!))
        spoil(event);
      await run.metrics();
    });
  },
  'that flush': (run) => {
    run.on('computed', () => run.flush());
  },
  'that end themselves': (run) => {
    const end = run.on('computed', () => end());
    run.on('computed', () => {});
  },
};

async function partsOf(plan: WorldPlan, watch?: Watch): Promise<string[]> {
  const store = memoryStore();
  const run = await begin(plan, store);
  const told = { computed: [] as number[], durable: [] as number[] };
  for (const when of ['computed', 'durable'] as const) run.on(when, ({ tick }) => void told[when].push(tick));
  watch?.(run, plan);
  await runOut(plan, run);
  await run.flush();
  const all = Array.from({ length: plan.ticks }, (_, i) => i + 1);
  // Tick 0 is durable before anyone can ask.
  expect(told).toEqual({ computed: all, durable: all });
  // What is read after everyone looked is what the log says.
  const { spec } = plan.schema;
  expect(firstDifference(dumpWorld(spec, await run.at(run.tick)), dumpWorld(spec, run.world))).toBe(null);
  await run.close();
  return (await framesOf(store)).map(hashedPart);
}

for (const [name, watch] of Object.entries(WATCHERS))
  test(`L9: observers ${name} change no hash`, async () => {
    await holds(anyWorld({ maxTicks: 4 }), 25, async (plan) => {
      expect(await partsOf(plan, watch)).toEqual(await partsOf(plan));
    });
  });
