/**
 * The book of a simulated schedule: what the medium really held, and what anybody was told.
 *
 * Owns the oracle's knowledge while a schedule runs. It watches every write at the medium, below all faults
 * and delays, and compares what is claimed above with it: a commit by a replaced writer, a group torn apart,
 * a tick with two histories, a promise made before its commit, an input taken twice. It decides nothing and
 * mends nothing; what it finds it writes down.
 */
import { hex } from '../base/bytes.ts';
import { isWorldfoldError } from '../base/errors.ts';
import type { Change, MemoryMedium } from '../log/memory-store.ts';
import { decodeBatches, decodeFrame, freshSets, NO_HASH } from '../log/record.ts';
import type { LogRecord, NewRun, NewSnapshot } from '../log/store.ts';
import { simulatedSchema } from './simulate-world.ts';
import { SimulatedMedium, type SimulatedMediumOptions } from './simulated-store.ts';

/** A tick as the medium holds it. */
export interface BookedTick {
  readonly hash: string;
  readonly stateHash: string | null;
  readonly tags: readonly number[];
}

/** The log of one run as the book knows it. */
export interface BookedLog {
  readonly run: string;
  readonly segment: string;
  epoch: number;
  /** The process that took the segment last. */
  pid: number;
  ticks: BookedTick[];
  /** The tick of each input in the log, by tag. */
  readonly tags: Map<number, number>;
  /** Inputs that somebody was told are durable. */
  readonly promised: Set<number>;
  /** The last tick that somebody was told is durable. */
  told: number;
}

/** What broke, and when. */
export interface Violation {
  readonly step: number;
  readonly what: string;
}

const { compiled } = simulatedSchema;
const TAGGED = ['given', 'planted'].map((name) => compiled.kindOf.get(name)!.number);

/** What a record says, for the book. */
function booked(record: LogRecord): BookedTick {
  const frame = decodeFrame(record.bytes.slice(), { tick: record.tick });
  const tags: number[] = [];
  for (const { kind, set } of decodeBatches(frame, compiled, freshSets(compiled))) {
    if (!TAGGED.includes(kind)) continue;
    for (let i = 0; i < set.size; i++) tags.push((set.rowAt(i) as { tag: number }).tag);
  }
  return { hash: hex(record.hash), stateHash: frame.stateHash === null ? null : hex(frame.stateHash), tags };
}

const codeOf = (e: unknown): string => (isWorldfoldError(e) ? e.code : String(e));
/** The segment that a call is about. */
const segmentOf = ([first]: readonly unknown[]): string =>
  typeof first === 'string' ? first : (first as NewSnapshot).segment;
const ALL = { records: Infinity, bytes: Infinity };

/** Keeps the book of one schedule. */
export class Book {
  readonly logs = new Map<string, BookedLog>();
  readonly violations: Violation[] = [];
  /** What was noted, each with the step it was noted at. */
  readonly notes: { readonly step: number; readonly text: string }[] = [];
  /** Counts of what happened, so that a test can tell that a schedule did something. */
  readonly counts = new Map<string, number>();
  private readonly worlds = new Map<string, string>();
  private readonly stepNow: () => number;
  private readonly isAlive: (pid: number) => boolean;

  constructor(stepNow: () => number, isAlive: (pid: number) => boolean) {
    this.stepNow = stepNow;
    this.isAlive = isAlive;
  }

  /** Whether something broke: nobody needs to go on. */
  get broken(): boolean {
    return this.violations.length > 0;
  }

  /** Writes a line into the trace. */
  note(text: string): void {
    this.notes.push({ step: this.stepNow(), text });
  }

  /** Counts something that happened. */
  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** Writes down that a law was broken. */
  broke(what: string): void {
    this.note(`BROKEN: ${what}`);
    this.violations.push({ step: this.stepNow(), what });
  }

  /** Writes down that a law was broken, unless it holds. */
  holds(condition: boolean, what: () => string): void {
    if (!condition) this.broke(what());
  }

  private logOf(segment: string): BookedLog | undefined {
    return [...this.logs.values()].find((log) => log.segment === segment);
  }

