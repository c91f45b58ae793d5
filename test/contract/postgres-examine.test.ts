/** What PostgreSQL says of a store's database: the embedded one, and a server whose settings are made up. */
import { expect, test } from 'vitest';
import type { Connection } from '../../src/stores/postgres/connection.ts';
import { examine } from '../../src/stores/postgres/examine.ts';
import { connectEmbedded } from '../../src/stores/postgres/open.ts';
import type { Session, Statement } from '../../src/stores/postgres/session.ts';

test('tells version, format and size of an embedded database', async () => {
  const connection = await connectEmbedded(':memory:', { schema: 'my "own"' });
  try {
    const found = await examine(connection);
    expect(found).toMatchObject({ format: found.known, problems: [] });
    expect(found.server).toMatch(/^\d+/);
    expect(found.bytes).toBeGreaterThan(0);
  } finally {
    await connection.sessions.close();
  }
});

test('names settings of a server under which commits may be lost', async () => {
  const answers = [{ server: '18.1', format: 1 }, { bytes: 5 }];
  const run = async ({ text }: Statement) => ({
    rows: [text.includes('fsync') ? { s0: 'off', s1: 'on' } : answers.shift()],
    count: 1,
  });
  const lend = (work: (session: Session) => unknown) => work({ run } as unknown as Session);
  const connection = { kind: 'postgres', schema: '"worldfold"', sessions: { lend } };
  const found = await examine(connection as unknown as Connection);
  expect(found).toMatchObject({ server: '18.1', format: 1, bytes: 5 });
  expect(found.problems).toEqual(['the server does not wait for its disk: fsync is off']);
});
