/**
 * The stage of a simulated schedule: processes that live and die, sources of inputs, and what a call may
 * raise.
 *
 * Owns what the actors share. A process is one store object over the shared medium, with faults of its own;
 * when it dies its calls fail, and what it still computes is told to nobody.
 */
import { type ErrorCode, isWorldfoldError } from '../base/errors.ts';
import type { Store } from '../log/store.ts';
import { Book, WatchedMedium } from './simulate-book.ts';
import { REFUSED } from './simulate-world.ts';
import { type SeededChoices, type SimulatedScheduler, simulatedScheduler } from './simulated-scheduler.ts';
import { type SimulatedFaults, type SimulatedStore, simulatedStore } from './simulated-store.ts';

/** What a schedule is made of; drawn from its seed. */
export interface SimulationPlan {
  readonly durability: 'process' | 'power';
  readonly checkpoint: number;
  readonly faults: Required<SimulatedFaults>;
  /** How often each run hashes its state, by its name. */
  readonly runs: { readonly [run: string]: number };
  readonly writers: number;
  readonly readers: number;
  /** How often each writer begins anew, and how much it does each time. */
  readonly lives: number;
  readonly turns: number;
  readonly deaths: readonly ('process' | 'power')[];
}

const DEATHS = ['process', 'power'] as const;

/** Draws a plan. */
export function drawPlan({ below, chance }: SeededChoices): SimulationPlan {
  const level = [0, 0.02, 0.08, 0.25][below(4)]!;
  const fault = (): number => (chance(0.7) ? level : 0);
  const deaths = Array.from({ length: below(4) }, () => (chance(0.6) ? DEATHS[0] : DEATHS[1]));
  return {
    durability: chance(0.5) ? 'process' : 'power',
    checkpoint: chance(0.5) ? 0.05 : 0.5,
    faults: { beforeCommit: fault(), afterCommit: fault(), read: fault() },
    runs: { north: 1 + below(3), ...(chance(0.3) ? { south: 1 + below(2) } : {}) },
    writers: 1 + below(3),
    readers: below(3),
    lives: 1 + below(2),
    turns: 3 + below(6),
    deaths,
  };
}

/** A process of a simulation. */
export interface SimulatedProcess {
  readonly name: string;
  readonly pid: number;
  readonly store: Store;
  dead: boolean;
}

/** An input that a source wants in the log, and how far that got. */
export interface SourceInput {
  readonly kind: 'given' | 'planted';
  readonly tag: number;
  readonly by: number;
  readonly seq: number;
  heard: boolean;
  /** Whether a handler refused it: sent again, it may be passed over as one that came before. */
  refused: boolean;
}

/** A source of inputs: it sends again, in order, whatever it did not hear of. */
export interface Source {
  readonly name: string;
  readonly run: string;
  readonly inputs: SourceInput[];
}

/** An input of which nobody heard yet. */
export const NEW = { heard: false, refused: false };

/** What a call came to: its value, or the code that it was refused with. */
export type Outcome<T> =
  | { readonly value: T; readonly code: null }
  | { readonly value: null; readonly code: ErrorCode; readonly facts: { readonly [name: string]: unknown } };

/** What the actors of one schedule share. */
export class Stage {
  readonly seed: number;
  readonly plan: SimulationPlan;
  readonly scheduler: SimulatedScheduler;
  readonly choices: SeededChoices;
  readonly book: Book;
  readonly medium: WatchedMedium;
  readonly sources: readonly Source[];
  /** Writers that are at it, by process: who replaces one says so here. */
  readonly processes: SimulatedProcess[] = [];
  private readonly lines: SimulatedStore[] = [];
  private tags = 0;

  constructor(seed: number) {
    this.seed = seed;
    this.scheduler = simulatedScheduler(seed);
    this.choices = this.scheduler.choices;
    const plan = (this.plan = drawPlan(this.choices));
    const alive = (pid: number): boolean => this.processes[pid]?.dead === false;
    this.book = new Book(() => this.scheduler.trace.length, alive);
    const { durability, checkpoint } = plan;
    const options = { seed, durability, checkpoint, isAlive: (who: { pid: number }) => alive(who.pid) };
    this.medium = new WatchedMedium(options, this.book);
    this.sources = Object.keys(plan.runs).flatMap((run) => [
      { name: 'ann', run, inputs: [] },
      { name: 'ben', run, inputs: [] },
    ]);
  }

  /** Begins a process. Its calls wait for the scheduler and fail now and then, unless `calm`. */
  start(name: string, calm = false): SimulatedProcess {
    const pid = this.processes.length;
    const faults = calm ? {} : this.plan.faults;
    const seed = this.seed * 1009 + pid;
    const timing = calm ? {} : { scheduler: this.scheduler };
    const inner = simulatedStore({ seed, faults, medium: this.medium, name: `${name}(${pid})`, ...timing });
    this.lines.push(inner);
    const store: Store = {
      ...inner,
      create: (run) => inner.create({ ...run, holder: { ...run.holder, pid } }),
      acquire: (segment, holder, takeover) => inner.acquire(segment, { ...holder, pid }, takeover),
    };
    const process = { name: `${name}(${pid})`, pid, store, dead: false };
    this.processes.push(process);
    return process;
  }

  /** Kills a process. */
  kill(process: SimulatedProcess): void {
    if (process.dead) return;
    process.dead = true;
    this.book.note(`${process.name} dies`);
    this.book.count('deaths');
    this.lines[process.pid]!.crash();
  }

  /** The machine loses its power, and everyone dies. */
  losePower(): void {
    for (const process of this.processes) process.dead = true;
    this.medium.crash();
  }

  /** A new tag for an input. */
  tag(): number {
    return ++this.tags;
  }

  /** An input that a source has not sent before. */
  nextInput(source: Source): SourceInput {
    const kind = this.choices.chance(0.7) ? 'given' : 'planted';
    const by = this.choices.chance(0.15) ? REFUSED : this.choices.below(50);
    const input: SourceInput = { kind, tag: this.tag(), by, seq: source.inputs.length, ...NEW };
    source.inputs.push(input);
    return input;
  }

  /** A number of below `n`, from 0 on. */
  below(n: number): number {
    return this.choices.below(n);
  }

  /** Whether calls that write, or that read, may fail for a process. */
  mayFail(process: SimulatedProcess, what: 'read' | 'write'): boolean {
    const { beforeCommit, afterCommit, read } = this.plan.faults;
    return process.dead || (what === 'read' ? read : beforeCommit + afterCommit) > 0;
  }

  /**
   * Makes a call, which may be refused with the codes that `may` gives when it is refused, and with no other.
   */
  async ask<T>(
    what: string,
    work: () => Promise<T> | T,
    may: (code: ErrorCode, facts: { readonly [name: string]: unknown }) => boolean,
  ): Promise<Outcome<T>> {
    try {
      const value = await work();
      this.book.note(`${what}: done`);
      return { value, code: null };
    } catch (e) {
      if (!isWorldfoldError(e)) {
        this.book.broke(`${what} raised ${e instanceof Error ? e.stack : String(e)}`);
        return { value: null, code: 'INTERNAL', facts: {} };
      }
      const { code, facts } = e;
      this.book.note(`${what}: ${code}`);
      this.book.count(code);
      this.book.holds(may(code, facts), () => `${what} was refused with ${code}: ${e.message}`);
      return { value: null, code, facts };
    }
  }
}

/** Whether an input fits its handler. */
export const isGood = ({ kind, by }: SourceInput): boolean => kind === 'planted' || by !== REFUSED;
