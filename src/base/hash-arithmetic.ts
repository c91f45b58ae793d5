/**
 * The arithmetic of XXH3: its primes, its secret, and the functions that every length of input shares.
 *
 * Names and constants are those of the specification,
 * https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md.
 */
import {
  type Code,
  i64,
  type Local,
  type ModuleWriter,
  type Operator,
  seq,
  type Variables,
  v128,
} from './hash-assembler.ts';

/** Primes of the specification. */
export const PRIMES = {
  PRIME32_1: 0x9e3779b1n,
  PRIME32_2: 0x85ebca77n,
  PRIME32_3: 0xc2b2ae3dn,
  PRIME64_1: 0x9e3779b185ebca87n,
  PRIME64_2: 0xc2b2ae3d27d4eb4fn,
  PRIME64_3: 0x165667b19e3779f9n,
  PRIME64_4: 0x85ebca77c2b2ae63n,
  PRIME64_5: 0x27d4eb2f165667c5n,
  PRIME_MX1: 0x165667919e3779f9n,
  PRIME_MX2: 0x9fb21c651e98df25n,
} as const;
const { PRIME64_2, PRIME64_3, PRIME_MX1 } = PRIMES;

/** Bytes of the default secret. */
export const SECRET_BYTES = 192;
const SECRET = `
  b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221
  b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8
  a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb
  170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e`;

/** The default secret. */
export const secret = Uint8Array.from(SECRET.match(/[0-9a-f]{2}/g)!, (pair) => Number.parseInt(pair, 16));
const secretView = new DataView(secret.buffer);
/** 64 bits of the secret from a place on, which are constants here. */
export const secret64 = (at: number): bigint => secretView.getBigUint64(at, true);
const secret32 = (at: number): bigint => BigInt(secretView.getUint32(at, true));
/** Two words of the secret over each other. */
export const flip64 = (at: number): Code => i64.const(secret64(at) ^ secret64(at + 8));
/** Two halves of words. */
export const flip32 = (at: number): Code => i64.const(secret32(at) ^ secret32(at + 4));

const LOW_HALF = i64.const(0xffffffffn);
/** The lower 32 bits. */
export const lowHalf = (value: Code): Code => i64.and(value, LOW_HALF);
/** The upper 32 bits. */
const highHalf = (value: Code): Code => i64.shrU(value, i64.const(32n));
/** The value times a constant. */
export const times = (value: Code, factor: bigint): Code => i64.mul(value, i64.const(factor));
/** The value with its own upper bits over its lower ones. */
export const mixed = (value: Local, by: bigint): Code => i64.xor(value, i64.shrU(value, i64.const(by)));

const BACKWARDS = Array.from({ length: 16 }, (_, i) => 15 - i);
const ONE_TO_ONE = { params: ['i64'], results: ['i64'] } as const;
const TWO_TO_ONE = { params: ['i64', 'i64'], results: ['i64'] } as const;

/** The upper 64 bits of a product, from four products of halves. */
function upperProduct(v: Variables, a: Local, b: Local): Code {
  const [cross, highLow] = [v.local('i64'), v.local('i64')];
  const lowLow = i64.mul(lowHalf(a), lowHalf(b));
  const lowHigh = i64.mul(lowHalf(a), highHalf(b));
  return seq(
    highLow.set(i64.mul(highHalf(a), lowHalf(b))),
    cross.set(i64.add(i64.add(highHalf(lowLow), lowHalf(highLow)), lowHigh)),
    i64.add(i64.add(highHalf(highLow), highHalf(cross)), i64.mul(highHalf(a), highHalf(b))),
  );
}

/** Functions that the parts of the algorithm share. */
export class Arithmetic {
  /** The upper 64 bits of a product of 64 by 64. */
  readonly mulHigh: Operator;
  /** Both halves of such a product, one over the other. */
  readonly fold: Operator;
  readonly avalanche: Operator;
  readonly avalancheXXH64: Operator;
  readonly bswap64: Operator;
  /** Stores a digest: address, low half, high half. */
  readonly storeDigest: Operator;

  constructor(module: ModuleWriter) {
    this.mulHigh = module.define(null, TWO_TO_ONE, upperProduct);
    this.fold = module.define(null, TWO_TO_ONE, (v, a, b) => i64.xor(i64.mul(a, b), upperProduct(v, a, b)));
    this.avalanche = module.define(null, ONE_TO_ONE, (_, x) =>
      seq(x.set(mixed(x, 37n)), x.set(times(x, PRIME_MX1)), mixed(x, 32n)),
    );
    this.avalancheXXH64 = module.define(null, ONE_TO_ONE, (_, x) =>
      seq(
        x.set(mixed(x, 33n)),
        x.set(times(x, PRIME64_2)),
        x.set(mixed(x, 29n)),
        x.set(times(x, PRIME64_3)),
        mixed(x, 32n),
      ),
    );
    this.bswap64 = module.define(null, ONE_TO_ONE, (v, x) => {
      const vector = v.local('v128');
      const swapped = v128.shuffle(vector, vector, BACKWARDS);
      return seq(vector.set(v128.splat64(x)), v128.lane64(swapped, 0));
    });
    this.storeDigest = module.define(
      null,
      { params: ['i32', 'i64', 'i64'], results: [] },
      (v, out, low, high) => {
        const digest = v.local('v128');
        return seq(
          digest.set(v128.withLane64(v128.splat64(low), 1, high)),
          v128.store(out, v128.shuffle(digest, digest, BACKWARDS)),
        );
      },
    );
  }
}
