/**
 * The stopwatch of a run that keeps a tick log: how long each part of a tick takes.
 *
 * The engine says what has just ended, and the time since the last such word is that part's. It reads the
 * run's steady clock, never while code of the world runs, and hands nothing to it: with and without, every
 * tick computes the same. The parts follow one another, so that they never sum to more than the whole.
 */
import type { LandedGroup, RecordTimes, SystemTimes, TimedNames, TimesBefore } from '../log/record-times.ts';
import type { LogRecord } from '../log/store.ts';
import type { AnyWorld } from './world.ts';

const US = 1000;

/** One system in one tick. */
interface Turn {
  hasTurn: boolean;
  rounds: number;
  run: number;
  apply: number;
}

/** Times the ticks of one run. */
export class TickTimer {
  private readonly clock: () => number;
  private readonly names: TimedNames;
  private readonly turns = new Map<string, Turn>();
  /** The latest time that was read, in whole microseconds. */
  private latest = 0;
  /** When the part began that is under way. */
  private since = 0;
  private began = 0;
  private computed = 0;
  private begun = 0;
  private turn: Turn | null = null;
  private invariants: number[] = [];
  private metrics = 0;
  private hash: number | null = null;
  /** When the computing of the last recorded tick ended, and how long its encoding took. */
  private recorded: { readonly until: number; encoded: number } | null = null;
  private between = 0;
  private waited = 0;
  private handedOver = 0;
  private landings: LandedGroup[] = [];

  constructor({ def: { systems, invariants = {} } }: AnyWorld, clock: () => number) {
    this.clock = clock;
    this.names = { systems: systems.map(({ name }) => name), invariants: Object.keys(invariants) };
    for (const name of this.names.systems)
      this.turns.set(name, { hasTurn: false, rounds: 0, run: 0, apply: 0 });
  }

  /** The time now; what a clock says that goes back, or says no number, is passed over. */
  private now(): number {
    const now = Math.round(this.clock() * US);
    if (now > this.latest && now <= Number.MAX_SAFE_INTEGER) this.latest = now;
    return this.latest;
  }

  /** The time since the last part ended. */
  private lap(): number {
    const { since } = this;
    this.since = this.now();
    return this.since - since;
  }

  /** A tick begins, or one that failed begins anew. */
  begin(): void {
    this.since = this.began = this.now();
    this.between = this.recorded === null ? 0 : this.began - this.recorded.until;
    this.begun = this.metrics = 0;
    this.hash = null;
    this.invariants = [];
    for (const turn of this.turns.values()) {
      turn.hasTurn = false;
      turn.rounds = turn.run = turn.apply = 0;
    }
  }

  /** The inputs were applied, or the setup is done. */
  opened(): void {
    this.begun = this.lap();
  }

  /** It is the turn of a system: what follows is its time. */
  takesTurn(system: string): void {
    this.turn = this.turns.get(system)!;
    this.turn.hasTurn = true;
  }

  /** The system's condition has answered. */
  answered(): void {
    this.turn!.run += this.lap();
  }

  /** The system has returned; what it emitted is still to be applied. */
  returned(): void {
    this.turn!.run += this.lap();
    this.turn!.rounds++;
  }

  /** What the system emitted was applied. */
  applied(): void {
    this.turn!.apply += this.lap();
  }

  /** What the tick needs beside its named parts. */
  passed(): void {
    this.lap();
  }

  /** The next invariant has answered. */
  asked(): void {
    this.invariants.push(this.lap());
  }

  /** The metrics were taken. */
  measured(): void {
    this.metrics = this.lap();
  }

  /** The content of the tick was gathered, and where that is so, the state hashed. */
  ended(isHashed: boolean): void {
    const time = this.lap();
    if (isHashed) this.hash = time;
    this.computed = this.since - this.began;
  }

  /** An advance waits for the store. */
  async waits<T>(call: () => Promise<T>): Promise<T> {
    const from = this.now();
    try {
      return await call();
    } finally {
      this.waited += this.now() - from;
    }
  }

  /** A group is handed to the store. */
  sent(): void {
    this.handedOver = this.now();
  }

  /** The store has the group that was handed over last. */
  landed(records: readonly LogRecord[]): void {
    const bytes = records.reduce((sum, record) => sum + record.bytes.length, 0);
    const time = this.now() - this.handedOver;
    this.landings.push({ tick: records.at(-1)!.tick, ticks: records.length, bytes, time });
  }

  /** What the record of the tick is to say, which is encoded now. */
  take(introduces: boolean): RecordTimes {
    const { computed, begun, invariants, metrics, hash, landings: landed } = this;
    const times = {
      names: introduces ? this.names : null,
      ...{ computed, begun, systems: this.systems(), invariants, metrics, hash },
      before: this.before(),
      landed,
    };
    this.landings = [];
    this.waited = 0;
    this.recorded = { until: this.began + computed, encoded: 0 };
    this.since = this.now();
    return times;
  }

  private before(): TimesBefore | null {
    const { recorded, between, waited } = this;
    return recorded === null ? null : { encoded: recorded.encoded, between, waited };
  }

  private systems(): (SystemTimes | null)[] {
    const turns = [...this.turns.values()];
    if (!turns.some(({ hasTurn }) => hasTurn)) return [];
    return turns.map(({ hasTurn, rounds, run, apply }) => (hasTurn ? { rounds, run, apply } : null));
  }

  /** The record is encoded. */
  encoded(): void {
    this.recorded!.encoded = this.lap();
  }
}
