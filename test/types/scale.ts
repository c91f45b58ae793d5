/**
 * How much work a large schema is for the compiler: 50 tables × 20 columns, 50 kinds with handlers and 50
 * systems, against an empty schema. `npx tsx test/types/scale.ts` prints both, in seconds of processor time
 * and in type instantiations.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorsOf, here, programOf } from './compile.ts';

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const TYPES = [
  't.u32()',
  't.f64()',
  't.text()',
  "t.enum('a', 'b', 'c')",
  't.bool().default(true)',
  't.i16().optional()',
  't.struct({ x: t.f64(), y: t.f64() })',
  't.list(t.u8())',
  't.u64()',
];

function tableText(i: number, tables: number, columns: number): string {
  const own = range(columns - 2).map((c) => `c${c}: ${TYPES[(i + c) % TYPES.length]}`);
  const ref = `next: t.ref('t${(i + 1) % tables}')`;
  return `t${i}: table({ id: t.id(), ${ref}, ${own.join(', ')} }, { index: ['next'] }),`;
}

const systemText = (i: number) => `
export const s${i} = schema.system('s${i}', ({ world: { t${i} }, emit, rng }) => {
  const { id, next } = t${i}.columns;
  for (let row = 0; row < t${i}.size; row++) 
    if (rng('s').of(id[row]!).chance(0.5)) emit.k${i}({ at: id[row]!, to: next[row]! });
  for (const { id, next } of t${i}.by.next(1)) emit.k${i}({ at: id, to: next });
});`;

const handlerText = (i: number) =>
  `k${i}: (w, e) => { w.t${i}.update(e.at, { next: e.to });
    w.t${i}.write.next.set(w.t${i}.row(e.at), e.to); },`;

/** A user's file with that many tables, each with a kind, a handler and a system. */
export function worldText(tables: number, columns: number): string {
  const all = range(tables);
  const to = (i: number) => (i + 1) % tables;
  const kinds = all.map((i) => `k${i}: event({ at: t.ref('t${i}'), to: t.ref('t${to(i)}') }),`);
  return `import { defineSchema, defineWorld, event, type InferShape, t, table } from './api.ts';
const raw = defineSchema({ name: 'large', version: 1,
  tables: { ${all.map((i) => tableText(i, tables, columns)).join('\n')} },
  events: { ${kinds.join('\n')} },
});
export interface Large extends InferShape<typeof raw> {}
export const schema = raw.as<Large>();
${all.map(systemText).join('')}
export const world = defineWorld(schema, { setup() {}, systems: [${all.map((i) => `s${i}`).join(', ')}],
  apply: { ${all.map(handlerText).join('\n')} },
  metrics: { ${all.map((i) => `m${i}: (w) => w.t${i}.size,`).join('\n')} },
});
`;
}

/**
 * Compiles a file; gives what the compiler says, how many types it instantiated and how many seconds of
 * processor time checking took.
 */
export function measure(text: string): { errors: string; instantiations: number; seconds: number } {
  const path = join(here, '~large.ts');
  const program = programOf(new Map([[path, text]]));
  const before = process.cpuUsage().user;
  const errors = errorsOf(program, path);
  return {
    errors,
    instantiations: program.getInstantiationCount(),
    seconds: (process.cpuUsage().user - before) / 1e6,
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  measure(worldText(0, 0));
  const [empty, large] = [measure(worldText(0, 0)), measure(worldText(50, 20))];
  const show = (name: string, m: typeof empty) =>
    process.stdout.write(
      `${name}: ${m.seconds.toFixed(2)} s, ${m.instantiations} instantiations ${m.errors}\n`,
    );
  show('empty schema', empty);
  show('50 tables × 20 columns, 50 kinds, 50 systems', large);
  process.stdout.write(
    `difference: ${(large.seconds - empty.seconds).toFixed(2)} s, ` +
      `ratio of instantiations: ${(large.instantiations / empty.instantiations).toFixed(1)}\n`,
  );
}
