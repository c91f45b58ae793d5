/**
 * Wrappers: what stands in the place of a source and asks where it is called from.
 *
 * Outside a tick a wrapper passes everything on: `this`, arguments, `new.target`, and what belongs to the
 * function itself: name, length, statics, prototype.
 */
import { type AmbientSource, ambient, meet } from '../../base/ambient.ts';

type AnyFunction = (this: unknown, ...given: unknown[]) => unknown;

/** Gives a wrapper all that the function has of its own, save what makes it a constructor. */
function dressed(wrapper: AnyFunction, original: object): AnyFunction {
  for (const key of Reflect.ownKeys(original)) {
    const own = Object.getOwnPropertyDescriptor(wrapper, key);
    if (own === undefined || own.configurable === true)
      Object.defineProperty(wrapper, key, Object.getOwnPropertyDescriptor(original, key)!);
  }
  return wrapper;
}

/** A function that meets the source before it does what it did. */
function wrapFunction(source: AmbientSource, original: AnyFunction): AnyFunction {
  return dressed(
    {
      wrapper(this: unknown, ...given: unknown[]): unknown {
        if (ambient.running !== null) meet(source);
        return Reflect.apply(original, this, given);
      },
    }.wrapper,
    original,
  );
}

/** The same for functions of numbers, which code outside of ticks calls by the million. */
function wrapNumeric(source: AmbientSource, original: AnyFunction): AnyFunction {
  const exact = original as (a: unknown, b?: unknown) => unknown;
  const unary: AnyFunction = (a) => {
    if (ambient.running !== null) meet(source);
    return exact(a);
  };
  const binary: AnyFunction = (a, b) => {
    if (ambient.running !== null) meet(source);
    return exact(a, b);
  };
  return dressed(original.length === 1 ? unary : binary, original);
}

/** A constructor: a proxy, so that statics, subclasses and `instanceof` are those of the class itself. */
function wrapConstructor(source: AmbientSource, original: object): object {
  const made: object = new Proxy(original as new () => object, {
    apply: (target, self, given) => {
      if (ambient.running !== null) meet(source);
      return Reflect.apply(target as unknown as AnyFunction, self, given);
    },
    construct: (target, given, as) => {
      if (ambient.running !== null) meet(source);
      return Reflect.construct(target, given, as === made ? target : as);
    },
  });
  return made;
}

/** Whether a function is a class by its name, as every constructor of the platform is. */
export const isConstructor = (name: string): boolean => /^[A-Z]/.test(name);

function wrapAccessor(source: AmbientSource, { get, set, ...rest }: PropertyDescriptor): PropertyDescriptor {
  return {
    ...rest,
    ...(get && { get: wrapFunction(source, get) }),
    ...(set && { set: wrapFunction(source, set as AnyFunction) }),
  };
}

/** A value becomes an accessor, since reading it is using it. What is assigned is kept and shown. */
function wrapValue(source: AmbientSource, found: PropertyDescriptor): PropertyDescriptor {
  let now: unknown = found.value;
  const set = (next: unknown): void => {
    if (ambient.running !== null) meet(source);
    now = next;
  };
  return {
    configurable: true,
    enumerable: found.enumerable === true,
    get(): unknown {
      if (ambient.running !== null) meet(source);
      return now;
    },
    ...(found.writable === true && { set }),
  };
}

/** What stands in the place of a property, by what the property is. */
export function wrapProperty(
  source: AmbientSource,
  name: string,
  found: PropertyDescriptor,
): PropertyDescriptor {
  if (found.get !== undefined || found.set !== undefined) return wrapAccessor(source, found);
  if (typeof found.value !== 'function') return wrapValue(source, found);
  const original = found.value as AnyFunction;
  if (isConstructor(name)) return { ...found, value: wrapConstructor(source, original) };
  const isNumeric = source.group === 'math' && original.length > 0 && name !== 'hypot';
  return { ...found, value: isNumeric ? wrapNumeric(source, original) : wrapFunction(source, original) };
}

/** A function of the framework's friends: what it does inside is no code of the tick. */
export function wrapOutside(original: AnyFunction): AnyFunction {
  return dressed(
    {
      wrapper(this: unknown, ...given: unknown[]): unknown {
        const { running } = ambient;
        if (running === null) return Reflect.apply(original, this, given);
        ambient.running = null;
        try {
          return Reflect.apply(original, this, given);
        } finally {
          ambient.running = running;
        }
      },
    }.wrapper,
    original,
  );
}
