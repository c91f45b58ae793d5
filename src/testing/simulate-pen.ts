/**
 * A pen: one writer's run with everything that its holder may rightly expect of it.
 *
 * Owns the calls of a run, each with the checks of its answer: what the state table says of it, what a claim
 * of durability is worth at the medium, what became of inputs, what the past looks like.
 */
import type { ErrorCode } from '../base/errors.ts';
import { RUN_CALLS, type RunCall } from '../simulation/run-states.ts';
import type { SeededFuse } from './simulate-fuse.ts';
import { type BookedLog, environmentOf, fedTags } from './simulate-ledger.ts';
import {
  askedOf,
  isGood,
  NEW,
  type SimulatedProcess,
  type Source,
  type SourceInput,
  type Stage,
} from './simulate-stage.ts';
import { type SimulatedRun, worldText } from './simulate-world.ts';

/** A submitted input and what its submitter heard. */
interface Sent {
  readonly tag: number;
  settled: boolean;
}

const hasTag = (batch: { readonly columns: { readonly tag: ArrayLike<number> } }, tag: number): boolean =>
  Array.from(batch.columns.tag).includes(tag);

/** How a log answers that was removed and is collected from its end. */
const GONE: readonly ErrorCode[] = ['UNKNOWN_RUN', 'NO_RECORD', 'NO_STATE'];

/** One writer's run. */
export class Pen {
  readonly run: SimulatedRun;
  readonly process: SimulatedProcess;
  readonly fuse: SeededFuse;
  /** The log that it writes. */
  readonly log: BookedLog;
  private readonly stage: Stage;
  /** State hashes of the ticks that this writer computed or found, and worlds of those that it computed. */
  private readonly hashes = new Map<number, string | null>();
  private readonly texts = new Map<number, string>();
  private readonly tagsAt = new Map<number, (tag: number) => boolean>();
  private readonly sent: Sent[] = [];
  /** Whether this writer was told that another has the log: that is for good. */
  private toldReplaced = false;
  private heardDurable: number;
  /** Up to which tick the inputs of a parent were there when the advance under way began. */
  private fedTo = -1;
  private blownBefore = 0;
  private readonly takesLater: boolean;
  private readonly commit: { readonly ticks: number };

  constructor(
    stage: Stage,
    process: SimulatedProcess,
    run: SimulatedRun,
    fuse: SeededFuse,
    { later, commit }: { readonly later?: unknown; readonly commit: { readonly ticks: number } },
  ) {
    this.stage = stage;
    this.process = process;
    this.run = run;
    this.fuse = fuse;
    this.takesLater = later !== 'drop';
    this.commit = commit;
    fuse.passed(run.tick);
    this.log = stage.book.known.get(run.id)!;
    this.heardDurable = run.durableTick;
    this.log.ticks
      .slice(0, run.tick + 1)
      .forEach(({ stateHash }, tick) => void this.hashes.set(tick, stateHash));
    run.on('computed', (news) => {
      const { tick, stateHash } = news;
      const { given, planted } = news.events;
      const text = worldText(run.world);
      this.hashes.set(tick, stateHash);
      this.texts.set(tick, text);
      this.tagsAt.set(tick, (tag) => hasTag(given, tag) || hasTag(planted, tag));
      stage.book.sawWorld(stateHash, text, `${this.name} at tick ${tick}`);
      this.checkTick(tick);
      stage.flights.computed(process.pid, this.log.segment, tick - run.durableTick, commit.ticks);
    });
    run.on('durable', ({ tick, stateHash }) => {
      if (process.dead) return;
      stage.book.holds(
        tick === this.heardDurable + 1,
        () => `L14: ${this.name} told of tick ${tick} after ${this.heardDurable}`,
      );
      this.heardDurable = tick;
      stage.book.toldDurable(this.log, tick, stateHash, `a durable observer of ${this.name}`);
      stage.book.sawTick(
        this.log,
        tick,
        this.texts.get(tick)!,
        `${this.name} at durable tick ${tick}`,
        process.pid,
      );
    });
  }

