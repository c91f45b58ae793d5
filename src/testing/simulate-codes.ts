/**
 * The codes that a simulated run may be opened with: two versions of the schema, and handlers that differ in
 * what they do or in their text alone.
 *
 * Owns the second version: columns that are new, renamed, wider and changed by a function, and a kind that
 * gives every other one another number. Its handlers do to a taken along event what those of the first did,
 * so that folding events anew and taking a world along come to the same.
 */
import { fail } from '../base/errors.ts';
import { t } from '../schema/columns.ts';
import type { CompiledSchema } from '../schema/compile.ts';
import { defineSchema } from '../schema/define.ts';
import { event, singleton, table } from '../schema/tables.ts';
import { defineWorld } from '../simulation/define-world.ts';
import { type Fuse, type Growth, REFUSED, simulatedSchema, simulatedWorld } from './simulate-world.ts';

/** A version of the schema, and what the handlers do. */
export interface SimulatedCode {
  readonly version: 1 | 2;
  readonly growth: Growth;
}

/** The code of schedules without eras, and of the first actors of those that have some. */
export const FIRST_CODE: SimulatedCode = { version: 1, growth: 'plain' };
/** What handlers there are. */
export const GROWTHS: readonly Growth[] = ['plain', 'same', 'more', 'double'];

/** How a gift is remembered by the second version, of what the first remembered. */
export const marked = (last: string): string => `${last}!`;

const laterSchema = defineSchema({
  name: 'simulated',
  version: 2,
  tick: '1 day',
  config: { rate: t.f64().default(0.4), land: t.u32().default(0), tax: t.f64().default(0.25) },
  tables: {
    plots: table(
      { id: t.id(), crop: t.int().default(0), label: t.u32().default(0), wet: t.bool().default(true) },
      { index: ['crop'] },
    ),
    barn: singleton({
      stock: t.int().default(0),
      last: t.text().default(marked('')),
      rate: t.f64().default(0),
      luck: t.u32().default(0),
      mood: t.u8().default(1),
    }),
    land: table({ id: t.id(), height: t.f64(), soil: t.u32().default(0), name: t.text().default('') }),
  },
  events: {
    built: event({ wall: t.u8() }),
    grew: event({ plot: t.ref('plots'), by: t.u16() }),
    sown: event({ plot: t.newId('plots'), crop: t.u32() }),
    felt: event({ rate: t.f64(), luck: t.u32(), mood: t.u8().default(1) }),
    tilled: event({ field: t.ref('land'), soil: t.u32() }),
    drowned: event({ field: t.ref('land') }),
    raised: event({ field: t.newId('land'), height: t.f64() }),
  },
  inputs: {
    given: event({ tag: t.u32(), by: t.u32() }),
    planted: event({ plot: t.newId('plots'), tag: t.u32() }),
  },
  migrations: {
    2: {
      tables: {
        plots: { rename: { label: 'tag' } },
        barn: { change: { last: (old: string) => marked(old) } },
      },
    },
  },
});

/** The same reading and writing fits both versions, save what is written anew here. */
const laterAsFirst = laterSchema as unknown as typeof simulatedSchema;

function laterWorld(fuse: Fuse, growth: Growth): ReturnType<typeof simulatedWorld> {
  const { def } = simulatedWorld(fuse, growth);
  const { apply, ...rest } = def;
  return defineWorld(laterAsFirst, {
    ...(rest as object),
    apply: {
      ...(apply as object),
      built: () => {},
      felt: (w: any, { rate, luck, mood }: any) => w.barn.set({ rate, luck, mood }),
      given: (w: any, e: any, { tick, rng }: any) => {
        if (e.by === REFUSED) fail('BAD_VALUE', 'nobody gives that much');
        fuse('apply given', tick);
        const last = marked(`gift ${e.tag}`);
        w.barn.set({ stock: w.barn.value.stock + e.by + rng('luck').int(0, 3), last });
      },
      planted: (w: any, e: any) => w.plots.insert({ id: e.plot, label: e.tag }),
    },
  } as never) as ReturnType<typeof simulatedWorld>;
}

/** The world of a code, with a fuse in it. */
export const worldOf = ({ version, growth }: SimulatedCode, fuse: Fuse): ReturnType<typeof simulatedWorld> =>
  (version === 1 ? simulatedWorld : laterWorld)(fuse, growth);

const calm = new Map<string, ReturnType<typeof simulatedWorld>>();

/** A code in short. */
export const codeText = ({ version, growth }: SimulatedCode): string => `version ${version}, ${growth}`;

/** The world of a code without a fuse. */
export function calmWorld(code: SimulatedCode): ReturnType<typeof simulatedWorld> {
  const key = codeText(code);
  const known = calm.get(key) ?? worldOf(code, () => {});
  calm.set(key, known);
  return known;
}

/** The version whose schema has a text. */
export const versionOf = (text: string): 1 | 2 => (text === laterSchema.compiled.text ? 2 : 1);

/** The schema of a version, compiled. */
export const compiledOf = (version: 1 | 2): CompiledSchema =>
  (version === 1 ? simulatedSchema : laterSchema).compiled;
