/**
 * XXH3-128 with seed 0 and the default secret, as a WebAssembly module.
 *
 * Owns the layout of the module's memory, inputs of more than 240 bytes, and the one bit pattern of NaN; what
 * goes in and what comes out is in hash.ts. Written from the specification that hash-arithmetic.ts names. A
 * digest is 16 bytes in canonical order, the high half first.
 */
import { Arithmetic, PRIMES, SECRET_BYTES, secret, secret64, times } from './hash-arithmetic.ts';
import {
  type Code,
  i32,
  i64,
  type Local,
  ModuleWriter,
  type Operator,
  repeatWhile,
  seq,
  type Variables,
  v128,
  when,
} from './hash-assembler.ts';
import { defineMedium, defineSmall, HASHING } from './hash-short.ts';

const { PRIME32_1, PRIME32_2, PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME64_5 } = PRIMES;

/** Where input goes. The 64 bytes before it hold the end of the piece before, where there is one. */
export const INPUT_AT = 8192;
/** Bytes of input that fit at once: a multiple of a block. */
export const INPUT_BYTES = 1 << 17;
/** Bytes of a digest. */
export const DIGEST_BYTES = 16;
/** Where digests come out. */
export const OUTPUT_AT = 1024;
/** How many digests fit at once. */
export const MAX_DIGESTS = 256;
/** Bytes of a stripe. */
export const STRIPE = 64;
/** Bytes of a block: pieces of a long input, but for the last one, are whole blocks. */
export const BLOCK = 1024;

const BLOCK_SHIFT = 10;
const PAGE = 65536;
/** The secret stands at the start of memory: offsets into it are addresses. */
const ACCUMULATORS_AT = 256;
const STRIPES_OF_BLOCK = 16;

const NEIGHBOURS_SWAPPED = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
const LOWER_HALVES = [0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27];
const UPPER_HALVES = [4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31];

type Pair = readonly [Local, Local];
const pair = (v: Variables): Pair => [v.local('v128'), v.local('v128')];

/** The eight accumulators of a long input, two a vector. Between pieces they are in memory. */
class Accumulators {
  private readonly pairs: readonly [Pair, Pair];
  private readonly vectors: readonly Local[];
  private readonly data: Pair;
  private readonly halves: Pair;

  constructor(v: Variables) {
    this.pairs = [pair(v), pair(v)];
    this.vectors = this.pairs.flat();
    this.data = pair(v);
    this.halves = pair(v);
  }

  load(): Code {
    return seq(...this.vectors.map((acc, i) => acc.set(v128.load(i32.const(ACCUMULATORS_AT), i * 16))));
  }

  store(): Code {
    return seq(...this.vectors.map((acc, i) => v128.store(i32.const(ACCUMULATORS_AT), acc, i * 16)));
  }

  /** One stripe with 64 bytes of the secret, each at an address and an offset. */
  accumulate(stripe: Code, offset: number, secret: Code, secretOffset: number): Code {
    return seq(
      ...this.pairs.map((accs, i) =>
        this.half(
          accs,
          (n) => v128.load(stripe, offset + i * 32 + n * 16),
          (n) => v128.load(secret, secretOffset + i * 32 + n * 16),
        ),
      ),
    );
  }

  /** Two vectors at once, since a multiplication takes its factors from one half of each of two. */
  private half([one, two]: Pair, stripe: (n: number) => Code, secret: (n: number) => Code): Code {
    const [a, b] = this.data;
    const [lower, upper] = this.halves;
    return seq(
      a.set(stripe(0)),
      b.set(stripe(1)),
      one.set(v128.addX2(one, v128.shuffle(a, a, NEIGHBOURS_SWAPPED))),
      two.set(v128.addX2(two, v128.shuffle(b, b, NEIGHBOURS_SWAPPED))),
      a.set(v128.xor(a, secret(0))),
      b.set(v128.xor(b, secret(1))),
      lower.set(v128.shuffle(a, b, LOWER_HALVES)),
      upper.set(v128.shuffle(a, b, UPPER_HALVES)),
      one.set(v128.addX2(one, v128.mulLowX4(lower, upper))),
      two.set(v128.addX2(two, v128.mulHighX4(lower, upper))),
    );
  }