  /** A write that the medium made. */
  wrote(memory: MemoryMedium, call: string, given: readonly unknown[], answer: unknown): void {
    if (call === 'create') this.created(given[0] as NewRun);
    else {
      const segment = segmentOf(given);
      const log = this.logOf(segment);
      if (log === undefined) return void this.broke(`${call} reached segment ${segment}, which nobody made`);
      if (call === 'keepSnapshot') this.keptSnapshot(log, given[0] as NewSnapshot);
      if (call === 'append') this.appended(memory, log, given[1] as number, given[3] as LogRecord[]);
      if (call === 'acquire') this.acquired(log, (given[1] as { pid: number }).pid, answer as number);
      if (call === 'renew')
        this.holds(given[1] === log.epoch, () => `L7: a replaced writer renewed run ${log.run}`);
    }
    for (const log of this.logs.values()) this.audit(memory, log);
  }

  private created(run: NewRun): void {
    this.holds(!this.logs.has(run.id), () => `L1: run ${run.id} was made twice`);
    const ticks = [booked(run.record)];
    const { segment, holder } = run;
    const told = { promised: new Set<number>(), told: -1, tags: new Map<number, number>() };
    this.logs.set(run.id, { run: run.id, segment, epoch: 1, pid: holder.pid, ticks, ...told });
    this.note(`medium: run ${run.id} is made`);
  }

  private acquired(log: BookedLog, pid: number, epoch: number): void {
    this.holds(epoch === log.epoch + 1, () => `L7: epoch ${epoch} follows ${log.epoch} in run ${log.run}`);
    if (pid !== log.pid) this.count('replaced');
    log.epoch = epoch;
    log.pid = pid;
    this.note(`medium: process ${pid} takes ${log.run}, epoch ${epoch}`);
  }

  private appended(memory: MemoryMedium, log: BookedLog, epoch: number, records: readonly LogRecord[]): void {
    const { run, segment, ticks } = log;
    this.holds(
      epoch === log.epoch,
      () => `L7: a writer of epoch ${epoch} committed to ${run}, whose epoch is ${log.epoch}`,
    );
    for (const { tick, hash } of records)
      if (tick < ticks.length)
        this.holds(
          ticks[tick]!.hash === hex(hash),
          () => `L1: tick ${tick} of ${run} was offered with other bytes`,
        );
    const from = ticks.length;
    for (const record of memory.read(segment, from, ALL).records) {
      const before = ticks.at(-1)?.hash ?? hex(NO_HASH);
      this.holds(hex(record.previous) === before, () => `L1: tick ${record.tick} of ${run} does not follow`);
      const tick = booked(record);
      for (const tag of tick.tags) {
        this.holds(
          !log.tags.has(tag),
          () => `L1: input ${tag} is in ${run} at ticks ${log.tags.get(tag)} and ${record.tick}`,
        );
        log.tags.set(tag, record.tick);
      }
      ticks.push(tick);
    }
    const last = records.at(-1)?.tick ?? -1;
    this.holds(
      ticks.length > last,
      () => `L2: of ticks ${from} to ${last}, ${run} holds those up to ${ticks.length - 1}`,
    );
    this.note(`medium: ${run} ends at tick ${ticks.length - 1}, was asked for ${last}`);
    this.count('commits');
  }

  private keptSnapshot(log: BookedLog, { epoch, tick, hash }: NewSnapshot): void {
    this.holds(epoch === log.epoch, () => `L7: a replaced writer kept a snapshot of ${log.run}`);
    this.holds(
      log.ticks[tick]?.hash === hex(hash),
      () => `L4: a snapshot of tick ${tick} of ${log.run} was made of another record`,
    );
    this.count('snapshots');
  }

  /** A write that the medium refused. */
  refused(call: string, given: readonly unknown[], e: unknown): void {
    const code = codeOf(e);
    this.note(`medium: ${call} is refused, ${code}`);
    if (call === 'create') {
      const { id } = given[0] as NewRun;
      return void this.holds(
        code === 'EXISTS' && this.logs.has(id),
        () => `create of ${id} was refused with ${code}`,
      );
    }
    const log = this.logOf(segmentOf(given));
    if (log === undefined)
      return void this.holds(code === 'UNKNOWN_RUN', () => `${call} was refused with ${code}`);
    const { run, epoch } = log;
    if (call === 'acquire') {
      const holder = isWorldfoldError(e) ? (e.facts.pid as number) : -1;
      this.holds(
        code === 'RUN_IN_USE' && given[2] === false && this.isAlive(holder),
        () => `L7: process ${holder} is dead or asked to go, and ${run} was refused with ${code}`,
      );
    } else {
      const by = call === 'keepSnapshot' ? (given[0] as NewSnapshot).epoch : given[1];
      this.holds(
        code === 'WRITER_REPLACED' && by !== epoch,
        () => `L7: ${call} to ${run} in epoch ${by} of ${epoch} was refused with ${code}`,
      );
    }
  }

