/**
 * The eras of a simulated schedule: what worlds they begin with, and what may be shown of ticks before them.
 *
 * Owns L13, and L3 within eras: every record is folded onto rows by the reference world, under the code that
 * wrote it. An era begins with the recorded world, or with what its code makes of the last records; changed
 * handlers are refused where they differ, with the first tick that does, and nowhere else; what is shown of
 * an earlier era is what was recorded, taken along, or nothing.
 */
import { hex } from '../base/bytes.ts';
import type { ErrorCode } from '../base/errors.ts';
import { parseChange } from '../log/environment.ts';
import type { SnapshotPoint } from '../log/manifest.ts';
import type { MemoryMedium } from '../log/memory-store.ts';
import type { RecordFrame } from '../log/record.ts';
import type { Book } from './simulate-book.ts';
import { codeText, FIRST_CODE, GROWTHS, type SimulatedCode, versionOf } from './simulate-codes.ts';
import { type BookedLog, ownerOf } from './simulate-ledger.ts';
import type { BookedTick } from './simulate-records.ts';
import { foldRows, migratedRows, type Rows, rowsText, type ToldTick, wavesOf } from './simulate-rows.ts';
import type { Growth } from './simulate-world.ts';
import type { SeededChoices } from './simulated-scheduler.ts';

/** A record as the reference world folded it. */
export interface EraTick extends ToldTick {
  readonly code: SimulatedCode;
  /** The first tick of its era. */
  readonly era: number;
  /** The world before it: what its era begins with, where it is the first of one. */
  readonly before: Rows | null;
  readonly rows: Rows;
}

/** A world that was kept for an era to begin with. */
interface Base {
  readonly rows: Rows;
  readonly stateHash: string;
  /** What the handlers of whoever kept it do: the same code finds it again. */
  readonly growth: Growth;
  readonly adopted: boolean;
  readonly log: BookedLog;
  readonly tick: number;
  /** The process that kept it. */
  readonly pid: number;
}

/** What a run is opened with. */
export interface Opening {
  readonly code: SimulatedCode;
  readonly adopt: boolean;
}

/** Keeps account of the eras of one schedule. */
export class Eras {
  /** The code of each process. */
  readonly codes = new Map<number, SimulatedCode>();
  private readonly book: Book;
  private readonly bases: Base[] = [];
  /** Records as other handlers fold them, with their era from its beginning. */
  private readonly folded = new WeakMap<EraTick, Map<Growth, Rows>>();
  private readonly texts = new WeakMap<Rows, Map<number, string>>();

  constructor(book: Book) {
    this.book = book;
  }

  /** Draws what a process opens a run with; what is not there yet it makes. */
  draw({ below, chance }: SeededChoices, log: BookedLog | undefined): Opening {
    const version = chance(0.35) ? 2 : 1;
    const growth = GROWTHS[below(GROWTHS.length)]!;
    const [isFitting, isLower, adopt] = [chance(0.5), chance(0.1), chance(0.5)];
    if (log === undefined) return { code: { version, growth }, adopt };
    const fitting = this.fitting(log);
    const least = isLower ? 1 : fitting.version;
    const to = version > least ? version : least;
    // Another version's records can't be compared: whoever takes them along does what was done.
    const isOther = !isFitting && to === log.ticks.at(-1)!.told!.code.version;
    return { code: { version: to, growth: isOther ? growth : fitting.growth }, adopt };
  }

  /** Whether an opening was rightly refused. */
  mayRefuse(log: BookedLog, { code, adopt }: Opening, refusal: ErrorCode, tick: unknown): boolean {
    const { version, growth } = code;
    if (refusal === 'SCHEMA_DIFFERS') return log.ticks.some(({ told }) => told!.code.version > version);
    if (refusal !== 'CODE_CHANGED' || adopt) return false;
    // Of a log that lost its tail since, nobody can tell.
    return (tick as number) >= log.ticks.length || this.differences(log, growth).has(tick as number);
  }

  /** A log was opened at a tick, with the recorded world or one that was adopted. */
  opened(log: BookedLog, { code, adopt }: Opening, tick: number, what: string): void {
    const told = log.ticks[tick]?.told;
    if (told === undefined || told === null || told.code.version !== code.version) return;
    const differs = this.difference(log, code.growth, tick);
    const isOther = differs !== null && differs <= tick;
    if (isOther) this.book.count('adopted');
    else if (code.growth !== told.code.growth) this.book.count('other handlers accepted');
    this.book.holds(
      !isOther || adopt || this.begunBy(log, tick, code.growth).length > 0,
      () => `L13: ${what} took the handlers ${codeText(code)}, which differ from tick ${differs} on`,
    );
  }

