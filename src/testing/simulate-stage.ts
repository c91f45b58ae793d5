/**
 * The stage of a simulated schedule: processes that live and die, sources of inputs, and what a call may
 * raise.
 *
 * Owns what the actors share. A process is one store object over the shared medium, with faults of its own;
 * when it dies its calls fail, and what it still computes is told to nobody.
 */
import { type ErrorCode, isWorldfoldError } from '../base/errors.ts';
import type { Store } from '../log/store.ts';
import { hearWarnings } from './simulate-archive.ts';
import { Book, WatchedMedium } from './simulate-book.ts';
import { FIRST_CODE, type SimulatedCode } from './simulate-codes.ts';
import { Flights } from './simulate-flights.ts';
import { drawAsk } from './simulate-forks.ts';
import { type BookedLog, type ForkAsk, filtered } from './simulate-ledger.ts';
import { REFUSED } from './simulate-world.ts';
import { type SeededChoices, type SimulatedScheduler, simulatedScheduler } from './simulated-scheduler.ts';
import { type SimulatedFaults, type SimulatedStore, simulatedStore } from './simulated-store.ts';

/** What a schedule is made of; drawn from its seed. */
export interface SimulationPlan {
  readonly durability: 'process' | 'power';
  readonly checkpoint: number;
  readonly faults: Required<Omit<SimulatedFaults, 'powerLoss' | 'late'>>;
  /** How often calls that write are late. */
  readonly late: number;
  /** How often each run hashes its state, by its name. */
  readonly runs: { readonly [run: string]: number };
  readonly writers: number;
  readonly readers: number;
  /** How often each writer begins anew, and how much it does each time. */
  readonly lives: number;
  readonly turns: number;
  readonly deaths: readonly ('process' | 'power')[];
  /** How many fields the land has: none, enough for columns of their own, enough for several chunks. */
  readonly land: number;
  /** How many forks are made at most, and how many names of runs are deleted. */
  readonly forks: number;
  readonly removals: number;
  /** How often somebody collects, drops snapshots, damages one. */
  readonly collections: number;
  readonly drops: number;
  readonly flips: number;
  /** Whether runs are opened under other versions of their schema and other handlers. */
  readonly eras: boolean;
}

const DEATHS = ['process', 'power'] as const;

/** Draws a plan. */
function drawPlan(choices: SeededChoices, eras: boolean): SimulationPlan {
  const plan = { ...drawWork(choices), eras };
  if (!eras) return plan;
  // Every tick is hashed, so that what other handlers make of it is known; rows are folded one by one.
  const runs = Object.fromEntries(Object.keys(plan.runs).map((run) => [run, 1]));
  return { ...plan, runs, land: Math.min(plan.land, NARROW), lives: 2 };
}

function drawWork({ below, chance }: SeededChoices): Omit<SimulationPlan, 'eras'> {
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
    ...drawTree({ below, chance }),
    late: [0, 0.4, 0.85][below(3)]!,
  };
}

function drawTree({
  below,
  chance,
}: Pick<SeededChoices, 'below' | 'chance'>): Pick<
  SimulationPlan,
  'land' | 'forks' | 'removals' | 'collections' | 'drops' | 'flips'
> {
  const some = (p: number, n: number): number => (chance(p) ? 1 + below(n) : 0);
  return {
    land: [0, NARROW, NARROW, WIDE][below(chance(0.1) ? 4 : 3)]!,
    forks: some(0.6, 4),
    removals: some(0.4, 3),
    collections: some(0.5, 6),
    drops: some(0.5, 6),
    flips: some(0.35, 4),
  };
}

/** Fields of a land whose columns are stored apart. */
const NARROW = 150;
/** Fields of a land whose columns of eight bytes take two chunks. */
const WIDE = 8250;

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

/** Whether an input that a parent recorded enters a fork. */
export type LaterFilter = (input: readonly [kind: string, row: object]) => boolean;

/** The filter of all forks that have one. */
export const byTag: LaterFilter = ([, row]) => filtered((row as { readonly tag: number }).tag);

/** What is said to `fork`, but for where and under which id. */
export const askedOf = ({ because, rate, seed, opening, later }: ForkAsk) => ({
  ...(because !== null && { because }),
  ...(rate !== null && { config: { rate } }),
  ...(seed !== null && { seed }),
  inputs: opening.map((tag) => ['given', { tag, by: tag % 50 }] as const),
  later: later === 'filter' ? byTag : later,
});

/** What the actors of one schedule share. */
export class Stage {
  readonly seed: number;
  readonly plan: SimulationPlan;
  readonly scheduler: SimulatedScheduler;
  readonly choices: SeededChoices;
  readonly book: Book;
  readonly medium: WatchedMedium;
  readonly flights: Flights;
  readonly sources: Source[];
  /** How many writers are still at it. */
  writing = 0;
  /** Every process that ever was, by its number. */
  readonly processes: SimulatedProcess[] = [];
  private readonly lines: SimulatedStore[] = [];
  private tags = 0;
  private forks = 0;

