/**
 * A random script of calls, and a model that says what must come of each.
 *
 * The model shares no code with the stores: lists, searched from the front, and the sentences of the ports in
 * the order in which they are written.
 */
import fc from 'fast-check';
import type { Attempt, LogRecord, Store } from '../../src/log/store.ts';
import { chain, deadPid, holder, newRun, plain } from './records.ts';

const CHAINS = { a: chain('a', 30), b: chain('b', 30) } as const;
const NAMES = ['x', 'y', 'z'] as const;
type Name = (typeof NAMES)[number];
type Salt = keyof typeof CHAINS;

/** One call of a script; numbers are relative to what is there, so that most calls mean something. */
export type Step =
  | { do: 'create'; run: Name; segment: Name; salt: Salt; tick: number }
  | { do: 'append'; segment: Name; epoch: number; back: number; count: number; salt: Salt; hole: boolean }
  | { do: 'read'; segment: Name; from: number; records: number; bytes: number }
  | { do: 'head'; run: Name }
  | { do: 'list'; after: Name | null; limit: number }
  | { do: 'acquire'; segment: Name; who: 'one' | 'two' | 'dead'; takeover: boolean }
  | { do: 'renew' | 'release'; segment: Name; epoch: number }
  | { do: 'keep'; segment: Name; tick: number }
  | { do: 'attempts'; segment: Name }
  | { do: 'elapse'; ms: number };

const name = fc.constantFrom(...NAMES);
const salt = fc.constantFrom<Salt>('a', 'a', 'a', 'b');
const epoch = fc.constantFrom(0, 0, 0, 0, -1, 1);
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('create' as const),
      run: name,
      segment: name,
      salt,
      tick: fc.constantFrom(0, 0, 0, 1),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      segment: name,
      epoch,
      back: fc.integer({ min: -1, max: 3 }),
      count: fc.nat(5),
      salt,
      hole: fc.constantFrom(false, false, false, true),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      segment: name,
      from: fc.nat(15),
      records: fc.integer({ min: 1, max: 6 }),
      bytes: fc.nat(250),
    }),
  },
  fc.record({ do: fc.constant('head' as const), run: name }),
  fc.record({
    do: fc.constant('list' as const),
    after: fc.option(name),
    limit: fc.integer({ min: 1, max: 3 }),
  }),
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('acquire' as const),
      segment: name,
      who: fc.constantFrom('one' as const, 'two' as const, 'dead' as const),
      takeover: fc.boolean(),
    }),
  },
  fc.record({ do: fc.constantFrom('renew' as const, 'release' as const), segment: name, epoch }),
  fc.record({ do: fc.constant('keep' as const), segment: name, tick: fc.nat(9) }),
  fc.record({ do: fc.constant('attempts' as const), segment: name }),
  fc.record({ do: fc.constant('elapse' as const), ms: fc.constantFrom(400, 999, 1000) }),
);

/** Scripts of up to 40 calls that begin with a run. */
export const scripts: fc.Arbitrary<Step[]> = fc
  .array(step, { maxLength: 40, size: 'max' })
  .map((steps) => [{ do: 'create', run: 'x', segment: 'x', salt: 'a', tick: 0 }, ...steps]);

interface ModelSegment {
  readonly id: string;
  readonly records: LogRecord[];
  epoch: number;
  lease: { readonly who: string; expires: number } | null;
  readonly attempts: Attempt[];
}

interface ModelRun {
  readonly id: string;
  readonly header: string;
  readonly segment: ModelSegment;
}

class Refused {
  readonly what: object;
  constructor(code: string, more: object = {}) {
    this.what = { code, ...more };
  }
}

const who = (name: string) => (name === 'dead' ? holder(name, 1000, { pid: deadPid() }) : holder(name));
const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(Buffer.from(b));

/** The model: what a store must answer. */
export class Model {
  readonly #runs: ModelRun[] = [];
  readonly #segments: ModelSegment[] = [];
  #now = 0;

