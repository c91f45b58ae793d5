/**
 * XXH3-128 of short inputs: 0 to 16 bytes, and 17 to 240.
 */

import {
  type Arithmetic,
  flip32,
  flip64,
  lowHalf,
  mixed,
  PRIMES,
  secret64,
  times,
} from './hash-arithmetic.ts';
import {
  type Code,
  i32,
  i64,
  type Local,
  leave,
  type ModuleWriter,
  type Operator,
  seq,
  type Variables,
  when,
} from './hash-assembler.ts';

const { PRIME_MX2, PRIME32_2, PRIME64_1, PRIME64_2, PRIME64_4 } = PRIMES;

/** From where, how many bytes, and where the digest goes. */
export const HASHING = { params: ['i32', 'i32', 'i32'], results: [] } as const;

/** Inputs of 0 to 16 bytes. */
export function defineSmall(module: ModuleWriter, a: Arithmetic): Operator {
  const { avalanche, avalancheXXH64, storeDigest } = a;
  return module.define(null, HASHING, (v, from, length, out) => {
    const [low, high, value] = [v.local('i64'), v.local('i64'), v.local('i64')];
    const at = from;
    const last = (bytes: number): Code => i32.sub(i32.add(at, length), i32.const(bytes));
    const atLeast = (bytes: number, then: Code): Code => when(i32.ltU(i32.const(bytes - 1), length), then);
    const give = seq(storeDigest(out, low, high), leave);
    const wide = i64.extend(length);
    return seq(
      atLeast(
        9,
        seq(
          value.set(i64.load(last(8))),
          high.set(i64.xor(i64.xor(flip64(32), i64.load(at)), value)),
          value.set(i64.xor(value, flip64(48))),
          low.set(i64.add(times(high, PRIME64_1), i64.shl(i64.sub(wide, i64.const(1n)), i64.const(54n)))),
          high.set(
            i64.add(
              i64.add(a.mulHigh(high, i64.const(PRIME64_1)), value),
              times(lowHalf(value), PRIME32_2 - 1n),
            ),
          ),
          low.set(i64.xor(low, a.bswap64(high))),
          high.set(i64.add(a.mulHigh(low, i64.const(PRIME64_2)), times(high, PRIME64_2))),
          low.set(avalanche(times(low, PRIME64_2))),
          high.set(avalanche(high)),
          give,
        ),
      ),
      atLeast(
        4,
        seq(
          value.set(i64.or(i64.load32(at), i64.shl(i64.load32(last(4)), i64.const(32n)))),
          value.set(i64.xor(value, flip64(16))),
          high.set(i64.add(i64.const(PRIME64_1), i64.shl(wide, i64.const(2n)))),
          low.set(i64.mul(value, high)),
          high.set(i64.add(a.mulHigh(value, high), i64.shl(low, i64.const(1n)))),
          low.set(i64.xor(low, i64.shrU(high, i64.const(3n)))),
          low.set(times(mixed(low, 35n), PRIME_MX2)),
          low.set(mixed(low, 28n)),
          high.set(avalanche(high)),
          give,
        ),
      ),
      atLeast(1, seq(few(v, from, length, low, high, avalancheXXH64), give)),
      storeDigest(out, avalancheXXH64(flip64(64)), avalancheXXH64(flip64(80))),
    );
  });
}

/** Inputs of 1 to 3 bytes. */
function few(
  v: Variables,
  from: Local,
  length: Local,
  low: Local,
  high: Local,
  avalancheXXH64: Operator,
): Code {
  const bits = v.local('i32');
  const byte = (at: Code, shift: number): Code => i32.shl(i32.load8(i32.add(from, at)), i32.const(shift));
  const rotated = (by: number): Code => i32.rotl(bits, i32.const(by));
  const swapped = i32.or(
    i32.and(rotated(8), i32.const(0x00ff00ff)),
    i32.and(rotated(24), i32.const(0xff00ff00 | 0)),
  );
  return seq(
    bits.set(
      i32.or(
        i32.or(byte(i32.sub(length, i32.const(1)), 0), i32.shl(length, i32.const(8))),
        i32.or(byte(i32.const(0), 16), byte(i32.shrU(length, i32.const(1)), 24)),
      ),
    ),
    low.set(avalancheXXH64(i64.xor(flip32(0), i64.extend(bits)))),
    high.set(avalancheXXH64(i64.xor(flip32(8), i64.extend(i32.rotl(swapped, i32.const(13)))))),
  );
}

/** Inputs of 17 to 240 bytes. */
export function defineMedium(module: ModuleWriter, { fold, avalanche, storeDigest }: Arithmetic): Operator {
  return module.define(null, HASHING, (v, from, length, out) => {
    const acc = [v.local('i64'), v.local('i64')] as const;
    const end = v.local('i32');
    const mixStep = (data: Code, offset: number, secret: number): Code =>
      fold(
        i64.xor(i64.load(data, offset), i64.const(secret64(secret))),
        i64.xor(i64.load(data, offset + 8), i64.const(secret64(secret + 8))),
      );
    type Chunk = readonly [base: Code, offset: number];
    const sum = ([base, offset]: Chunk): Code => i64.add(i64.load(base, offset), i64.load(base, offset + 8));
    const mixTwoChunks = (one: Chunk, two: Chunk, secret: number): Code =>
      seq(
        acc[0].set(i64.xor(i64.add(acc[0], mixStep(...one, secret)), sum(two))),
        acc[1].set(i64.xor(i64.add(acc[1], mixStep(...two, secret + 16)), sum(one))),
      );
    const longer = (bytes: number, then: Code): Code => when(i32.ltU(i32.const(bytes), length), then);
    // `end` is 128 bytes before the end, so that offsets from it are not negative.
    const round = (i: number): Code => mixTwoChunks([from, i * 16], [end, 112 - i * 16], i * 32);
    const straight = (i: number, secret: number): Code =>
      mixTwoChunks([from, i * 32], [from, i * 32 + 16], secret);
    const wide = i64.extend(length);
    return seq(
      acc[0].set(times(wide, PRIME64_1)),
      end.set(i32.sub(i32.add(from, length), i32.const(128))),
      when(
        i32.ltU(i32.const(128), length),
        seq(
          ...[0, 1, 2, 3].map((i) => straight(i, i * 32)),
          acc[0].set(avalanche(acc[0])),
          acc[1].set(avalanche(acc[1])),
          ...[4, 5, 6].map((i) => longer(i * 32 + 31, straight(i, (i - 4) * 32 + 3))),
          mixTwoChunks([end, 112], [end, 96], 103),
        ),
        seq(longer(96, round(3)), longer(64, round(2)), longer(32, round(1)), round(0)),
      ),
      storeDigest(
        out,
        avalanche(i64.add(acc[0], acc[1])),
        i64.sub(
          i64.const(0n),
          avalanche(
            i64.add(i64.add(times(acc[0], PRIME64_1), times(acc[1], PRIME64_4)), times(wide, PRIME64_2)),
          ),
        ),
      ),
    );
  });
}
