/**
 * Hashing primitives: 128-bit xxHash3 for state (it detects change), CRC-32 for metadata (it detects damage).
 *
 * SHA-256, which proves identity, stands in the platform file. xxHash3 runs in WebAssembly, in a kernel that
 * must be loaded once before the first hash: `loadHash` is awaited by everything that opens or folds a run.
 * Owns what is copied into the kernel's memory and out of it.
 */
import { assert, fail } from './errors.ts';
import {
  BLOCK,
  DIGEST_BYTES,
  type HashKernel,
  hashKernel,
  INPUT_AT,
  INPUT_BYTES,
  MAX_DIGESTS,
  OUTPUT_AT,
  STRIPE,
} from './hash-kernel.ts';

/** Bytes of a state hash. */
export const STATE_HASH_BYTES: number = DIGEST_BYTES;

/** What is used of WebAssembly: browsers and every supported Node have it, TypeScript's library does not. */
interface WebAssemblyLike {
  instantiate(bytes: Uint8Array): Promise<{ readonly instance: { readonly exports: unknown } }>;
}

/** The kernel with a view of its memory, which never grows. */
interface Loaded extends HashKernel {
  readonly bytes: Uint8Array;
}

let kernel: Loaded | null = null;

/** Loads the xxHash3 kernel; cheap when it is loaded already. `UNSUPPORTED` where it can't run. */
export async function loadHash(): Promise<void> {
  kernel ??= await load();
}

async function load(): Promise<Loaded> {
  const { WebAssembly } = globalThis as { readonly WebAssembly?: WebAssemblyLike };
  const needed = 'worldfold hashes in WebAssembly with 128-bit vectors: Node 20.11, or a browser since 2023.';
  if (WebAssembly === undefined) return fail('UNSUPPORTED', 'there is no WebAssembly here', {}, needed);
  try {
    const { exports } = (await WebAssembly.instantiate(hashKernel())).instance;
    const { memory, ...functions } = exports as HashKernel;
    return { memory, ...functions, bytes: new Uint8Array(memory.buffer) };
  } catch (cause) {
    return fail('UNSUPPORTED', 'the hash kernel does not run here', {}, needed, cause);
  }
}

function loaded(): Loaded {
  assert(kernel !== null, 'a hash was asked for before loadHash was awaited');
  return kernel;
}

/** XXH3-128 of the bytes with seed 0: 16 bytes in canonical (big-endian) order. */
export function xxh128(bytes: Uint8Array): Uint8Array {
  const digest = new Uint8Array(DIGEST_BYTES);
  xxh128Into(bytes, digest, 0);
  return digest;
}

/** {@link xxh128} of the first `length` bytes, stored in `out` from `at` on. */
export function xxh128Into(
  bytes: Uint8Array,
  out: Uint8Array,
  at: number,
  length: number = bytes.length,
): void {
  hashOne(loaded(), bytes, 0, length, null, out, at);
}

/** Floats whose NaN is given its one bit pattern before it is hashed. */
export type Floats = 'f32' | 'f64';

/**
 * Hashes bytes as leaves of `size` bytes each, the last one of what is left, and stores their digests in
 * `out` from `at` on, 16 bytes a leaf. Where `floats` are named, every NaN among them is first given its one
 * bit pattern (quiet, positive, no payload), in `bytes` as well.
 */
export function xxh128Leaves(
  bytes: Uint8Array,
  size: number,
  floats: Floats | null,
  out: Uint8Array,
  at: number,
): void {
  const k = loaded();
  const atOnce = Math.min(MAX_DIGESTS, Math.floor(INPUT_BYTES / size));
  const whole = Math.floor(bytes.length / size);
  let leaf = 0;
  while (atOnce > 0 && leaf < whole) {
    const count = Math.min(atOnce, whole - leaf);
    put(k, bytes, leaf * size, (leaf + count) * size, floats);
    k.leaves(count, size);
    takeDigests(k, count, out, at + leaf * DIGEST_BYTES);
    leaf += count;
  }
  for (; leaf * size < bytes.length; leaf++) {
    const end = Math.min(bytes.length, (leaf + 1) * size);
    hashOne(k, bytes, leaf * size, end, floats, out, at + leaf * DIGEST_BYTES);
  }
}

function hashOne(
  k: Loaded,
  bytes: Uint8Array,
  from: number,
  to: number,
  floats: Floats | null,
  out: Uint8Array,
  at: number,
): void {
  if (to - from > INPUT_BYTES) hashLong(k, bytes, from, to, floats);
  else {
    put(k, bytes, from, to, floats);
    k.hash(INPUT_AT, to - from, OUTPUT_AT);
  }
  takeDigests(k, 1, out, at);
}

/** An input that comes in pieces. */
function hashLong(k: Loaded, bytes: Uint8Array, from: number, to: number, floats: Floats | null): void {
  const length = to - from;
  k.begin();
  let at = from;
  for (; to - at > INPUT_BYTES; at += INPUT_BYTES) {
    put(k, bytes, at, at + INPUT_BYTES, floats);
    k.blocks(INPUT_AT, INPUT_BYTES / BLOCK);
    // The last stripe of an input may reach back into the piece before.
    k.bytes.copyWithin(INPUT_AT - STRIPE, INPUT_AT + INPUT_BYTES - STRIPE, INPUT_AT + INPUT_BYTES);
  }
  put(k, bytes, at, to, floats);
  // The last block, whole or not, is ended otherwise than the others.
  const blocks = Math.ceil((to - at) / BLOCK) - 1;
  if (blocks > 0) k.blocks(INPUT_AT, blocks);
  const done = blocks * BLOCK;
  k.end(INPUT_AT + done, to - at - done, length % 2 ** 32, Math.floor(length / 2 ** 32), OUTPUT_AT);
}

/** Copies bytes into the kernel's memory, and back where a NaN had to be mended. */
function put(k: Loaded, bytes: Uint8Array, from: number, to: number, floats: Floats | null): void {
  const { bytes: memory } = k;
  memory.set(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to), INPUT_AT);
  if (floats === null) return;
  const mended = floats === 'f64' ? k.canonicalF64(to - from) : k.canonicalF32(to - from);
  if (mended !== 0) bytes.set(memory.subarray(INPUT_AT, INPUT_AT + to - from), from);
}

function takeDigests(k: Loaded, count: number, out: Uint8Array, at: number): void {
  if (count > 4) out.set(k.bytes.subarray(OUTPUT_AT, OUTPUT_AT + count * DIGEST_BYTES), at);
  else for (let i = 0; i < count * DIGEST_BYTES; i++) out[at + i] = k.bytes[OUTPUT_AT + i]!;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** CRC-32 (ISO 3309, as in zip and PNG) of a range of bytes, going on from that of the bytes before. */
export function crc32(bytes: Uint8Array, from = 0, to = bytes.length, before = 0): number {
  let c = ~before;
  for (let i = from; i < to; i++) c = CRC_TABLE[(c ^ bytes[i]!) & 255]! ^ (c >>> 8);
  return ~c >>> 0;
}
