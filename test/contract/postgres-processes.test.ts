/**
 * Real processes on one PostgreSQL database: two writers of a run, and writers that stop while they compute,
 * commit, or hold a segment in a transaction.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createRun, openRun, type Store } from '../../src/index.ts';
import { openPostgresStore } from '../../src/stores/postgres/open.ts';
import type { OpenOptions } from '../../src/stores/postgres/settings.ts';
import { type Order, policy, type Said, twinHashes, world } from '../crash/puppet-world.ts';
import { bundleChild, drawsOf } from '../crash/victims.ts';
import { administer, type FreshDatabase, freshDatabase, withoutPostgres } from '../support/postgres.ts';
import { caught, hashesOf } from '../support/runs.ts';

/** A process that does what it is told. */
class Puppet {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(file: string, url: string, options: OpenOptions) {
    this.#child = spawn(process.execPath, [file, url, JSON.stringify(options)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async next(): Promise<Said> {
    const { value, done } = await this.#lines.next();
    if (done === true) expect.fail(`a process ended: ${this.#child.exitCode} ${this.#child.signalCode}`);
    return JSON.parse(value);
  }

  send(order: Order): void {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`);
  }

  /** Gives an order and waits for the answer. */
  tell(order: Order): Promise<Said> {
    this.send(order);
    return this.next();
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    process.kill(this.pid, name);
  }

  /** The last word of a run that goes on until it is refused. */
  async lastWord(): Promise<Said> {
    for (;;) {
      const said = await this.next();
      if (said[0] !== 'at') return said;
    }
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    if ((this.#child.exitCode ?? this.#child.signalCode) === null)
      await new Promise((resolve) => this.#child.once('exit', resolve));
  }

  /** Lets it end by itself: nothing that it has open keeps it. */
  async leave(): Promise<number | null> {
    this.#child.stdin!.end();
    if (this.#child.exitCode === null) await new Promise((resolve) => this.#child.once('exit', resolve));
    return this.#child.exitCode;
  }
}

const REPLACED = ['refused', 'WRITER_REPLACED'];

/** The tick that a puppet came to. */
const tickOf = (said: Said): number => (said[0] === 'done' ? said[1] : expect.fail(JSON.stringify(said)));

describe.skipIf(withoutPostgres || process.platform === 'win32')('processes on one database', () => {
  let database: FreshDatabase;
  let file: string;
  let store: Store;
  const puppets: Puppet[] = [];
  beforeAll(async () => {
    [database, file] = await Promise.all([freshDatabase(), bundleChild('puppet')]);
    store = await openPostgresStore(database.url);
  });
  afterEach(() => Promise.all(puppets.splice(0).map((puppet) => puppet.end())));
  afterAll(async () => {
    await store?.close();
    await database?.drop();
  });

  const start = async (options: OpenOptions = {}): Promise<Puppet> => {
    const puppet = new Puppet(file, database.url, options);
    puppets.push(puppet);
    expect(await puppet.next()).toEqual(['ready']);
    return puppet;
  };
  const startTwo = (options?: OpenOptions) => Promise.all([start(options), start(options)]);

  const expectTwin = async (id: string, epoch: number): Promise<void> => {
    const { segment } = (await store.head(id))!;
    expect(segment.epoch).toBe(epoch);
    expect(await hashesOf(store, id)).toEqual(await twinHashes(id, segment.head.tick));
  };

  /** The one that was replaced hears so, lives, and ends in order. */
  const expectReplaced = async (puppet: Puppet, said: Said): Promise<void> => {
    expect(said.slice(0, 2)).toEqual(REPLACED);
    expect((await puppet.tell({ do: 'advance', ticks: 1 })).slice(0, 2)).toEqual(REPLACED);
    expect(await puppet.leave()).toBe(0);
  };

  test('L7: the second writer is refused by name, and a takeover fences the first', async () => {
    const [first, second] = await startTwo();
    const id = 'two writers';
    expect(await first.tell({ do: 'open', id })).toEqual(['done', 0, 0]);
    await first.tell({ do: 'advance', ticks: 5 });
    const [, code, facts] = (await second.tell({ do: 'open', id })) as Extract<Said, { 0: 'refused' }>;
    expect(code).toBe('RUN_IN_USE');
    expect(facts).toMatchObject({ pid: first.pid, host: expect.any(String) });
    expect(facts.expiresInMs).toBeGreaterThan(0);
    expect(facts.expiresInMs).toBeLessThanOrEqual(30_000);
    const from = tickOf(await second.tell({ do: 'open', id, takeover: true }));
    expect(from).toBeGreaterThanOrEqual(4);
    await expectReplaced(first, await first.tell({ do: 'advance', ticks: 4 }));
    await second.tell({ do: 'advance', ticks: 5 });
    expect(tickOf(await second.tell({ do: 'close' }))).toBe(from + 5);
    await expectTwin(id, 2);
  });

  test('L7: a process that died gives its run to the next one at once', async () => {
    const [first, second] = await startTwo();
    const id = 'dead writer';
    await first.tell({ do: 'open', id });
    await first.tell({ do: 'advance', ticks: 4 });
    await first.end();
    expect(tickOf(await second.tell({ do: 'open', id }))).toBe(4);
    await second.tell({ do: 'close' });
    await expectTwin(id, 2);
  });

  test('L7: a writer that stands still past its lease is replaced, and hears of it', async () => {
    const [first, second] = await startTwo();
    const id = 'still writer';
    const leaseMs = 400;
    await first.tell({ do: 'open', id, leaseMs });
    await first.tell({ do: 'advance', ticks: 4 });
    first.signal('SIGSTOP');
    let said = await second.tell({ do: 'open', id, leaseMs });
    if (said[0] === 'refused') {
      expect(said[1]).toBe('RUN_IN_USE');
      await sleep(leaseMs);
      said = await second.tell({ do: 'open', id, leaseMs });
    }
    expect(tickOf(said)).toBe(4);
    await second.tell({ do: 'advance', ticks: 3 });
    first.signal('SIGCONT');
    await expectReplaced(first, await first.tell({ do: 'advance', ticks: 5 }));
    await second.tell({ do: 'close' });
    await expectTwin(id, 2);
  });

  test.each([1, 2, 3])(
    'L7: a writer that is stopped while it commits (%i) leaves whole groups',
    async (seed) => {
      const [first, second] = await startTwo();
      const id = `stopped ${seed}`;
      await first.tell({ do: 'open', id });
      first.send({ do: 'run' });
      await first.next();
      await sleep(20 + 150 * drawsOf(seed)());
      first.signal('SIGSTOP');
      const from = tickOf(await second.tell({ do: 'open', id, takeover: true }));
      expect(tickOf(await second.tell({ do: 'advance', ticks: 6 }))).toBe(from + 6);
      first.signal('SIGCONT');
      await expectReplaced(first, await first.lastWord());
      await second.tell({ do: 'close' });
      await expectTwin(id, 2);
    },
  );

  test('L7: one that stops inside a transaction is ended by a takeover, and holds no other run up', async () => {
    const [first, second] = await startTwo();
    const id = 'inside';
    await first.tell({ do: 'open', id });
    await first.tell({ do: 'advance', ticks: 4 });
    expect(await first.tell({ do: 'stop inside' })).toEqual(['stopping']);
    // Far below the five seconds after which the server would end it.
    const started = performance.now();
    const other = await createRun(world, { ...policy, store, id: 'beside', seed: 'beside' });
    await other.advance(6);
    await other.close();
    await store.collect(100);
    const reader = await openRun(world, { ...policy, store, id: 'beside' });
    await reader.close();
    expect((await caught(() => openRun(world, { ...policy, store, id }))).code).toBe('RUN_IN_USE');
    expect(tickOf(await second.tell({ do: 'open', id, takeover: true }))).toBe(4);
    await second.tell({ do: 'advance', ticks: 4 });
    expect(performance.now() - started).toBeLessThan(4500);
    first.signal('SIGCONT');
    expect((await first.next())[0]).toBe('refused');
    await expectReplaced(first, await first.tell({ do: 'advance', ticks: 5 }));
    await second.tell({ do: 'close' });
    await expectTwin(id, 2);
  });

  test('L7: the server ends a transaction whose process stands still', async () => {
    const first = await start({ transactionTimeoutMs: 600 });
    const id = 'timed out';
    await first.tell({ do: 'open', id });
    await first.tell({ do: 'advance', ticks: 4 });
    await first.tell({ do: 'stop inside' });
    const started = performance.now();
    const { id: segment } = (await store.head(id))!.segment;
    await store.keepAttempt(segment, { tick: 5, text: '{}' });
    expect(performance.now() - started).toBeLessThan(3000);
    first.signal('SIGCONT');
    const [what, code] = await first.next();
    expect([what, code]).toEqual(['refused', 'STORE_FAILED']);
    // Nobody replaced it: it goes on.
    expect(tickOf(await first.tell({ do: 'advance', ticks: 4 }))).toBe(8);
    expect(await first.tell({ do: 'close' })).toEqual(['done', 8, 8]);
    expect(await first.leave()).toBe(0);
    await expectTwin(id, 1);
  });

  test('a process that is gone leaves no connection', async () => {
    const first = await start();
    await first.tell({ do: 'open', id: 'left' });
    await first.tell({ do: 'advance', ticks: 4 });
    expect(await first.leave()).toBe(0);
    const mine = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND
      application_name = 'worldfold'`;
    await store.close();
    for (let tries = 0; tries < 200; tries++) {
      if (((await administer(database.url, mine)) as { n: number }[])[0]!.n === 0) break;
      await sleep(10);
    }
    expect(await administer(database.url, mine)).toEqual([{ n: 0 }]);
    store = await openPostgresStore(database.url);
  });
});
