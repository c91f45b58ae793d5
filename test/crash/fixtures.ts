/**
 * Files to damage: a plain run, and a tree of forks, both with snapshots and with records in parts.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import Database from 'better-sqlite3';
import { createRun } from '../../src/index.ts';
import { openSqliteStore } from '../../src/stores/sqlite/open.ts';
import { inputsAt, SOURCE } from './herd.ts';
import { type Inspection, inspect, judge, policy, type Runs, type Verdict, world } from './inspect.ts';

/** Records longer than this are in parts. */
const PART_BYTES = 1500;

type HerdRun = Awaited<ReturnType<typeof create>>;
const create = (store: Awaited<ReturnType<typeof openSqliteStore>>, id: string) =>
  createRun(world, { ...policy, store, id, seed: 'herd' });

async function advanceTo(run: HerdRun, to: number): Promise<void> {
  while (run.tick < to) {
    for (const { seq } of inputsAt(run.tick + 1))
      run.submit.fed({ amount: seq, note: `note ${seq}` }, { source: SOURCE, seq });
    await run.advance();
  }
}

/** One run of 17 ticks. */
export async function plainFile(path: string): Promise<Runs> {
  const store = await openSqliteStore(path, { partBytes: PART_BYTES });
  const run = await create(store, 'plain');
  await advanceTo(run, 17);
  await run.close();
  await store.close();
  return new Map([['plain', 17]]);
}

/**
 * A tree: `root` to tick 16, `mild` from 7 to 13, `deep` from mild at 10 to 15, `kept` from 11 with the later
 * inputs of the root and two ticks of its own, `fresh` from 12 without a record of its own, and `heir` from
 * tick 9 of a fork of the root at 6 that was removed.
 */
export async function treeFile(path: string): Promise<Runs> {
  const store = await openSqliteStore(path, { partBytes: PART_BYTES });
  const root = await create(store, 'root');
  await advanceTo(root, 16);
  await root.snapshot({ pin: true });
  const grow = async (run: HerdRun, to: number): Promise<void> => {
    await advanceTo(run, to);
    await run.close();
  };
  const mild = await root.fork({ at: 7, id: 'mild', config: { appetite: 0.1 }, because: 'drought' });
  await advanceTo(mild, 13);
  await grow(await mild.fork({ at: 10, id: 'deep', seed: 'other' }), 15);
  await mild.close();
  await grow(await root.fork({ at: 11, id: 'kept', later: 'keep' }), 13);
  await grow(await root.fork({ at: 12, id: 'fresh', inputs: [['fed', { amount: 3, note: 'fresh' }]] }), 12);
  const gone = await root.fork({ at: 6, id: 'gone' });
  await advanceTo(gone, 12);
  await grow(await gone.fork({ at: 9, id: 'heir' }), 11);
  await gone.close();
  await store.remove('gone', false);
  await store.collect(Number.POSITIVE_INFINITY);
  await grow(root, 16);
  await store.close();
  return new Map([
    ['deep', 15],
    ['fresh', 12],
    ['heir', 11],
    ['kept', 13],
    ['mild', 13],
    ['root', 16],
  ]);
}

/** Whether everything is tried, and not a part of it. */
export const isThorough = Boolean(process.env.CI || process.env.WORLDFOLD_REQUIRE_ALL);

/** Copies a file, and nothing of what stood beside the copy before. */
export function copy(from: string, to: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) if (existsSync(to + end)) rmSync(to + end);
  copyFileSync(from, to);
}

/** Opens a file with nothing of ours in between; foreign keys hold nothing back. */
export function raw<T>(path: string, work: (db: Database.Database) => T): T {
  const db = new Database(path);
  try {
    db.pragma('foreign_keys = OFF');
    return work(db);
  } finally {
    db.close();
  }
}

/** A file with what it answers while it is whole. */
export interface Fixture {
  readonly file: string;
  readonly runs: Runs;
  readonly before: Inspection;
}

/** The files of a test, and a place for the copy that is harmed. */
export class Fixtures {
  private readonly folder = mkdtempSync(join(tmpdir(), 'worldfold-damage-'));
  private readonly made = new Map<string, Fixture>();
  /** The copy. */
  readonly work = join(this.folder, 'work.db');

  /** Makes the files. */
  async make(): Promise<void> {
    for (const [name, write] of Object.entries({ plain: plainFile, tree: treeFile })) {
      const file = join(this.folder, `${name}.db`);
      const runs = await write(file);
      copy(file, this.work);
      this.made.set(name, { file, runs, before: await inspect(this.work, runs) });
    }
  }

  /** One of the files. */
  of(name: string): Fixture {
    return this.made.get(name)!;
  }

  /** Harms a copy and judges what becomes of it; undefined where `harm` says that it could do nothing. */
  async harm(name: string, harm: (path: string) => unknown): Promise<Verdict | undefined> {
    const { file, runs, before } = this.of(name);
    copy(file, this.work);
    if (harm(this.work) === false) return undefined;
    return judge(before, await inspect(this.work, runs));
  }

  /** Deletes all of it. */
  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
