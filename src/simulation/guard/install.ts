/**
 * The wrappers of this process: put in once, by the first run that wants a guard, and taken out by whoever
 * asks.
 *
 * Owns what was found in the place of each wrapper. Modules of Node are wrapped when they have been loaded,
 * by whomever: what nobody has loaded nobody can call, and loading all of them would cost every run.
 */
import type { AmbientSource } from '../../base/ambient.ts';
import { loadedParts, nodeModule, shareChanges } from '../../base/platform.ts';
import { DATE_SOURCES, guardedDate, guardedParse } from './date.ts';
import { SOURCES, type Sources } from './sources.ts';
import { isConstructor, wrapOutside, wrapProperty } from './wrap.ts';

type Holder = { [name: string]: unknown };
type AnyFunction = (this: unknown, ...given: unknown[]) => unknown;

/** A wrapper that was put in. */
interface Patch {
  readonly holder: object;
  readonly name: string;
  readonly found: PropertyDescriptor;
  readonly put: PropertyDescriptor;
}

/** A source that is wrapped: where it is found, and what errors call it. */
export interface WrappedSource {
  readonly on: string;
  readonly member: string;
  readonly source: AmbientSource;
}

const patches: Patch[] = [];
const wrapped: WrappedSource[] = [];
/** One function may be a member of several holders: it stays one. */
const wrappers = new Map<unknown, { readonly value: unknown; readonly source: AmbientSource }>();
/** Holders in the table that this process has not loaded yet. */
let waiting: Sources[] = [];
let installed = false;
let installs = 0;
let partsSeen = 0;

const MODULE = /^node:([^.]+)/;

/** What TypeScript's library has no global name for. */
const UNNAMED: { readonly [path: string]: () => unknown } = {
  globalThis: () => globalThis,
  TypedArray: () => Object.getPrototypeOf(Uint8Array),
};

/** The object at a path, or undefined where this platform has none. A module must be loaded. */
function holderAt(path: string): object | undefined {
  const module = MODULE.exec(path);
  const [first, ...rest] = path.slice(module?.[0].length ?? 0).split('.');
  let at: unknown = module
    ? nodeModule(module[1]!)
    : (UNNAMED[first!]?.() ?? (globalThis as unknown as Holder)[first!]);
  for (const name of rest) at = (at as Holder | undefined)?.[name];
  return (typeof at === 'object' && at !== null) || typeof at === 'function' ? at : undefined;
}

/** What a holder is called in errors. */
const labelOf = ({ on, as }: Sources): string =>
  on === 'globalThis' ? '' : `${as ?? on.replace(/^node:/, '')}.`;

function replace(holder: object, name: string, found: PropertyDescriptor, put: PropertyDescriptor): void {
  Object.defineProperty(holder, name, put);
  patches.push({ holder, name, found, put });
}

/** The names of a holder that an entry of the table means. */
function namesOf(holder: object, { names, but = [] }: Sources): readonly string[] {
  if (names !== undefined) return names;
  return Object.getOwnPropertyNames(holder).filter(
    (name) =>
      !but.includes(name) && typeof Object.getOwnPropertyDescriptor(holder, name)!.value === 'function',
  );
}

/**
 * A property as it is once it was read: where Node loads a class when it is needed, an accessor stands in its
 * place until then, and puts the class there itself.
 */
function settled(holder: object, name: string): PropertyDescriptor | undefined {
  if (Object.getOwnPropertyDescriptor(holder, name)?.get !== undefined && isConstructor(name))
    Reflect.get(holder, name);
  return Object.getOwnPropertyDescriptor(holder, name);
}

function wrapOne(holder: object, entry: Sources, name: string): void {
  const found = settled(holder, name);
  if (found?.configurable !== true) return;
  const known = wrappers.get(found.value);
  const source = known?.source ?? { name: labelOf(entry) + name, group: entry.group };
  const put = known === undefined ? wrapProperty(source, name, found) : { ...found, value: known.value };
  if (typeof found.value === 'function' && known === undefined) {
    wrappers.set(found.value, { value: put.value, source });
    // Put in a second time, a wrapper is what it is.
    wrappers.set(put.value, { value: put.value, source });
    if (isConstructor(name)) renameConstructor(found.value, put.value);
  }
  replace(holder, name, found, put);
  wrapped.push({ on: entry.on, member: name, source });
}

