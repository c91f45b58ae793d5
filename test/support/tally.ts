/** The smallest world that counts, for tests that bring systems, handlers and checks of their own. */
import {
  defineSchema,
  event,
  fact,
  type Handlers,
  type InferShape,
  type System,
  singleton,
  t,
  table,
  type WorldParts,
} from '../../src/index.ts';
import { defineWorld } from '../../src/simulation/define-world.ts';

export const tallySchema = defineSchema({
  name: 'tally',
  version: 1,
  tables: {
    things: table({ id: t.id(), n: t.i32().default(0) }, { index: ['n'] }),
    total: singleton({ n: t.int().default(0), text: t.text().default('') }),
  },
  events: {
    add: event({ n: t.i32() }),
    put: event({ thing: t.newId('things'), n: t.i32().default(0) }),
    set: event({ thing: t.ref('things'), n: t.i32() }),
    write: event({ text: t.text() }),
    said: fact({ n: t.f64() }),
  },
  inputs: {
    given: event({ n: t.i32() }),
    made: event({ thing: t.newId('things'), other: t.newId('things'), n: t.i32().default(5) }),
    heard: fact({ text: t.text() }),
  },
});
/** The shape of the tally. */
export type Tally = InferShape<typeof tallySchema>;
type Apply = Handlers<Tally, 'add' | 'put' | 'set' | 'write' | 'given' | 'made'>;

/** What the tally does unless a test says otherwise. */
export const tallyApply: Apply = {
  add: (w, e) => w.total.set({ n: w.total.value.n + e.n }),
  put: (w, e) => w.things.insert({ id: e.thing, n: e.n }),
  set: (w, e) => w.things.update(e.thing, { n: e.n }),
  write: (w, e) => w.total.set({ text: w.total.value.text + e.text }),
  given: (w, e) => w.total.set({ n: w.total.value.n + e.n }),
  made: (w, e) => {
    w.things.insert({ id: e.thing, n: e.n });
    w.things.insert({ id: e.other, n: -e.n });
  },
};

type Parts = Partial<Omit<WorldParts<Tally>, 'apply'>> & { readonly apply?: Partial<Apply> };

/** A world of the tally with the given parts. */
export const tally = ({ apply, ...parts }: Parts = {}) =>
  defineWorld(tallySchema, { setup() {}, systems: [], ...parts, apply: { ...tallyApply, ...apply } });

/** A tally with the given systems. */
export const tallyOf = (...systems: System<Tally>[]) => tally({ systems });
