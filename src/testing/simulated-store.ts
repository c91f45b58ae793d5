/**
 * A store whose failures are chosen by a seed.
 *
 * Owns the faults of calls: commits that fail, answers that get lost, reads that fail, answers that come late
 * and out of order, processes that die. Those of the disk are in `simulated-medium.ts`. What is kept, and
 * what is refused, is the memory store's; with the faults off it passes the contract of every store.
 */
import { fail } from '../base/errors.ts';
import type { ProcessIdentity } from '../base/platform.ts';
import type { Change, MemoryMedium } from '../log/memory-store.ts';
import type { LogRecord, NewSnapshot, Store } from '../log/store.ts';
import { storeClosed } from '../log/store-checks.ts';
import { SimulatedMedium, type Written } from './simulated-medium.ts';
import { type SeededChoices, type SimulatedScheduler, seededChoices } from './simulated-scheduler.ts';

/** Probabilities of faults, from 0 to 1 each; what is absent never happens. */
export interface SimulatedFaults {
  /** A call that writes fails and nothing of it is kept. */
  readonly beforeCommit?: number;
  /** A call that writes is kept whole, and its answer is lost: the caller sees it fail. */
  readonly afterCommit?: number;
  /** A call that reads fails. */
  readonly read?: number;
  /**
   * The machine loses power during a call that writes: before anything of it is kept, or after all of it is.
   */
  readonly powerLoss?: number;
  /**
   * A call that writes waits once more, on its way there and on its way back, and so on each time. Only with
   * a scheduler.
   */
  readonly late?: number;
}

/** How a simulated store is made. */
export interface SimulatedStoreOptions {
  /** Chooses which calls fail. Default: 0. */
  readonly seed?: number;
  readonly faults?: SimulatedFaults;
  /** Makes every call wait twice, on its way there and on its way back, so that calls overtake each other. */
  readonly scheduler?: SimulatedScheduler;
  /** What to open; give the same one to several stores. Default: a new one. */
  readonly medium?: SimulatedMedium;
  /** Names the store in the scheduler's trace. Default: `store`. */
  readonly name?: string;
}

/** A store object of a simulation: one process that has the medium open. */
export interface SimulatedStore extends Store {
  readonly medium: SimulatedMedium;
  /** Whether its process lives: until it, or the machine, crashes. */
  readonly isAlive: boolean;
  /** The process dies: its calls fail from now on, those under way included; what it committed stays. */
  crash(): void;
}

type Call = 'read' | 'write';

/** The faults and delays around every call of one store object. */
class Line {
  readonly medium: SimulatedMedium;
  readonly #faults: SimulatedFaults;
  readonly #choices: SeededChoices;
  readonly #scheduler: SimulatedScheduler | undefined;
  readonly #name: string;
  readonly #detach: () => void;
  #state: 'open' | 'closed' | 'dead' = 'open';

  constructor(options: SimulatedStoreOptions) {
    this.medium = options.medium ?? new SimulatedMedium({ seed: options.seed ?? 0 });
    this.#faults = options.faults ?? {};
    this.#choices = seededChoices(options.seed ?? 0);
    this.#scheduler = options.scheduler;
    this.#name = options.name ?? 'store';
    this.#detach = this.medium.attach(() => this.end('dead'));
  }

  get isAlive(): boolean {
    return this.#state !== 'dead';
  }

