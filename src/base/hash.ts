/**
 * Hashing primitives: 128-bit xxHash3 for state (it detects change), CRC-32 for metadata (it detects damage).
 *
 * SHA-256, which proves identity, stands in the platform file. xxHash3 runs in WebAssembly, which must be
 * loaded once before the first hash: `loadHash` is awaited by everything that opens or folds a run.
 */
import { createXXHash128, type IHasher } from 'hash-wasm';
import { assert } from './errors.ts';

/** Bytes of a state hash. */
export const STATE_HASH_BYTES = 16;

let hasher: IHasher | null = null;

/** Loads the xxHash3 kernel; cheap when it is loaded already. */
export async function loadHash(): Promise<void> {
  hasher ??= await createXXHash128();
}

/** XXH3-128 of the bytes with seed 0: 16 bytes in canonical (big-endian) order. */
export function xxh128(bytes: Uint8Array): Uint8Array {
  assert(hasher !== null, 'a hash was asked for before loadHash was awaited');
  return hasher.init().update(bytes).digest('binary');
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** CRC-32 (ISO 3309, as in zip and PNG) of a range of bytes. */
export function crc32(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let c = 0xffffffff;
  for (let i = from; i < to; i++) c = CRC_TABLE[(c ^ bytes[i]!) & 255]! ^ (c >>> 8);
  return ~c >>> 0;
}
