/**
 * A naive model of a tree of segments, and scripts that grow and cut one.
 *
 * The model keeps everything for ever and finds what is reached by walking from each run to its root. What is
 * not reached may be gone or not: there it takes the store's word, and from then on holds it to that.
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import { isWorldfoldError } from '../../src/base/errors.ts';
import type { LogRecord, Store } from '../../src/log/store.ts';
import { wholeLog } from './forks.ts';
import { chain, continued, newFork, newRun, plain, snapshotOf } from './records.ts';
import { textsOf } from './snapshots.ts';

/** How many things of each kind a store keeps. */
export interface Counts {
  readonly runs: number;
  readonly segments: number;
  readonly records: number;
  readonly snapshots: number;
  readonly chunks: number;
}

/** One call of a script; numbers pick among what is there. */
export type TreeStep =
  | { do: 'create' }
  | { do: 'fork'; of: number; back: number }
  | { do: 'append'; to: number; count: number }
  | { do: 'remove'; run: number }
  | { do: 'collect'; limit: number }
  | { do: 'keep'; of: number; back: number; chunks: readonly (number | null)[]; pinned: boolean }
  | { do: 'drop'; of: number; every: number }
  | { do: 'pin'; of: number; which: number; pinned: boolean };

const pick = fc.nat(50);
const back = fc.constantFrom(0, 0, 1, 2, 5);
const weighted = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const step = fc.oneof(
  weighted(1, fc.record({ do: fc.constant('create' as const) })),
  weighted(5, fc.record({ do: fc.constant('fork' as const), of: pick, back })),
  weighted(6, fc.record({ do: fc.constant('append' as const), to: pick, count: fc.nat(5) })),
  weighted(3, fc.record({ do: fc.constant('remove' as const), run: pick })),
  weighted(3, fc.record({ do: fc.constant('collect' as const), limit: fc.integer({ min: 1, max: 8 }) })),
  weighted(
    5,
    fc.record({
      do: fc.constant('keep' as const),
      of: pick,
      back,
      chunks: fc.array(fc.option(pick, { freq: 1 }), { maxLength: 4 }),
      pinned: fc.boolean(),
    }),
  ),
  weighted(
    2,
    fc.record({ do: fc.constant('drop' as const), of: pick, every: fc.integer({ min: 1, max: 3 }) }),
  ),
  weighted(1, fc.record({ do: fc.constant('pin' as const), of: pick, which: pick, pinned: fc.boolean() })),
);

/** Scripts of up to 60 calls that begin with a run. */
export const treeScripts: fc.Arbitrary<TreeStep[]> = fc
  .array(step, { maxLength: 60, size: 'max' })
  .map((steps) => [{ do: 'create' }, { do: 'append', to: 0, count: 5 }, ...steps]);

interface ModelSnapshot {
  readonly tick: number;
  pinned: boolean;
  readonly numbers: readonly number[];
  readonly texts: readonly string[];
  readonly bytes: number;
}

interface ModelSegment {
  readonly id: string;
  readonly root: string;
  readonly parent: ModelSegment | null;
  readonly start: LogRecord | null;
  readonly records: LogRecord[];
  readonly snapshots: Map<number, ModelSnapshot>;
}

const codeOf = (e: unknown): string => {
  if (isWorldfoldError(e)) return e.code;
  throw e;
};

const lastOf = ({ records, start }: ModelSegment): LogRecord => records.at(-1) ?? start!;
const item = <T>(list: readonly T[], which: number): T | undefined => list[which % Math.max(list.length, 1)];

/** What a store must hold, whatever a script did to it. */
export class TreeModel {
  readonly #runs = new Map<string, ModelSegment>();
  readonly #segments: ModelSegment[] = [];
  readonly #chunks = new Map<number, { readonly root: string; readonly text: string }>();
  #made = 0;

