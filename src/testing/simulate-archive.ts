/**
 * The snapshots of a simulated schedule: what was kept, what was damaged, what readers were given, and what
 * they said of it.
 *
 * Owns L4 and L12 as far as the medium and the warnings tell: a snapshot that is kept holds the world of its
 * tick, from chunks that are what they were; what uses a chunk keeps it; who is given damaged bytes warns of
 * them, and nobody speaks ill of a snapshot that is whole.
 */
import { hex, sameBytes } from '../base/bytes.ts';
import { loadTables } from '../log/chunks.ts';
import { environmentText, parseEnvironment } from '../log/environment.ts';
import { decodeManifest, type SnapshotPoint } from '../log/manifest.ts';
import type { Changes } from '../log/memory-state.ts';
import type { MemoryMedium } from '../log/memory-store.ts';
import type { NewSnapshot, Store, StoredSnapshot } from '../log/store.ts';
import { WorldState } from '../projections/world-state.ts';
import type { LoadedSnapshot } from '../simulation/folded-world.ts';
import type { Book } from './simulate-book.ts';
import { compiledOf, versionOf } from './simulate-codes.ts';
import type { BookedLog } from './simulate-ledger.ts';
import { worldText } from './simulate-world.ts';
import type { SeededChoices } from './simulated-scheduler.ts';

/** Damaged bytes that somebody was given: of a snapshot of one of these ticks. */
interface Delivery {
  readonly log: BookedLog;
  readonly ticks: readonly number[];
  readonly step: number;
}

interface Warned {
  readonly segment: string;
  readonly tick: number;
  readonly step: number;
}

const NOT_USED = /: the snapshot of tick (\d+) in segment '(.+)' is not used: /;
const NOT_KEPT = /^run '.+' could not (?:keep a snapshot of tick \d+|remove its damaged snapshots): (.*)$/s;
/** What a store of a simulation says when it fails. */
const FAULT = / as the seed chose$| is dead$/;

/** What was kept of the snapshots of one schedule. */
export class Archive {
  /** Whether records are damaged too: a snapshot is then not used where its record is. */
  isLogDamaged = false;
  private readonly book: Book;
  /** Bytes as they were kept, by family and number. */
  private readonly chunks = new Map<string, Uint8Array>();
  /** All manifests that were ever kept of a tick, by segment and tick. */
  private readonly manifests = new Map<string, Uint8Array[]>();
  /** The numbers of the chunks of those manifests. */
  private readonly numbers = new Map<Uint8Array, readonly number[]>();
  /** Kept bytes that were damaged: the arrays themselves, so that what is undone with them needs no word. */
  private readonly damaged = new Set<Uint8Array>();
  private readonly deliveries: Delivery[] = [];
  private readonly warnings: Warned[] = [];
  /** When somebody was refused since the world that an era begins with is lost. */
  private readonly refusals: number[] = [];
  /** When somebody was refused for his schema. */
  private readonly strangers: number[] = [];
  /** Where snapshots of each version are loaded, one after the other. */
  private readonly states = new Map<1 | 2, WorldState>();

  constructor(book: Book) {
    this.book = book;
  }

  /** A snapshot was kept. It is loaded at once from what its writer meant, and compared. */
  kept(log: BookedLog, snapshot: NewSnapshot, numbers: readonly number[], changes: Changes): void {
    const { book } = this;
    const { run, family, segment, snapshots } = log;
    const { tick, hash, epoch, manifest } = snapshot;
    const what = `the snapshot of tick ${tick} of ${run}`;
    book.holds(epoch === log.epoch && log.named, () => `L7: a replaced writer kept ${what}`);
    book.holds(
      // A fork may keep the world that it begins with.
      log.ticks[tick]?.hash === hex(hash) && tick >= log.first - 1,
      () => `L4: ${what} was made of another record`,
    );
    snapshot.chunks.forEach((chunk, i) => {
      if (typeof chunk !== 'number') this.chunks.set(`${family} ${numbers[i]}`, chunk.slice());
      book.count(typeof chunk === 'number' ? 'chunks shared' : 'chunks stored');
    });
    const key = `${segment} ${tick}`;
    const own = manifest.slice();
    this.manifests.set(key, [...(this.manifests.get(key) ?? []), own]);
    this.numbers.set(own, [...numbers]);
    if (snapshots.has(tick)) log.replaced.add(tick);
    const pinned = snapshot.pinned || snapshots.get(tick)?.pinned === true;
    changes.put(snapshots, tick, { pinned, chunks: [...numbers] });
    book.count('snapshots');
    if (log.ticks[tick] !== undefined) this.checkKept(log, snapshot, numbers, what);
  }

