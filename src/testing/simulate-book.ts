/**
 * The book of a simulated schedule: what the medium really held, and what anybody was told.
 *
 * Owns the oracle's knowledge while a schedule runs. It watches every write at the medium, below all faults
 * and delays, and compares what is claimed above with it: a commit by a replaced writer, a group torn apart,
 * a tick with two histories, a fork that is not its parent's, a collection that took what a run reaches, a
 * promise made before its commit, an input taken twice. It decides nothing and mends nothing; what it finds
 * it writes down.
 */
import { hex } from '../base/bytes.ts';
import { isWorldfoldError } from '../base/errors.ts';
import { Changes } from '../log/memory-state.ts';
import type { Change, MemoryMedium } from '../log/memory-store.ts';
import { NO_HASH } from '../log/record.ts';
import type { LogRecord, NewFork, NewRun, NewSnapshot } from '../log/store.ts';
import { Archive } from './simulate-archive.ts';
import { Eras } from './simulate-eras.ts';
import { checkBeginning, checkInputs } from './simulate-forks.ts';
import { type BookedLog, type ForkAsk, ownerOf, reachedBy } from './simulate-ledger.ts';
import { Notes } from './simulate-notes.ts';
import { type BookedTick, booked } from './simulate-records.ts';
import { SimulatedMedium, type SimulatedMediumOptions, type Written } from './simulated-medium.ts';

const codeOf = (e: unknown): string => (isWorldfoldError(e) ? e.code : String(e));
const ALL = { records: Infinity, bytes: Infinity };

/** The segment that a call is about. */
const segmentOf = ([first]: readonly unknown[]): string =>
  typeof first === 'string' ? first : (first as NewSnapshot).segment;

/** Keeps the book of one schedule. */
export class Book extends Notes {
  /** Logs by the run that names them. */
  readonly logs = new Map<string, BookedLog>();
  /** Logs by segment: those that no run names too. */
  readonly segments = new Map<string, BookedLog>();
  /** The last log that a run ever had. */
  readonly known = new Map<string, BookedLog>();
  /** Runs whose names were deleted. */
  readonly removed = new Map<string, true>();
  /** What forks were asked to be, by their names. */
  readonly asks = new Map<string, ForkAsk>();
  readonly archive: Archive;
  /** What is known of eras; null in a schedule without any. */
  readonly eras: Eras | null;
  /** Whose input it is, by tag. */
  readonly tagOf = new Map<number, string>();
  private readonly worlds = new Map<string, string>();
  private readonly undo: (() => void)[] = [];
  private readonly isAlive: (pid: number) => boolean;

  constructor(stepNow: () => number, isAlive: (pid: number) => boolean, hasEras: boolean) {
    super(stepNow);
    this.isAlive = isAlive;
    this.eras = hasEras ? new Eras(this) : null;
    this.archive = new Archive(this);
  }

  /** A write that the medium made. */
  wrote(memory: MemoryMedium, call: string, given: readonly unknown[], answer: unknown): void {
    const changes = new Changes();
    this.undo.push(() => changes.done(null).undo());
    if (call === 'create') this.created(given[0] as NewRun, changes);
    else if (call === 'fork') this.forked(memory, given[0] as NewFork, changes);
    else if (call === 'remove') this.unnamed(given[0] as string, changes);
    else if (call === 'collect') this.collected(memory, answer as number, changes);
    else this.wroteSegment(memory, call, given, answer, changes);
    for (const log of this.logs.values()) this.audit(memory, log);
  }

  private wroteSegment(
    memory: MemoryMedium,
    call: string,
    given: readonly unknown[],
    answer: unknown,
    changes: Changes,
  ): void {
    const segment = segmentOf(given);
    const log = this.segments.get(segment);
    if (log === undefined) return void this.broke(`${call} reached segment ${segment}, which nobody made`);
    if (call === 'append') this.appended(memory, log, given[1] as number, given[3] as LogRecord[], changes);
    if (call === 'acquire') this.acquired(log, (given[1] as { pid: number }).pid, answer as number, changes);
    if (call === 'renew')
      this.holds(given[1] === log.epoch, () => `L7: a replaced writer renewed run ${log.run}`);
    if (call === 'keepSnapshot')
      this.archive.kept(log, given[0] as NewSnapshot, answer as readonly number[], changes);
    if (call === 'dropSnapshots')
      this.archive.dropped(log, given[1] as readonly number[], answer as number, changes);
    if (call === 'pinSnapshot') this.archive.pinned(log, given[1] as number, given[2] as boolean, changes);
    if (call.endsWith('Snapshot') || call.endsWith('Snapshots')) this.archive.audit(memory, log);
  }