  /** Plays a step on a store and checks the answer. */
  async play(store: Store, s: TreeStep): Promise<void> {
    if (s.do === 'create') return this.#create(store);
    if (s.do === 'remove') return this.#remove(store, s.run);
    if (s.do === 'collect') {
      const deleted = await store.collect(s.limit);
      expect(deleted).toBeLessThanOrEqual(s.limit + 1);
      return undefined;
    }
    const segment = item(this.#segments, s.do === 'append' ? s.to : s.of);
    if (segment === undefined) return undefined;
    if (s.do === 'fork') return this.#fork(store, segment, s.back);
    if (s.do === 'append') return this.#append(store, segment, s.count);
    if (s.do === 'keep') return this.#keep(store, segment, s);
    return this.#beside(store, segment, s);
  }

  #named(segment: ModelSegment): boolean {
    return [...this.#runs.values()].includes(segment);
  }

  /** The last tick of each segment that a run reaches. */
  #reached(): Map<ModelSegment, number> {
    const reached = new Map<ModelSegment, number>();
    for (const leaf of this.#runs.values()) {
      let tick = lastOf(leaf).tick;
      for (let at: ModelSegment | null = leaf; at !== null; at = at.parent) {
        reached.set(at, Math.max(tick, reached.get(at) ?? -1));
        tick = at.start?.tick ?? -1;
      }
    }
    return reached;
  }

