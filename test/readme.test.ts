import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const [snippet, whatIf, verified] = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, code]) => code!,
) as [string, string, string];
const place = mkdtempSync(join(tmpdir(), 'worldfold-readme-'));

/** Runs printed code in a new project that has the package, and returns what it prints. */
function run(name: string, code = snippet): string {
  const project = join(place, name);
  mkdirSync(join(project, 'node_modules'), { recursive: true });
  symlinkSync(root, join(project, 'node_modules', 'worldfold'));
  writeFileSync(join(project, 'town.mjs'), code);
  return execFileSync(process.execPath, ['town.mjs'], { cwd: project, encoding: 'utf8' });
}

beforeAll(() => execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root }), 120_000);
afterAll(() => rmSync(place, { recursive: true, force: true }));

describe('the README', () => {
  it('prints a world of at most 40 lines', () => {
    expect(snippet.trimEnd().split('\n').length).toBeLessThanOrEqual(40);
  });

  it('L3, L15: its world runs as printed, replays to the same hash, and ends the same each time', () => {
    const line = /^day 50: (town-\w+) has ([0-9a-f]{32}), replayed true$/m;
    const [, first, hash] = line.exec(run('a'))!;
    const [, second, again] = line.exec(run('b'))!;
    expect(again).toBe(hash);
    expect(second).not.toBe(first);
  });

  it('L6: its fork is forked, compared and saved as printed', () => {
    const line = /^day 50: (\d+) ill, (\d+) with masks; they part on day (\d+)$/m;
    const [, ill, mild, parted] = line.exec(run('c', `${snippet}\n${whatIf}`))!.map(Number);
    expect(mild).toBeLessThan(ill!);
    expect(parted).toBeGreaterThan(20);
    expect(readFileSync(join(place, 'c', 'day-20.npz')).length).toBeGreaterThan(1000);
  });

  it('L5: its run is verified as printed', () => {
    const said = run('d', `${snippet}\n${verified}`);
    expect(said).toMatch(/^run 'town-\w+' is verified\n {2}ticks 0 to 50: /m);
    expect(said).toMatch(/^ {2}51 state hashes compared\n {2}51 ticks executed again\n$/m);
  });

  it('names a test file for every law in its table, and each is there', () => {
    const files = [...readme.matchAll(/\]\(((?:test|src|examples)\/[\w/.-]+)\)/g)].map(([, file]) => file!);
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) expect(readFileSync(join(root, file), 'utf8')).toMatch(/L\d+/);
  });
});