  /** What the systems saw of config and seed, and what a fork was fed. */
  private checkTick(tick: number): void {
    const { stage, run, log } = this;
    const { book } = stage;
    const { rate, luck } = run.world.barn.value;
    const { seed, rate: expected } = environmentOf(log);
    book.holds(
      rate === expected,
      () => `L6: ${this.name} computes tick ${tick} with ${rate}, not ${expected}`,
    );
    book.sawWorld(`${seed} at ${tick}`, String(luck), `the stream of ${this.name}`);
    const isBlown = this.fuse.blownInputs > this.blownBefore;
    this.blownBefore = this.fuse.blownInputs;
    if (tick > this.fedTo || isBlown || !this.takesLater || log.ask?.of.named !== true) return;
    for (const tag of fedTags(log, tick))
      book.holds(
        this.tagsAt.get(tick)!(tag),
        () => `L6: ${this.name} computes tick ${tick} without input ${tag}, which its parent had`,
      );
  }

  /** Names the writer in traces. */
  get name(): string {
    return `${this.process.name}/${this.run.id}`;
  }

  /** Whether another process took the log since, or it was removed. */
  private get replaced(): boolean {
    const { log, process, stage } = this;
    return this.toldReplaced || stage.book.logs.get(this.run.id) !== log || log.pid !== process.pid;
  }

  /** Makes a call of the run: the state decides whether it is refused, and with what. */
  private async call<T>(
    call: RunCall,
    what: string,
    work: () => Promise<T> | T,
    may: (code: ErrorCode) => boolean,
  ) {
    const { book } = this.stage;
    const state = this.run.state;
    const refusal = RUN_CALLS[state][call];
    const outcome = await this.stage.ask(`${this.name}.${what}`, work, (code) =>
      refusal === null ? may(code) : code === refusal,
    );
    book.holds(
      refusal === null || outcome.code === refusal,
      () => `${this.name}.${what} was not refused with ${refusal}, though the run was ${state}`,
    );
    if (outcome.code === 'WRITER_REPLACED') this.toldReplaced = true;
    if (this.toldReplaced)
      book.holds(
        ['fenced', 'closed'].includes(this.run.state),
        () => `L7: ${this.name} was told that it is replaced, and is ${this.run.state}`,
      );
    return outcome;
  }

  private mayCommit(code: ErrorCode): boolean {
    if (code === 'WRITER_REPLACED') return this.replaced;
    if (code === 'UNKNOWN_RUN') return !this.log.named;
    return code === 'STALLED' && this.stage.mayFail(this.process, 'write');
  }

  private mayRead(code: ErrorCode, tick = Number.POSITIVE_INFINITY): boolean {
    const { eras } = this.stage.book;
    // Before handlers that were adopted, only some ticks are shown; see docs/SPEC.md.
    if (code === 'NO_STATE' && eras !== null) {
      if (eras.isBeforeAdopted(this.log, tick) || this.stage.mayLack(this.log)) return true;
      if (this.stage.mayLackOwn(this.log, this.process, tick)) return true;
    }
    // What was removed may be collected, from its end.
    if (GONE.includes(code)) return !this.log.named;
    return code === 'STORE_FAILED' && this.stage.mayFail(this.process, 'read');
  }

  private mayAdvance(code: ErrorCode): boolean {
    const { log, fuse } = this;
    if (code === 'BAD_INPUT') return log.ask !== null && this.run.tick < log.first && fuse.blownInputs > 0;
    if (code === 'NO_STATE' && log.ask?.of.named === false) return true;
    // What a parent recorded under a later schema can't be read under an earlier one.
    if (code === 'SCHEMA_DIFFERS') return this.isFedLater;
    return code === 'TICK_FAILED' ? fuse.hasBlown() : this.mayCommit(code) || this.mayRead(code);
  }

  private get isFedLater(): boolean {
    const { eras } = this.stage.book;
    return eras !== null && eras.versionFor(this.log) > eras.codes.get(this.process.pid)!.version;
  }

  private toldTick(tick: number, what: string): void {
    if (this.process.dead) return;
    this.stage.book.toldDurable(this.log, tick, this.hashes.get(tick) ?? null, `${this.name}.${what}`);
  }

