/** What the pages about proofs print is run: no snippet may throw, and what it says comes true. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import * as worldfold from '../../src/index.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import * as testing from '../../src/testing/index.ts';
import { caught } from '../support/runs.ts';
import { root } from '../types/compile.ts';

const { createRun, defineSchema, defineWorld, event, fact, memoryStore, singleton, t, table } = worldfold;

const townSchema = defineSchema({
  name: 'town',
  version: 1,
  config: { beta: t.f64().default(0.1), people: t.int().default(9) },
  tables: { people: table({ id: t.id(), cell: t.u32(), health: t.enum('well', 'ill') }) },
  events: { infected: event({ person: t.ref('people') }) },
  inputs: { cured: event({ person: t.ref('people') }), moved: fact({ speed: t.u8() }), shutDown: fact({}) },
});
const townWith = (deed: (tick: number) => void) => {
  const infect = townSchema.system('infect', ({ world, emit, config, rng, tick }) => {
    deed(tick);
    if (world.people.count({ health: 'ill' }) === 0) return;
    for (const { id, health } of world.people)
      if (health === 'well' && rng('infect').chance(config.beta)) emit.infected({ person: id });
  });
  const town = defineWorld(townSchema, {
    setup({ insert, config }) {
      for (let i = 0; i < config.people; i++) insert.people({ cell: 1, health: i === 0 ? 'ill' : 'well' });
    },
    systems: [infect],
    apply: {
      infected: ({ people }, { person }) => void people.update(person, { health: 'ill' }),
      cured: ({ people }, { person }) => void people.update(person, { health: 'well' }),
    },
  });
  return { town, infect };
};
const { town, infect } = townWith(() => {});

const bankSchema = defineSchema({
  name: 'bank',
  version: 1,
  tables: {
    accounts: table({ id: t.id(), balance: t.int().default(0) }),
    market: singleton({ sold: t.u32().default(0) }),
  },
  events: {
    paid: event({ from: t.ref('accounts'), to: t.ref('accounts'), amount: t.int() }),
    sold: event({ count: t.u32() }),
  },
  inputs: { asked: event({ from: t.ref('accounts'), to: t.ref('accounts'), amount: t.int() }) },
});
const bank = defineWorld(bankSchema, {
  setup({ insert }) {
    for (let i = 0; i < 2; i++) insert.accounts({ balance: 100 });
  },
  systems: [
    bankSchema.system('pay', ({ world, events, emit }) => {
      for (const { from, to, amount } of events.asked)
        if (amount >= 0 && amount <= world.accounts.get(from)!.balance) emit.paid({ from, to, amount });
    }),
    bankSchema.system('sell', { every: 2 }, ({ emit }) => void emit.sold({ count: 2 })),
  ],
  apply: {
    paid: ({ accounts }, { from, to, amount }) => {
      accounts.update(from, { balance: accounts.get(from)!.balance - amount });
      accounts.update(to, { balance: accounts.get(to)!.balance + amount });
    },
    sold: ({ market }, { count }) => void market.set({ sold: market.value.sold + count }),
    asked: () => {},
  },
});

type Names = { readonly [name: string]: unknown };

const blocks = (page: string, language: string): string[] =>
  [...readFileSync(join(root, 'docs', page), 'utf8').matchAll(/```(\w*)\n([\s\S]*?)```/g)]
    .filter(([, of]) => of === language)
    .map(([, , code]) => code!);

const AsyncFunction = (async () => {}).constructor as new (
  ...given: string[]
) => (...given: unknown[]) => Promise<void>;

/** What a snippet did: what it printed, what it left in `process`, the tests that it declared. */
interface Ran {
  readonly printed: string[];
  readonly process: { exitCode?: number };
  readonly tests: [string, () => unknown][];
}

/** Runs a snippet with what it takes for granted; what it imports is among that. */
async function ran(code: string, granted: Names = {}): Promise<Ran> {
  const [printed, process, tests]: [string[], Ran['process'], Ran['tests']] = [[], {}, []];
  const console = { log: (...given: unknown[]) => void printed.push(given.join(' ')) };
  const test = (name: string, run: () => unknown): void => void tests.push([name, run]);
  const names: Names = {
    ...worldfold,
    ...testing,
    ...{ fc, sqliteStore, expect, town, infect, bank, market: bank, console, process, test },
    ...granted,
  };
  const text = code.replace(/^import .*;$/gm, '');
  const target = ts.ScriptTarget.ES2022;
  const { outputText } = ts.transpileModule(`async () => {\n${text}\n}`, { compilerOptions: { target } });
  const start = new AsyncFunction(...Object.keys(names), `await (${outputText.trim().replace(/;$/, '')})()`);
  await start(...Object.values(names));
  return { printed, process, tests };
}

async function aRun(ticks: number) {
  const store = memoryStore();
  const run = await createRun(town, { store, seed: 'alpha', id: 'first', config: { people: 200 } });
  await run.advance(ticks);
  await run.flush();
  return { store, run };
}

describe('docs/verify.md', () => {
  const [first, second] = blocks('verify.md', 'ts');

  it('a run is verified, and that is printed', async () => {
    const { run } = await aRun(5);
    const { printed, process } = await ran(first!, { run });
    expect([printed.length, process.exitCode]).toEqual([1, 0]);
    expect(printed[0]).toContain('verified');
  });

  it('a town is taken back at every tick', async () => {
    const makeTown = () => townWith(() => {}).town;
    await ran(`${second} if (!inSync) throw new Error(JSON.stringify(report));`, { makeTown });
  });

  it('the world between two systems is that of the page', async () => {
    const { run } = await aRun(30);
    const [, code] = /`(await run\.at\(30[^`]*)`/.exec(readFileSync(join(root, 'docs/verify.md'), 'utf8'))!;
    await ran(`console.log((${code}).people.size)`, { run });
    await run.at(30, { after: 'inputs' });
  });
});

describe('docs/determinism.md', () => {
  const levels = blocks('determinism.md', 'ts')[0]!.trim().split('\n');

  it.each(levels)('%s', async (line) => {
    await ran(line, { store: memoryStore() });
  });

  it('a refusal reads as it is printed there', async () => {
    const [said] = blocks('determinism.md', '').filter((block) => block.startsWith('AMBIENT'));
    const broken = townWith((tick) => void (tick === 3 && Math.random())).town;
    const run = await createRun(broken, { store: memoryStore(), seed: 'alpha', id: 'first' });
    const { code, message, hint, facts } = await caught(() => run.advance(5));
    expect(said).toContain(`${code}  ${message}\nhint     ${hint}\n`);
    const [, listed] = /facts {4}(.*)/.exec(said!)!;
    for (const fact of Object.keys(facts)) expect(listed).toContain(fact);
  });
});

describe('docs/testing.md', () => {
  const snippets = blocks('testing.md', 'ts');
  const cases = snippets.map((code, i) => [i, code] as const);

  it.each(cases)('snippet %i does what it says', async (_, code) => {
    const { store, run } = await aRun(40);
    const dose = { runs: 1, ticks: 3, seed: 7 };
    const laws = (world: never, options: object) =>
      testing.laws(world, { only: ['L3', 'L10'], ...dose, ...options } as never);
    const model = (world: never, reference: never) => testing.model(world, reference, dose);
    const { tests } = await ran(code, { run, store, laws, model });
    if (code.includes('test,') || code.includes('test(')) expect(tests.length).toBeGreaterThan(0);
    for (const [, body] of tests) await body();
  });
});