  /** The code of the process that took a log last. */
  codeOf({ pid }: BookedLog): SimulatedCode {
    return this.codes.get(pid) ?? FIRST_CODE;
  }

  private text(rows: Rows, version: 1 | 2): string {
    const known = this.texts.get(rows) ?? new Map<number, string>();
    this.texts.set(rows, known);
    const text = known.get(version) ?? rowsText(migratedRows(rows, version));
    known.set(version, text);
    return text;
  }

  /** Folds a record that the medium took, with what it says of its environment. */
  tell(
    log: BookedLog,
    frame: RecordFrame,
    environment: ToldTick['environment'],
    last: BookedTick | undefined,
  ): EraTick {
    const { book } = this;
    const { tick } = frame;
    const change = frame.environment === null ? {} : parseChange(frame.environment);
    const code = this.codeOf(log);
    const version = versionOf(environment.schema);
    const what = `tick ${tick} of ${log.run}`;
    book.holds(code.version === version, () => `L13: ${what} has version ${version}, not ${codeText(code)}`);
    const before = last?.told ?? null;
    const isMigrated = before !== null && before.code.version !== version;
    const begins = change.era !== undefined;
    book.holds(begins || !isMigrated, () => `L13: ${what} has another schema, and begins no era`);
    book.holds(
      !begins || (change.era?.why === 'migrated') === isMigrated,
      () => `L13: ${what} begins an era since it was ${change.era?.why}`,
    );
    const told = { tick, waves: wavesOf(frame, version), environment };
    const rows = begins ? this.baseOf(log, tick, change.era!.base, what) : (before?.rows ?? null);
    if (begins) book.count(`eras ${change.era?.why}`);
    const own = { ...code, version };
    return {
      ...told,
      code: own,
      era: begins ? tick : (before?.era ?? 0),
      before: rows,
      rows: foldRows(rows, told, own),
    };
  }

  private baseOf(log: BookedLog, tick: number, stateHash: string, what: string): Rows | null {
    const base = this.bases.find(
      (one) => one.log === log && one.tick === tick - 1 && one.stateHash === stateHash,
    );
    this.book.holds(base !== undefined, () => `L13: ${what} begins an era with a world that nobody kept`);
    return base?.rows ?? null;
  }

  /** A snapshot was kept for an era to begin with: its world is one that the code leads to. */
  begun(log: BookedLog, point: SnapshotPoint, schema: string, text: string): void {
    const { tick } = point;
    const version = versionOf(schema);
    const code = { ...this.codeOf(log), version };
    const rows = this.found(log, tick, code, text);
    if (rows === null)
      return void this.book.broke(
        `L13: an era of ${log.run} would begin after tick ${tick} with a world of nowhere:\n${text}`,
      );
    const adopted = log.ticks[tick]!.told!.code.version === version;
    const stateHash = hex(point.stateHash);
    this.bases.push({ rows, stateHash, growth: code.growth, adopted, log, tick, pid: log.pid });
  }

  /** A world to begin with: as recorded, or folded by the code from any tick of the era on. */
  private found(log: BookedLog, tick: number, code: SimulatedCode, text: string): Rows | null {
    const recorded = log.ticks[tick]!.told!;
    if (this.text(recorded.rows, code.version) === text) return migratedRows(recorded.rows, code.version);
    for (let from = tick; from >= recorded.era; from--) {
      let rows = this.beginning(log.ticks[from]!.told!, code);
      for (let at = from; at <= tick; at++) rows = foldRows(rows, log.ticks[at]!.told!, code);
      if (rowsText(rows!) !== text) continue;
      this.book.count('bases folded');
      return rows;
    }
    // What another era began with there is a world to begin with again.
    const hash = log.ticks[tick]!.hash;
    const known = this.bases.find(
      (one) =>
        one.log.ticks[one.tick]?.hash === hash &&
        one.rows.version <= code.version &&
        this.text(one.rows, code.version) === text,
    );
    return known === undefined ? null : migratedRows(known.rows, code.version);
  }

  /** What somebody with those handlers kept of the tick of a log, for an era to begin with. */
  private begunBy(log: BookedLog, tick: number, growth: Growth): readonly Base[] {
    return this.bases.filter((one) => one.log === log && one.tick === tick && one.growth === growth);
  }

  private beginning({ before }: EraTick, { version }: SimulatedCode): Rows | null {
    return before === null ? null : migratedRows(before, version);
  }

