/**
 * A pen: one writer's run with everything that its holder may rightly expect of it.
 *
 * Owns the calls of a run, each with the checks of its answer: what the state table says of it, what a claim
 * of durability is worth at the medium, what became of inputs, what the past looks like.
 */
import type { ErrorCode } from '../base/errors.ts';
import { RUN_CALLS, type RunCall } from '../simulation/run-states.ts';
import {
  isGood,
  NEW,
  type SimulatedProcess,
  type Source,
  type SourceInput,
  type Stage,
} from './simulate-stage.ts';
import { type FusePlace, type SimulatedRun, worldText } from './simulate-world.ts';

/** A submitted input and what its submitter heard. */
interface Sent {
  readonly tag: number;
  settled: boolean;
}

const hasTag = (batch: { readonly columns: { readonly tag: ArrayLike<number> } }, tag: number): boolean =>
  Array.from(batch.columns.tag).includes(tag);

/** Blows once where it is armed. */
export class SeededFuse {
  private at: { readonly place: FusePlace; readonly tick: number } | null = null;
  /** Whether it blew since it was last asked. */
  blown = false;
  /** Inputs that it refused by blowing in their handler. */
  refused = 0;

  /** Sets it. */
  arm(place: FusePlace, tick: number): void {
    this.at = { place, tick };
  }

  /** What the world calls. */
  readonly pass = (place: FusePlace, tick: number): void => {
    if (this.at === null || this.at.place !== place || this.at.tick !== tick) return;
    this.at = null;
    if (place === 'apply given') this.refused++;
    else this.blown = true;
    throw new BlownFuse();
  };
}

/** What a blown fuse throws: an error of the user's, unknown to worldfold. */
class BlownFuse extends Error {
  override readonly message = 'the fuse blew';
}

/** One writer's run. */
export class Pen {
  readonly run: SimulatedRun;
  readonly process: SimulatedProcess;
  readonly fuse: SeededFuse;
  private readonly stage: Stage;
  private readonly segment: string;
  /** State hashes of the ticks that this writer computed or found. */
  private readonly hashes = new Map<number, string | null>();
  private readonly tagsAt = new Map<number, (tag: number) => boolean>();
  private readonly sent: Sent[] = [];
  /** Whether this writer was told that another has the log: that is for good. */
  private toldReplaced = false;
  private heardDurable: number;

  constructor(stage: Stage, process: SimulatedProcess, run: SimulatedRun, fuse: SeededFuse) {
    this.stage = stage;
    this.process = process;
    this.run = run;
    this.fuse = fuse;
    const log = stage.book.logs.get(run.id);
    this.segment = log?.segment ?? '';
    this.heardDurable = run.durableTick;
    log?.ticks.slice(0, run.tick + 1).forEach(({ stateHash }, tick) => void this.hashes.set(tick, stateHash));
    run.on('computed', (news) => {
      this.hashes.set(news.tick, news.stateHash);
      const { given, planted } = news.events;
      this.tagsAt.set(news.tick, (tag) => hasTag(given, tag) || hasTag(planted, tag));
      stage.book.sawWorld(news.stateHash, worldText(run.world), `${this.name} at tick ${news.tick}`);
    });
    run.on('durable', ({ tick, stateHash }) => {
      if (process.dead) return;
      stage.book.holds(
        tick === this.heardDurable + 1,
        () => `L14: ${this.name} told of tick ${tick} after ${this.heardDurable}`,
      );
      this.heardDurable = tick;
      stage.book.toldDurable(run.id, tick, stateHash, `a durable observer of ${this.name}`);
    });
  }

  /** Names the writer in traces. */
  get name(): string {
    return `${this.process.name}/${this.run.id}`;
  }

  /** Whether another process took the log since. */
  private get replaced(): boolean {
    const log = this.stage.book.logs.get(this.run.id);
    return (
      this.toldReplaced || log === undefined || log.segment !== this.segment || log.pid !== this.process.pid
    );
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
    return code === 'WRITER_REPLACED'
      ? this.replaced
      : code === 'STALLED' && this.stage.mayFail(this.process, 'write');
  }

  private mayRead(code: ErrorCode): boolean {
    return code === 'STORE_FAILED' && this.stage.mayFail(this.process, 'read');
  }

  private toldTick(tick: number, what: string): void {
    if (this.process.dead) return;
    this.stage.book.toldDurable(this.run.id, tick, this.hashes.get(tick) ?? null, `${this.name}.${what}`);
  }

  /** Advances: what it says it reached, it reached, and whoever waited before heard. */
  async advance(n: number): Promise<void> {
    const { run, stage } = this;
    const { book } = stage;
    const from = run.tick;
    const before = run.state === 'advancing' ? [] : [...this.sent];
    const outcome = await this.call(
      'advance',
      `advance(${n}) from ${from}`,
      () => run.advance(n),
      (code) => {
        if (code !== 'TICK_FAILED') return this.mayCommit(code) || this.mayRead(code);
        const { blown } = this.fuse;
        this.fuse.blown = false;
        return blown;
      },
    );
    if (outcome.code === 'TICK_FAILED') this.checkFailed(outcome.facts.tick as number);
    if (outcome.value === null) return;
    const { tick, durableTick } = outcome.value;
    book.count('advances');
    this.toldTick(durableTick, 'advance');
    if (run.state === 'closed') return;
    book.holds(tick === from + n, () => `${this.name}.advance(${n}) from ${from} came to ${tick}`);
    const computed = this.hashes.get(tick);
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
    if (run.state === 'advancing') return;
    try {
      stage.book.sawWorld(
        this.hashes.get(tick) ?? null,
        worldText(run.world),
        `${this.name} looking at ${tick}`,
      );
    } catch (e) {
      const hidden = run.state === 'failed' || run.state === 'stalled' || run.state === 'fenced';
      if (!hidden && run.state !== 'closed') stage.book.broke(`L2: ${this.name} can't see its world: ${e}`);
    }
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
    const tag = stage.tag();
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
    const may = (code: ErrorCode): boolean =>
      code === 'CLOSED' ? this.run.state === 'closed' : code === 'WRITER_REPLACED' && this.replaced;
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
    if (isGood(input) && !input.refused) book.promised(this.run.id, tag, this.name);
  }

  /** Looks at the past: a tick that was recorded is the world that was computed. */
  async lookBack(): Promise<void> {
    const { run, stage } = this;
    const tick = stage.below(run.tick + 1);
    const expected = this.hashes.get(tick) ?? null;
    const outcome = await this.call(
      'read',
      `at(${tick})`,
      () => run.at(tick),
      (code) => this.mayRead(code),
    );
    if (outcome.value !== null)
      stage.book.sawWorld(expected, worldText(outcome.value), `${this.name}.at(${tick})`);
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
      const known =
        this.tagsAt.get(tick)?.(tag) ?? stage.book.logs.get(run.id)?.ticks[tick]?.tags.includes(tag);
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
