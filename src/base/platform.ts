/**
 * The one file of floors 0–5 that touches the machine: digests, clocks, process identity, yielding.
 *
 * Everything above asks for these by name, so that another platform needs one other file. Nothing that a tick
 * computes may call the clocks here; they time commits and stamp metadata that stays outside every hash.
 */
import * as crypto from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { hostname } from 'node:os';
import process from 'node:process';
import { promiseHooks } from 'node:v8';

// As they are when this is loaded: what is put in their place later is for the code of ticks.
const { now } = Date;
const later = setTimeout;
const steadyNow = performance.now.bind(performance);

const oneShot = (crypto as { hash?: (a: string, d: Uint8Array, e: 'buffer') => Uint8Array }).hash;

/** SHA-256 of the bytes (FIPS 180-4): 32 bytes. */
export const sha256: (bytes: Uint8Array) => Uint8Array = oneShot
  ? (bytes) => oneShot('sha256', bytes, 'buffer')
  : (bytes) => crypto.createHash('sha256').update(bytes).digest();

/** Milliseconds since 1970, for metadata only. */
export const wallClock = (): number => now();

/** Milliseconds on a clock that never goes back, for commit intervals, progress and tick logs only. */
export const steadyClock = (): number => steadyNow();

/** Lets timers, I/O and other tasks run before going on. */
export const yieldToEvents = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The same, unless a promise settles before they would run; it must not reject. */
export const yieldUnless = (first: Promise<unknown>): Promise<void> =>
  new Promise((resolve) => {
    const turn = setImmediate(resolve);
    void first.then(() => {
      clearImmediate(turn);
      resolve();
    });
  });

/** Lets some milliseconds go by, or fewer where the signal is aborted. */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', over);
      resolve();
    };
    const timer = later(over, ms);
    signal?.addEventListener('abort', over);
    if (signal?.aborted) over();
  });

/** Who holds a lease: enough to tell whether the holder's process is still alive on this host. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
}

/** The identity of this process. */
export const thisProcess = (): ProcessIdentity => ({ host: hostname(), pid: process.pid });

/** Whether a process of this host is alive; processes of other hosts count as alive. */
export function isAlive(who: ProcessIdentity): boolean {
  if (who.host !== hostname()) return true;
  try {
    process.kill(who.pid, 0);
    return true;
  } catch (e) {
    return (e as { code?: string }).code === 'EPERM';
  }
}

/**
 * Where process ids mean what they mean here: this host and, on Linux, the space of ids, of which containers
 * have their own though they may share the name of a host.
 */
export function processSpace(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

/** A fresh random name of 16 hex digits, for leases and default run ids; never used inside a tick. */
export const freshName = (): string => crypto.randomBytes(8).toString('hex');

/** What recorded this run, as a hint in run headers: never part of a hash. */
export const engineHint = (): { node: string; v8: string; arch: string; platform: string } => ({
  node: process.versions.node,
  v8: process.versions.v8 ?? 'none',
  arch: process.arch,
  platform: process.platform,
});

/** Tells the operator about something that must not stop the run (a failing observer). */
export const warn = (message: string): void => process.emitWarning(message, 'WorldfoldWarning');

const load = createRequire(import.meta.url);

/**
 * What Node has loaded of itself so far: it grows while the process lives. Modules of Node are entries of the
 * form `NativeModule fs`.
 */
export const loadedParts: readonly string[] =
  (process as { readonly moduleLoadList?: readonly string[] }).moduleLoadList ?? [];

/** The object that a module of Node exports to `require`; its ES module shows the same values. */
export const nodeModule = (name: string): object => load(`node:${name}`) as object;

/** Lets the ES modules of Node show what was changed in their objects. */
export const shareChanges: () => void = syncBuiltinESMExports;

/** Calls `made` for every promise that is made from now on, until the function returned is called. */
export const onPromise = (made: () => void): (() => void) => promiseHooks.onInit(made) as () => void;

/** What answers SQL: by the name of this package, because no floor may import it. */
export const loadSql = (): Promise<object> => import('worldfold/sql');