  /**
   * The first tick of an era of a log whose world other handlers make another of; null where they do the same
   * as far as the era goes.
   */
  difference(log: BookedLog, growth: Growth, inEraOf = log.ticks.length - 1): number | null {
    const era = log.ticks[inEraOf]!.told!.era;
    let rows = log.ticks[era]!.told!.before;
    for (let at = era; at < log.ticks.length; at++) {
      const told = log.ticks[at]!.told!;
      if (told.era !== era) return null;
      rows = this.foldedOn(rows, told, growth);
      if (
        rows !== told.rows &&
        this.text(rows, told.code.version) !== this.text(told.rows, told.code.version)
      )
        return at;
    }
    return null;
  }

  /** The world after a record of an era that was folded by some handlers from its beginning on. */
  private foldedOn(before: Rows | null, told: EraTick, growth: Growth): Rows {
    if (before === told.before && growth === told.code.growth) return told.rows;
    const known = this.folded.get(told) ?? new Map<Growth, Rows>();
    this.folded.set(told, known);
    const rows = known.get(growth) ?? foldRows(before, told, { version: told.code.version, growth });
    known.set(growth, rows);
    return rows;
  }

  /** The first ticks that differ, in every era of a log. */
  differences(log: BookedLog, growth: Growth): ReadonlySet<number | null> {
    const eras = new Set(log.ticks.map(({ told }) => told!.era));
    return new Set([...eras].map((era) => this.difference(log, growth, era)));
  }

  /** The newest version that a log, or what is fed to it, was recorded under. */
  versionFor({ ticks, ask }: BookedLog): 1 | 2 {
    const own = ticks.at(-1)!.told!.code.version;
    return ask !== null && ask.later !== 'drop' && ask.of.ticks.some(({ told }) => told!.code.version === 2)
      ? 2
      : own;
  }

  /** A code that goes on with a log as it is. */
  fitting(log: BookedLog): SimulatedCode {
    const growth = GROWTHS.find((one) => this.difference(log, one) === null);
    if (growth === undefined) this.book.broke(`L3: no handlers lead to the last tick of ${log.run}`);
    return { version: this.versionFor(log), growth: growth ?? 'plain' };
  }

  /** Whether the world that an era of a log began with, or is to begin with, is lost or damaged. */
  isLost(memory: MemoryMedium, log: BookedLog): boolean {
    const { archive } = this.book;
    const isGone = (owner: BookedLog, tick: number): boolean =>
      !owner.snapshots.has(tick) || archive.isDamaged(memory, owner, tick);
    return (
      log.ticks.some(
        ({ told }, tick) => tick > 0 && told!.era === tick && isGone(ownerOf(log, tick), tick - 1),
      ) ||
      this.bases.some(({ log: of, tick }) => of === log && tick >= log.ticks.length - 1 && isGone(of, tick))
    );
  }

  /**
   * Whether a process has computed a tick of an era of its own that never reached the log, and whose base is
   * lost, damaged, or gone for that of whoever replaced it: nobody else knows that world.
   */
  hasLostOwn(memory: MemoryMedium, log: BookedLog, pid: number, tick: number): boolean {
    return this.bases.some(
      (one) =>
        one.log === log &&
        one.pid === pid &&
        one.tick < tick &&
        log.pid !== pid &&
        log.ticks[one.tick + 1]?.told?.before !== one.rows &&
        !this.book.archive.isKept(memory, log, one.tick, one.stateHash),
    );
  }

  /** Whether the world of a tick lies before handlers that were adopted, be it that no tick tells of it. */
  isBeforeAdopted(log: BookedLog, tick: number): boolean {
    return this.bases.some((one) => {
      let at: BookedLog | null = log;
      while (at !== null && at !== one.log) at = at.parent?.log ?? null;
      return one.adopted && at !== null && one.tick >= tick;
    });
  }

  /** A process was shown a world of a tick: what was recorded, or what an era begins with there. */
  shown(log: BookedLog, tick: number, text: string, by: string, pid: number): void {
    const told = log.ticks[tick]?.told;
    if (told === undefined || told === null) return;
    const { version, growth } = this.codes.get(pid) ?? FIRST_CODE;
    if (this.text(told.rows, version) === text) return;
    const next = log.ticks[tick + 1]?.told;
    const isBase = (rows: Rows | null): boolean => rows !== null && this.text(rows, version) === text;
    if (next?.era === tick + 1 && isBase(next.before)) return;
    if (this.begunBy(log, tick, growth).some(({ rows }) => isBase(rows))) return;
    // Records of another schema can't be compared: what other handlers make of them is theirs to answer for.
    const isFree =
      told.code.version !== version &&
      !this.isBeforeAdopted(log, tick) &&
      this.difference(log, growth, tick) !== null;
    if (isFree) return void this.book.count('migrated by other handlers');
    const due = this.text(told.rows, version);
    this.book.broke(`L3: ${by} shows another world at tick ${tick} of ${log.run}:\n${text}\nis not\n${due}`);
  }
}