  private checkKept(
    log: BookedLog,
    { tick, manifest: bytes }: NewSnapshot,
    numbers: readonly number[],
    what: string,
  ) {
    const { book } = this;
    const manifest = decodeManifest(bytes, {});
    const { point } = manifest;
    const recorded = log.ticks[tick]!;
    const isBase = book.eras !== null && point.era === tick + 1;
    book.holds(
      point.tick === tick &&
        hex(point.hash) === recorded.hash &&
        point.sequence === recorded.sequence &&
        (isBase || this.isAsRecorded(log, point)),
      () => `L4: ${what} stands elsewhere than its record`,
    );
    const { schema } = parseEnvironment(point.environment, null);
    const state = this.stateOf(versionOf(schema));
    state.clear();
    const chunks = numbers.map((number) => this.chunks.get(`${log.family} ${number}`)!);
    try {
      loadTables(manifest, chunks, state.tables, {});
    } catch (e) {
      return void book.broke(`L4: ${what} can't be loaded: ${e}`);
    }
    book.holds(
      sameBytes(state.digest(), point.stateHash),
      () => `L4: ${what} holds another world than it says`,
    );
    const text = worldText(state.reader);
    if (isBase) book.eras?.begun(log, point, schema, text);
    else book.sawTick(log, tick, text, what, log.pid);
  }

  /** Whether a snapshot has the environment, the era and the state hash of its record. */
  private isAsRecorded(log: BookedLog, { tick, era, environment, stateHash }: SnapshotPoint): boolean {
    const recorded = log.ticks[tick]!;
    return (
      era === (recorded.told?.era ?? 0) &&
      // A fork that keeps the world it begins with enters its change already.
      (tick < log.first || environment === environmentText(recorded.environment)) &&
      (recorded.stateHash === null || recorded.stateHash === hex(stateHash))
    );
  }

  private stateOf(version: 1 | 2): WorldState {
    const state = this.states.get(version) ?? new WorldState(compiledOf(version));
    this.states.set(version, state);
    return state;
  }

  /** The snapshot with a state hash that was kept of a tick, as it was before anybody damaged it. */
  whole({ segment, family }: BookedLog, tick: number, stateHash: string): LoadedSnapshot | null {
    for (const bytes of this.manifests.get(`${segment} ${tick}`) ?? []) {
      const manifest = decodeManifest(bytes, {});
      if (hex(manifest.point.stateHash) !== stateHash) continue;
      const numbers = this.numbers.get(bytes)!;
      const chunks = numbers.map((number) => this.chunks.get(`${family} ${number}`)!);
      return { manifest, chunks, numbers, where: { segment, tick } };
    }
    return null;
  }

  /** Snapshots were dropped. */
  dropped(log: BookedLog, ticks: readonly number[], answer: number, changes: Changes): void {
    const gone = [...new Set(ticks)].filter((tick) => log.snapshots.get(tick)?.pinned === false);
    this.book.holds(
      gone.length === answer,
      () => `L4: of the snapshots ${ticks} of ${log.run}, ${answer} were dropped, and ${gone} may go`,
    );
    for (const tick of gone) this.drop(log, tick, changes);
  }

  private drop(log: BookedLog, tick: number, changes: Changes): void {
    changes.drop(log.snapshots, tick);
    log.replaced.add(tick);
    this.book.count('snapshots dropped');
  }

  /** A snapshot was pinned or unpinned. */
  pinned({ snapshots }: BookedLog, tick: number, pinned: boolean, changes: Changes): void {
    changes.put(snapshots, tick, { ...snapshots.get(tick)!, pinned });
  }

  /** The medium lists what the book knows. */
  audit(memory: MemoryMedium, { run, segment, snapshots }: BookedLog): void {
    const listed = memory.snapshots(segment).map(({ tick, pinned }) => `${tick} ${pinned}`);
    const known = [...snapshots].sort(([a], [b]) => a - b).map(([tick, { pinned }]) => `${tick} ${pinned}`);
    this.book.holds(
      listed.join() === known.join(),
      () => `L4: ${run} should have the snapshots ${known}, and has ${listed}`,
    );
  }