  async #create(store: Store): Promise<void> {
    const id = `run ${this.#made++}`;
    const [record] = chain(id, 1);
    await store.create(newRun(id, record!));
    this.#begin(id, { parent: null, start: null, records: [record!] });
  }

  #begin(id: string, place: Pick<ModelSegment, 'parent' | 'start' | 'records'>): void {
    const name = `${id}-segment`;
    const segment = { id: name, root: place.parent?.root ?? name, ...place, snapshots: new Map() };
    this.#runs.set(id, segment);
    this.#segments.push(segment);
  }

  async #fork(store: Store, parent: ModelSegment, back: number): Promise<void> {
    const id = `run ${this.#made++}`;
    const record = parent.records.at(-1 - back) ?? lastOf(parent);
    const own = parent.records.includes(record);
    const reached = (this.#reached().get(parent) ?? -1) >= record.tick;
    const answer = await store.fork(newFork(id, parent.id, record)).then(() => 'made', codeOf);
    if (own && reached) expect(answer).toBe('made');
    else if (own) expect(['made', 'NO_TICK', 'UNKNOWN_RUN']).toContain(answer);
    else expect(['NO_TICK', 'UNKNOWN_RUN']).toContain(answer);
    if (answer !== 'made') return;
    const before = new Set(this.#snapshots().map(([, snapshot]) => snapshot));
    this.#begin(id, { parent, start: record, records: [] });
    // Records that were not reached are again; the snapshots beside them may be gone already.
    for (const [of, snapshot] of this.#snapshots())
      if (!before.has(snapshot) && (await store.readSnapshot(of.id, snapshot.tick)) === undefined)
        of.snapshots.delete(snapshot.tick);
  }

  async #append(store: Store, segment: ModelSegment, count: number): Promise<void> {
    const more = continued(lastOf(segment), segment.id, count);
    const first = lastOf(segment).tick + 1;
    const answer = await store.append(segment.id, 1, first, more).then((head) => head.tick, codeOf);
    if (this.#named(segment)) {
      segment.records.push(...more);
      expect(answer).toBe(lastOf(segment).tick);
    } else expect(['WRITER_REPLACED', 'UNKNOWN_RUN']).toContain(answer);
  }

  async #remove(store: Store, run: number): Promise<void> {
    const id = item([...this.#runs.keys()], run);
    if (id === undefined) return;
    await store.remove(id, true);
    this.#runs.delete(id);
  }

  async #keep(store: Store, segment: ModelSegment, s: TreeStep & { do: 'keep' }): Promise<void> {
    const { records, start } = segment;
    const record = records.at(-1 - s.back) ?? start ?? lastOf(segment);
    const known = [...this.#chunks.keys()];
    const chunks = s.chunks.map((chunk, i) => {
      const number = chunk === null ? undefined : item(known, chunk);
      return number ?? `${segment.id} ${record.tick} ${this.#made++} ${i}`;
    });
    const used = this.#used();
    const snapshot = snapshotOf(segment.id, record, chunks, { pinned: s.pinned });
    const answer = await store.keepSnapshot(snapshot).catch(codeOf);
    const numbers = chunks.filter((chunk) => typeof chunk === 'number');
    if (!this.#named(segment)) expect(['WRITER_REPLACED', 'UNKNOWN_RUN']).toContain(answer);
    else if (!records.includes(record) && records.length > 0) expect(answer).toBe('NO_TICK');
    else if (numbers.some((number) => this.#chunks.get(number)!.root !== segment.root))
      expect(answer).toBe('NO_CHUNK');
    else if (numbers.every((number) => used.has(number))) expect(typeof answer).toBe('object');
    else if (typeof answer === 'string') expect(answer).toBe('NO_CHUNK');
    if (typeof answer === 'string') return;
    answer.forEach((number, i) => {
      if (typeof chunks[i] === 'number') expect(number).toBe(chunks[i]);
      else {
        expect(this.#chunks.has(number)).toBe(false);
        this.#chunks.set(number, { root: segment.root, text: chunks[i]! });
      }
    });
    const fresh = chunks.flatMap((chunk) => (typeof chunk === 'number' ? [] : [chunk.length]));
    segment.snapshots.set(record.tick, {
      tick: record.tick,
      pinned: s.pinned || segment.snapshots.get(record.tick)?.pinned === true,
      numbers: answer,
      texts: answer.map((number) => this.#chunks.get(number)!.text),
      bytes: `manifest ${record.tick}`.length + fresh.reduce((a, b) => a + b, 0),
    });
  }

  async #beside(store: Store, segment: ModelSegment, s: TreeStep & { do: 'drop' | 'pin' }): Promise<void> {
    const { snapshots } = segment;
    const reached = this.#reached().get(segment) ?? -1;
    const whole = this.#named(segment);
    if (s.do === 'drop') {
      const ticks = [...snapshots.keys()].filter((tick) => tick % s.every === 0);
      const dropped = ticks.filter((tick) => !snapshots.get(tick)!.pinned);
      const answer = await store.dropSnapshots(segment.id, ticks).catch(codeOf);
      if (whole) expect(answer).toBe(dropped.length);
      for (const tick of dropped) snapshots.delete(tick);
      return;
    }
    const snapshot = item([...snapshots.values()], s.which);
    if (snapshot === undefined) return;
    const answer = await store.pinSnapshot(segment.id, snapshot.tick, s.pinned).catch(codeOf);
    if (whole || snapshot.tick <= reached) expect(answer).toBeUndefined();
    if (answer === undefined) snapshot.pinned = s.pinned;
  }

  /** Snapshots that must be there, with their segments. */
  #snapshots(): [ModelSegment, ModelSnapshot][] {
    return [...this.#reached()].flatMap(([segment, last]) =>
      [...segment.snapshots.values()].flatMap((s): [ModelSegment, ModelSnapshot][] =>
        s.tick <= last ? [[segment, s]] : [],
      ),
    );
  }

  #used(): Set<number> {
    return new Set(this.#snapshots().flatMap(([, { numbers }]) => numbers));
  }

  /** Checks that all that is reached is in the store as it was put there. */
  async check(store: Store): Promise<void> {
    const runs = await store.list(null, Infinity);
    expect(runs.map((run) => run.id)).toEqual([...this.#runs.keys()].sort());
    for (const { id, segment: info } of runs) {
      const leaf = this.#runs.get(id)!;
      const { tick, hash } = lastOf(leaf);
      expect(plain(info.head)).toEqual(plain({ tick, hash }));
      const line: ModelSegment[] = [];
      const log: LogRecord[] = [];
      let last = Infinity;
      for (let at: ModelSegment | null = leaf; at !== null; at = at.parent) {
        line.push(at);
        log.unshift(...at.records.filter((record) => record.tick <= last));
        last = at.start?.tick ?? -1;
      }
      const lineage = await store.lineage(leaf.id);
      expect(lineage.map((s) => s.id)).toEqual(line.map((s) => s.id));
      expect(lineage.map((s) => s.family)).toEqual(line.map((s) => s.root));
      expect(lineage.map((s) => s.parent?.tick)).toEqual(line.map((s) => s.start?.tick));
      expect(plain(await wholeLog(store, leaf.id))).toEqual(plain(log));
    }
    await this.#checkSnapshots(store);
  }

  async #checkSnapshots(store: Store): Promise<void> {
    for (const [segment, { tick, pinned, texts, numbers, bytes }] of this.#snapshots()) {
      const info = { segment: segment.id, tick, pinned, bytes };
      expect(await store.snapshots(segment.id)).toContainEqual(info);
      expect(await store.readSnapshot(segment.id, tick)).toMatchObject({ ...info, chunks: numbers });
      expect(await textsOf(store, segment.id, tick)).toEqual(texts);
    }
  }

  /** What a store holds when nothing is left to collect. */
  counts(): Counts {
    const reached = [...this.#reached()];
    return {
      runs: this.#runs.size,
      segments: reached.length,
      records: reached.flatMap(([{ records }, last]) => records.filter(({ tick }) => tick <= last)).length,
      snapshots: this.#snapshots().length,
      chunks: this.#used().size,
    };
  }
}
