import { expect, test } from 'vitest';
import { caught } from '../../test/support/runs.ts';
import { headerText, type RunHeader, readHeader } from './header.ts';

const HEADER: RunHeader = {
  world: 'town',
  version: 1,
  fingerprint: 'f',
  seed: 'alpha',
  createdAt: 7,
  engine: { node: '20', v8: '11', arch: 'x64', platform: 'linux' },
  code: 'c',
  hints: { note: 'first' },
};

test('a header comes back, with or without a fork, and carries a digest of 16 digits', () => {
  for (const header of [HEADER, { ...HEADER, fork: { run: 'a', tick: 3, because: null } }]) {
    const text = headerText(header);
    expect(readHeader('r', text)).toEqual(header);
    expect(JSON.parse(text).digest).toMatch(/^[0-9a-f]{16}$/);
  }
});

test.each([
  ['another value', headerText(HEADER).replace('alpha', 'alphb')],
  ['a part more', headerText(HEADER).replace('{"code"', '{"a":1,"code"')],
  ['no digest', headerText(HEADER).replace(/"digest":"\w+",/, '')],
  ['half of it', headerText(HEADER).slice(0, 40)],
  ['no object', 'null'],
])('L12: a header is refused by the name of its run: %s', async (_, text) => {
  expect(await caught(() => readHeader('r', text))).toMatchObject({ code: 'CORRUPT', facts: { run: 'r' } });
});