  /** The medium holds what the book knows: nothing changes but by a write that was seen. */
  private audit(memory: MemoryMedium, { run, ticks, epoch }: BookedLog): void {
    const segment = memory.head(run)?.segment;
    const same =
      segment?.head.tick === ticks.length - 1 &&
      hex(segment.head.hash) === ticks.at(-1)!.hash &&
      segment.epoch === epoch;
    this.holds(same, () => `L2: ${run} should end at tick ${ticks.length - 1}, epoch ${epoch}`);
  }

  /** The power went: what is left must be what was there, but for a tail where the medium may lose one. */
  powerLost(memory: MemoryMedium, mayLose: boolean): void {
    this.count('power losses');
    for (const log of [...this.logs.values()]) {
      const { run, ticks } = log;
      const segment = memory.head(run)?.segment;
      const left = segment === undefined ? 0 : segment.head.tick + 1;
      this.note(`power: ${run} had ${ticks.length} ticks, and has ${left}`);
      this.holds(mayLose || left === ticks.length, () => `L11: a power loss took ticks of ${run}`);
      this.holds(left <= ticks.length, () => `L11: ${run} grew in a power loss`);
      log.ticks = ticks.slice(0, left);
      if (left < ticks.length) this.count('ticks lost');
      if (segment === undefined) {
        this.logs.delete(run);
        continue;
      }
      log.epoch = segment.epoch;
      log.told = Math.min(log.told, left - 1);
      for (const [tag, tick] of log.tags) if (tick >= left) log.tags.delete(tag);
      for (const tag of log.promised) if (!log.tags.has(tag)) log.promised.delete(tag);
      this.audit(memory, log);
    }
  }

  /** Somebody was told that a tick is durable, with its state hash where he knows it. */
  toldDurable(run: string, tick: number, stateHash: string | null, by: string): void {
    const log = this.logs.get(run);
    const held = log?.ticks[tick];
    if (log === undefined || held === undefined)
      return void this.broke(
        `L11: ${by} told that tick ${tick} of ${run} is durable, and the medium does not hold it`,
      );
    if (stateHash !== null && held.stateHash !== null)
      this.holds(
        held.stateHash === stateHash,
        () => `L11: ${by} told of another tick ${tick} of ${run} than the medium holds`,
      );
    log.told = Math.max(log.told, tick);
  }

  /** A submitter was told that its input is durable. */
  promised(run: string, tag: number, by: string): void {
    const log = this.logs.get(run);
    if (log?.tags.has(tag) !== true)
      return void this.broke(
        `L11: ${by} told that input ${tag} of ${run} is durable, and the log does not hold it`,
      );
    log.promised.add(tag);
    this.count('inputs durable');
  }

  /** Somebody saw a world that belongs to a state hash: everyone must see the same. */
  sawWorld(stateHash: string | null, text: string, by: string): void {
    if (stateHash === null) return;
    const known = this.worlds.get(stateHash);
    if (known === undefined) this.worlds.set(stateHash, text);
    else
      this.holds(
        known === text,
        () => `L3: ${by} shows another world under ${stateHash}:\n${text}\nis not\n${known}`,
      );
  }
}

/** A medium with somebody who watches every write. */
export class WatchedMedium extends SimulatedMedium {
  private readonly book: Book;
  private readonly mayLose: boolean;

  constructor(options: SimulatedMediumOptions, book: Book) {
    super(options);
    this.book = book;
    this.mayLose = options.durability !== 'power';
  }

  override commit<T>(change: (memory: MemoryMedium) => Change<T>): T {
    return super.commit((memory) => change(watched(memory, this.book)));
  }

  override crash(): number {
    const lost = super.crash();
    this.book.powerLost(this.memory, this.mayLose && lost > 0);
    return lost;
  }
}

type Call = (...given: readonly unknown[]) => Change<unknown>;

/** The same medium; the book hears of what is called, of answers and of refusals. */
const watched = (memory: MemoryMedium, book: Book): MemoryMedium =>
  new Proxy(memory, {
    get(target, name) {
      const call = Reflect.get(target, name) as Call;
      return (...given: readonly unknown[]) => {
        let change: Change<unknown>;
        try {
          change = call.apply(target, [...given]);
        } catch (e) {
          book.refused(String(name), given, e);
          throw e;
        }
        book.wrote(target, String(name), given, change.answer);
        return change;
      };
    },
  });
