/** The pinned inferences and the three worlds compile; a pin that is wrong does not. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorsOf, here, programOf } from './compile.ts';

const FILES = [
  'inference.ts',
  'tables.ts',
  ...['town', 'skirmish', 'turns', 'bargain'].map((name) => `worlds/${name}.ts`),
];
const CANARY = join(here, '~canary.ts');
const TABLES_CANARY = join(here, '~tables-canary.ts');
let program: ReturnType<typeof programOf>;

beforeAll(() => {
  const text = readFileSync(join(here, 'inference.ts'), 'utf8');
  const tables = readFileSync(join(here, 'tables.ts'), 'utf8');
  const files = new Map([
    [CANARY, text.replace("same<KeyOf<Village, 'jobs'>, string>", "same<KeyOf<Village, 'jobs'>, any>")],
    [TABLES_CANARY, tables.replace('debt: U64Text | null', 'debt: string | null')],
  ]);
  program = programOf(files, {}, [CANARY, TABLES_CANARY, ...FILES.map((name) => join(here, name))]);
}, 120_000);

describe('what is inferred', () => {
  it.each(FILES)('compiles %s', (name) => {
    expect(errorsOf(program, join(here, name))).toBe('');
  });
  it('notices a pin that is wrong', () => {
    for (const canary of [CANARY, TABLES_CANARY])
      expect(errorsOf(program, canary)).toBe('TS2554 Expected 3 arguments, but got 0.');
  });
});
