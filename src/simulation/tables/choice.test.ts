import { expect, test } from 'vitest';
import { caught } from '../../../test/support/runs.ts';
import { t } from '../../schema/columns.ts';
import { defineSchema } from '../../schema/define.ts';
import { table } from '../../schema/tables.ts';
import { defineWorld } from '../define-world.ts';
import type { AnyWorld } from '../world.ts';
import { chosen, keepsTick } from './choice.ts';

const one = () => table({ id: t.id() });
const schema = defineSchema({
  name: 'any',
  version: 1,
  tables: { people: one(), people_history: one(), events: one() },
});
const world = defineWorld(schema, { setup() {}, systems: [], apply: {} }) as unknown as AnyWorld;

test.each<[object, string]>([
  [{ tables: 'people' }, 'list of names'],
  [{ tables: ['nobody'] }, "no table 'nobody'"],
  [{ tables: [] }, 'asked for none'],
  [{ history: { every: 0 } }, 'history is'],
  [{ history: [1.5] }, 'history is'],
  [{ history: null }, 'history is'],
  [{ events: 1 }, 'true or false'],
  [{ history: [1] }, "a table 'people_history'"],
  [{ events: true }, "a table 'events'"],
])('%j is refused', async (given, says) => {
  const error = await caught(() => chosen(world, given as never));
  expect(error.code).toBe('BAD_USAGE');
  expect(error.message.replaceAll('"', "'")).toContain(says);
});

test('what fits is chosen in order', () => {
  expect(chosen(world, { tables: ['people', 'people'], history: [3, 1, 3], events: true })).toEqual({
    tables: ['people'],
    history: [1, 3],
    events: true,
  });
  const every = chosen(world, { tables: ['people'], history: { every: 4 } });
  expect([0, 1, 4, 6].map((tick) => keepsTick(every, tick))).toEqual([true, false, true, false]);
});