  private begin(log: BookedLog, changes: Changes): void {
    const { run, segment } = log;
    changes.put(this.logs, run, log);
    changes.put(this.segments, segment, log);
    this.known.set(run, log);
  }

  private created(run: NewRun, changes: Changes): void {
    this.holds(!this.logs.has(run.id), () => `L1: run ${run.id} was made twice`);
    const { id, segment, holder } = run;
    const place = { run: id, segment, family: segment, parent: null, first: 0, ask: null };
    const log = newLog(place, holder.pid, []);
    this.begin(log, changes);
    this.add(log, run.record, changes);
    this.note(`medium: run ${id} is made`);
  }

  private forked(memory: MemoryMedium, fork: NewFork, changes: Changes): void {
    const { id, segment, holder } = fork;
    const { tick } = fork.parent;
    const parent = this.segments.get(fork.parent.segment);
    const ask = this.asks.get(id);
    if (parent === undefined || ask === undefined)
      return void this.broke(`L6: fork ${id} continues a segment that nobody made, or was not asked for`);
    this.holds(!this.logs.has(id), () => `L6: run ${id} was made twice`);
    this.holds(
      parent === ownerOf(ask.of, ask.at) && tick === ask.at && parent.first <= tick,
      () => `L6: fork ${id} of ${ask.of.run} at ${ask.at} continues tick ${tick} of ${parent.run}`,
    );
    this.holds(
      parent.ticks[tick]?.hash === hex(fork.hash),
      () => `L6: fork ${id} continues another tick ${tick} than ${parent.run} has`,
    );
    const { family } = parent;
    const place = { run: id, segment, family, parent: { log: parent, tick }, first: tick + 1, ask };
    const log = newLog(place, holder.pid, parent.ticks.slice(0, tick + 1));
    for (const [tag, at] of parent.tags) if (at <= tick) log.tags.set(tag, at);
    this.begin(log, changes);
    const own = memory.read(segment, tick + 1, ALL).records.length;
    this.holds(own === 0, () => `L6: fork ${id} began with ${own} records of its own`);
    this.note(`medium: run ${id} is forked from ${parent.run} at tick ${tick}`);
    this.count('forks');
    if (parent.parent !== null) this.count('forks of forks');
    if (parent !== ask.of) this.count('forks before a fork');
  }

  private unnamed(run: string, changes: Changes): void {
    const log = this.logs.get(run);
    if (log === undefined) return void this.broke(`run ${run} was removed, and was not there`);
    changes.drop(this.logs, run);
    changes.put(this.removed, run, true);
    changes.assign(log, { named: false, epoch: log.epoch + 1, pid: -1 });
    this.note(`medium: run ${run} is removed`);
    this.count('removed');
  }

  private acquired(log: BookedLog, pid: number, epoch: number, changes: Changes): void {
    this.holds(log.named, () => `L7: process ${pid} took ${log.run}, which was removed`);
    this.holds(epoch === log.epoch + 1, () => `L7: epoch ${epoch} follows ${log.epoch} in run ${log.run}`);
    if (pid !== log.pid) this.count('replaced');
    changes.assign(log, { epoch, pid });
    this.note(`medium: process ${pid} takes ${log.run}, epoch ${epoch}`);
  }

  private appended(
    memory: MemoryMedium,
    log: BookedLog,
    epoch: number,
    records: readonly LogRecord[],
    changes: Changes,
  ): void {
    const { run, segment, ticks, first } = log;
    this.holds(
      epoch === log.epoch && log.named,
      () => `L7: a writer of epoch ${epoch} committed to ${run}, whose epoch is ${log.epoch}`,
    );
    for (const { tick, hash } of records) {
      this.holds(tick >= first, () => `L6: ${run} was given tick ${tick}, which its parent holds`);
      if (tick < ticks.length)
        this.holds(
          ticks[tick]!.hash === hex(hash),
          () => `L1: tick ${tick} of ${run} was offered with other bytes`,
        );
    }
    const from = ticks.length;
    for (const record of memory.read(segment, from, ALL).records) this.add(log, record, changes);
    const last = records.at(-1)?.tick ?? -1;
    this.holds(
      ticks.length > last,
      () => `L2: of ticks ${from} to ${last}, ${run} holds those up to ${ticks.length - 1}`,
    );
    this.note(`medium: ${run} ends at tick ${ticks.length - 1}, was asked for ${last}`);
    this.count('commits');
  }

