/**
 * Beginning a run and taking one up again.
 *
 * Owns the defaults of a run's policies, record 0 with all that the fold depends on, and the run header: an
 * index that holds hints and no truth.
 */

import { hex } from '../base/bytes.ts';
import { canonicalJson, parseCanonical, show } from '../base/canonical.ts';
import { fail, isWorldfoldError } from '../base/errors.ts';
import { loadHash } from '../base/hash.ts';
import { engineHint, freshName, sha256, steadyClock, thisProcess, wallClock } from '../base/platform.ts';
import { utf8 } from '../base/text.ts';
import { type Environment, environmentText, HASH_VERSION, parseEnvironment } from '../log/environment.ts';
import { headerText } from '../log/header.ts';
import { findRun, readFrames } from '../log/reader.ts';
import { encodeRecord } from '../log/record.ts';
import type { Holder, LogRecord, NewRun, Store } from '../log/store.ts';
import { RANDOM_VERSION } from '../random/digest.ts';
import { literal, unliteral } from '../schema/canonical-text.ts';
import { validRow } from '../schema/validate.ts';
import { checkCreate, checkNewId, checkOpen } from './arguments.ts';
import { type CommitPolicy, persistent } from './committer.ts';
import { type Cadence, Engine } from './engine.ts';
import { inRun } from './failures.ts';
import { foldInto } from './refold.ts';
import { RunCore, type RunParts, release } from './run.ts';
import type { CreateRun, OpenRun } from './types.ts';
import type { AnyWorld } from './world.ts';

/**
 * The choices that a run makes about itself. `hashEvery` decides which records hold a state hash; the rest no
 * byte.
 */
export interface PolicyOptions {
  readonly hashEvery?: number;
  readonly invariantsEvery?: number;
  readonly paranoid?: boolean;
  readonly commit?: { readonly ticks?: number; readonly ms?: number };
  readonly maxInputs?: number;
  readonly maxUndurable?: number;
  readonly leaseMs?: number;
  /** Milliseconds since 1970, for metadata; and a clock for intervals. For tests. */
  readonly clocks?: { readonly wall?: () => number; readonly steady?: () => number };
}

/** Options of {@link createCore}. */
export interface CreateOptions extends PolicyOptions {
  readonly store: Store;
  readonly seed: string;
  readonly id?: string;
  readonly config?: object;
  /** Anything worth knowing about the run later; shown in lists. */
  readonly hints?: { readonly [name: string]: string };
}

/** Options of {@link openCore}. */
export interface OpenOptions extends PolicyOptions {
  readonly store: Store;
  readonly id: string;
  readonly takeover?: boolean;
}

const DEFAULTS = {
  hashEvery: 1,
  invariantsEvery: 1,
  commitTicks: 64,
  commitMs: 100,
  maxInputs: 10_000,
  maxUndurable: 64 * 1024 * 1024,
  leaseMs: 30_000,
};

/** The epoch of the writer that makes a run, as the port of {@link Store} says. */
const FIRST_EPOCH = 1;

function positive(name: string, value: number | undefined, fallback: number): number {
  const chosen = value === undefined ? fallback : value;
  if (!Number.isSafeInteger(chosen) || chosen < 1)
    fail(
      'BAD_USAGE',
      `${name} must be a whole number from 1 on, not ${show(value)}`,
      { [name]: value },
      `Leave it out for ${fallback}.`,
    );
  return chosen;
}

const commitPolicy = (o: PolicyOptions): CommitPolicy => ({
  ticks: positive('commit.ticks', o.commit?.ticks, DEFAULTS.commitTicks),
  ms: positive('commit.ms', o.commit?.ms, DEFAULTS.commitMs),
  maxUndurable: positive('maxUndurable', o.maxUndurable, DEFAULTS.maxUndurable),
  leaseMs: positive('leaseMs', o.leaseMs, DEFAULTS.leaseMs),
});

const cadence = (o: PolicyOptions): Cadence => ({
  hashEvery: positive('hashEvery', o.hashEvery, DEFAULTS.hashEvery),
  invariantsEvery: positive('invariantsEvery', o.invariantsEvery, DEFAULTS.invariantsEvery),
  paranoid: o.paranoid ?? false,
});

const holder = (o: PolicyOptions): Holder => ({
  ...thisProcess(),
  token: freshName(),
  ttlMs: positive('leaseMs', o.leaseMs, DEFAULTS.leaseMs),
});

