/** Wrong uses of the types don't compile, and say why in words that a reader can use. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorsOf, here, programOf } from './compile.ts';
import { declaring } from './mistakes/declaring.ts';
import type { Mistake } from './mistakes/mistake.ts';
import { systems } from './mistakes/systems.ts';
import { tables } from './mistakes/tables.ts';
import { testing } from './mistakes/testing.ts';
import { worlds } from './mistakes/worlds.ts';

const HEAD = `import { defineSchema, event, fact, singleton, t, table } from './api.ts';
import { createRun, defineWorld, openRun, type Run, store } from './api.ts';
import { handlers, idle, schema, village, type Village } from './village.ts';
import { graph, infect, town } from './worlds/town.ts';
`;
const groups: Record<string, readonly Mistake[]> = { declaring, systems, tables, testing, worlds };
const pathOf = (group: string, index: number, twin: string) => join(here, `~${group}-${index}-${twin}.ts`);

let program: ReturnType<typeof programOf>;
beforeAll(() => {
  const files = new Map<string, string>();
  for (const [group, mistakes] of Object.entries(groups))
    mistakes.forEach(({ wrong, right }, i) => {
      files.set(pathOf(group, i, 'wrong'), HEAD + wrong);
      files.set(pathOf(group, i, 'right'), HEAD + right);
    });
  program = programOf(files);
}, 120_000);

describe.each(Object.keys(groups))('%s', (group) => {
  it.each(groups[group]!.map((mistake, i) => ({ ...mistake, i })))(
    'refuses $name',
    ({ i, says, errors = 1 }) => {
      expect(errorsOf(program, pathOf(group, i, 'right'))).toBe('');
      const said = errorsOf(program, pathOf(group, i, 'wrong'));
      for (const words of [says].flat()) expect(said).toContain(words);
      expect(said.match(/^TS\d+/gm)).toHaveLength(errors);
    },
  );
});