  /** Advances: what it says it reached, it reached, and whoever waited before heard. */
  async advance(n: number): Promise<void> {
    const { run, stage } = this;
    const { book } = stage;
    const from = run.tick;
    const before = run.state === 'advancing' ? [] : [...this.sent];
    if (run.state !== 'advancing') this.fedTo = (this.log.ask?.of.ticks.length ?? 0) - 1;
    const outcome = await this.call(
      'advance',
      `advance(${n}) from ${from}`,
      () => run.advance(n),
      (code) => this.mayAdvance(code),
    );
    if (outcome.code === 'TICK_FAILED') this.checkFailed(outcome.facts.tick as number);
    if (outcome.value === null) return;
    const { tick, durableTick } = outcome.value;
    book.count('advances');
    this.toldTick(durableTick, 'advance');
    if (run.state === 'closed') return;
    book.holds(tick === from + n, () => `${this.name}.advance(${n}) from ${from} came to ${tick}`);
    // An era may begin with another world than was recorded of its tick, or with one of another schema.
    const isOwn = this.texts.has(tick) || book.eras === null;
    const computed = isOwn ? (this.hashes.get(tick) ?? null) : null;
    // Where the tick recorded none, the hash is taken when asked for, and the run may have gone on since.
    book.holds(
      computed === null || computed === outcome.value.stateHash,
      () => `${this.name} has another state hash at tick ${tick} than it recorded`,
    );
    if (n === 0) return;
    await stage.scheduler.pause(`${this.name} looks after its inputs`);
    for (const { tag, settled } of before)
      book.holds(settled, () => `L11: ${this.name} advanced, and input ${tag} heard nothing`);
  }

  private checkFailed(tick: number): void {
    const { run } = this;
    this.stage.book.count('failed ticks');
    this.stage.book.holds(
      run.tick === tick - 1,
      () => `L2: tick ${tick} failed, and ${this.name} is at ${run.tick}`,
    );
    this.look();
  }

  /** Looks at the world at hand. While it is rebuilt it can't be seen. */
  look(): void {
    const { run, stage } = this;
    const { tick } = run;
    this.toldTick(run.durableTick, 'durableTick');
    if (run.state === 'advancing') return;
    try {
      this.saw(tick, worldText(run.world), `${this.name} looking at ${tick}`);
    } catch (e) {
      const hidden = run.state === 'failed' || run.state === 'stalled' || run.state === 'fenced';
      if (!hidden && run.state !== 'closed') stage.book.broke(`L2: ${this.name} can't see its world: ${e}`);
    }
  }

  /** A world of this writer's run: the same as it computed, and as others have seen of that tick. */
  private saw(tick: number, text: string, by: string): void {
    const { stage, log, texts } = this;
    const own = texts.get(tick);
    stage.book.holds(
      own === undefined || own === text,
      () => `L3: ${by} shows another world:\n${text}\n${own}`,
    );
    // A replaced writer's own ticks may be others than those of the log.
    if (own === undefined) stage.book.sawTick(log, tick, text, by, this.process.pid);
    if (own === undefined && stage.book.eras !== null) return;
    stage.book.sawWorld(this.hashes.get(tick) ?? null, text, by);
  }

  /** Makes everything durable. */
  async flush(): Promise<void> {
    const { run } = this;
    const from = run.tick;
    const outcome = await this.call(
      'flush',
      'flush',
      () => run.flush(),
      (code) => this.mayCommit(code),
    );
    if (outcome.value === null) return;
    const { tick } = outcome.value;
    this.stage.book.holds(tick >= from, () => `${this.name}.flush came to tick ${tick} of ${from}`);
    this.toldTick(tick, 'flush');
  }

  /** Closes: nobody waits for anything after that. */
  async close(): Promise<void> {
    const { stage } = this;
    await this.call(
      'close',
      'close',
      () => this.run.close(),
      (code) => this.mayCommit(code),
    );
    await stage.scheduler.pause(`${this.name} is closed`);
    for (const { tag, settled } of this.sent)
      stage.book.holds(settled, () => `L11: ${this.name} closed, and input ${tag} heard nothing`);
    stage.book.holds(this.run.state === 'closed', () => `${this.name} closed, and is ${this.run.state}`);
  }

