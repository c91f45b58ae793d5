import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { bank, recorded, wideBank } from '../../test/support/bank.ts';
import { caught, framesOf } from '../../test/support/runs.ts';
import { tally, tallySchema } from '../../test/support/tally.ts';
import { hex } from '../base/bytes.ts';
import {
  createRun,
  defineSchema,
  defineWorld,
  event,
  memoryStore,
  openRun,
  type Store,
  t,
  table,
} from '../index.ts';
import { sqlAt } from './index.ts';

const count = tallySchema.system('count', ({ emit, tick }) => {
  emit.said({ n: tick / 2 });
  emit.put({ n: tick });
  emit.add({ n: 1 });
});
const world = tally({ systems: [count], metrics: { all: (w) => w.total.value.n } });

async function made(ticks: number, store: Store = memoryStore()) {
  const run = await createRun(world, { store, id: 'a', seed: 's' });
  await run.advance(ticks);
  await run.flush();
  return { run, store };
}

const RUNAWAY = 'with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c';
/** The processes that this one has started and that are not gone. */
const children = (): string[] =>
  execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes('child.js'));

describe('a query', () => {
  test('is answered over the world of any tick', async () => {
    const { run, store } = await made(4);
    expect(await run.sql(3, 'select id, n from things order by id desc')).toEqual([
      { id: 3, n: 3 },
      { id: 2, n: 2 },
      { id: 1, n: 1 },
    ]);
    expect(await run.sql<{ n: number }>(4, 'select n from total')).toEqual([{ n: 4 }]);
    expect(await run.sql(0, 'select * from things')).toEqual([]);
    const found = await sqlAt(
      { store, id: 'a', world, tick: 2 },
      'select max(n) as top, 1 as top from things',
    );
    expect(found).toEqual({ columns: ['top', 'top_2'], rows: [[2, 1]] });
    await run.close();
  });
  test('sees events and metrics up to the tick', async () => {
    const { run } = await made(4);
    expect(await run.sql(2, 'select * from events_said')).toEqual([
      { tick: 1, seq: 0, origin: 'count', n: 0.5 },
      { tick: 2, seq: 3, origin: 'count', n: 1 },
    ]);
    const all = await run.sql(2, 'select * from events where t = 2');
    const common = { run_id: 'a', agent_id: null, t: 2, schema_version: 1, origin: 'count' };
    const ts = expect.any(Number);
    expect(all).toEqual([
      { ...common, ts, seq: 3, kind: 'said', payload_json: '{"n":1}' },
      { ...common, ts, seq: 4, kind: 'put', payload_json: '{"n":2,"thing":2}' },
      { ...common, ts, seq: 5, kind: 'add', payload_json: '{"n":1}' },
    ]);
    expect(Object.keys(all[0]!).join(' ')).toBe(
      'run_id agent_id t seq kind payload_json ts schema_version origin',
    );
    expect(
      await run.sql(2, 'select count(*) as n from events, events_said s where s.seq = events.seq'),
    ).toEqual([{ n: 2 }]);
    expect(await run.sql(2, 'select tick, "all" from metrics')).toEqual([
      { tick: 0, all: 0 },
      { tick: 1, all: 1 },
      { tick: 2, all: 2 },
    ]);
    await run.close();
  });
  test('L13: sees events of an older schema as they were recorded, and by kind as they are now', async () => {
    const store = memoryStore();
    await recorded(store, 2);
    const old = await openRun(bank(1), { store, id: 'r' });
    old.submit.fined({ n: 3 });
    await old.advance(1);
    await old.close();
    const run = await openRun(wideBank, { store, id: 'r' });
    await run.advance(1);
    const query = `select group_concat(seq || ' ' || kind || ' ' || schema_version, ', ') as all_of_them from events`;
    expect(await run.sql(4, query)).toEqual([
      { all_of_them: '0 added 1, 1 added 1, 2 fined 1, 3 added 1, 4 marked 1, 5 added 2' },
    ]);
    expect(await run.sql(4, 'select seq, tick from events_added')).toEqual([
      { seq: 0, tick: 1 },
      { seq: 1, tick: 2 },
      { seq: 3, tick: 3 },
      { seq: 5, tick: 4 },
    ]);
    await run.close();
  });
  test('sees how long ticks took, where the run keeps a tick log', async () => {
    let now = 0;
    const slowly = tallySchema.system('slow', ({ tick, emit }) => {
      now += tick;
      emit.add({ n: 1 });
    });
    const slow = tally({
      systems: [slowly],
      invariants: { fine: () => true },
    });
    const clocks = { wall: () => 9, steady: () => now };
    const run = await createRun(slow, { store: memoryStore(), id: 'a', seed: 's', tickLog: true, clocks });
    await run.advance(3);
    await run.flush();
    await run.advance(1);
    const rows = await run.sql(3, 'select tick, computed_ms / 2 as half, other_ms, commit_ticks from ticks');
    expect(rows).toEqual([
      { tick: 0, half: 0, other_ms: 0, commit_ticks: null },
      { tick: 1, half: 0.5, other_ms: 0, commit_ticks: null },
      { tick: 2, half: 1, other_ms: 0, commit_ticks: null },
      { tick: 3, half: 1.5, other_ms: 0, commit_ticks: null },
    ]);
    const found = await run.sql(4, 'select tick, commit_ticks as n, commit_ms as ms from ticks where n > 0');
    expect(found).toEqual([{ tick: 3, n: 3, ms: 0 }]);
    const parts = "select * from tick_parts where tick = 2 and part in ('system', 'apply', 'invariant')";
    expect(await run.sql(4, parts)).toEqual([
      { tick: 2, part: 'system', name: 'slow', ms: 2 },
      { tick: 2, part: 'apply', name: 'slow', ms: 0 },
      { tick: 2, part: 'invariant', name: 'fine', ms: 0 },
    ]);
    const sums = `select count(*) as n from ticks join
      (select tick, sum(ms) as ms from tick_parts group by tick) using (tick) where ms = computed_ms`;
    expect(await run.sql(4, sums)).toEqual([{ n: 5 }]);
    await run.close();
    const untimed = await made(1);
    expect(await untimed.run.sql(1, 'select tick, computed_ms, events from ticks')).toEqual([
      { tick: 0, computed_ms: null, events: 0 },
      { tick: 1, computed_ms: null, events: 3 },
    ]);
    expect(await untimed.run.sql(1, 'select * from tick_parts')).toEqual([]);
    await untimed.run.close();
  });
  test('compares ticks and runs', async () => {
    const { run, store } = await made(4);
    const other = await createRun(world, { store, id: 'b', seed: 's' });
    await other.advance(2);
    const query = `select (select count(*) from things) as a, (select count(*) from early.things) as b,
      (select count(*) from other.things) as c, (select count(*) from kept.things) as d`;
    const options = {
      with: { early: { at: 1 }, other: { run: other }, kept: { store, id: 'a', world, tick: 3 } },
    };
    expect(await run.sql(4, query, [], options)).toEqual([{ a: 4, b: 1, c: 2, d: 3 }]);
    await other.close();
    await run.close();
  });
  test('takes values in order, by name, and compiled ones', async () => {
    const { run } = await made(3);
    expect(await run.sql(3, 'select ? as a, ? as b', [7, 'x'])).toEqual([{ a: 7, b: 'x' }]);
    expect(await run.sql(3, 'select n from things where n > @n', { n: 2 })).toEqual([{ n: 3 }]);
    const compiled = { compile: () => ({ sql: 'select ? as a', parameters: [true] }) };
    expect(await run.sql(3, compiled)).toEqual([{ a: 1 }]);
    await run.close();
  });
  test('gives whole numbers exactly', async () => {
    const schema = defineSchema({
      name: 'rich',
      version: 1,
      tables: { rich: table({ id: t.id(), money: t.u64(), debt: t.i64() }) },
      events: { e: event({}) },
    });
    const rich = defineWorld(schema, {
      setup({ insert }) {
        for (const money of [5n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 53n])
          insert.rich({ money, debt: -(2n ** 63n) });
      },
      systems: [],
      apply: { e() {} },
    });
    const run = await createRun(rich, { store: memoryStore(), seed: 's' });
    expect((await run.sql(0, 'select money from rich order by money')).map(({ money }) => money)).toEqual([
      5,
      2n ** 53n,
      2n ** 63n,
      2n ** 64n - 1n,
    ]);
    expect(
      await run.sql(0, 'select count(*) as n, min(debt) as debt from rich where money > u64(5)'),
    ).toEqual([{ n: 3, debt: -(2n ** 63n) }]);
    await run.close();
  });
});

