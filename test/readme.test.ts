import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const snippet = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
const place = mkdtempSync(join(tmpdir(), 'worldfold-readme-'));

/** Runs the printed world in a new project that has the package, and returns what it prints. */
function run(name: string): string {
  const project = join(place, name);
  mkdirSync(join(project, 'node_modules'), { recursive: true });
  symlinkSync(root, join(project, 'node_modules', 'worldfold'));
  writeFileSync(join(project, 'town.mjs'), snippet);
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

  it('names a test file for every law in its table, and each is there', () => {
    const files = [...readme.matchAll(/\]\(((?:test|src|examples)\/[\w/.-]+)\)/g)].map(([, file]) => file!);
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) expect(readFileSync(join(root, file), 'utf8')).toMatch(/L\d+/);
  });
});
