/**
 * The disk of a simulation: what is kept of calls that write, and what a loss of power or a full disk leaves.
 *
 * What a seed decides here is how much a crash takes; which calls fail is up to the store objects.
 */
import { fail } from '../base/errors.ts';
import type { ProcessIdentity } from '../base/platform.ts';
import { type Change, MemoryMedium } from '../log/memory-store.ts';
import type { Page } from '../log/store.ts';
import { type SeededChoices, seededChoices } from './simulated-scheduler.ts';

/** What a call writes. */
export interface Written {
  /** About how many bytes it takes on the disk. */
  readonly bytes: number;
  /** The last record of it. */
  readonly record?: { readonly segment: string; readonly tick: number };
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
  /**
   * The probability that a loss of power which takes commits leaves the oldest of them half written: the
   * store believes that it has it, and the second half of its last record is zeros. A disk that acknowledges
   * what it does not keep does so. Default: 0.
   */
  readonly torn?: number;
  /** How many bytes of records and snapshots fit; see {@link SimulatedMedium.resize}. Default: no limit. */
  readonly capacity?: number;
}

/** A commit that is not on the disk yet. */
interface Volatile {
  readonly undo: () => void;
  readonly written: Written;
}

/** The disk of a simulation: store objects come and go, it stays. */
export class SimulatedMedium {
  readonly #memory = new MemoryMedium('simulated:');
  readonly #choices: SeededChoices;
  readonly #options: SimulatedMediumOptions;
  readonly #onCrash = new Set<() => void>();
  readonly #torn = new Set<string>();
  #volatile: Volatile[] = [];
  #elapsed = 0;
  #used = 0;
  #capacity: number;
  #stop: 'before' | 'after' | null = null;

  constructor(options: SimulatedMediumOptions = {}) {
    this.#options = options;
    this.#choices = seededChoices(options.seed ?? 0);
    this.#capacity = options.capacity ?? Number.POSITIVE_INFINITY;
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

  /** Carries out one call that writes. A full disk refuses it whole. */
  commit<T>(change: (memory: MemoryMedium) => Change<T>, written: Written = { bytes: 0 }): T {
    if (this.#stop === 'before') this.#stopNow();
    const used = this.#used + written.bytes;
    if (written.bytes > 0 && used > this.#capacity)
      fail('STORE_FAILED', 'the disk is full', { store: 'simulated:', full: true, capacity: this.#capacity });
    const { answer, undo } = change(this.#memory);
    this.#used = used;
    this.#elapsed++;
    this.#volatile.push({ undo, written });
    const { durability = 'process', checkpoint = 0.1 } = this.#options;
    if (durability === 'power' || this.#choices.chance(checkpoint)) this.sync();
    if (this.#stop === 'after') this.#stopNow();
    return answer;
  }

  /**
   * The machine loses power at the next call that writes: before anything of it is kept, or after all of it
   * is and before the caller hears of it. See {@link crash}.
   */
  crashAtCommit(when: 'before' | 'after'): void {
    this.#stop = when;
  }

  #stopNow(): never {
    const when = this.#stop;
    this.crash();
    return fail('STORE_FAILED', `the machine lost power ${when} a commit`, {
      store: 'simulated:',
      dead: true,
    });
  }

  /** Gives the disk room for so many bytes of records and snapshots in all, what is there included. */
  resize(capacity: number): void {
    this.#capacity = capacity;
  }

  /** The bytes that are taken. What collections free is not counted. */
  get used(): number {
    return this.#used;
  }

  /** A page of records as the disk gives it back: torn ones with zeros in their second half. */
  asKept(segment: string, page: Page): Page {
    if (this.#torn.size === 0) return page;
    const records = page.records.map((record) =>
      this.#torn.has(`${segment} ${record.tick}`) ? { ...record, bytes: half(record.bytes) } : record,
    );
    return { ...page, records };
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
   * With `torn`, the oldest of these may stay half written. Afterwards new store objects can be opened.
   */
  crash(): number {
    this.#stop = null;
    for (const die of this.#onCrash) die();
    this.#onCrash.clear();
    let lost = this.#choices.below(this.#volatile.length + 1);
    if (lost > 0 && this.#tears(this.#volatile.at(-lost)!.written)) lost--;
    const kept = this.#volatile.length - lost;
    for (const { undo, written } of this.#volatile.splice(kept).reverse()) {
      undo();
      this.#used -= written.bytes;
    }
    // What a restarted machine finds is on its disk.
    this.sync();
    return lost;
  }

  /** Whether a commit that is about to be lost stays behind half written. */
  #tears({ record }: Written): boolean {
    const { torn = 0 } = this.#options;
    // What never happens takes no choice.
    if (record === undefined || torn === 0 || !this.#choices.chance(torn)) return false;
    this.#torn.add(`${record.segment} ${record.tick}`);
    return true;
  }
}

/** Bytes whose second half never reached the disk. */
function half(bytes: Uint8Array): Uint8Array {
  return bytes.slice().fill(0, bytes.length >> 1);
}