/** What was made by a class names the class as it is found by others. */
function renameConstructor(original: object, wrapper: unknown): void {
  const { prototype } = original as { readonly prototype?: unknown };
  if (typeof prototype !== 'object' || prototype === null) return;
  const found = Object.getOwnPropertyDescriptor(prototype, 'constructor');
  if (found?.configurable === true && found.value === original)
    replace(prototype, 'constructor', found, { ...found, value: wrapper });
}

function wrapEntry(entry: Sources): void {
  const holder = holderAt(entry.on);
  if (holder !== undefined) for (const name of namesOf(holder, entry)) wrapOne(holder, entry, name);
}

function wrapDate(): void {
  const found = Object.getOwnPropertyDescriptor(globalThis, 'Date')!;
  const original = found.value as DateConstructor;
  const parse = Object.getOwnPropertyDescriptor(original, 'parse')!;
  replace(original, 'parse', parse, { ...parse, value: guardedParse(parse.value) });
  const value = guardedDate(original);
  replace(globalThis, 'Date', found, { ...found, value });
  renameConstructor(original, value);
  for (const source of Object.values(DATE_SOURCES)) wrapped.push({ on: 'Date', member: '', source });
}

/** Printing is allowed: what a console does to print is no code of the tick, nor is a warning of Node's. */
function letPrint(): void {
  const { console, process } = globalThis as unknown as { [name: string]: Holder | undefined };
  for (const [holder, names] of [
    [console, Object.keys(console ?? {})],
    [process, ['emitWarning']],
  ] as const)
    for (const name of names) {
      const found = Object.getOwnPropertyDescriptor(holder ?? {}, name);
      if (found?.configurable === true && typeof found.value === 'function' && !isConstructor(name))
        replace(holder!, name, found, { ...found, value: wrapOutside(found.value as AnyFunction) });
    }
}

/** Wraps the modules of the table that were loaded since the last look. */
function wrapLoaded(): void {
  if (loadedParts.length === partsSeen) return;
  const loaded = new Set(loadedParts.slice(partsSeen));
  partsSeen = loadedParts.length;
  const ready = waiting.filter(({ on }) => loaded.has(`NativeModule ${MODULE.exec(on)![1]}`));
  if (ready.length === 0) return;
  waiting = waiting.filter((entry) => !ready.includes(entry));
  for (const entry of ready) wrapEntry(entry);
  shareChanges();
}

/** Puts the wrappers in, unless they are in; and around what was loaded meanwhile. Cheap when all is done. */
export function installGuard(): void {
  if (!installed) {
    installed = true;
    installs++;
    partsSeen = 0;
    waiting = SOURCES.filter(({ on }) => MODULE.test(on));
    wrapDate();
    for (const entry of SOURCES) if (!MODULE.test(entry.on)) wrapEntry(entry);
    letPrint();
  }
  wrapLoaded();
}

/**
 * Takes the wrappers out, and puts back the properties that they were found in the place of. One that others
 * have wrapped stays below theirs, and passes everything on outside ticks; their names are returned. The
 * next run that wants a guard puts the wrappers in again.
 */
export function removeGuard(): readonly string[] {
  const left: string[] = [];
  for (const { holder, name, found, put } of patches.reverse()) {
    const now = Object.getOwnPropertyDescriptor(holder, name);
    if (now === undefined || now.value !== put.value || now.get !== put.get) left.push(name);
    else
      Object.defineProperty(holder, name, isKeptValue(found, put) ? { ...found, value: put.get!() } : found);
  }
  patches.length = 0;
  wrapped.length = 0;
  wrappers.clear();
  if (installed) shareChanges();
  installed = false;
  return left;
}

/** Whether a value was made an accessor, which may have been given another since. */
const isKeptValue = (found: PropertyDescriptor, put: PropertyDescriptor): boolean =>
  'value' in found && put.get !== undefined;

/** The sources that are wrapped now. */
export const wrappedSources = (): readonly WrappedSource[] => wrapped;

/** How often the wrappers were put in. */
export const guardInstalls = (): number => installs;
