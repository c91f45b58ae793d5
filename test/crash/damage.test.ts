/**
 * Every kind of byte in the rows of a store, flipped one at a time: what is asked of the store then is
 * refused with a code, or answered as before. The table says which. All harms are done in CI, one for each
 * value elsewhere.
 */
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isWorldfoldError, openRun, replay } from '../../src/index.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { codeOf, rowsOf } from '../support/runs.ts';
import { PLAIN, TREE } from './damage-table.ts';
import { copy, Fixtures, isThorough, raw } from './fixtures.ts';
import { heard, policy, world } from './inspect.ts';

const fixtures = new Fixtures();
beforeAll(() => fixtures.make());
afterAll(() => fixtures.remove());

type Value = number | string | Buffer | null;
/** What is done to a value, each with its name; undefined where it can't be done to it. */
const HARMS: readonly (readonly [name: string, harm: (value: Value) => Value | undefined])[] = [
  ['bit 0', (v) => (typeof v === 'number' ? v ^ 1 : undefined)],
  ['a byte in the middle', (v) => flipped(v, 0.5)],
  ['nothing made something', (v) => (v === null ? 1 : undefined)],
  ['bit 3', (v) => (typeof v === 'number' ? v ^ 8 : undefined)],
  ['bit 20', (v) => (typeof v === 'number' ? v ^ (1 << 20) : undefined)],
  ['the first byte', (v) => flipped(v, 0)],
  ['the last byte', (v) => flipped(v, 1)],
  ['a byte cut off', (v) => like(v, (bytes) => bytes.subarray(0, -1))],
];

function like(value: Value, change: (bytes: Buffer) => Buffer): Value | undefined {
  if (typeof value === 'string') return change(Buffer.from(value)).toString();
  return Buffer.isBuffer(value) ? change(Buffer.from(value)) : undefined;
}

const flipped = (value: Value, where: number): Value | undefined =>
  like(value, (bytes) => {
    bytes[Math.floor(where * (bytes.length - 1))]! ^= 1;
    return bytes;
  });

/** Changes one value; false where that can't be done. */
function change(path: string, place: string, how: (value: Value) => Value | undefined): boolean {
  const [, table, column, where] = /^(\w+)\.(\w+) of (.*)$/.exec(place)!;
  return raw(path, (db) => {
    const rows = db.prepare<[], { at: number; value: Value }>(
      `SELECT rowid AS at, ${column} AS value FROM ${table} WHERE ${where} LIMIT 1`,
    );
    const { at, value } = rows.get()!;
    const to = how(value);
    return to !== undefined && updated(db, `UPDATE ${table} SET ${column} = ? WHERE rowid = ?`, to, at);
  });
}

/** A key that is there already is refused by SQLite: that is no damage then. */
function updated(db: Database.Database, sql: string, to: Value, at: number): boolean {
  try {
    return db.prepare(sql).run(to, at).changes === 1;
  } catch (e) {
    if (String((e as { code?: unknown }).code).startsWith('SQLITE_CONSTRAINT')) return false;
    throw e;
  }
}

describe.each([
  ['plain', PLAIN, HARMS.length],
  ['tree', TREE, 2],
] as const)('L12: one value of a %s store is harmed', (name, table, all) => {
  const most = isThorough ? all : 1;
  test.each(Object.entries(table))('%s', async (place, told) => {
    let done = 0;
    for (const [harm, how] of HARMS) {
      if (done === most) break;
      const verdict = await fixtures.harm(name, (path) => change(path, place, how));
      if (verdict === undefined) continue;
      done++;
      const { wrong, warnings } = verdict;
      const said = warnings.length > 0 ? [verdict.told, 'warned'] : [verdict.told];
      const answered = said.filter(Boolean).join('; ') || 'the same';
      const expected = typeof told === 'string' ? told : (told[harm] ?? told.else);
      expect.soft({ harm, told: answered, wrong }).toEqual({ harm, told: expected, wrong: [] });
    }
    expect(done).toBeGreaterThan(0);
  });
});

describe('L12: damage is named', () => {
  test.each(['hash', 'previous', 'length', 'bytes', 'tick'])(
    "by segment and tick: a record's %s",
    async (column) => {
      const place = `records.${column} of tick = 7`;
      const how = HARMS[column === 'length' || column === 'tick' ? 4 : 1]![1];
      const { refusals } = (await fixtures.harm('plain', (path) => change(path, place, how)))!;
      // describe, replay, events, and the worlds of ticks 7 to 9.
      expect(refusals).toHaveLength(6);
      for (const { facts } of refusals) expect(String(facts.segment)).toMatch(/^plain\//);
      const ofRecord = refusals.filter(({ code }) => code !== 'NO_STATE');
      for (const { facts } of ofRecord) expect(facts.tick).toBe(7);
    },
  );

  test('and not again: a snapshot that was found damaged at an opening is replaced', async () => {
    for (const place of ['chunks.bytes of number = 2', 'snapshots.manifest of tick = 17']) {
      const verdict = await fixtures.harm('plain', (path) => change(path, place, HARMS[1]![1]));
      expect(verdict).toMatchObject({ told: '', wrong: [] });
      expect(verdict!.warnings.filter((said) => said.includes('snapshot of tick 17'))).toHaveLength(1);
    }
  });
});

/** Harms each byte of a blob in turn, in a file that stays open, and puts it back. */
async function sweep(place: string, step: number, look: (at: number) => Promise<void>): Promise<number> {
  const [, table, column, where] = /^(\w+)\.(\w+) of (.*)$/.exec(place)!;
  const db = new Database(fixtures.work);
  try {
    const whole = db.prepare<[], Buffer>(`SELECT ${column} FROM ${table} WHERE ${where}`).pluck().get()!;
    const put = db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${where}`);
    let count = 0;
    for (let at = 0; at < whole.length; at += step, count++) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 1 << (at % 8);
      put.run(bytes);
      await look(at);
    }
    put.run(whole);
    return count;
  } finally {
    db.close();
  }
}

describe('L12: each byte of a blob, flipped in turn', () => {
  const step = isThorough ? 1 : 7;

  test('of a record: it is refused', async () => {
    copy(fixtures.of('plain').file, fixtures.work);
    const store = await sqliteStore(fixtures.work);
    const codes = new Set<string>();
    const count = await sweep('records.bytes of tick = 7', step, async (at) => {
      const code = await codeOf(() => replay(world, { store, id: 'plain' }));
      // The version stands before what is hashed: it decides how to hash.
      if (at !== 3) expect(`${at}: ${code}`).toBe(`${at}: CORRUPT`);
      codes.add(code);
    });
    expect(count).toBeGreaterThan(30);
    await store.close();
  });

  test.each([
    'snapshots.manifest of tick = 10',
    'snapshots.chunks of tick = 10',
    'chunks.bytes of number = 2',
  ])('of a snapshot, it is passed over: %s', async (place) => {
    copy(fixtures.of('plain').file, fixtures.work);
    const store = await sqliteStore(fixtures.work);
    const run = await openRun(world, { ...policy, store, id: 'plain' });
    const before = JSON.stringify(rowsOf(await run.at(11)));
    let count = 0;
    const warnings = await heard(async () => {
      count = await sweep(place, step * 3, async (at) => {
        const rows = await run.at(11).catch((e: unknown) => e);
        if (isWorldfoldError(rows)) expect.fail(`${at}: ${rows.code} ${rows.message}`);
        if (JSON.stringify(rowsOf(rows as object)) !== before) expect.fail(`${at}: another world`);
      });
    });
    expect(warnings.length).toBeGreaterThanOrEqual(count);
    await run.close();
    await store.close();
  });
});
