import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { SOURCES } from '../../src/simulation/guard/sources.ts';

interface Inventory {
  readonly major: number;
  readonly found: readonly string[];
}

const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const { major, found } = JSON.parse(
  execFileSync(process.execPath, [beside('inventory.mjs')], { encoding: 'utf8' }),
) as Inventory;

/** Names that someone looked at and found to hold nothing but what they are given, by holder. */
const harmless = JSON.parse(readFileSync(beside('harmless.json'), 'utf8')) as { [holder: string]: string };

/** Modules that are another one under a second name. */
const SAME_AS: readonly (readonly [string, string])[] = [
  ['node:process.', 'process.'],
  ['node:console.', 'console.'],
  ['node:sys.', 'node:util.'],
];
const namedOnce = (name: string): string => {
  const same = SAME_AS.find(([alias]) => name.startsWith(alias));
  return same === undefined ? name : same[1] + name.slice(same[0].length);
};

const splitName = (name: string): readonly [holder: string, member: string] => {
  const at = name.lastIndexOf('.');
  return at < 0 ? ['globalThis', name] : [name.slice(0, at), name.slice(at + 1)];
};
const isInTable = (name: string): boolean => {
  const [holder, member] = splitName(name);
  return SOURCES.some(
    ({ on, names, but = [] }) =>
      (on === name && on.startsWith('node:')) ||
      (on === holder && (names === undefined ? !but.includes(member) : names.includes(member))),
  );
};
const isHarmless = (name: string): boolean => {
  const [holder, member] = splitName(name);
  return Object.hasOwn(harmless, holder) && harmless[holder]!.split(' ').includes(member);
};

describe(`what Node ${major} offers by name`, () => {
  test('is found by the walk', () => {
    expect(found.length).toBeGreaterThan(1500);
    for (const name of ['Math.random', 'node:fs.readFileSync', 'Performance.prototype.now', 'process.env'])
      expect(found).toContain(name);
  });

  test('L8: is in the table of ambient sources, or was looked at and found harmless', () => {
    const unknown = new Set(found.map(namedOnce).filter((name) => !isInTable(name) && !isHarmless(name)));
    const what =
      'new in this Node: what gives something that its arguments do not belongs in sources.ts, ' +
      'anything else in harmless.json';
    expect([...unknown], what).toEqual([]);
  });

  test('is in one of the two, and not in both', () => {
    const both = found.filter((name) => isInTable(name) && isHarmless(name));
    expect(both).toEqual([]);
  });
});