  /** Takes a record into a log. */
  private add(log: BookedLog, record: LogRecord, changes: Changes): void {
    const { run, ticks } = log;
    const before: BookedTick | undefined = ticks.at(-1);
    this.holds(
      hex(record.previous) === (before?.hash ?? hex(NO_HASH)) && record.tick === ticks.length,
      () => `L1: tick ${record.tick} of ${run} does not follow`,
    );
    const { eras } = this;
    const tick = booked(
      record,
      before,
      eras && ((frame, environment) => eras.tell(log, frame, environment, before)),
    );
    for (let at = log.parent; at !== null; at = at.log.parent) {
      const { log: held } = at;
      this.holds(
        held.ticks[record.tick]?.hash !== tick.hash,
        () => `L6: ${run} stores tick ${record.tick}, which ${held.run} holds`,
      );
    }
    for (const tag of tick.tags) {
      this.holds(
        !log.tags.has(tag),
        () => `L1: input ${tag} is in ${run} at ticks ${log.tags.get(tag)} and ${record.tick}`,
      );
      changes.put(log.tags, tag, record.tick);
    }
    checkBeginning(this, log, record.tick, tick);
    const pure = checkInputs(this, log, record.tick, tick);
    if (pure !== log.pure) changes.assign(log, { pure });
    changes.make(
      () => ticks.push(tick),
      () => ticks.pop(),
    );
  }

  private collected(memory: MemoryMedium, deleted: number, changes: Changes): void {
    const needed = reachedBy(this.logs.values());
    for (const log of [...this.segments.values()].reverse()) {
      const { run, segment, ticks, first, named } = log;
      const need = needed.get(log) ?? -1;
      const last = named ? ticks.length - 1 : lastOf(memory, log);
      if (last === null) {
        this.holds(need < first, () => `L6: a collection took ${run}, whose tick ${need} is reached`);
        changes.drop(this.segments, segment);
        continue;
      }
      this.holds(
        last >= Math.min(need, ticks.length - 1),
        () => `L6: a collection cut ${run} at ${last}, though tick ${need} is reached`,
      );
      changes.truncate(ticks, last + 1);
      this.archive.collected(memory, log, Math.min(need, ticks.length - 1), changes);
    }
    this.note(`medium: ${deleted} things are collected`);
    if (deleted > 0) this.count('collected');
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
    if (call === 'fork') return void this.refusedFork(given[0] as NewFork, code);
    if (call === 'remove') return void this.refusedRemoval(given[0] as string, given[1] as boolean, e);
    const log = this.segments.get(segmentOf(given));
    if (log === undefined)
      return void this.holds(code === 'UNKNOWN_RUN', () => `${call} was refused with ${code}`);
    const { run, epoch, named } = log;
    if (call === 'acquire') {
      if (!named) return void this.holds(code === 'UNKNOWN_RUN', () => `acquire was refused with ${code}`);
      const holder = isWorldfoldError(e) ? (e.facts.pid as number) : -1;
      return void this.holds(
        code === 'RUN_IN_USE' && given[2] === false && this.isAlive(holder),
        () => `L7: process ${holder} is dead or asked to go, and ${run} was refused with ${code}`,
      );
    }
    if (call === 'pinSnapshot')
      return void this.holds(
        code === 'NO_TICK' && !log.snapshots.has(given[1] as number),
        () => `pinSnapshot was refused with ${code}`,
      );
    const by = call === 'keepSnapshot' ? (given[0] as NewSnapshot).epoch : given[1];
    if (code === 'NO_CHUNK' && isWorldfoldError(e) && by === epoch)
      return void this.archive.refused(log, e.facts);
    this.holds(
      code === 'WRITER_REPLACED' && by !== epoch,
      () => `L7: ${call} to ${run} in epoch ${by} of ${epoch} was refused with ${code}`,
    );
  }

  private refusedFork({ id, parent }: NewFork, code: string): void {
    const log = this.segments.get(parent.segment);
    const why = this.logs.has(id)
      ? 'EXISTS'
      : log === undefined
        ? 'UNKNOWN_RUN'
        : parent.tick < log.first || parent.tick >= log.ticks.length
          ? 'NO_TICK'
          : 'nothing';
    this.holds(code === why, () => `L6: fork ${id} was refused with ${code}, not with ${why}`);
  }

  private refusedRemoval(run: string, force: boolean, e: unknown): void {
    const code = codeOf(e);
    const holder = isWorldfoldError(e) ? (e.facts.pid as number) : -1;
    this.holds(
      this.logs.has(run) ? code === 'RUN_IN_USE' && !force && this.isAlive(holder) : code === 'UNKNOWN_RUN',
      () => `L7: the removal of ${run} was refused with ${code}`,
    );
  }