  constructor(seed: number, hasEras: boolean) {
    this.seed = seed;
    this.scheduler = simulatedScheduler(seed);
    this.choices = this.scheduler.choices;
    const plan = (this.plan = drawPlan(this.choices, hasEras));
    const alive = (pid: number): boolean => this.processes[pid]?.dead === false;
    this.book = new Book(() => this.scheduler.trace.length, alive, hasEras);
    this.flights = new Flights(this.book);
    const { durability, checkpoint } = plan;
    const options = { seed, durability, checkpoint, isAlive: (who: { pid: number }) => alive(who.pid) };
    this.medium = new WatchedMedium(options, this.book);
    this.sources = Object.keys(plan.runs).flatMap((run) => [
      { name: 'ann', run, inputs: [] },
      { name: 'ben', run, inputs: [] },
    ]);
  }

  /** Hears what operators are told from now on; the answer ends it. */
  listen(): () => void {
    return hearWarnings((message) => this.book.archive.warned(this.medium.memory, message));
  }

  /** How often a run hashes its state: as the run that it was forked from, however far back. */
  hashEvery(run: string): number {
    return this.plan.runs[run.split('.')[0]!]!;
  }

  /** The code that a healthy process goes on with a run under. */
  fitting(run: string): SimulatedCode {
    const { eras, logs } = this.book;
    const log = logs.get(run);
    return eras === null || log === undefined ? FIRST_CODE : eras.fitting(log);
  }

  /** Whether a log may be refused since its era has lost the world that it began with. */
  mayLack(log: BookedLog): boolean {
    return this.book.eras?.isLost(this.medium.memory, log) === true;
  }

  /** Whether a process may be refused a tick of an undurable era of its own, of which the base is gone. */
  mayLackOwn(log: BookedLog, { pid }: SimulatedProcess, tick: number): boolean {
    return this.book.eras?.hasLostOwn(this.medium.memory, log, pid, tick) === true;
  }

  /** Whether a replay was rightly refused: an era has lost its base. */
  mayNotReplay(log: BookedLog, code: string): boolean {
    return code === 'NO_STATE' && this.mayLack(log);
  }

  /** What a run that is not there yet is made with. */
  newRun(id: string): { readonly seed: string; readonly config: { readonly land: number } } {
    return { seed: `seed of ${id}`, config: { land: this.plan.land } };
  }

  /** Draws a fork of a log, and writes down what was asked for; null where there were enough. */
  nextFork(of: BookedLog, at: number): { readonly id: string; readonly ask: ForkAsk } | null {
    if (this.forks >= this.plan.forks) return null;
    const id = `${of.run}.${++this.forks}`;
    const ask = drawAsk(this.choices, of, at, () => this.tag(id));
    this.book.asks.set(id, ask);
    this.sources.push({ name: `ann of ${id}`, run: id, inputs: [] });
    return { id, ask };
  }

  /** How a fork is told again, at an opening, which later inputs of its parent it takes. */
  drawLater(run: string): { readonly later?: 'drop' | LaterFilter } {
    const policy = this.book.asks.get(run)?.later ?? 'drop';
    if (policy === 'drop') return {};
    if (this.choices.chance(0.15)) return { later: 'drop' };
    return policy === 'filter' ? { later: byTag } : {};
  }

  /** Begins a process. Its calls wait for the scheduler and fail now and then, unless `calm`. */
  start(name: string, calm = false, code = FIRST_CODE): SimulatedProcess {
    const pid = this.processes.length;
    this.book.eras?.codes.set(pid, code);
    const { faults: chosen, late } = this.plan;
    const faults = calm ? {} : { ...chosen, late };
    const seed = this.seed * 1009 + pid;
    const timing = calm ? {} : { scheduler: this.scheduler };
    const inner = simulatedStore({ seed, faults, medium: this.medium, name: `${name}(${pid})`, ...timing });
    this.lines.push(inner);
    const store: Store = {
      ...inner,
      ...this.book.archive.watched(inner),
      ...this.flights.watched(inner, pid),
      create: (run) => inner.create({ ...run, holder: { ...run.holder, pid } }),
      fork: (fork) => inner.fork({ ...fork, holder: { ...fork.holder, pid } }),
      acquire: async (segment, holder, takeover) => {
        const epoch = await inner.acquire(segment, { ...holder, pid }, takeover);
        this.flights.taken(pid, segment);
        return epoch;
      },
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
    this.flights.died(process.pid);
    this.lines[process.pid]!.crash();
  }

  /** The machine loses its power, and everyone dies. */
  losePower(): void {
    for (const process of this.processes) {
      if (!process.dead) this.flights.died(process.pid);
      process.dead = true;
    }
    this.medium.crash();
  }

  /** A new tag for an input of a run. */
  tag(run: string): number {
    this.book.tagOf.set(++this.tags, run);
    return this.tags;
  }

  /** An input that a source has not sent before. */
  nextInput(source: Source): SourceInput {
    const kind = this.choices.chance(0.7) ? 'given' : 'planted';
    const by = this.choices.chance(0.15) ? REFUSED : this.choices.below(50);
    const input: SourceInput = { kind, tag: this.tag(source.run), by, seq: source.inputs.length, ...NEW };
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
      if (code === 'NO_STATE') this.book.archive.refusedWorld();
      if (code === 'SCHEMA_DIFFERS') this.book.archive.refusedSchema();
      this.book.holds(may(code, facts), () => `${what} was refused with ${code}: ${e.message}`);
      return { value: null, code, facts };
    }
  }
}

/** Whether an input fits its handler. */
export const isGood = ({ kind, by }: SourceInput): boolean => kind === 'planted' || by !== REFUSED;
