/** What a failing law prints is a file that fails the same way. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WorldfoldError } from '../src/index.ts';
import { type LawName, laws } from '../src/testing/index.ts';
import { caught } from './support/runs.ts';
import {
  countingHandler,
  countingSystem,
  forgetfulSystem,
  meddlingMetric,
  overfed,
} from './support/wrong-worlds.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Wrong worlds by the name that exports them, and the law that each breaks. */
const CASES = {
  countingSystem: ['L5', countingSystem],
  countingHandler: ['L3', countingHandler],
  forgetfulSystem: ['L11', forgetfulSystem],
  meddlingMetric: ['L9', meddlingMetric],
  overfed: ['L8', overfed],
} as const satisfies { readonly [name: string]: readonly [LawName, () => object] };
type Case = keyof typeof CASES;
const names = Object.keys(CASES) as Case[];

let place: string;
const found = new Map<Case, WorldfoldError>();
let results: readonly { readonly name: string; readonly messages: string }[];

interface Json {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

async function find(name: Case): Promise<void> {
  let run: () => Promise<void> = () => Promise.resolve();
  const from = { world: `./${name}.ts` };
  const test = (_: string, body: () => Promise<void>): void => void (run = body);
  const [law, world] = CASES[name];
  laws(world(), { test, only: [law], seed: 5, config: { heat: 0.25 }, from });
  found.set(name, await caught(run));
}

/** Runs vitest on the printed files, each beside a module that exports its world. */
function runPrinted(): void {
  const support = join(root, 'test/support/wrong-worlds.ts');
  const alias = [
    ['worldfold/testing', 'src/testing/index.ts'],
    ['worldfold', 'src/index.ts'],
  ].map(([name, file]) => `{ find: /^${name!.replace('/', '\\/')}$/, replacement: '${join(root, file!)}' }`);
  const config = `export default { resolve: { alias: [${alias.join(', ')}] }, test: { include: ['*.test.ts'] } };\n`;
  writeFileSync(join(place, 'vitest.config.ts'), config);
  for (const [name, { facts }] of found) {
    writeFileSync(
      join(place, `${name}.ts`),
      `import { ${name} } from '${support}';\n\nexport default ${name}();\n`,
    );
    writeFileSync(join(place, `${name}.test.ts`), String(facts.file));
  }
  const args = ['run', '--root', place, '--reporter=json', '--outputFile=results.json'];
  const program = join(root, 'node_modules/vitest/vitest.mjs');
  // Every test of it fails, and so does the program.
  expect(() => execFileSync(process.execPath, [program, ...args], { cwd: place, stdio: 'ignore' })).toThrow();
  const json = JSON.parse(readFileSync(join(place, 'results.json'), 'utf8')) as Json;
  results = json.testResults.map(({ name, assertionResults }) => ({
    name,
    messages: assertionResults
      .flatMap(({ status, failureMessages }) => [status, ...failureMessages])
      .join('\n'),
  }));
}

beforeAll(async () => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  place = mkdtempSync(join(root, '.cache', 'kit-'));
  for (const name of names) await find(name);
  runPrinted();
}, 180_000);

afterAll(() => rmSync(place, { recursive: true, force: true }));

describe('a printed file', () => {
  it.each(names)('L5: of %s fails as what printed it did', (name) => {
    const { message, facts, code } = found.get(name)!;
    expect(code).toBe(name === 'overfed' ? 'INVARIANT_BROKEN' : 'LAW_BROKEN');
    const result = results.find((one) => one.name.endsWith(`/${name}.test.ts`))!;
    const [said] = message.split('\n\n');
    expect(result.messages).toMatch(/^failed\n/);
    expect(result.messages).toContain(said!.split('\n')[0]);
    expect(String(facts.file)).toContain('heat: 0.25');
  });
});