  #find(id: string): ModelSegment {
    const found = this.#segments.find((segment) => segment.id === id);
    if (found === undefined) throw new Refused('UNKNOWN_RUN');
    return found;
  }

  #epoch(id: string, relative: number): number {
    return relative + (this.#segments.find((segment) => segment.id === id)?.epoch ?? 0);
  }

  #head(id: string): number {
    return (this.#segments.find((segment) => segment.id === id)?.records.length ?? 1) - 1;
  }

  /** The arguments of an append, which depend on what is there. */
  arguments(s: Step & { do: 'append' }): [string, number, number, LogRecord[]] {
    const first = Math.max(0, this.#head(s.segment) + 1 - s.back);
    const records = CHAINS[s.salt].slice(first, first + s.count);
    if (s.hole && records.length > 1) records.splice(records.length - 2, 1);
    return [s.segment, this.#epoch(s.segment, s.epoch), first, records];
  }

  /** Plays one step on a store. */
  play(s: Step, store: Store, elapse: (ms: number) => void): unknown {
    if (s.do === 'create')
      return store.create(newRun(s.run, CHAINS[s.salt][s.tick]!, { segment: s.segment, holder: who('one') }));
    if (s.do === 'append') return store.append(...this.arguments(s));
    if (s.do === 'read') return store.read(s.segment, s.from, { records: s.records, bytes: s.bytes });
    if (s.do === 'head') return store.head(s.run);
    if (s.do === 'list') return store.list(s.after, s.limit);
    if (s.do === 'acquire') return store.acquire(s.segment, who(s.who), s.takeover);
    if (s.do === 'renew' || s.do === 'release')
      return store[s.do](s.segment, this.#epoch(s.segment, s.epoch));
    if (s.do === 'keep') return store.keepAttempt(s.segment, { tick: s.tick, text: `{"tick":${s.tick}}` });
    if (s.do === 'attempts') return store.attempts(s.segment);
    return s.do === 'elapse' ? elapse(s.ms) : undefined;
  }

  /** What must come of the step; the model moves on with it. */
  expect(s: Step): unknown {
    try {
      return { value: plain(this.#answer(s)) };
    } catch (e) {
      if (e instanceof Refused) return e.what;
      throw e;
    }
  }

  #answer(s: Step): unknown {
    if (s.do === 'create') return this.#create(s);
    if (s.do === 'append') return this.#append(s);
    if (s.do === 'read') return this.#read(s);
    if (s.do === 'head') {
      const run = this.#runs.find((r) => r.id === s.run);
      return run && this.#info(run);
    }
    if (s.do === 'list') {
      const runs = this.#runs.filter((r) => s.after === null || r.id > s.after);
      return runs
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, s.limit)
        .map((r) => this.#info(r));
    }
    if (s.do === 'elapse') {
      this.#now += s.ms;
      return undefined;
    }
    return this.#beside(s);
  }

  #info({ id, header, segment }: ModelRun): unknown {
    const { tick, hash } = segment.records.at(-1)!;
    return {
      id,
      header,
      segment: {
        id: segment.id,
        family: segment.id,
        parent: null,
        head: { tick, hash },
        epoch: segment.epoch,
        opening: null,
      },
    };
  }

  #create(s: Step & { do: 'create' }): unknown {
    if (s.tick !== 0) throw new Refused('GAP');
    if (this.#runs.some((r) => r.id === s.run)) throw new Refused('EXISTS');
    if (this.#segments.some((r) => r.id === s.segment)) throw new Refused('EXISTS');
    const lease = { who: 'one', expires: this.#now + 1000 };
    const segment = { id: s.segment, records: [CHAINS[s.salt][0]!], epoch: 1, lease, attempts: [] };
    const run = { id: s.run, header: newRun(s.run, CHAINS.a[0]!).header, segment };
    this.#runs.push(run);
    this.#segments.push(segment);
    return this.#info(run);
  }

  #append(s: Step & { do: 'append' }): unknown {
    const [id, epoch, first, given] = this.arguments(s);
    const segment = this.#find(id);
    if (epoch !== segment.epoch) throw new Refused('WRITER_REPLACED');
    if (first > segment.records.length) throw new Refused('GAP');
    if (given.some((record, i) => record.tick !== first + i)) throw new Refused('GAP');
    const after = [...segment.records];
    for (const record of given) {
      const there = segment.records.find((r) => r.tick === record.tick);
      const diverged = there ? !equal(there.hash, record.hash) : !equal(after.at(-1)!.hash, record.previous);
      if (diverged) throw new Refused('DIVERGED', { segment: id, tick: record.tick });
      if (!there) after.push(record);
    }
    segment.records.splice(0, Infinity, ...after);
    const { tick, hash } = after.at(-1)!;
    return { tick, hash };
  }

  #read(s: Step & { do: 'read' }): unknown {
    const rest = this.#find(s.segment).records.filter((r) => r.tick >= s.from);
    const records: LogRecord[] = [];
    for (const record of rest.slice(0, s.records)) {
      const bytes = [...records, record].reduce((sum, r) => sum + r.bytes.length, 0);
      if (records.length > 0 && bytes > s.bytes) break;
      records.push(record);
    }
    return { records, next: rest.length > records.length ? s.from + records.length : null };
  }

  #beside(s: Step & { do: 'acquire' | 'renew' | 'release' | 'keep' | 'attempts' }): unknown {
    const segment = this.#find(s.segment);
    if (s.do === 'attempts') return segment.attempts.slice(-16);
    if (s.do === 'keep') {
      segment.attempts.push({ tick: s.tick, text: `{"tick":${s.tick}}` });
      return undefined;
    }
    if (s.do === 'acquire') {
      const { lease } = segment;
      const held = lease !== null && lease.who !== s.who && lease.who !== 'dead' && this.#now < lease.expires;
      if (held && !s.takeover) throw new Refused('RUN_IN_USE');
      segment.lease = { who: s.who, expires: this.#now + 1000 };
      return ++segment.epoch;
    }
    if (s.epoch !== 0) {
      if (s.do === 'renew') throw new Refused('WRITER_REPLACED');
      return undefined;
    }
    if (s.do === 'release') segment.lease = null;
    else if (segment.lease) segment.lease.expires = this.#now + 1000;
    return undefined;
  }
}
