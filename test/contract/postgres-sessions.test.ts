/** Values, transactions and turns of sessions, alike on every server and on the embedded database. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isWorldfoldError } from '../../src/base/errors.ts';
import type { Connection } from '../../src/stores/postgres/connection.ts';
import { connectEmbedded, connectServer } from '../../src/stores/postgres/open.ts';
import type { OwnSession, Sessions, Statements } from '../../src/stores/postgres/session.ts';
import { type FreshDatabase, freshDatabase, SOURCES, withoutPostgres } from '../support/postgres.ts';

const codeOf = (e: unknown): string =>
  isWorldfoldError(e) ? `worldfold ${e.code}` : String((e as { code?: unknown }).code ?? e);
const refused = async (work: Promise<unknown>): Promise<string> => work.then(() => 'nothing', codeOf);

const one = async (s: Statements, expression: string, ...parameters: never[]): Promise<unknown> =>
  (await s.run<{ v: unknown }>({ text: `SELECT ${expression} AS v` }, parameters)).rows[0]!.v;
const count = (s: Statements) => one(s, '(SELECT count(*) FROM probe)');
const insert = (s: Statements, v: number) =>
  s.run({ name: 'insert', text: 'INSERT INTO probe VALUES ($1)' }, [v]);

/** What every driver must do; `open` connects once for all. */
function contract(open: () => Promise<Connection>): void {
  let connection: Connection;
  let sessions: Sessions;
  let own: OwnSession;

  beforeAll(async () => {
    connection = await open();
    sessions = connection.sessions;
    own = await sessions.open();
    await own.run({ text: 'CREATE TABLE probe (v int8 PRIMARY KEY)' });
  }, 120_000);
  afterAll(() => connection?.sessions.close());

  describe('values', () => {
    it.each([
      ['true', true],
      ['false', false],
      ['(-32768)::int2', -32768],
      ['(-2147483648)::int4', -2147483648],
      ['4294967295::oid', 4294967295],
      ['9007199254740991::int8', Number.MAX_SAFE_INTEGER],
      ['(-9007199254740991)::int8', Number.MIN_SAFE_INTEGER],
      ['(-1)::int8', -1],
      ['4294967296::int8', 2 ** 32],
      ['0.1::float8', 0.1],
      ['1.5::float4', 1.5],
      ["'NaN'::float8", Number.NaN],
      ["'-Infinity'::float8", Number.NEGATIVE_INFINITY],
      ["'hä😀'::text", 'hä😀'],
      ["''::varchar", ''],
      ["'ab'::char(4)", 'ab  '],
      ["'name'::name", 'name'],
      [`'{"a":1}'::json`, '{"a":1}'],
      ['NULL::text', null],
      ['NULL::bytea', null],
      [String.raw`'\x00ff80'::bytea`, Uint8Array.of(0, 255, 128)],
      [String.raw`'\x'::bytea`, new Uint8Array(0)],
    ])('%s', async (expression, value) => {
      expect(await one(own, expression)).toStrictEqual(value);
    });

    it.each(['9007199254740992', '-9007199254740992', '9223372036854775807', '-9223372036854775808'])(
      'L12: the number %s is CORRUPT, and the connection goes on',
      async (value) => {
        expect(await refused(one(own, `'${value}'::int8`))).toBe('worldfold CORRUPT');
        expect(await one(own, '1')).toBe(1);
      },
    );

    it('a type that is not read is refused, not shown as something else', async () => {
      expect(await refused(one(own, '1.5::numeric'))).toBe('worldfold INTERNAL');
      expect(await one(own, '1.5::numeric::text')).toBe('1.5');
    });

    it.each([0, 1, 4095, 65_536, 8 * 1024 * 1024])('%d bytes come back as they went', async (length) => {
      const bytes = new Uint8Array(length + 3).map((_, i) => (i * 31 + (i >> 8)) & 255).subarray(3);
      const answer = await own.run<{ b: Uint8Array; small: Uint8Array }>(
        { name: 'echo', text: 'SELECT $1::bytea AS b, $2::bytea AS small' },
        [bytes, Uint8Array.of(1, 2)],
      );
      const { b, small } = answer.rows[0]!;
      expect(b.constructor).toBe(Uint8Array);
      expect(Buffer.compare(b, bytes)).toBe(0);
      expect(b.buffer === small.buffer).toBe(false);
      await one(own, `repeat('x', ${2 * length + 10})`);
      expect(Buffer.compare(b, bytes)).toBe(0);
    });

    it('parameters of every type arrive', async () => {
      const text = 'SELECT $1::int8 i, $2::float8 f, $3::bool t, $4::text x, $5::bytea b, $6::text n';
      const { rows } = await own.run({ text }, [-5, -0, false, "'\\ä", Uint8Array.of(0), null]);
      expect(rows).toStrictEqual([{ i: -5, f: -0, t: false, x: "'\\ä", b: Uint8Array.of(0), n: null }]);
    });

    it('an answer says how many rows it changed', async () => {
      const { count: inserted } = await own.run({ text: 'INSERT INTO probe SELECT generate_series(1, 7)' });
      expect(inserted).toBe(7);
      expect((await own.run({ text: 'SELECT v FROM probe' })).count).toBe(7);
      expect((await own.run({ text: 'DELETE FROM probe' })).count).toBe(7);
    });
  });

  describe('statements', () => {
    it('one that fails leaves the connection as it was', async () => {
      expect(await refused(one(own, '1/0'))).toBe('22012');
      expect(await refused(own.run({ name: 'bad', text: 'SELECT nothing FROM nowhere' }))).toBe('42P01');
      expect(await refused(own.run({ name: 'bad', text: 'SELECT nothing FROM nowhere' }))).toBe('42P01');
      expect(await one(own, '2')).toBe(2);
    });

    it('one that is prepared and fails when it runs is prepared still', async () => {
      const statement = { name: 'divide', text: 'SELECT 1 / $1::int4 AS v' };
      expect(await refused(own.run(statement, [0]))).toBe('22012');
      expect((await own.run(statement, [1])).rows).toEqual([{ v: 1 }]);
    });

    it('two of one name and different text are two', async () => {
      for (const v of [1, 2, 1]) {
        const { rows } = await own.run({ name: 'same', text: `SELECT ${v} AS v` });
        expect(rows).toEqual([{ v }]);
      }
    });
  });

  describe('transactions', () => {
    it('L2: keep all', async () => {
      await own.within('write', async (s) => {
        await insert(s, 1);
        await insert(s, 2);
      });
      expect(await sessions.lend(count)).toBe(2);
      await own.run({ text: 'DELETE FROM probe' });
    });

    it.each([
      ['the work throws', async (s: Statements) => void (await insert(s, 2)), new TypeError('mine')],
      ['a statement fails', async (s: Statements) => void (await insert(s, 1)), null],
      [
        'a statement fails and is passed over',
        async (s: Statements) => void (await refused(insert(s, 1))),
        null,
      ],
      ['one that was not awaited fails', async (s: Statements) => void refused(insert(s, 1)), null],
    ])('L2: keep nothing when %s', async (_, then, thrown) => {
      const done = own.within('write', async (s) => {
        await insert(s, 1);
        await then(s);
        if (thrown !== null) throw thrown;
      });
      expect(await done.catch((e) => (e === thrown ? 'mine' : codeOf(e)))).toBe(
        thrown === null ? '23505' : 'mine',
      );
      expect(await count(own)).toBe(0);
    });

    it('one without statements does nothing', async () => {
      expect(await own.within('write', async () => 5)).toBe(5);
    });

    it('one for reading writes nothing', async () => {
      expect(await refused(own.within('read', (s) => insert(s, 1)))).toBe('25006');
    });

    it('its statements may not be used when it is over', async () => {
      const kept = await own.within('read', async (s) => s);
      expect(() => kept.run({ text: 'SELECT 1' })).toThrow('over');
    });

    it('what is asked beside it comes after it', async () => {
      const order: string[] = [];
      const inside = own.within('write', async (s) => {
        await insert(s, 1);
        await sleep(20);
        order.push('inside');
        await s.run({ text: 'DELETE FROM probe' });
      });
      const beside = count(own).then((n) => order.push(`beside ${n}`));
      const second = own.within('read', count).then((n) => order.push(`second ${n}`));
      await Promise.all([inside, beside, second]);
      expect(order).toEqual(['inside', 'beside 0', 'second 0']);
    });

    it('statements of one that are made at once run one after another', async () => {
      const made = await own.within('read', (s) =>
        Promise.all(Array.from({ length: 20 }, (_, i) => one(s, `${i}`))),
      );
      expect(made).toEqual(Array.from({ length: 20 }, (_, i) => i));
    });
  });

  describe('sessions', () => {
    it('many calls at once are served in turn', async () => {
      const answers = Array.from({ length: 30 }, (_, i) => sessions.lend((s) => one(s, `${i}`)));
      expect(await Promise.all(answers)).toEqual(Array.from({ length: 30 }, (_, i) => i));
    });

    it('what was lent serves nobody when it was given back', async () => {
      const kept = await sessions.lend(async (s) => s);
      expect(await refused(one(kept, '1'))).toBe('worldfold STORE_FAILED');
    });

    it('one that was ended fails every call, and ends but once', async () => {
      const mine = await sessions.open();
      const last = one(mine, '1');
      await Promise.all([mine.end(), mine.end()]);
      expect(await last).toBe(1);
      expect(mine.lost).toBe(true);
      expect(await refused(one(mine, '1'))).toBe('worldfold STORE_FAILED');
      expect(own.lost).toBe(false);
    });
  });
}

describe.skipIf(withoutPostgres).each(SOURCES)('a server of %s', (source) => {
  let database: FreshDatabase;
  afterAll(() => database?.drop());
  contract(async () => {
    database = await freshDatabase(source);
    return connectServer(database.url);
  });
});

describe('the embedded database', () => contract(() => connectEmbedded(':memory:')));
