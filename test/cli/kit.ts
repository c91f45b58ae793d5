/**
 * What the tests of the command line share: streams that remember, folders that go away, worlds to run.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll } from 'vitest';
import type { Sink } from '../../src/cli/io.ts';
import { runProgram } from '../../src/cli/program.ts';

/** What a command said and how it ended. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A stream that remembers what was written, as a terminal or not. */
export function remember(terminal = false): { sink: Sink; text: () => string } {
  let all = '';
  const sink: Sink = Object.assign(new PassThrough(), terminal ? { isTTY: true, columns: 80 } : {});
  sink.on('data', (chunk: Buffer) => {
    all += chunk.toString('utf8');
  });
  return { sink, text: () => all };
}

/** Settings of {@link say} that few tests need. */
export interface Around {
  readonly signal?: AbortSignal;
  readonly terminal?: boolean;
  readonly env?: { readonly [name: string]: string };
}

/** Runs the command line in this process, in a folder. */
export async function say(cwd: string, words: readonly string[], around: Around = {}): Promise<Said> {
  const out = remember(around.terminal);
  const err = remember(around.terminal);
  const code = await runProgram(words, {
    stdout: out.sink,
    stderr: err.sink,
    self: 'worldfold',
    cwd,
    env: around.env ?? {},
    signal: around.signal ?? new AbortController().signal,
  });
  await new Promise((resolve) => setImmediate(resolve));
  return { code, out: out.text(), err: err.text() };
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A fresh folder outside of any project, which goes away after the file's tests. */
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'worldfold-cli-'));
  folders.push(made);
  return made;
}

/** Source of a small world. `step` is what a tick adds; `version` is the schema's. */
export const counterWorld = (step = 1, version = 1): string => `
import { defineSchema, defineWorld, event, singleton, t } from 'worldfold';
interface Typed { readonly only: 'erased' }
const schema = defineSchema({
  name: 'counter', version: ${version},
  config: { start: t.int().default(5), by: t.f64().default(0.5), mode: t.enum('calm', 'wild').default('calm') },
  tables: { total: singleton({ n: t.f64() }) },
  events: { counted: event({ by: t.f64() }) },
  inputs: {},
});
export default defineWorld(schema, {
  setup({ insert, config }) { insert.total({ n: config.start }); },
  systems: [schema.system('count', ({ emit, rng, config }) => {
    emit.counted({ by: config.by + rng('count').int(0, 9) });
  })],
  apply: { counted: (w, e) => w.total.set({ n: w.total.value.n + e.by * ${step} }) },
  metrics: { n: (w) => w.total.value.n },
} as const);
export type { Typed };
`;

/** A folder with `world.ts`, a small world, in it. */
export function worldFolder(source = counterWorld()): string {
  const made = folder();
  writeFileSync(join(made, 'world.ts'), source);
  return made;
}

/** The one line of JSON that a command printed. */
export const jsonOf = ({ out }: Said): any => JSON.parse(out);