describe('a query that may not be asked', () => {
  test.each([
    ['delete from things', 'does not begin'],
    ['pragma query_only = off', 'does not begin'],
    ["attach 'x' as y", 'does not begin'],
    ['select 1; select 2', 'more than one statement'],
    ['with x as (select 1) insert into things (id, n) select 1, 1 returning id', 'would write'],
    ['', 'does not begin'],
  ])('is refused: %s', async (query, why) => {
    const { run } = await made(1);
    const error = await caught(() => run.sql(1, query));
    expect(error.code).toBe('BAD_USAGE');
    expect(error.message).toContain(why);
    await run.close();
  });
  test('is told with its place and the tables that there are', async () => {
    const { run } = await made(1);
    const error = await caught(() => run.sql(1, 'select *\nfrom thing'));
    expect(error.message).toBe('the query is refused: no such table: thing (line 2, column 6)');
    expect(error.hint).toContain('There are: things, total, events,');
    expect((await caught(() => run.sql(9, 'select 1'))).code).toBe('NO_TICK');
    expect((await caught(() => run.sql(1, 'select 1', [], { with: { main: {} } }))).code).toBe('BAD_USAGE');
    await run.close();
  });
});

describe('L9: asking changes nothing', () => {
  test('neither records nor hashes, at whatever ticks and however it ends', async () => {
    const bytes = async (asks: boolean): Promise<string[]> => {
      const store = memoryStore();
      const run = await createRun(world, { store, id: 'a', seed: 's' });
      for (let tick = 0; tick < 4; tick++) {
        if (asks) {
          await run.sql(tick, 'select * from things, total, events, metrics, events_put');
          await caught(() => run.sql(tick, 'select nothing'));
          const late = run.sql(tick, 'select count(*) as n from things');
          await run.advance(1);
          expect(await late).toEqual([{ n: tick }]);
        } else await run.advance(1);
      }
      await run.close();
      return (await framesOf(store, 'a')).map(({ hash, stateHash }) => `${hex(hash)} ${hex(stateHash!)}`);
    };
    expect(await bytes(true)).toEqual(await bytes(false));
  });
  test('a query that runs away ends with its signal or its time, and leaves no process', async () => {
    const { run } = await made(1);
    const stop = new AbortController();
    const running = caught(() => run.sql(1, RUNAWAY, [], { signal: stop.signal }));
    setTimeout(() => stop.abort(), 300);
    expect((await running).code).toBe('CANCELLED');
    const late = await caught(() => run.sql(1, RUNAWAY, [], { timeoutMs: 300 }));
    expect(late.message).toBe('the query was cancelled: it took longer than 300 ms');
    expect((await caught(() => run.sql(1, 'select 1', [], { signal: AbortSignal.abort() }))).code).toBe(
      'CANCELLED',
    );
    expect(children()).toEqual([]);
    await run.close();
  });
});
