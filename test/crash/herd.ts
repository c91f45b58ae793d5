/**
 * A small world for crashes and damage: tables that grow, shrink and stay, texts that change, chunks of
 * several sizes, inputs of a source; and the script by which it is lived.
 */
import { defineSchema, defineWorld, event, singleton, t, table } from '../../src/index.ts';

export const herdSchema = defineSchema({
  name: 'herd',
  version: 1,
  config: { appetite: t.f64().default(0.4) },
  tables: {
    animals: table(
      { id: t.id(), pen: t.u8(), weight: t.f32(), name: t.text(), mood: t.enum('calm', 'wild') },
      { index: ['pen'] },
    ),
    diary: table(
      { tick: t.u32(), said: t.text().optional(), who: t.list(t.u32()).default([]) },
      { key: ['tick'] },
    ),
    fields: table({ id: t.id(), grass: t.u32(), shape: t.f64() }),
    yard: singleton({ fed: t.u32().default(0), last: t.text().default('') }),
  },
  events: {
    born: event({ animal: t.newId('animals'), pen: t.u8(), name: t.text() }),
    sold: event({ animal: t.ref('animals') }),
    ate: event({ animal: t.ref('animals'), field: t.ref('fields') }),
    wrote: event({ said: t.text(), who: t.list(t.u32()) }),
  },
  inputs: {
    fed: event({ amount: t.u32(), note: t.text() }),
    bought: event({ animal: t.newId('animals'), name: t.text() }),
  },
});

/** How large the tables begin; fields never change in number. */
export interface HerdSize {
  readonly animals: number;
  readonly fields: number;
}

const breed = herdSchema.system('breed', ({ world: { animals }, emit, rng, tick }) => {
  const draw = rng('breed');
  // Waves: it grows for fifteen ticks and shrinks for fifteen.
  if (tick % 30 < 15)
    for (let i = draw.int(0, 4); i > 0; i--)
      emit.born({ pen: draw.int(0, 9), name: 'lamb '.repeat(draw.int(0, 3)) + tick });
  else
    for (let i = Math.min(draw.int(0, 4), animals.size - 2); i > 0; i--) {
      const { id } = animals.at(draw.int(0, animals.size - 1));
      if (draw.of(id).chance(0.9)) emit.sold({ animal: id });
    }
});

const graze = herdSchema.system('graze', { effects: 'at-once' }, ({ world, emit, rng, config }) => {
  const draw = rng('graze');
  const { animals, fields } = world;
  for (let i = 0; i < 8; i++) {
    const { id } = animals.at(draw.int(0, animals.size - 1));
    // Mostly the last fields: the first chunks of the columns stay as they are for many ticks.
    const last = fields.size - 1;
    const at = draw.chance(0.01) ? draw.int(0, last) : draw.int(Math.max(0, last - 200), last);
    if (draw.of(id).chance(config.appetite)) emit.ate({ animal: id, field: fields.at(at).id });
  }
});

const write = herdSchema.system('write', { every: 2 }, ({ world: { animals }, emit, rng }) => {
  const draw = rng('write');
  const who = Array.from({ length: draw.int(0, 3) }, () => animals.at(draw.int(0, animals.size - 1)).id);
  emit.wrote({ said: 'ä word, '.repeat(draw.int(0, 12)), who });
});

/** The world. */
export const herd = ({ animals: herdSize, fields }: HerdSize) =>
  defineWorld(herdSchema, {
    setup({ insert }) {
      insert.animals.many({
        pen: new Uint8Array(herdSize).map((_, i) => i % 10),
        weight: new Float32Array(herdSize).fill(3),
        name: Array.from({ length: herdSize }, (_, i) => `sheep ${i}`),
        mood: new Uint8Array(herdSize),
      });
      insert.fields.many({
        grass: new Uint32Array(fields).fill(1000),
        shape: new Float64Array(fields).map((_, i) => i / 7),
      });
      insert.yard({});
    },
    apply: {
      born: ({ animals }, { animal, pen, name }) => {
        animals.insert({ id: animal, pen, name, weight: 1, mood: 'calm' });
      },
      sold: ({ animals }, { animal }) => {
        animals.deleteIf(animal);
      },
      ate: ({ animals, fields }, { animal, field }, { rng }) => {
        const { weight, name } = animals.need(animal);
        const more = rng('weight').float();
        animals.update(animal, {
          weight: weight + more,
          mood: more > 0.5 ? 'wild' : 'calm',
          ...(more > 0.8 && { name: name.length > 40 ? '' : `${name}+` }),
        });
        fields.update(field, { grass: fields.need(field).grass + 1 });
      },
      wrote: ({ diary }, { said, who }, { tick }) => {
        diary.insert({ tick, said: said === '' ? null : said, who });
        diary.deleteIf(tick - 40);
      },
      fed: ({ yard }, { amount, note }) => {
        yard.set({ fed: yard.value.fed + amount, last: note });
      },
      bought: ({ animals }, { animal, name }) => {
        animals.insert({ id: animal, pen: 3, name, weight: 9, mood: 'wild' });
      },
    },
    systems: [breed, graze, write],
    invariants: { someAreLeft: ({ animals }) => animals.size > 1 },
    metrics: { animals: ({ animals }) => animals.size, fed: ({ yard }) => yard.value.fed },
  });

/** An input of the script, as a source numbers it. */
export interface ScriptedInput {
  readonly kind: 'fed' | 'bought';
  readonly seq: number;
}

/** The source that the script's inputs come from. */
export const SOURCE = 'feeder';

/** The inputs that the script has for a tick. */
export function inputsAt(tick: number): readonly ScriptedInput[] {
  const count = [2, 0, 0, 1, 0, 3, 0][(tick * 5) % 7]!;
  return Array.from({ length: count }, (_, i) => ({
    kind: (tick + i) % 4 === 0 ? 'bought' : 'fed',
    seq: tick * 4 + i,
  }));
}