  /** Sends what a source has to send: again what it did not hear of, in order, then something new. */
  async send(source: Source): Promise<void> {
    const { stage } = this;
    const again = source.inputs.filter(({ heard }) => !heard);
    const fresh = Array.from({ length: stage.below(3) }, () => stage.nextInput(source));
    for (const input of [...again, ...fresh]) if (!(await this.submit(input, source))) return;
  }

  /** Sends an input that has no source: it is taken once or lost. */
  async sendLoose(): Promise<void> {
    const { stage } = this;
    const tag = stage.tag(this.run.id);
    await this.submit({ kind: 'given', tag, by: stage.below(50), seq: -1, ...NEW }, null);
  }

  private async submit(input: SourceInput, source: Source | null): Promise<boolean> {
    const { run } = this;
    const { kind, tag, by, seq } = input;
    const from = source === null ? [] : ([{ source: source.name, seq }] as const);
    // No pause lies between the state and the submission.
    const outcome = await this.call(
      'submit',
      `submit ${kind} ${tag}`,
      () => {
        const { applied, durable } =
          kind === 'given' ? run.submit.given({ tag, by }, ...from) : run.submit.planted({ tag }, ...from);
        return [applied, durable] as const;
      },
      (code) => code === 'QUEUE_FULL',
    );
    if (outcome.value === null) return false;
    const sent: Sent = { tag, settled: false };
    this.sent.push(sent);
    void this.follow(input, sent, source, ...outcome.value);
    return true;
  }

  private async follow(
    input: SourceInput,
    sent: Sent,
    source: Source | null,
    applied: Promise<{ readonly tick: number; readonly repeated: boolean }>,
    durable: Promise<{ readonly tick: number }>,
  ): Promise<void> {
    const { book } = this.stage;
    const { tag } = input;
    const what = `${this.name}'s input ${tag}`;
    const may = (code: ErrorCode): boolean => {
      if (code === 'CLOSED') return this.run.state === 'closed';
      return (code === 'WRITER_REPLACED' && this.replaced) || (code === 'UNKNOWN_RUN' && !this.log.named);
    };
    const refusal = (code: ErrorCode): boolean =>
      code === 'BAD_INPUT' ? !isGood(input) || this.fuse.refused-- > 0 : may(code);
    const first = await this.stage.ask(`${what} applied`, () => applied, refusal);
    if (first.code === 'BAD_INPUT') input.refused = true;
    if (first.value !== null && !first.value.repeated)
      book.holds(
        this.tagsAt.get(first.value.tick)?.(tag) === true,
        () => `${what} is not in tick ${first.value.tick}`,
      );
    if (first.value?.repeated) book.count('repeated');
    const second = await this.stage.ask(
      `${what} durable`,
      () => durable,
      (code) => (code === 'BAD_INPUT' ? first.code === code : may(code)),
    );
    sent.settled = true;
    if (this.process.dead || (second.value === null && second.code !== 'BAD_INPUT')) return;
    input.heard = source !== null;
    if (second.value === null) return;
    this.toldTick(second.value.tick, `input ${tag}`);
    if (isGood(input) && !input.refused) book.promised(this.log, tag, this.name);
  }

  /** Looks at the past: a tick that was recorded is the world that was computed. */
  async lookBack(): Promise<void> {
    const { run, stage } = this;
    const tick = stage.below(run.tick + 1);
    const outcome = await this.call(
      'read',
      `at(${tick})`,
      () => run.at(tick),
      (code) => this.mayRead(code, tick),
    );
    if (outcome.value !== null) this.saw(tick, worldText(outcome.value), `${this.name}.at(${tick})`);
  }

  /** Keeps a snapshot, or two at once. */
  async keep(): Promise<void> {
    const again = this.stage.choices.chance(0.3) ? this.keepOne() : null;
    await this.keepOne();
    await again;
  }

