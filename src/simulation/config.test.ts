import { expect, test } from 'vitest';
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
