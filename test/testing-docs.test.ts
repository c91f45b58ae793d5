/** What docs/testing.md prints compiles against the sources. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorsOf, here, programOf, root } from './types/compile.ts';

const page = readFileSync(join(root, 'docs/testing.md'), 'utf8');
const snippets = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!);

/** The world that the page speaks of. */
const TOWN = `
import { defineSchema, defineWorld, event, fact, type InferShape, type Run, t, table } from '../../src/index.ts';
const schema = defineSchema({
  name: 'town', version: 1, config: { beta: t.f64().default(0.1), people: t.int().default(9) },
  tables: { people: table({ id: t.id(), cell: t.u32(), health: t.enum('well', 'ill') }) },
  events: { infected: event({ person: t.ref('people') }) },
  inputs: { cured: event({ person: t.ref('people') }), moved: fact({ speed: t.u8() }), shutDown: fact({}) },
});
export declare const run: Run<InferShape<typeof schema>, never>;
export const infect = schema.system('infect', () => {});
export default defineWorld(schema, {
  setup() {}, systems: [infect], apply: { infected: () => {}, cured: () => {} },
});
`;
const BANK = `
import { defineSchema, defineWorld, event, singleton, t, table } from '../../src/index.ts';
const schema = defineSchema({
  name: 'bank', version: 1,
  tables: {
    accounts: table({ id: t.id(), balance: t.int().default(0) }),
    market: singleton({ sold: t.u32().default(0) }),
  },
  events: {
    paid: event({ from: t.ref('accounts'), to: t.ref('accounts'), amount: t.int() }),
    sold: event({ count: t.u32() }),
  },
  inputs: { asked: event({ from: t.ref('accounts'), to: t.ref('accounts'), amount: t.int() }) },
});
export const bank = defineWorld(schema, {
  setup() {}, systems: [], apply: { paid: () => {}, sold: () => {}, asked: () => {} },
});
`;

/** What a snippet takes for granted, by name. */
const GRANTED: { readonly [name: string]: string } = {
  test: "import { test } from 'vitest';",
  expect: "import { expect } from 'vitest';",
  fc: "import * as fc from 'fast-check';",
  laws: "import { laws } from 'worldfold/testing';",
  town: "import town from './town.ts';",
  infect: "import { infect } from './town.ts';",
  bank: "import { bank } from './bank.ts';",
  market: "import { bank as market } from './bank.ts';",
  sqliteStore: "import { sqliteStore } from 'worldfold/sqlite';",
  store: "import { store } from './api.ts';",
  run: "import { run } from './town.ts';",
};

const needs = (code: string, name: string): boolean =>
  new RegExp(`\\b${name}\\b(?!:)`).test(code) &&
  !new RegExp(`(import[^;]*|const) \\{?[^;=]*\\b${name}\\b`).test(code);

function fileOf(code: string): string {
  const names = Object.keys(GRANTED).filter((name) => needs(code, name));
  return [...names.map((name) => GRANTED[name]), 'export {};', code].join('\n');
}

describe('docs/testing.md', () => {
  const files = new Map(snippets.map((code, i) => [join(here, `~testing-${i}.ts`), fileOf(code)]));
  const program = programOf(
    new Map([...files, [join(here, 'town.ts'), TOWN], [join(here, 'bank.ts'), BANK]]),
  );

  it('has snippets', () => expect(snippets.length).toBeGreaterThan(6));

  it.each([...files.keys()].map((path, i) => [i, path] as const))('snippet %i compiles', (_, path) => {
    expect(errorsOf(program, path)).toBe('');
  });
});
