import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { mutantsOf, mutate, noteReach, sampleOf } from '../scripts/mutate/mutants.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What becomes of a text, one mutant after the other. */
const becomes = (text: string): string[] => mutantsOf(text).map((mutant) => mutate(text, mutant));

describe('the mutants of a text', () => {
  it.each([
    ['const x = a < b;', ['const x = a <= b;']],
    ['const x = a === b;', ['const x = a !== b;']],
    ['const x = a && b;', ['const x = a || b;']],
    ['const x = a ?? b;', ['const x = a;']],
    ['const x = a + b;', ['const x = a - b;']],
    ['const x = !a;', ['const x = a;']],
    ['const x = 0 || 1;', ['const x = 0 && 1;', 'const x = 1 || 1;', 'const x = 0 || 0;']],
    ['const x = [7, 2n];', ['const x = [8, 2n];', 'const x = [7, 3n];']],
    ['const x = true;', ['const x = false;']],
    ['const x = Math.min(a, b);', ['const x = Math.max(a, b);']],
    ['const x = a.slice();', ['const x = a;']],
    ['if (a) b();', ['if (false) b();', 'if (true) b();']],
    [
      'if (a) { b(); c = d; }',
      ['if (false) { b(); c = d; }', 'if (true) { b(); c = d; }', 'if (a) { ; c = d; }', 'if (a) { b(); ; }'],
    ],
    ['while (a) b();', ['while (false) b();', 'while (a) ;']],
    [
      'for (const a of b) { if (c) { d(); continue; } e(); }',
      [
        'for (const a of b) { if (false) { d(); continue; } e(); }',
        'for (const a of b) { if (true) { d(); continue; } e(); }',
        'for (const a of b) { if (c) { ; continue; } e(); }',
        'for (const a of b) { if (c) { d(); ; } e(); }',
        'for (const a of b) { if (c) { d(); continue; } ; }',
      ],
    ],
  ])('%s', (text, all) => {
    expect(becomes(text).sort()).toEqual([...all].sort());
  });

  it.each([
    "import { a } from './1.ts';",
    'type A = 0 | 1;',
    'interface A { readonly b: true; }',
    'const a = b as 0;',
    "const a = () => fail('CODE', 'more than ' + (b + 1), { b: b + 1 });",
    'assert(a < 1);',
    "const a = 'b' + c;",
    'class A extends B { constructor() { super(c); } }',
  ])('there are none in %s', (text) => {
    expect(becomes(text)).toEqual([]);
  });

  it('a sample depends on its seed, stands in order, and a smaller one is a part of it', () => {
    const all = mutantsOf(readFileSync(join(root, 'src/log/record.ts'), 'utf8'));
    const [five, ten] = [sampleOf(all, 5, '1 a'), sampleOf(all, 10, '1 a')];
    expect(ten).toEqual([...ten].sort((a, b) => a.from - b.from));
    expect(ten).toEqual(expect.arrayContaining(five));
    expect(sampleOf(all, 10, '2 a')).not.toEqual(ten);
    expect(sampleOf(all, Number.POSITIVE_INFINITY, '1 a')).toHaveLength(all.length);
  });

  it('a block tells where it begins', () => {
    expect(noteReach('f(() => { g(); });', 'a.ts')).toBe(
      "f(() => {globalThis.mutateReached?.add('a.ts:8'); g(); });",
    );
  });
});

describe('npm run mutate', () => {
  const project = realpathSync(mkdtempSync(join(tmpdir(), 'worldfold-mutated-')));
  afterAll(() => rmSync(project, { recursive: true, force: true }));
  const source = `
export function countTo(end: number): number {
  let count = 0;
  while (count < end) count++;
  return count;
}
export function unseen(): boolean {
  return true;
}
`;
  const test = `
import { expect, test } from 'vitest';
import { countTo } from './count.ts';
test('counts', () => expect(countTo(2)).toBe(2));
`;
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(root, 'scripts/mutate.mjs'), '--root', project, 'src', ...args], {
      encoding: 'utf8',
    });

  it('kills what a test sees or never leaves, and names the line and the change of what survives', () => {
    mkdirSync(join(project, 'src'));
    symlinkSync(realpathSync(join(root, 'node_modules')), join(project, 'node_modules'), 'dir');
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(project, 'src/count.ts'), source);
    writeFileSync(join(project, 'src/count.test.ts'), test);
    const { stdout, stderr } = run('--sample', 'all', '--json');
    const { files, ...total } = JSON.parse(stdout || stderr);
    // 0 -> 1; <=; false; nothing (never ends); -- (never ends); and what no test comes to.
    expect(files[0].survived).toEqual([
      { line: 3, was: '0', becomes: '1', isReached: true },
      { line: 8, was: 'true', becomes: 'false', isReached: false },
    ]);
    expect(total).toMatchObject({ tried: 6, killed: 4 });
    expect(readFileSync(join(project, 'src/count.ts'), 'utf8')).toBe(source);

    writeFileSync(join(project, 'report.json'), stdout);
    writeFileSync(
      join(project, 'src/more.test.ts'),
      test.replace('countTo(2)).toBe(2)', 'countTo(0)).toBe(0)'),
    );
    const again = run('--sample', 'all', '--again', join(project, 'report.json'));
    expect(again.stdout).toContain('src/count.ts:8  true  ->  false  (no test comes here)');
    expect(again.stdout).toContain('score 83.3 %: 5 of 6 killed');
    // Two mutants never end, and each takes its limit, which grows with what else the machine does.
  }, 240_000);

  it('stops where the tests fail before anything is changed', () => {
    writeFileSync(join(project, 'src/more.test.ts'), test.replace('toBe(2)', 'toBe(3)'));
    expect(run()).toMatchObject({ status: 1, stdout: '' });
  });
});
