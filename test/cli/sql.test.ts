import { describe, expect, test } from 'vitest';
import { jsonOf, say, worldFolder } from './kit.ts';

const DB = ['--store', 'sqlite:runs.db'];

describe('sql', () => {
  test('answers as a table, as JSON and as CSV, and lists tables', async () => {
    const at = worldFolder();
    await say(at, ['run', 'world.ts', '--ticks', '6', '--id', 'one', ...DB]);
    const ask = (...words: string[]) => say(at, ['sql', ...words, ...DB]);
    const tables = await ask('one');
    expect(tables.code).toBe(0);
    expect(tables.out).toContain('metrics');
    const { rows: listed } = jsonOf(await ask('one', '--json')) as {
      rows: { table: string; columns: string }[];
    };
    expect(listed.find(({ table }) => table === 'events')?.columns).toBe(
      'run_id, agent_id, t, seq, kind, payload_json, ts, schema_version, origin',
    );
    const metrics = await ask('one@2', 'select tick, \'a "b"\' as said from metrics', '--json');
    expect(jsonOf(metrics)).toEqual({
      columns: ['tick', 'said'],
      rows: [0, 1, 2].map((tick) => ({ tick, said: 'a "b"' })),
    });
    const csv = await ask('one@1', 'select tick, \'a "b"\' as said, null as none from metrics', '--csv');
    expect(csv.out).toBe('tick,said,none\r\n0,"a ""b""",\r\n1,"a ""b""",\r\n');
    const short = await ask('one', 'select tick from metrics', '--limit', '2');
    expect(short.out).toBe('tick\n────\n   0\n   1\n… 5 more rows (--limit, --json, --csv)\n');
    const two = await ask(
      'one',
      'select (select count(*) from metrics) - (select count(*) from early.metrics) as more',
      '--with',
      'early=one@1',
      '--csv',
    );
    expect(two.out).toBe('more\r\n5\r\n');
  });
  test('tells mistakes with the tables, and stops after its time', async () => {
    const at = worldFolder();
    await say(at, ['run', 'world.ts', '--ticks', '2', '--id', 'one', ...DB]);
    const wrong = await say(at, ['sql', 'one', 'select * from nowhere', ...DB]);
    expect(wrong.code).toBe(2);
    expect(wrong.err).toContain('no such table: nowhere (line 1, column 15)');
    const endless = 'with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c';
    const late = await say(at, ['sql', 'one', endless, '--timeout', '0.3', ...DB]);
    expect(late.code).not.toBe(0);
    expect(late.err).toContain('it took longer than 300 ms');
  });
});