  end(state: 'closed' | 'dead'): void {
    if (this.#state === 'open') this.#detach();
    if (this.#state !== 'dead') this.#state = state;
  }

  async call<T>(kind: Call, name: string, work: () => T): Promise<T> {
    this.#checkOpen();
    const { beforeCommit = 0, afterCommit = 0, read = 0, powerLoss = 0 } = this.#faults;
    await this.#wait(kind, `${this.#name}.${name} goes`);
    if (this.#choices.chance(kind === 'read' ? read : beforeCommit)) this.#fault(name, 'was refused');
    // What never happens takes no choice: a seed plays the same faults as before there was this one.
    if (kind === 'write' && powerLoss > 0 && this.#choices.chance(powerLoss))
      this.medium.crashAtCommit(this.#choices.chance(0.5) ? 'before' : 'after');
    const answer = work();
    const lost = kind === 'write' && this.#choices.chance(afterCommit);
    await this.#wait(kind, `${this.#name}.${name} comes back`);
    if (lost) this.#fault(name, 'was kept, but its answer was lost');
    return answer;
  }

  async #wait(kind: Call, what: string): Promise<void> {
    if (this.#scheduler === undefined) return;
    const { late = 0 } = this.#faults;
    do {
      await this.#scheduler.pause(what);
      this.#checkAlive();
    } while (kind === 'write' && late > 0 && this.#choices.chance(late));
  }

  #checkOpen(): void {
    if (this.#state === 'closed') storeClosed('simulated:');
    this.#checkAlive();
  }

  #checkAlive(): void {
    if (this.#state === 'dead')
      fail('STORE_FAILED', `the process of ${this.#name} is dead`, { store: this.#name, dead: true });
  }

  #fault(call: string, what: string): never {
    return fail('STORE_FAILED', `${this.#name}.${call} ${what}, as the seed chose`, {
      store: this.#name,
      call,
    });
  }
}

const NOTHING: Written = { bytes: 0 };

const recordsOf = (segment: string, records: readonly LogRecord[]): Written => {
  const last = records.at(-1);
  const bytes = records.reduce((sum, record) => sum + record.bytes.length, 0);
  return last === undefined ? NOTHING : { bytes, record: { segment, tick: last.tick } };
};

const snapshotBytes = ({ manifest, chunks }: NewSnapshot): number =>
  chunks.reduce<number>(
    (sum, chunk) => sum + (typeof chunk === 'number' ? 0 : chunk.length),
    manifest.length,
  );

/**
 * A store over a simulated medium. Refuses what every store refuses, and `STORE_FAILED` where the seed says
 * so. A call that was refused before it was made (`CLOSED`) uses up no choice. Calls under way at the same
 * time have no order when a scheduler is given; without one each is carried out when it is made.
 *
 * @example
 * ```ts
 * const medium = new SimulatedMedium({ seed: 7 });
 * const store = simulatedStore({ seed: 7, medium, faults: { afterCommit: 0.1 } });
 * medium.crash();
 * const reopened = simulatedStore({ seed: 8, medium });
 * ```
 */
export function simulatedStore(options: SimulatedStoreOptions = {}): SimulatedStore {
  const line = new Line(options);
  const { medium } = line;
  const { memory } = medium;
  const write = <T>(
    name: string,
    change: (memory: MemoryMedium) => Change<T>,
    written: Written = NOTHING,
  ): Promise<T> => line.call('write', name, () => medium.commit(change, written));
  const alive = (who: ProcessIdentity): boolean => medium.isAlive(who);
  return {
    kind: 'simulated',
    location: 'simulated:',
    medium,
    get isAlive() {
      return line.isAlive;
    },
    create: (run) =>
      write('create', (m) => m.create(run, medium.now()), recordsOf(run.segment, [run.record])),
    append: (segment, epoch, firstTick, records) =>
      write('append', (m) => m.append(segment, epoch, firstTick, records), recordsOf(segment, records)),
    read: (segment, from, limit) =>
      line.call('read', 'read', () => medium.asKept(segment, memory.read(segment, from, limit))),
    head: (run) => line.call('read', 'head', () => memory.head(run)),
    list: (after, limit) => line.call('read', 'list', () => memory.list(after, limit)),
    acquire: (segment, holder, takeover) =>
      write('acquire', (m) => m.acquire(segment, holder, takeover, medium.now(), alive)),
    renew: (segment, epoch) => write('renew', (m) => m.renew(segment, epoch, medium.now())),
    release: (segment, epoch) => write('release', (m) => m.release(segment, epoch)),
    keepAttempt: (segment, attempt) => write('keepAttempt', (m) => m.keepAttempt(segment, attempt)),
    attempts: (segment) => line.call('read', 'attempts', () => memory.attempts(segment)),
    fork: (fork) => write('fork', (m) => m.fork(fork, medium.now())),
    lineage: (segment) => line.call('read', 'lineage', () => memory.lineage(segment)),
    remove: (run, force) => write('remove', (m) => m.remove(run, force, medium.now(), alive)),
    collect: (limit) => write('collect', (m) => m.collect(limit)),
    keepSnapshot: (snapshot) =>
      write('keepSnapshot', (m) => m.keepSnapshot(snapshot), { bytes: snapshotBytes(snapshot) }),
    snapshots: (segment) => line.call('read', 'snapshots', () => memory.snapshots(segment)),
    readSnapshot: (segment, tick) =>
      line.call('read', 'readSnapshot', () => memory.readSnapshot(segment, tick)),
    readChunks: (segment, numbers, bytes) =>
      line.call('read', 'readChunks', () => memory.readChunks(segment, numbers, bytes)),
    dropSnapshots: (segment, ticks) => write('dropSnapshots', (m) => m.dropSnapshots(segment, ticks)),
    pinSnapshot: (segment, tick, pinned) => write('pinSnapshot', (m) => m.pinSnapshot(segment, tick, pinned)),
    close: async () => line.end('closed'),
    crash: () => line.end('dead'),
  };
}