  /**
   * A collection went over a log that is reached up to a tick: no snapshot up to it went, and no chunk of
   * one.
   */
  collected(memory: MemoryMedium, log: BookedLog, reached: number, changes: Changes): void {
    const { run, segment, snapshots } = log;
    const left = new Set(memory.snapshots(segment).map(({ tick }) => tick));
    for (const tick of [...snapshots.keys()]) {
      if (left.has(tick)) continue;
      this.book.holds(tick > reached, () => `L4: a collection took the snapshot of tick ${tick} of ${run}`);
      this.drop(log, tick, changes);
    }
    for (const [tick, { chunks }] of snapshots)
      for (const number of chunks)
        this.book.holds(
          memory.keptBytes(segment, 'chunk', number) !== undefined,
          () => `L4: a collection took chunk ${number}, which the snapshot of tick ${tick} of ${run} uses`,
        );
  }

  /** A chunk that was to be shared is not there: then nothing uses it. */
  refused({ family, run }: BookedLog, { chunk }: { readonly [fact: string]: unknown }): void {
    this.book.count('NO_CHUNK');
    for (const log of this.book.segments.values())
      for (const [tick, { chunks }] of log.snapshots)
        this.book.holds(
          log.family !== family || !chunks.includes(chunk as number),
          () =>
            `L4: ${run} was refused chunk ${chunk}, which the snapshot of tick ${tick} of ${log.run} uses`,
        );
  }

  /** Flips a bit of a kept manifest or chunk. */
  damage(memory: MemoryMedium, { below, chance }: SeededChoices): void {
    const all = [...this.book.segments.values()].flatMap((log) =>
      [...log.snapshots].map(([tick, { chunks }]) => ({ log, tick, chunks })),
    );
    if (all.length === 0) return;
    const { log, tick, chunks } = all[below(all.length)]!;
    const isChunk = chunks.length > 0 && chance(0.5);
    const number = isChunk ? chunks[below(chunks.length)]! : tick;
    const bytes = memory.keptBytes(log.segment, isChunk ? 'chunk' : 'manifest', number)!;
    const [at, bit] = [below(bytes.length), below(8)];
    if (this.damaged.has(bytes)) return;
    this.damaged.add(bytes);
    bytes[at]! ^= 1 << bit;
    this.book.note(`vandal: byte ${at} of a ${isChunk ? 'chunk' : 'manifest'} of ${log.run}, tick ${tick}`);
    this.book.count('damage');
  }

  /** Whether a snapshot that is there is damaged. */
  isDamaged(memory: MemoryMedium, { segment, snapshots }: BookedLog, tick: number): boolean {
    const has = (what: 'manifest' | 'chunk', number: number): boolean => {
      const bytes = memory.keptBytes(segment, what, number);
      return bytes !== undefined && this.damaged.has(bytes);
    };
    return has('manifest', tick) || snapshots.get(tick)!.chunks.some((number) => has('chunk', number));
  }

  /** Whether the snapshot of a tick is there, whole, and holds the world with a state hash. */
  isKept(memory: MemoryMedium, log: BookedLog, tick: number, stateHash: string): boolean {
    const bytes = memory.keptBytes(log.segment, 'manifest', tick);
    if (bytes === undefined || this.isDamaged(memory, log, tick)) return false;
    return hex(decodeManifest(bytes, {}).point.stateHash) === stateHash;
  }

