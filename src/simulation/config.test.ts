import { expect, test } from 'vitest';
import { createRun, defineSchema, defineWorld, forkRun, listRuns, memoryStore, t } from '../index.ts';
import { configHint, configText } from './config.ts';

test('a header tells the config as plain JSON, without large values', () => {
  const config = {
    beta: 0.1,
    big: 2n ** 60n,
    bytes: Uint8Array.of(1, 255),
    deep: { list: [1, { two: -0 }], none: undefined },
    large: 'x'.repeat(1023),
    name: 'x'.repeat(1022),
    no: null,
  };
  expect(configHint(configText(config))).toEqual({
    beta: 0.1,
    big: { $big: String(2n ** 60n) },
    bytes: { $bytes: '01ff' },
    deep: { list: [1, { two: { $number: '-0' } }] },
    name: 'x'.repeat(1022),
    no: null,
  });
  expect(configHint(configText({}))).toEqual({});
});

test('runs and forks have the config that they begin with in their headers', async () => {
  const schema = defineSchema({
    name: 'plain',
    version: 1,
    tick: '1 day',
    config: { beta: t.f64().default(0.5), name: t.text().default('a') },
    tables: {},
    events: {},
  });
  const world = defineWorld(schema, { setup: () => {}, apply: {}, systems: [] });
  const store = memoryStore();
  const run = await createRun(world, { store, seed: 's', id: 'first', config: { beta: 0.25 } });
  await run.advance(2);
  await (await run.fork({ at: 1, id: 'same' })).close();
  await run.close();
  const hotter = await forkRun(world, { store, run: 'first', at: 1, id: 'hotter', config: { beta: 1 } });
  await hotter.close();
  expect((await listRuns(store)).map(({ id, header }) => [id, header.config])).toEqual([
    ['first', { beta: 0.25, name: 'a' }],
    ['hotter', { beta: 1, name: 'a' }],
    ['same', { beta: 0.25, name: 'a' }],
  ]);
});
