/**
 * A store whose failures are chosen by a seed.
 *
 * Owns the faults: commits that fail, answers that get lost, reads that fail, answers that come late and out
 * of order, processes that die and machines that lose power. What is kept, and what is refused, is the memory
 * store's; with the faults off it passes the same contract as every store.
 */
import { fail } from '../base/errors.ts';
import type { ProcessIdentity } from '../base/platform.ts';
import { type Change, MemoryMedium } from '../log/memory-store.ts';
import type { Store } from '../log/store.ts';
import { storeClosed } from '../log/store-checks.ts';
import { type SeededChoices, type SimulatedScheduler, seededChoices } from './simulated-scheduler.ts';

/** Probabilities of faults, from 0 to 1 each; what is absent never happens. */
export interface SimulatedFaults {
  /** A call that writes fails and nothing of it is kept. */
  readonly beforeCommit?: number;
  /** A call that writes is kept whole, and its answer is lost: the caller sees it fail. */
  readonly afterCommit?: number;
  /** A call that reads fails. */
  readonly read?: number;
}

/** How a simulated medium is made. */
export interface SimulatedMediumOptions {
  /** Decides how much a power loss takes, and when the medium reaches its disk by itself. Default: 0. */
  readonly seed?: number;
  /**
   * `'power'`: every commit is on the disk. `'process'` (default): the newest commits may be lost with the
   * power.
   */
  readonly durability?: 'process' | 'power';
  /**
   * With `'process'`: the probability that a commit brings itself and all before it to the disk. Default:
   * 0.1.
   */
  readonly checkpoint?: number;
  /**
   * The clock of leases in milliseconds. Default: one millisecond for each commit, and what `elapse` adds.
   */
  readonly clock?: () => number;
  /** Whether the process of a lease is alive. Default: every process is. */
  readonly isAlive?: (who: ProcessIdentity) => boolean;
}

/** The disk of a simulation: store objects come and go, it stays. */
export class SimulatedMedium {
  readonly #memory = new MemoryMedium('simulated:');
  readonly #choices: SeededChoices;
  readonly #options: SimulatedMediumOptions;
  readonly #onCrash = new Set<() => void>();
  #volatile: (() => void)[] = [];
  #elapsed = 0;

  constructor(options: SimulatedMediumOptions = {}) {
    this.#options = options;
    this.#choices = seededChoices(options.seed ?? 0);
  }

  /** What is kept, for calls that read. */
  get memory(): MemoryMedium {
    return this.#memory;
  }

  /** The time of leases in milliseconds. */
  now(): number {
    return this.#options.clock?.() ?? this.#elapsed;
  }

  /** Lets time pass for leases, in milliseconds. */
  elapse(ms: number): void {
    this.#elapsed += ms;
  }

  /** Whether the process of a lease is alive. */
  isAlive(who: ProcessIdentity): boolean {
    return this.#options.isAlive?.(who) ?? true;
  }

  /** Carries out one call that writes. */
  commit<T>(change: (memory: MemoryMedium) => Change<T>): T {
    const { answer, undo } = change(this.#memory);
    this.#elapsed++;
    this.#volatile.push(undo);
    const { durability = 'process', checkpoint = 0.1 } = this.#options;
    if (durability === 'power' || this.#choices.chance(checkpoint)) this.sync();
    return answer;
  }

  /** Everything so far reaches the disk: no power loss takes it. */
  sync(): void {
    this.#volatile = [];
  }

  /** Opens the medium for a store object, which hears when the machine stops; the answer forgets it. */
  attach(onCrash: () => void): () => void {
    this.#onCrash.add(onCrash);
    return () => this.#onCrash.delete(onCrash);
  }

  /**
   * The machine loses power. Every open store object dies, and of the commits that were not on the disk a
   * seeded number of the newest is lost: what stays is a prefix of all commits. Returns how many were lost.
   * Afterwards new store objects can be opened.
   */
  crash(): number {
    for (const die of this.#onCrash) die();
    this.#onCrash.clear();
    const lost = this.#choices.below(this.#volatile.length + 1);
    const kept = this.#volatile.length - lost;
    for (const undo of this.#volatile.splice(kept).reverse()) undo();
    // What a restarted machine finds is on its disk.
    this.sync();
    return lost;
  }
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

  end(state: 'closed' | 'dead'): void {
    if (this.#state === 'open') this.#detach();
    if (this.#state !== 'dead') this.#state = state;
  }

  async call<T>(kind: Call, name: string, work: () => T): Promise<T> {
    this.#checkOpen();
    const { beforeCommit = 0, afterCommit = 0, read = 0 } = this.#faults;
    if (this.#scheduler !== undefined) {
      await this.#scheduler.pause(`${this.#name}.${name} goes`);
      this.#checkAlive();
    }
    if (this.#choices.chance(kind === 'read' ? read : beforeCommit)) this.#fault(name, 'was refused');
    const answer = work();
    const lost = kind === 'write' && this.#choices.chance(afterCommit);
    if (this.#scheduler !== undefined) {
      await this.#scheduler.pause(`${this.#name}.${name} comes back`);
      this.#checkAlive();
    }
    if (lost) this.#fault(name, 'was kept, but its answer was lost');
    return answer;
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
  const write = <T>(name: string, change: (memory: MemoryMedium) => Change<T>): Promise<T> =>
    line.call('write', name, () => medium.commit(change));
  const alive = (who: ProcessIdentity): boolean => medium.isAlive(who);
  return {
    kind: 'simulated',
    location: 'simulated:',
    medium,
    create: (run) => write('create', (m) => m.create(run, medium.now())),
    append: (segment, epoch, firstTick, records) =>
      write('append', (m) => m.append(segment, epoch, firstTick, records)),
    read: (segment, from, limit) => line.call('read', 'read', () => memory.read(segment, from, limit)),
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
    keepSnapshot: (snapshot) => write('keepSnapshot', (m) => m.keepSnapshot(snapshot)),
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