const parts = (
  o: PolicyOptions,
  given: Pick<RunParts, 'id' | 'store' | 'engine' | 'another' | 'namesTold'>,
): Omit<RunParts, 'segment' | 'epoch'> => ({
  ...given,
  policy: commitPolicy(o),
  maxInputs: positive('maxInputs', o.maxInputs, DEFAULTS.maxInputs),
  wallClock: o.clocks?.wall ?? wallClock,
  steadyClock: o.clocks?.steady ?? steadyClock,
});

/** An engine for an environment. Config is frozen: it is part of what the fold depends on. */
export function engineFor(world: AnyWorld, environment: Environment, o: PolicyOptions): Engine {
  const { compiled } = world.schema;
  if (environment.schema !== compiled.text)
    fail(
      'SCHEMA_DIFFERS',
      `the world '${compiled.spec.name}' has another schema than the run was recorded with`,
      {
        world: compiled.spec.name,
        version: compiled.spec.version,
        fingerprint: compiled.fingerprint,
        recorded: hex(sha256(utf8(environment.schema))),
      },
      'Open the run with the world that recorded it, or begin a new run.',
    );
  if (environment.random !== RANDOM_VERSION)
    fail(
      'NEWER_FORMAT',
      `the run draws by version ${environment.random}, which this version does not know`,
      {},
    );
  const config = frozen(unliteral(parseCanonical(environment.config))) as object;
  return new Engine(world, environment.seed, config, environmentText(environment), cadence(o));
}

/** Frozen through and through: what the fold depends on must not change. Bytes can't be frozen. */
function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}

/** Texts of the functions that decide results, digested: a hint about code for reports, never a proof. */
function codeHint(world: AnyWorld): string {
  const { setup, apply, systems } = world.def;
  const texts = Object.entries(apply).map(
    ([kind, handler]) => `${kind}:${typeof handler === 'function' ? handler : handler.batch}`,
  );
  return hex(
    sha256(utf8([setup, ...texts.sort(), ...systems.map(({ run }) => run)].join('\n').toWellFormed())),
  ).slice(0, 16);
}

function headerOf(world: AnyWorld, o: CreateOptions, createdAt: number): string {
  const { compiled } = world.schema;
  const { name, version } = compiled.spec;
  return headerText({
    world: name,
    version,
    fingerprint: compiled.fingerprint,
    seed: o.seed,
    createdAt,
    engine: engineHint(),
    code: codeHint(world),
    hints: { ...o.hints },
  });
}

/** The config with its defaults; what does not fit is `BAD_INPUT` with the columns that there are. */
function validConfig({ schema }: AnyWorld, given: object | undefined): object {
  try {
    return validRow(schema.compiled.config, given === undefined ? {} : given, 'config', 'BAD_INPUT');
  } catch (e) {
    if (!isWorldfoldError(e, 'BAD_INPUT')) throw e;
    const columns = Object.entries(schema.compiled.spec.config).map(
      ([name, { type }]) => `${name} (${type.type})`,
    );
    const known =
      columns.length === 0 ? 'This world has no config.' : `This world takes: ${columns.join(', ')}.`;
    return fail(
      'BAD_INPUT',
      e.message,
      e.facts,
      e.hint === undefined ? known : `${e.hint} ${known}`,
      e.cause,
    );
  }
}

/** Begins a run: header, tick 0 and lease go in together, or nothing does. */
export async function createCore(world: AnyWorld, options: CreateOptions): Promise<RunCore> {
  checkCreate(world, options);
  await loadHash();
  const { compiled } = world.schema;
  const id = options.id === undefined ? `${compiled.spec.name}-${freshName().slice(0, 8)}` : options.id;
  checkNewId(id);
  const config = validConfig(world, options.config);
  const environment: Environment = {
    seed: options.seed,
    config: canonicalJson(literal(config)),
    schema: compiled.text,
    random: RANDOM_VERSION,
    hash: HASH_VERSION,
  };
  const another = (): Engine => engineFor(world, environment, options);
  const engine = another();
  const given = parts(options, { id, store: options.store, engine, another, namesTold: true });
  const { record, time } = tickZero(world, engine, id, given.wallClock);
  const segment = `${id}/${freshName()}`;
  await createIn(options.store, {
    id,
    header: headerOf(world, options, time),
    segment,
    record,
    holder: holder(options),
  });
  // What this writer wrote, not what the store holds by now: another may have taken the run over meanwhile.
  const { tick, hash } = record;
  return new RunCore({ ...given, segment, epoch: FIRST_EPOCH }, { tick, hash });
}