  /** The medium holds what the book knows: nothing changes but by a write that was seen. */
  private audit(memory: MemoryMedium, { run, ticks, epoch, segment: id }: BookedLog): void {
    const segment = memory.head(run)?.segment;
    const same =
      segment?.id === id &&
      segment.head.tick === ticks.length - 1 &&
      hex(segment.head.hash) === ticks.at(-1)!.hash &&
      segment.epoch === epoch;
    this.holds(same, () => `L2: ${run} should end at tick ${ticks.length - 1}, epoch ${epoch}`);
  }

  /** The power went: the newest commits are lost, as many as the medium says, and nothing else. */
  powerLost(memory: MemoryMedium, lost: number, mayLose: boolean): void {
    this.count('power losses');
    this.note(`power: ${lost} commits are lost`);
    this.holds(mayLose || lost === 0, () => `L11: a power loss took ${lost} commits`);
    if (lost > 0) this.count('commits lost');
    const before = [...this.segments.values()].map((log) => [log, log.ticks.length] as const);
    for (let i = 0; i < lost; i++) this.undo.pop()?.();
    if (before.some(([{ ticks }, length]) => ticks.length < length)) this.count('ticks lost');
    for (const log of this.segments.values()) {
      log.told = Math.min(log.told, log.ticks.length - 1);
      for (const tag of log.promised) if (!log.tags.has(tag)) log.promised.delete(tag);
      if (log.named) this.audit(memory, log);
      this.archive.audit(memory, log);
    }
    const runs = memory.count().runs;
    this.holds(runs === this.logs.size, () => `L11: ${runs} runs are left of ${this.logs.size}`);
  }

  /** Somebody was told that a tick is durable, with its state hash where he knows it. */
  toldDurable(log: BookedLog, tick: number, stateHash: string | null, by: string): void {
    const held = log.ticks[tick];
    if (held === undefined) {
      // What was removed may be collected.
      if (!log.named) return;
      return void this.broke(
        `L11: ${by} told that tick ${tick} of ${log.run} is durable, and the medium does not hold it`,
      );
    }
    if (stateHash !== null && held.stateHash !== null)
      this.holds(
        held.stateHash === stateHash,
        () => `L11: ${by} told of another tick ${tick} of ${log.run} than the medium holds`,
      );
    log.told = Math.max(log.told, tick);
  }

  /** A submitter was told that its input is durable. */
  promised(log: BookedLog, tag: number, by: string): void {
    if (!log.tags.has(tag))
      return void this.broke(
        `L11: ${by} told that input ${tag} of ${log.run} is durable, and the log does not hold it`,
      );
    log.promised.add(tag);
    this.count('inputs durable');
  }

  /** Somebody saw a world that belongs to a state hash or a record hash: everyone must see the same. */
  sawWorld(hash: string | null, text: string, by: string): void {
    if (hash === null) return;
    const known = this.worlds.get(hash);
    if (known === undefined) this.worlds.set(hash, text);
    else
      this.holds(
        known === text,
        () => `L3: ${by} shows another world under ${hash}:\n${text}\nis not\n${known}`,
      );
  }

  /** Somebody saw the world of a tick that the medium holds; a process of that number did. */
  sawTick(log: BookedLog, tick: number, text: string, by: string, pid: number): void {
    if (this.eras !== null) return void this.eras.shown(log, tick, text, by, pid);
    const { hash = null, stateHash = null } = log.ticks[tick] ?? {};
    this.sawWorld(hash, text, by);
    this.sawWorld(stateHash, text, by);
  }
}

const newLog = (
  place: Pick<BookedLog, 'run' | 'segment' | 'family' | 'parent' | 'first' | 'ask'>,
  pid: number,
  ticks: BookedTick[],
): BookedLog => {
  const { ask } = place;
  const isChanged = ask === null || ask.rate !== null || ask.seed !== null || ask.opening.length > 0;
  return {
    ...place,
    named: true,
    epoch: 1,
    pid,
    ticks,
    tags: new Map(),
    snapshots: new Map(),
    replaced: new Set(),
    pure: !isChanged && ask.later === 'keep',
    promised: new Set(),
    told: ticks.length - 1,
  };
};

/** The last tick that the medium has of a segment; null where it is gone. */
function lastOf(memory: MemoryMedium, { segment }: BookedLog): number | null {
  try {
    return memory.lineage(segment)[0]!.head.tick;
  } catch {
    return null;
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

  override commit<T>(change: (memory: MemoryMedium) => Change<T>, written?: Written): T {
    return super.commit((memory) => change(watched(memory, this.book)), written);
  }

  override crash(): number {
    const lost = super.crash();
    this.book.powerLost(this.memory, lost, this.mayLose);
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
