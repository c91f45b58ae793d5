/**
 * A process that writes a run of a PostgreSQL store and does what it is told, one line after another. It
 * answers each line with one; it may stop itself in the middle of a transaction.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { createRun, isWorldfoldError, openRun } from '../../src/index.ts';
import type { Store } from '../../src/log/store.ts';
import { openPostgresStore } from '../../src/stores/postgres/open.ts';
import { type Order, policy, type Said, world } from './puppet-world.ts';

const say = (said: Said): void => {
  writeSync(1, `${JSON.stringify(said)}\n`);
};

const create = (store: Store, id: string, leaseMs: number) =>
  createRun(world, { ...policy, leaseMs, store, id, seed: id });

async function take(store: Store, { id, leaseMs = 30_000, takeover = false }: Order & { do: 'open' }) {
  const isThere = (await store.head(id)) !== undefined;
  const given = { ...policy, leaseMs, store, id };
  return isThere ? openRun(world, { ...given, takeover }) : create(store, id, leaseMs);
}

const [, , url = '', options = '{}'] = process.argv;
let stops = false;
let run: Awaited<ReturnType<typeof create>> | undefined;

/** The clock of leases is asked inside transactions that hold the segment. */
function clock(): number {
  if (stops) {
    stops = false;
    say(['stopping']);
    process.kill(process.pid, 'SIGSTOP');
  }
  return Date.now();
}

async function obey(store: Store, order: Order): Promise<void> {
  if (order.do === 'open') run = await take(store, order);
  if (order.do === 'advance') {
    await run!.advance(order.ticks);
    await run!.flush();
  }
  if (order.do === 'close') await run!.close();
  for (; order.do === 'run'; say(['at', run!.tick, run!.durableTick])) await run!.advance(1);
  if (order.do !== 'stop inside') return;
  const { id, epoch } = (await store.head(run!.id))!.segment;
  stops = true;
  await store.renew(id, epoch);
}

const store = await openPostgresStore(url, { ...JSON.parse(options), clock });
say(['ready']);
for await (const line of createInterface({ input: process.stdin }))
  try {
    await obey(store, JSON.parse(line));
    say(['done', run!.tick, run!.durableTick]);
  } catch (e) {
    if (!isWorldfoldError(e)) throw e;
    say(['refused', e.code, e.facts]);
  }
await store.close();
