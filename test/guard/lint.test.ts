import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';

const plugin = fileURLToPath(new URL('../../lint/worldfold.grit', import.meta.url));
const biome = join(
  dirname(createRequire(import.meta.url).resolve('@biomejs/biome/package.json')),
  'bin',
  'biome',
);
const place = mkdtempSync(join(tmpdir(), 'worldfold-lint-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** What is said of each line of a file, by number from 0 on. */
function saidOf(lines: readonly string[]): Map<number, string> {
  const rules = { preset: 'none' };
  const config = { plugins: [plugin], linter: { rules }, formatter: { enabled: false } };
  writeFileSync(join(place, 'biome.json'), JSON.stringify({ ...config, assist: { enabled: false } }));
  writeFileSync(join(place, 'world.ts'), lines.join('\n'));
  const args = [biome, 'lint', '--colors=off', '--max-diagnostics=none', 'world.ts'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: place, encoding: 'utf8' });
  const said = new Map<number, string>();
  for (const [, line, text] of (stdout + stderr).matchAll(/^world\.ts:(\d+):\d+ plugin[^×]*× (.*)$/gm))
    said.set(Number(line) - 1, text!);
  if (said.size === 0) expect.fail(stdout + stderr);
  return said;
}

const BAD: readonly (readonly [line: string, said: RegExp])[] = [
  ['const a1 = Math.random();', /Chance/],
  ['const a2 = [1, 2].map(Math.random);', /Chance/],
  ['const a3 = crypto.randomUUID();', /Chance/],
  ['const b1 = Date.now();', /clock/],
  ['const b2 = new Date();', /clock/],
  ['const b3 = Date();', /clock/],
  ['const b4 = performance.now();', /clock/],
  ['const b5 = process.hrtime.bigint();', /clock/],
  ['const b6 = Temporal.Now.instant();', /clock/],
  ['setTimeout(() => {}, 1);', /may wait/],
  ['queueMicrotask(() => {});', /may wait/],
  ['const c1 = new Promise(() => {});', /may wait/],
  ['const c2 = Promise.all([]);', /may wait/],
  ['const c3 = async (x: unknown) => void (await x);', /may wait/],
  ['async function c4(x: never) { for await (const y of x) y; }', /may wait/],
  ["fetch('https://example.org');", /outside/],
  ["import('./other.ts');", /outside/],
  ["import { readFileSync } from 'node:fs';", /module of sources/],
  ["import * as os from 'os';", /module of sources/],
  ["import { setTimeout as wait } from 'node:timers/promises';", /module of sources/],
  ['const d1 = process.env.HOME;', /machine/],
  ['const d2 = new WeakRef({});', /machine/],
  ['const d3 = Buffer.allocUnsafe(8);', /machine/],
  ["const e1 = 'a'.localeCompare('b');", /languages/],
  ['const e2 = (5).toLocaleString();', /languages/],
  ['const e3 = new Intl.Collator();', /languages/],
  ['const f1 = Math.exp(1) + 1;', /worldfold\/math/],
  ['const f2 = Math.atan2(1, 2);', /worldfold\/math/],
  ['const f3 = f1 ** 0.5;', /pow of/],
  ['const f4 = f1 ** f2;', /pow of/],
  ['const f5 = { x: 1 }; f5.x **= 0.5;', /pow of/],
  ['const { random } = Math;', /taken out/],
  ['const { now: g1 } = performance;', /taken out/],
  ['const { sqrt, exp: g2 } = Math;', /taken out/],
  ['let h1 = 0;', /variable of the module/],
];

const GOOD: readonly string[] = [
  "import path from 'node:path';",
  "import { exp } from 'worldfold/math';",
  'const i1 = Math.sqrt(2) + Math.floor(1.5) + Math.max(1, 2);',
  'const i2 = new Date(0).toISOString();',
  'const { floor, sqrt } = Math;',
  'const i3 = i1 ** 2 + 2 ** 10;',
  'const i4 = () => { let inner = 0; inner += 1; return inner; };',
  "const i5 = ['b', 'a'].sort((x, y) => (x < y ? -1 : 1));",
  "const i6 = { random: 1, now: 2 }; const i7 = i6.random + i6.now; console.log('tick');",
  'for (const x of [1, 2]) console.log(x);',
  'const i8 = ({ rng }: { rng(name: string): { of(key: number): object } }) => rng("a").of(1);',
];

describe('the lint rule', () => {
  const said = saidOf([...BAD.map(([line]) => line), ...GOOD]);

  test.each(BAD.map(([line, text], i) => [line, i, text] as const))('L8: sees %s', (_, i, text) => {
    expect(said.get(i)).toMatch(text);
  });

  test('passes what is a function of its arguments', () => {
    expect(
      [...said].filter(([i]) => i >= BAD.length).map(([i, text]) => `${GOOD[i - BAD.length]}: ${text}`),
    ).toEqual([]);
  });
});
