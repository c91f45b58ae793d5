/**
 * Prints, as JSON, every function and accessor that this Node offers by name: on the global object, on what
 * hangs from it, and in its modules. It runs in a process of its own, where no test library has added any.
 */
import { builtinModules, createRequire } from 'node:module';

const load = createRequire(import.meta.url);
/** @type {Set<string>} */
const found = new Set();
const seen = new Set();
const OF_EVERY_FUNCTION = ['length', 'name', 'prototype', 'caller', 'arguments', 'constructor'];

/** @param {unknown} value @returns {value is object} */
const isHolder = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';

/**
 * The members of a holder, and what hangs from them down to a depth of two names.
 *
 * @param {string} path @param {object} holder @param {number} depth
 */
function look(path, holder, depth) {
  if (seen.has(holder)) return;
  seen.add(holder);
  for (const name of Object.getOwnPropertyNames(holder)) {
    if (OF_EVERY_FUNCTION.includes(name) && typeof holder === 'function') continue;
    if (name === 'constructor') continue;
    const property = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(holder, name));
    const full = path === 'globalThis' ? name : `${path}.${name}`;
    // What process holds tells of the machine, be it a function or not.
    if (property.get !== undefined || typeof property.value === 'function' || path === 'process')
      found.add(full);
    // Only the global object's own accessors are read: they are modules of Node that load when needed.
    const value =
      property.get !== undefined && path === 'globalThis' ? Reflect.get(holder, name) : property.value;
    if (depth > 0 && isHolder(value)) lookInto(full, value, depth - 1);
  }
}

/** @param {string} path @param {object} value @param {number} depth */
function lookInto(path, value, depth) {
  look(path, value, depth);
  const below = typeof value === 'function' ? Reflect.get(value, 'prototype') : Object.getPrototypeOf(value);
  if (!isHolder(below) || below === Object.prototype || below === Function.prototype) return;
  const name = typeof value === 'function' ? path : below.constructor?.name;
  if (name) look(`${name}.prototype`, below, 0);
}

process.removeAllListeners('warning');
process.on('warning', () => {});
look('globalThis', globalThis, 2);
lookInto('TypedArray', Object.getPrototypeOf(Uint8Array), 0);
for (const module of new Set([...builtinModules, 'sea', 'sqlite', 'test', 'test/reporters'])) {
  const name = module.replace(/^node:/, '');
  if (name.startsWith('_')) continue;
  try {
    const exported = load(`node:${name}`);
    seen.delete(exported);
    look(`node:${name}`, exported, 0);
    if (Object.getOwnPropertyNames(exported).length > 0) found.add(`node:${name}`);
  } catch (e) {
    if (/** @type {{ code?: string }} */ (e).code !== 'ERR_UNKNOWN_BUILTIN_MODULE') throw e;
  }
}
process.stdout.write(
  JSON.stringify({ major: Number(process.versions.node.split('.')[0]), found: [...found].sort() }),
);
