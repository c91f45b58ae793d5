/**
 * docs/SPEC.md against the tests: every law names its tests, they are there, and one of them is a property.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const spec = readFileSync(join(root, 'docs/SPEC.md'), 'utf8');

/** A row of the table of laws: its number, and the places it names. */
const LAWS = [...spec.matchAll(/^\| \*\*(L\d+) [^|]*\|[^|]*\| ([^|]*) \|$/gm)].map(([, law, places]) => ({
  law: law!,
  places: [...places!.matchAll(/`([^`]+)`/g)].map(([, place]) => place!),
}));

/** The test files at a place: a file, or all in a folder. Suites that other files call are tests too. */
function filesAt(place: string): readonly string[] {
  const path = join(root, place);
  if (!statSync(path).isDirectory()) return [place];
  return (readdirSync(path, { recursive: true }) as string[])
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${place}/${name}`);
}

/** The names of the tests in a file, as they are written. */
const namesIn = (file: string): readonly string[] =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/[`'"]((?:L\d+,? ?)+[^`'"\n]*)/g)].map(
    ([, name]) => name!,
  );

const proves = (name: string, law: string): boolean => new RegExp(`^(L\\d+,? ?)*\\b${law}\\b`).test(name);

/** Whether a file holds properties: over values that are drawn, or over simulated schedules. */
const isProperty = (file: string): boolean =>
  /\bfc\.(assert|property|asyncProperty)\(|\bholds\(|\bdeclareSchedules\(/.test(
    readFileSync(join(root, file), 'utf8'),
  );

describe('docs/SPEC.md', () => {
  it('states fifteen laws, in order', () => {
    expect(LAWS.map(({ law }) => law)).toEqual(Array.from({ length: 15 }, (_, i) => `L${i + 1}`));
  });

  it.each(LAWS)('names tests of $law that are there, each proving it', ({ law, places }) => {
    expect(places.length).toBeGreaterThan(0);
    for (const place of places)
      expect(
        filesAt(place).some((file) => namesIn(file).some((name) => proves(name, law))),
        `${place} has no test whose name begins with ${law}`,
      ).toBe(true);
  });

  it.each(LAWS)('names a property of $law', ({ law, places }) => {
    const files = places.flatMap(filesAt).filter((file) => namesIn(file).some((name) => proves(name, law)));
    expect(files.filter(isProperty), `no property proves ${law}`).not.toEqual([]);
  });
});