  /** What ends a block. */
  scramble(): Code {
    const secret = (i: number): Code => v128.load(i32.const(0), SECRET_BYTES - STRIPE + i * 16);
    return seq(
      ...this.vectors.map((acc, i) =>
        seq(
          acc.set(v128.xor(v128.xor(acc, v128.shrX2(acc, i32.const(47))), secret(i))),
          acc.set(v128.mulX2(acc, v128.splat64(i64.const(PRIME32_1)))),
        ),
      ),
    );
  }

  /** Half a digest: products of neighbours, keyed with 64 bytes of the secret, added up. */
  merge(start: Code, secretAt: number, { fold, avalanche }: Arithmetic): Code {
    const keyed = (i: number): Code =>
      i64.xor(v128.lane64(this.vectors[i >> 1]!, i & 1), i64.const(secret64(secretAt + i * 8)));
    const sum = [0, 2, 4, 6].reduce((code, i) => i64.add(code, fold(keyed(i), keyed(i + 1))), start);
    return avalanche(sum);
  }
}

interface Long {
  readonly begin: Operator;
  readonly blocks: Operator;
  readonly end: Operator;
}

/** Where the rest is, its bytes, the bytes of the whole input in two halves, and where the digest goes. */
const ENDING = { params: ['i32', 'i32', 'i32', 'i32', 'i32'], results: [] } as const;

/** Inputs of more than 240 bytes: begun, all blocks but the last, and the last, which is never empty. */
function defineLong(module: ModuleWriter, arithmetic: Arithmetic): Long {
  const starts = [
    [PRIME32_3, PRIME64_1],
    [PRIME64_2, PRIME64_3],
    [PRIME64_4, PRIME32_2],
    [PRIME64_5, PRIME32_1],
  ] as const;
  const begin = module.define('begin', { params: [], results: [] }, () =>
    seq(...starts.flat().map((prime, i) => i64.store(i32.const(ACCUMULATORS_AT), i64.const(prime), i * 8))),
  );
  const blocks = module.define('blocks', { params: ['i32', 'i32'], results: [] }, (v, at, count) => {
    const acc = new Accumulators(v);
    const stripes = Array.from({ length: STRIPES_OF_BLOCK }, (_, n) =>
      acc.accumulate(at, n * STRIPE, i32.const(0), n * 8),
    );
    return seq(
      acc.load(),
      repeatWhile(
        seq(
          ...stripes,
          acc.scramble(),
          at.set(i32.add(at, i32.const(BLOCK))),
          count.set(i32.sub(count, i32.const(1))),
        ),
        count,
      ),
      acc.store(),
    );
  });
  const end = module.define('end', ENDING, (v, at, left, low, high, out) => {
    const acc = new Accumulators(v);
    const [stripes, secretAt, lastStripe] = [v.local('i32'), v.local('i32'), v.local('i32')];
    const total = i64.or(i64.extend(low), i64.shl(i64.extend(high), i64.const(32n)));
    return seq(
      acc.load(),
      lastStripe.set(i32.sub(i32.add(at, left), i32.const(STRIPE))),
      stripes.set(i32.shrU(i32.sub(left, i32.const(1)), i32.const(6))),
      when(
        stripes,
        repeatWhile(
          seq(
            acc.accumulate(at, 0, secretAt, 0),
            at.set(i32.add(at, i32.const(STRIPE))),
            secretAt.set(i32.add(secretAt, i32.const(8))),
            stripes.set(i32.sub(stripes, i32.const(1))),
          ),
          stripes,
        ),
      ),
      acc.accumulate(lastStripe, 0, i32.const(0), SECRET_BYTES - 71),
      arithmetic.storeDigest(
        out,
        acc.merge(times(total, PRIME64_1), 11, arithmetic),
        acc.merge(i64.xor(times(total, PRIME64_2), i64.const(-1n)), SECRET_BYTES - 75, arithmetic),
      ),
    );
  });
  return { begin, blocks, end };
}

