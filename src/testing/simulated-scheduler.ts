/**
 * A deterministic scheduler for tests: actors take turns by a seeded choice.
 *
 * Owns the order in which actors run, and a small generator of its own for every choice of a simulation. It
 * uses no timer and no clock: between two steps it lets pending promises settle, and nothing else. What
 * actors wait for must come from pauses, from each other, or from promises that settle by themselves; real
 * I/O would bring real time in.
 */
import { fail } from '../base/errors.ts';
import { yieldToEvents } from '../base/platform.ts';

/** Seeded choices for simulations; never for what a world draws. */
export interface SeededChoices {
  /** The next 32 bits, as a whole number from 0 on. */
  bits(): number;
  /** A whole number from 0 to n − 1. */
  below(n: number): number;
  /** True with probability p. */
  chance(p: number): boolean;
}

/**
 * A generator with 32 bits of state: a counter that goes up by 0x9e3779b9 (2^32 over the golden ratio), put
 * through the two-round multiply and xor-shift mixer with the constants 0x21f0aaad and 0x735a2d97 of Chris
 * Wellons' hash prospector. Each 32-bit value comes once in a period of 2^32, and equal seeds give equal
 * choices on every platform. `below` scales by n / 2^32, which prefers no number by more than n / 2^32.
 */
export function seededChoices(seed: number): SeededChoices {
  let state = seed >>> 0;
  const bits = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  const below = (n: number): number => Math.floor((bits() / 0x1_0000_0000) * n);
  return { bits, below, chance: (p) => bits() / 0x1_0000_0000 < p };
}

/** Turns of the event loop that actors may take before they are said to wait for what never comes. */
const SETTLE_TURNS = 100;

/** What an actor is given. */
export interface Actor {
  readonly name: string;
  /** Lets others go first, for as long as the scheduler likes. `what` is for the trace. */
  pause(what?: string): Promise<void>;
}

/** Runs actors to their end in one of the possible orders; the seed says which. */
export interface SimulatedScheduler {
  readonly seed: number;
  /** The choices of this simulation, for whoever takes part in it. */
  readonly choices: SeededChoices;
  /** What was let go, step by step: enough to see a failing order. */
  readonly trace: readonly string[];
  /** Adds an actor; it starts when `run` first chooses it. An actor may spawn others. */
  spawn(name: string, body: (actor: Actor) => Promise<void> | void): void;
  /** Waits until it is chosen. Outside of `run` it does not wait, so that a test can set up and look. */
  pause(what?: string): Promise<void>;
  /**
   * Does work that waits for nothing of the simulation while nobody else is let go: what takes its own turns
   * on the event loop ends within one step.
   */
  hold<T>(work: () => Promise<T>): Promise<T>;
  /**
   * Runs every actor to its end and returns the number of steps. The first error of an actor is thrown as it
   * is. More than `maxSteps` (default 10,000) steps are `REPEAT_LIMIT`; actors that wait for what never comes
   * are `WRONG_STATE`. Each names the seed.
   */
  run(maxSteps?: number): Promise<number>;
}

/** Work that the scheduler waits for. */
function holding(): { hold: SimulatedScheduler['hold']; ended(): Promise<void> } {
  const held = new Set<Promise<unknown>>();
  return {
    async hold(work) {
      const working = work();
      held.add(working);
      try {
        return await working;
      } finally {
        held.delete(working);
      }
    },
    async ended() {
      while (held.size > 0) {
        await Promise.allSettled([...held]);
        await yieldToEvents();
      }
    },
  };
}

/**
 * A scheduler for one simulation.
 *
 * @example
 * ```ts
 * const scheduler = simulatedScheduler(42);
 * scheduler.spawn('writer', async ({ pause }) => { await store.append(…); await pause(); });
 * scheduler.spawn('reader', async () => { await store.read(…); });
 * await scheduler.run();
 * ```
 */
export function simulatedScheduler(seed: number): SimulatedScheduler {
  const choices = seededChoices(seed);
  const trace: string[] = [];
  const waiting: { readonly what: string; go(): void }[] = [];
  const alive = new Set<string>();
  let running = false;
  let failure: { readonly error: unknown } | null = null;
  const held = holding();

  const wait = (what: string): Promise<void> => new Promise((go) => waiting.push({ what, go }));
  const pause = (what = 'pause'): Promise<void> => (running ? wait(what) : Promise.resolve());

  const live = async (name: string, body: (actor: Actor) => Promise<void> | void): Promise<void> => {
    await wait(name);
    try {
      await body({ name, pause: (what = 'pause') => pause(`${name}: ${what}`) });
    } catch (error) {
      failure ??= { error };
    }
    alive.delete(name);
  };

  const step = async (): Promise<void> => {
    // Order of arrival is deterministic, so taking one out by its place is a deterministic choice.
    const [chosen] = waiting.splice(choices.below(waiting.length), 1);
    trace.push(chosen!.what);
    chosen!.go();
    await yieldToEvents();
    for (let i = 0; waiting.length === 0 && alive.size > 0 && i < SETTLE_TURNS; i++) await yieldToEvents();
    await held.ended();
  };

  return {
    seed,
    choices,
    trace,
    pause,
    hold: held.hold,
    spawn(name, body) {
      if (alive.has(name)) fail('BAD_USAGE', `there is an actor '${name}' already`, { seed, name });
      alive.add(name);
      void live(name, body);
    },
    async run(maxSteps = 10_000) {
      running = true;
      try {
        let steps = 0;
        for (; alive.size > 0 && failure === null; steps++) {
          const names = [...alive];
          if (steps >= maxSteps)
            fail('REPEAT_LIMIT', `seed ${seed}: not at rest after ${steps} steps`, {
              seed,
              steps,
              actors: names,
            });
          if (waiting.length === 0)
            fail('WRONG_STATE', `seed ${seed}: ${names.join(', ')} wait for what never comes`, {
              seed,
              actors: names,
            });
          await step();
        }
        if (failure !== null) throw (failure as { readonly error: unknown }).error;
        return steps;
      } finally {
        running = false;
      }
    },
  };
}
