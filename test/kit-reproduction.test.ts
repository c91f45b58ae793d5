/** Every kind of file that the kit prints fails as what printed it did, and passes for a mended world. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRun, memoryStore, type WorldfoldError } from '../src/index.ts';
import { type LawName, type LawTestOptions, laws, model, shrinkRun } from '../src/testing/index.ts';
import { caught } from './support/runs.ts';
import * as wrong from './support/wrong-worlds.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const support = join(root, 'test/support/wrong-worlds.ts');

type World = ReturnType<typeof wrong.pond>;
type Options = LawTestOptions<wrong.Pond, string>;

/** What was found, and the file that was printed of it. */
interface Found {
  readonly code: string;
  readonly message: string;
  readonly file: string;
}

/** A kind of printed file: how one comes about, and the modules that stand beside it, as text. */
interface Case {
  readonly find: () => Promise<Found>;
  readonly modules: { readonly [name: string]: string };
}

const told = ({ code, message, facts }: WorldfoldError): Found => ({
  code,
  message,
  file: String(facts.file),
});

async function broken(law: LawName, world: World, options: Options = {}): Promise<Found> {
  let run: () => Promise<void> = () => Promise.resolve();
  const test = (_: string, body: () => Promise<void>): void => void (run = body);
  laws(world, { test, only: [law], seed: 5, ticks: 6, config: { heat: 0.25 }, ...options });
  return told(await caught(run));
}

const exported = (expression: string): string =>
  `import * as wrong from '${support}';\n\nexport default ${expression};\n`;
const PAIR = "export { world as default } from './pair.ts';\n";
const pairOf = (expression: string): string =>
  `import * as wrong from '${support}';\n\nexport const { world, store, told } = ${expression} as any;\n`;

/** A world by the function that makes it. */
const ofLaw = (law: LawName, make: () => World): Case => ({
  find: () => broken(law, make()),
  modules: { world: exported(`wrong.${make.name}()`) },
});

async function shrunk(): Promise<Found> {
  const store = memoryStore();
  const run = await createRun(wrong.overfed(), { store, seed: 's', id: 'r' });
  run.submit.fed({ frog: 2 as never, flies: 200 });
  await caught(() => run.advance(1));
  await run.close();
  const { error, file } = await shrinkRun({ store, id: 'r', world: wrong.overfed() });
  return { ...told(error!), file };
}

const NO_MATH = { math: 'off' } as const;

const CASES: { readonly [name: string]: Case } = {
  L3: ofLaw('L3', wrong.countingHandler),
  L4: ofLaw('L4', wrong.forgetfulSystem),
  L5: ofLaw('L5', wrong.countingSystem),
  L6: ofLaw('L6', wrong.forgetfulSystem),
  'L8-clock': ofLaw('L8', wrong.clockSystem),
  'L8-column': ofLaw('L8', wrong.writingSystem),
  'L8-invariant': ofLaw('L8', wrong.overfed),
  L9: ofLaw('L9', wrong.meddlingMetric),
  'L9-observer': {
    find: () => {
      const { world, told: hear } = wrong.heedingObserver();
      return broken('L9', world, { observe: (run) => void run.on('computed', () => hear(run.world)) });
    },
    modules: {
      pair: pairOf('wrong.heedingObserver()'),
      world: PAIR,
      observe:
        "import { told } from './pair.ts';\n\nexport default (run: any) => void run.on('computed', () => told?.(run.world));\n",
    },
  },
  L10: {
    find: () => {
      const { world, store } = wrong.heedingStore();
      return broken('L10', world, { store });
    },
    modules: {
      pair: pairOf('wrong.heedingStore()'),
      world: PAIR,
      store:
        "import { memoryStore } from 'worldfold';\nimport { store } from './pair.ts';\n\nexport default store ?? memoryStore;\n",
    },
  },
  L11: ofLaw('L11', wrong.forgetfulSystem),
  L12: ofLaw('L12', wrong.countingHandler),
  guarded: {
    find: () => broken('L3', wrong.overfed(), { guard: NO_MATH }),
    modules: { world: exported('wrong.overfed()') },
  },
  model: {
    find: async () =>
      told(await caught(() => model(wrong.countingHandler(), wrong.fedReference, { seed: 4 }))),
    modules: { world: exported('wrong.countingHandler()'), reference: exported('wrong.fedReference') },
  },
  shrinkRun: { find: shrunk, modules: { world: exported('wrong.overfed()') } },
};
const names = Object.keys(CASES);

let place: string;
const found = new Map<string, Found>();
/** What came of each file, by `broken/L3`. */
const results = new Map<string, string>();

interface Json {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** Writes a printed file with its modules; in the mended one, the world is as it should be. */
function lay(kind: 'broken' | 'mended', name: string): void {
  const at = join(place, kind, name);
  mkdirSync(at, { recursive: true });
  const { modules } = CASES[name]!;
  const mended =
    'pair' in modules ? { pair: pairOf('{ world: wrong.pond() }') } : { world: exported('wrong.pond()') };
  for (const [module, text] of Object.entries({ ...modules, ...(kind === 'mended' && mended) }))
    writeFileSync(join(at, `${module}.ts`), text);
  writeFileSync(join(at, 'printed.test.ts'), found.get(name)!.file);
}

/** Runs vitest on all of them at once. */
function runPrinted(): void {
  const alias = [
    ['worldfold/testing', 'src/testing/index.ts'],
    ['worldfold', 'src/index.ts'],
  ].map(([name, file]) => `{ find: /^${name!.replace('/', '\\/')}$/, replacement: '${join(root, file!)}' }`);
  const config = `export default { resolve: { alias: [${alias.join(', ')}] }, test: { include: ['**/*.test.ts'], isolate: false } };\n`;
  writeFileSync(join(place, 'vitest.config.ts'), config);
  const args = ['run', '--root', place, '--reporter=json', '--outputFile=results.json', '--maxWorkers=1'];
  const program = join(root, 'node_modules/vitest/vitest.mjs');
  // Half of its tests fail, and so does the program.
  expect(() => execFileSync(process.execPath, [program, ...args], { cwd: place, stdio: 'ignore' })).toThrow();
  const json = JSON.parse(readFileSync(join(place, 'results.json'), 'utf8')) as Json;
  for (const { name, assertionResults } of json.testResults) {
    const at = dirname(name);
    const said = assertionResults.flatMap(({ status, failureMessages }) => [status, ...failureMessages]);
    results.set(`${basename(dirname(at))}/${basename(at)}`, said.join('\n'));
  }
}

beforeAll(async () => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  place = mkdtempSync(join(root, '.cache', 'kit-'));
  for (const name of names) {
    found.set(name, await CASES[name]!.find());
    lay('broken', name);
    lay('mended', name);
  }
  runPrinted();
}, 180_000);

afterAll(() => rmSync(place, { recursive: true, force: true }));

const AMONG = ['LAW_BROKEN', 'INVARIANT_BROKEN', 'AMBIENT', 'NOT_AS_EXPECTED'];

describe('a printed file', () => {
  it.each(names)('L5: of %s fails as what printed it did, and passes for a mended world', (name) => {
    const { message, code, file } = found.get(name)!;
    expect(AMONG).toContain(code);
    const result = results.get(`broken/${name}`);
    expect(result).toMatch(/^failed\n/);
    expect(result).toContain(message.split('\n')[0]);
    expect(results.get(`mended/${name}`)).toBe('passed');
    if (/^L\d/.test(name)) expect(file).toContain('heat: 0.25');
    if (name === 'guarded') expect(file).toContain("{ guard: { math: 'off' } }");
  });
});