/** Computes and encodes tick 0, with everything that may fail in it: nothing is stored yet. */
function tickZero(
  world: AnyWorld,
  engine: Engine,
  id: string,
  clock: () => number,
): { readonly record: LogRecord; readonly time: number } {
  try {
    const { content, metrics } = engine.setup();
    engine.hasEnded();
    const time = clock();
    const record = encodeRecord(content, {
      time,
      metricNames: Object.keys(world.def.metrics ?? {}),
      metrics,
    });
    engine.advanceTo(content, record.hash);
    return { record, time };
  } catch (e) {
    throw inRun(e, id);
  }
}

/**
 * Where the answer was lost, the segment's name, which nobody else has, tells that the run is there and ours.
 */
async function createIn(store: Store, run: NewRun): Promise<void> {
  try {
    await store.create(run);
  } catch (e) {
    if (!isWorldfoldError(e, 'STORE_FAILED')) throw e;
    const info = await store.head(run.id).catch(() => undefined);
    if (info?.segment.id !== run.segment) throw e;
  }
}

/** The environment of record 0. */
export async function readEnvironment(store: Store, segment: string): Promise<Environment> {
  for await (const frame of readFrames(store, segment, 0, 0)) {
    if (frame.environment === null)
      fail('CORRUPT', 'record 0 says nothing of its environment', { segment, tick: 0 });
    return parseEnvironment(frame.environment, null);
  }
  return fail('NO_RECORD', 'the log has no record 0', { segment, tick: 0 });
}

/** Takes a run up at its durable head. */
export async function openCore(world: AnyWorld, options: OpenOptions): Promise<RunCore> {
  checkOpen(world, options);
  await loadHash();
  try {
    return await takeUp(world, options);
  } catch (e) {
    throw inRun(e, options.id);
  }
}

/** Becomes the writer; who is in the way is told of as the writer of the run. */
async function acquire(
  { store, id, takeover = false }: OpenOptions,
  segment: string,
  who: Holder,
): Promise<number> {
  try {
    return await persistent(() => store.acquire(segment, who, takeover));
  } catch (e) {
    if (!isWorldfoldError(e, 'RUN_IN_USE')) throw e;
    const { host, pid, expiresInMs } = e.facts;
    const left = `${Math.ceil(Number(expiresInMs) / 1000)} s`;
    return fail(
      'RUN_IN_USE',
      `run '${id}' is written by process ${pid} on ${host}; its lease lasts ${left} unless it is renewed`,
      { run: id, ...e.facts },
      'Close it there or wait, or open it with takeover: true: the other writer can then commit no more.',
      e,
    );
  }
}

async function takeUp(world: AnyWorld, options: OpenOptions): Promise<RunCore> {
  const { store, id } = options;
  const { segment } = await findRun(store, id);
  const environment = await readEnvironment(store, segment.id);
  const another = (): Engine => engineFor(world, environment, options);
  const engine = another();
  const given = parts(options, { id, store, engine, another, namesTold: false });
  const who = holder(options);
  const epoch = await acquire(options, segment.id, who);
  const all = { ...given, segment: segment.id, epoch };
  try {
    const { head } = (await findRun(store, id)).segment;
    await foldInto(engine, { store, segment: segment.id, durableTick: head.tick, undurable: [] }, head.tick);
    return new RunCore(all, head);
  } catch (e) {
    await release(all);
    throw e;
  }
}

/**
 * Begins a run of a world in a store: header, tick 0 and lease go in together, or nothing does. `EXISTS` when
 * the id is taken, `BAD_INPUT` when the config does not fit, `TICK_FAILED` when the setup throws.
 *
 * @example
 * ```ts
 * const run = await createRun(town, { store: memoryStore(), seed: 'alpha' });
 * const { tick, stateHash } = await run.advance(200);
 * ```
 */
export const createRun = ((world: unknown, options: CreateOptions) =>
  createCore(world as AnyWorld, options)) as unknown as CreateRun;

/**
 * Takes a run up at its durable head and becomes its writer. `UNKNOWN_RUN`; `SCHEMA_DIFFERS`; `RUN_IN_USE`
 * while another writer is alive, unless `takeover` is true; `REPLAY_DIFFERS` when folding does not give the
 * recorded world.
 */
export const openRun = ((world: unknown, options: OpenOptions) =>
  openCore(world as AnyWorld, options)) as unknown as OpenRun;
