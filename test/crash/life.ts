/**
 * A life of a store: its root run is taken up and advanced by a script of inputs, snapshots, forks, removals
 * and collections; forks that an earlier life left unfinished are finished first. Whoever lives it, and in
 * however many lives, the records are the same.
 */
import { createRun, openRun, type RunPolicy, type Store } from '../../src/index.ts';
import { herd, inputsAt, SOURCE } from './herd.ts';

/** The root run. */
export const ROOT = 'root';
/** The world: fields fill two chunks of a column. */
export const world = herd({ animals: 300, fields: 17_000 });

const FORK_EVERY = 24;
/** How far back a fork begins, and how far it goes: the parent is durable beyond it. */
const [FORK_BACK, FORK_TO] = [14, 4];
/** Inputs of so many ticks before the head are sent again by a new life. */
const RESENT = 6;

export const policy: RunPolicy = {
  commit: { ticks: 3 },
  snapshots: { every: 5, keep: 3 },
  clocks: { wall: () => 0 },
};

/** What a life promises to whoever watches: what it said is so, however it ends. */
export type Said =
  | readonly [what: 'durable', run: string, tick: number]
  | readonly [what: 'input', seq: number, tick: number]
  | readonly [what: 'fork', run: string, at: number]
  | readonly [what: 'removing', run: string]
  | readonly [what: 'pinned', tick: number];

/** How to live. */
export interface Life {
  readonly until: number;
  readonly say: (said: Said) => void;
  /** Whether forks are removed and collected in the end. */
  readonly tidies: boolean;
}

const open = (store: Store, id: string) => openRun(world, { ...policy, store, id });
type HerdRun = Awaited<ReturnType<typeof open>>;

/** Fork `fork-48` is made when the root stands at tick 48; `fork-48-b` is one of that fork. */
const madeAt = (id: string): number => Number(id.split('-')[1]);

async function growTo(run: HerdRun, to: number, { say }: Life): Promise<void> {
  while (run.tick < to) {
    const { durableTick } = await run.advance(Math.min(2, to - run.tick));
    say(['durable', run.id, durableTick]);
  }
}

/** Grows a fork to where the script leaves it; every second one has a fork of its own on the way. */
async function growFork(run: HerdRun, store: Store, life: Life): Promise<void> {
  const to = madeAt(run.id) - FORK_TO;
  await growTo(run, to - 3, life);
  const nested = `${run.id}-b`;
  const hasOne = madeAt(run.id) % (2 * FORK_EVERY) === 0 && !run.id.endsWith('-b');
  if (hasOne && (await store.head(nested)) === undefined) {
    const own = await run.fork({ at: to - 5, id: nested, seed: nested });
    life.say(['fork', nested, to - 5]);
    await growFork(own, store, life);
  }
  await growTo(run, to, life);
  await run.close();
  life.say(['durable', run.id, to]);
}

async function makeFork(root: HerdRun, store: Store, life: Life): Promise<void> {
  const { tick } = root;
  const id = `fork-${tick}`;
  if ((await store.head(id)) !== undefined) return;
  await root.flush();
  const at = tick - FORK_BACK;
  const fork = await root.fork({
    at,
    id,
    because: `tick ${tick}`,
    inputs: [['fed', { amount: 7, note: id }]],
    config: { appetite: 0.9 },
    later: tick % (3 * FORK_EVERY) === 0 ? 'drop' : 'keep',
  });
  life.say(['fork', id, at]);
  await growFork(fork, store, life);
}

/** Lets go of the fork before the last one and its own fork, and of some of what they leave. */
async function tidy(root: HerdRun, store: Store, { say }: Life): Promise<void> {
  const old = `fork-${root.tick - 2 * FORK_EVERY}`;
  for (const id of [old, `${old}-b`]) {
    if ((await store.head(id)) === undefined) continue;
    say(['removing', id]);
    await store.remove(id, false);
  }
  await store.collect(40);
}

async function takeUp(store: Store, { say }: Life): Promise<HerdRun> {
  const isThere = (await store.head(ROOT)) !== undefined;
  const root = isThere
    ? await open(store, ROOT)
    : await createRun(world, { ...policy, store, id: ROOT, seed: 'herd' });
  say(['durable', ROOT, root.durableTick]);
  return root;
}

/** Sends what the last ticks had again, as a source does that did not hear an answer: it must do nothing. */
function resend(root: HerdRun): Promise<boolean[]> {
  const sent: Promise<{ repeated: boolean }>[] = [];
  for (let tick = Math.max(1, root.tick - RESENT); tick <= root.tick; tick++)
    for (const { kind, seq } of inputsAt(tick)) sent.push(submit(root, kind, seq).applied);
  return Promise.all(sent.map(async (one) => (await one).repeated));
}

function submit(root: HerdRun, kind: 'fed' | 'bought', seq: number) {
  const from = { source: SOURCE, seq };
  if (kind === 'fed') return root.submit.fed({ amount: seq % 9, note: `note ${seq}` }, from);
  return root.submit.bought({ name: `ram ${seq}` }, from);
}

/** One step of the script: the inputs of the next tick, then as many ticks as there are without inputs. */
async function stride(root: HerdRun, { until, say }: Life): Promise<void> {
  const from = root.tick + 1;
  for (const { kind, seq } of inputsAt(from))
    submit(root, kind, seq).durable.then(({ tick }) => say(['input', seq, tick]));
  let to = from;
  while (to < until && to % FORK_EVERY !== 0 && inputsAt(to + 1).length === 0) to++;
  const { durableTick } = await root.advance(to - from + 1);
  say(['durable', ROOT, durableTick]);
}

/** Lives until the root run has come so far. */
export async function live(store: Store, life: Life): Promise<void> {
  const root = await takeUp(store, life);
  for (const { id, segment } of await store.list(null, Number.POSITIVE_INFINITY))
    if (id !== ROOT && segment.head.tick < madeAt(id) - FORK_TO)
      await growFork(await open(store, id), store, life);
  const repeated = resend(root);
  while (root.tick < life.until) {
    await stride(root, life);
    if (root.tick % FORK_EVERY !== 0) continue;
    await root.snapshot({ pin: true });
    life.say(['pinned', root.tick]);
    await makeFork(root, store, life);
    if (life.tidies) await tidy(root, store, life);
  }
  await root.close();
  life.say(['durable', ROOT, root.tick]);
  if ((await repeated).includes(false)) throw new RangeError('an input that was sent again was taken again');
}
