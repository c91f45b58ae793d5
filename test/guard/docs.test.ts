import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { GUARD_GROUPS } from '../../src/base/ambient.ts';
import * as portable from '../../src/math/index.ts';

const text = readFileSync(new URL('../../docs/determinism.md', import.meta.url), 'utf8');

describe('docs/determinism.md', () => {
  test('has the groups, each with what errors say to use instead', () => {
    const rows = [...text.matchAll(/^\| `(\w+)` \| .* \| (.*) \|$/gm)].map(([, group, instead]) => [
      group,
      instead,
    ]);
    expect(Object.fromEntries(rows)).toEqual(GUARD_GROUPS);
  });

  test('has the functions of worldfold/math', () => {
    const [, listed] = /`worldfold\/math` has ([^:]*):/.exec(text)!;
    expect([...listed!.matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual(Object.keys(portable).sort());
  });
});