  private async keepOne(): Promise<void> {
    const { run, stage, log } = this;
    const pin = stage.choices.chance(0.3);
    const before = stage.book.counts.get('snapshots') ?? 0;
    const outcome = await this.call(
      'snapshot',
      pin ? 'snapshot(pin)' : 'snapshot',
      () => run.snapshot({ pin }),
      (code) =>
        this.mayCommit(code) ||
        this.mayRead(code) ||
        (code === 'STORE_FAILED' && stage.mayFail(this.process, 'write')),
    );
    if (outcome.value === null || this.process.dead) return;
    const { tick } = outcome.value;
    const isKept = log.snapshots.has(tick) || log.replaced.has(tick) || !log.named;
    stage.book.holds(
      isKept && (stage.book.counts.get('snapshots') ?? 0) > before,
      () => `L4: ${this.name} was told of a snapshot of tick ${tick}, and none was kept`,
    );
  }

  /** A tick to fork at: any, the one that a fork begins with itself sooner than others. */
  private drawFork(): number {
    const { below, chance } = this.stage.choices;
    if (this.log.ask !== null && chance(0.25)) return this.log.first - 1;
    return below(this.run.tick + 1) + (chance(0.05) ? 1000 : 0);
  }

  /** Forks at a tick, which may be one that is not there; the fork's pen, or null. */
  async fork(): Promise<Pen | null> {
    const { run, stage, log, process } = this;
    const at = this.drawFork();
    const next = stage.nextFork(log, at);
    if (next === null) return null;
    const { id, ask } = next;
    const isTaken = stage.choices.chance(0.05) && stage.plan.removals === 0;
    const options = { at, id: isTaken ? run.id : id, ...askedOf(ask) };
    const outcome = await this.call(
      'read',
      `fork(${options.id} at ${at})`,
      () => run.fork(options),
      (code) => {
        if (code === 'NO_TICK') return at > run.tick || !log.named;
        if (code === 'EXISTS') return isTaken;
        if (code === 'STORE_FAILED') return stage.mayFail(process, 'read') || stage.mayFail(process, 'write');
        return this.mayRead(code, at) || this.mayCommit(code);
      },
    );
    if (outcome.value === null) return null;
    const fork = outcome.value;
    stage.book.holds(
      fork.tick === at && fork.durableTick === at && fork.id === id,
      () => `L6: ${this.name} was forked at ${at}, and ${fork.id} is at ${fork.tick}`,
    );
    if (process.dead) return null;
    this.saw(at, worldText(fork.world), `the fork ${id} of ${this.name}`);
    return new Pen(stage, process, fork, this.fuse, { commit: this.commit });
  }

  /** Reads inputs back: each stands where this writer computed it, once. */
  async readBack(): Promise<void> {
    const { run, stage } = this;
    const read = async () => {
      const found: { tick: number; seq: number; tag: number }[] = [];
      for await (const { tick, seq, tag } of run.events('given')) found.push({ tick, seq, tag });
      return found;
    };
    const outcome = await this.call('read', 'events', read, (code) => this.mayRead(code));
    let last = -1;
    for (const { tick, seq, tag } of outcome.value ?? []) {
      const known = this.tagsAt.get(tick)?.(tag) ?? this.log.ticks[tick]?.tags.includes(tag);
      stage.book.holds(
        known === true || this.process.dead,
        () => `${this.name} reads input ${tag} at tick ${tick}`,
      );
      stage.book.holds(seq > last, () => `L14: ${this.name} reads event ${seq} after ${last}`);
      last = seq;
    }
  }

  /** Reads the metrics: a row for every tick. */
  async measure(): Promise<void> {
    const { run } = this;
    const ticks = run.tick + 1;
    const outcome = await this.call(
      'read',
      'metrics',
      () => run.metrics(),
      (code) => this.mayRead(code),
    );
    if (outcome.value !== null)
      this.stage.book.holds(
        outcome.value.size >= ticks && outcome.value.columns.crops.every((crops) => crops >= 5),
        () => `${this.name} has ${outcome.value.size} rows of metrics for ${ticks} ticks`,
      );
  }
}