  /** The calls of a store that read snapshots, with somebody who sees what they give. */
  watched(inner: Store): Pick<Store, 'readSnapshot' | 'readChunks'> {
    const given: StoredSnapshot[] = [];
    // An opening that compares handlers reads a snapshot again, and speaks of it once.
    const spokenOf = new Set<string>();
    const deliver = (segment: string, ticks: readonly number[]): void => {
      const key = `${segment} ${ticks}`;
      if (this.book.eras === null || !spokenOf.has(key)) this.delivered(segment, ticks);
      spokenOf.add(key);
    };
    return {
      readSnapshot: async (segment, tick) => {
        const stored = await inner.readSnapshot(segment, tick);
        if (stored === undefined) return stored;
        given.push(stored);
        const known = this.manifests.get(`${segment} ${tick}`) ?? [];
        if (known.some((bytes) => sameBytes(bytes, stored.manifest))) this.book.count('snapshots read');
        else deliver(segment, [tick]);
        return stored;
      },
      readChunks: async (segment, numbers, bytes) => {
        const chunks = await inner.readChunks(segment, numbers, bytes);
        const family = this.book.segments.get(segment)?.family;
        const isWhole = chunks.every((chunk, i) => {
          const known = this.chunks.get(`${family} ${numbers[i]}`);
          return known === undefined || sameBytes(known, chunk);
        });
        const of = given.filter((one) => one.segment === segment && one.chunks.join() === numbers.join());
        // One that was opened before is there twice.
        if (!isWhole) deliver(segment, [...new Set(of.map(({ tick }) => tick))]);
        return chunks;
      },
    };
  }

  private delivered(segment: string, ticks: readonly number[]): void {
    const log = this.book.segments.get(segment);
    if (log === undefined) return;
    this.deliveries.push({ log, ticks, step: this.book.stepNow() });
    this.book.count('damage read');
  }

  /** Somebody warned the operator. */
  warned(memory: MemoryMedium, message: string): void {
    const { book } = this;
    const [, tick, segment] = NOT_USED.exec(message) ?? [];
    if (segment !== undefined) return void this.warnedOf(memory, segment, Number(tick), message);
    const [, why] = NOT_KEPT.exec(message) ?? [];
    book.count('warnings');
    book.holds(why !== undefined && FAULT.test(why), () => `somebody warned: ${message}`);
  }

  private warnedOf(memory: MemoryMedium, segment: string, tick: number, message: string): void {
    const { book } = this;
    const log = book.segments.get(segment);
    book.note(`warned of the snapshot of tick ${tick} of ${log?.run}`);
    book.count('warned of damage');
    this.warnings.push({ segment, tick, step: book.stepNow() });
    // What was dropped or replaced meanwhile may be gone to the chunk when it is read.
    if (this.isLogDamaged || log === undefined || log.replaced.has(tick)) return;
    book.holds(
      log.snapshots.has(tick) && this.isDamaged(memory, log, tick),
      () => `L12: a snapshot that is whole was not used: ${message}`,
    );
  }

  /** Somebody was told, by a refusal, that a world can't be rebuilt. */
  refusedWorld(): void {
    this.refusals.push(this.book.stepNow());
  }

  /** Somebody was told that no migration leads from a schema to his: what has it, he did not look into. */
  refusedSchema(): void {
    this.strangers.push(this.book.stepNow());
  }

  /** Of which snapshots of a log there were warnings since so many of them. */
  warnedSince(from: number, { segment }: BookedLog): readonly number[] {
    return this.warnings.slice(from).flatMap((one) => (one.segment === segment ? [one.tick] : []));
  }

  /** The number of warnings of damage so far. */
  get heard(): number {
    return this.warnings.length;
  }

  /** Whoever was given damaged bytes said so. */
  judge(): void {
    for (const { log, ticks, step } of this.deliveries) {
      const isHeard = this.warnings.some(
        (one) => one.segment === log.segment && ticks.includes(one.tick) && one.step >= step,
      );
      // That the base of an era is damaged is told by refusing what follows from it.
      const isBase = ticks.some((tick) => log.ticks[tick + 1]?.told?.era === tick + 1);
      if (isBase && this.refusals.some((at) => at >= step)) continue;
      if (this.strangers.some((at) => at >= step)) continue;
      this.book.holds(
        isHeard,
        () => `L12: the damaged snapshot of tick ${ticks} of ${log.run} was read in silence`,
      );
    }
  }
}

/**
 * Sends the warnings of a schedule to whoever judges them, and not to the operator, until the end is called.
 */
export function hearWarnings(hear: (message: string) => void): () => void {
  const { emitWarning } = process;
  process.emitWarning = ((message: string, name: string) => {
    if (name === 'WorldfoldWarning') hear(message);
    else Reflect.apply(emitWarning, process, [message, name]);
  }) as typeof process.emitWarning;
  return () => {
    process.emitWarning = emitWarning;
  };
}
