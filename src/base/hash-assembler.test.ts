import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type Code,
  i32,
  i64,
  leave,
  ModuleWriter,
  repeatWhile,
  seq,
  type ValueType,
  when,
} from './hash-assembler.ts';

interface Instance {
  readonly exports: { readonly memory: { readonly buffer: ArrayBuffer }; f(...given: unknown[]): unknown };
}
const { instantiate } = (
  globalThis as unknown as {
    WebAssembly: { instantiate(bytes: Uint8Array): Promise<{ readonly instance: Instance }> };
  }
).WebAssembly;
const run = async (module: ModuleWriter): Promise<Instance['exports']> =>
  (await instantiate(module.bytes())).instance.exports;

/** A module with one function that gives a value. */
async function given(type: ValueType, code: Code): Promise<unknown> {
  const module = new ModuleWriter(1);
  module.define('f', { params: [], results: [type] }, () => code);
  return (await run(module)).f();
}

it('constants of any size are what they were', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n }),
      fc.integer(),
      async (wide, narrow) => {
        expect(await given('i64', i64.const(wide))).toBe(BigInt.asIntN(64, wide));
        expect(await given('i32', i32.const(narrow))).toBe(narrow);
      },
    ),
    {
      examples: [
        [63n, 63],
        [64n, 64],
        [-64n, -64],
        [-65n, -65],
        [0xffffffffn, -1],
        [1n << 63n, 1 << 31],
      ],
    },
  );
});

it('loops, branches and early ends do as they say', async () => {
  const module = new ModuleWriter(1);
  // The sum of the odd numbers below n, or 7 for 0.
  module.define('f', { params: ['i32'], results: ['i32'] }, (v, n) => {
    const [sum, i] = [v.local('i32'), v.local('i32')];
    const isOdd = i32.and(i, i32.const(1));
    return seq(
      when(i32.ltU(n, i32.const(1)), seq(i32.const(7), leave)),
      repeatWhile(
        seq(
          when(isOdd, sum.set(i32.add(sum, i)), sum.set(i32.add(sum, i32.const(0)))),
          i.set(i32.add(i, i32.const(1))),
        ),
        i32.ltU(i, n),
      ),
      sum,
    );
  });
  const { f } = await run(module);
  expect([0, 1, 2, 10, 200].map((n) => f(n))).toEqual([7, 0, 1, 25, 10_000]);
});

it('functions call what was defined before them, and memory begins as it was filled', async () => {
  const module = new ModuleWriter(1);
  module.place(300, [1, 2, 3, 4, 5, 6, 7, 8]);
  const twice = module.define(null, { params: ['i64'], results: ['i64'] }, (_, x) => i64.add(x, x));
  module.define('f', { params: ['i32'], results: ['i64'] }, (_, at) => twice(i64.load(at, 298)));
  const { f, memory } = await run(module);
  expect(f(2)).toBe(0x100e0c0a08060402n);
  expect(memory.buffer.byteLength).toBe(65536);
});