/** An input that is in memory as a whole. */
function defineHash(module: ModuleWriter, arithmetic: Arithmetic): Operator {
  const small = defineSmall(module, arithmetic);
  const medium = defineMedium(module, arithmetic);
  const { begin, blocks, end } = defineLong(module, arithmetic);
  return module.define('hash', HASHING, (v, from, length, out) => {
    const count = v.local('i32');
    const inBlocks = i32.shl(count, i32.const(BLOCK_SHIFT));
    const given = [from, length, out];
    const upTo = (bytes: number): Code => i32.ltU(length, i32.const(bytes + 1));
    const rest = i32.sub(length, inBlocks);
    return when(
      upTo(240),
      when(upTo(16), small(...given), medium(...given)),
      seq(
        begin(),
        count.set(i32.shrU(i32.sub(length, i32.const(1)), i32.const(BLOCK_SHIFT))),
        when(count, blocks(from, count)),
        end(i32.add(from, inBlocks), rest, length, i32.const(0), out),
      ),
    );
  });
}

/** Inputs of one length that stand one after the other, from {@link INPUT_AT} on: how many, how long. */
function defineLeaves(module: ModuleWriter, hash: Operator): void {
  module.define('leaves', { params: ['i32', 'i32'], results: [] }, (v, count, length) => {
    const [from, out] = [v.local('i32'), v.local('i32')];
    return seq(
      from.set(i32.const(INPUT_AT)),
      out.set(i32.const(OUTPUT_AT)),
      repeatWhile(
        seq(
          hash(from, length, out),
          from.set(i32.add(from, length)),
          out.set(i32.add(out, i32.const(DIGEST_BYTES))),
          count.set(i32.sub(count, i32.const(1))),
        ),
        count,
      ),
    );
  });
}

/**
 * Gives every NaN in so many bytes from {@link INPUT_AT} on its one bit pattern; gives 1 where one had
 * another. What follows the bytes, up to 63 of them, is looked at and mended as well.
 */
function defineCanonical(module: ModuleWriter, name: string, differ: Operator, nan: Code): void {
  module.define(name, { params: ['i32'], results: ['i32'] }, (v, bytes) => {
    const values = [0, 1, 2, 3].map(() => v.local('v128'));
    const [canonical, mended] = [v.local('v128'), v.local('v128')];
    const [at, found] = [v.local('i32'), v.local('i32')];
    const isNot = (value: Local): Code => differ(value, value);
    const mend = (value: Local, i: number): Code =>
      seq(
        mended.set(v128.select(canonical, value, isNot(value))),
        found.set(i32.or(found, v128.anyTrue(v128.xor(mended, value)))),
        v128.store(at, mended, INPUT_AT + i * 16),
      );
    return seq(
      canonical.set(nan),
      repeatWhile(
        seq(
          ...values.map((value, i) => value.set(v128.load(at, INPUT_AT + i * 16))),
          when(
            v128.anyTrue(values.map(isNot).reduce((any, one) => v128.or(any, one))),
            seq(...values.map(mend)),
          ),
          at.set(i32.add(at, i32.const(STRIPE))),
        ),
        i32.ltU(at, bytes),
      ),
      found,
    );
  });
}

/** The bytes of the module. */
export function hashKernel(): Uint8Array<ArrayBuffer> {
  // Mending looks at whole stripes.
  const module = new ModuleWriter(Math.ceil((INPUT_AT + INPUT_BYTES + STRIPE) / PAGE));
  module.place(0, [...secret]);
  defineLeaves(module, defineHash(module, new Arithmetic(module)));
  defineCanonical(module, 'canonicalF64', v128.f64x2Ne, v128.splat64(i64.const(0x7ff8000000000000n)));
  defineCanonical(module, 'canonicalF32', v128.f32x4Ne, v128.splat32(i32.const(0x7fc00000)));
  return module.bytes();
}

/** What the module exports, typed. Addresses and lengths are in bytes. */
export interface HashKernel {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Hashes an input of at most {@link INPUT_BYTES}. */
  hash(from: number, length: number, out: number): void;
  /** Hashes neighbours of one length, from {@link INPUT_AT}, into {@link OUTPUT_AT}. */
  leaves(count: number, length: number): void;
  /** Begins a longer input, of which whole blocks follow. */
  begin(): void;
  blocks(from: number, count: number): void;
  /** Ends it with its last block, of 1 to 1024 bytes; the 64 before them must be those that preceded it. */
  end(from: number, left: number, totalLow: number, totalHigh: number, out: number): void;
  canonicalF64(bytes: number): number;
  canonicalF32(bytes: number): number;
}
