/**
 * Turning numbers into planes of bytes: all first bytes, then all second bytes, and so on.
 *
 * Neighbours in a column differ in their low bytes and agree in their high ones, so that planes compress
 * where numbers do not. Four numbers are turned at once, as a matrix of 4 × 4 bytes in four registers.
 */

/** The 32-bit words of bytes that begin at a multiple of four. */
const wordsOf = (bytes: Uint8Array): Uint32Array =>
  new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);

const EVEN = 0x00ff00ff;
const ODD = 0xff00ff00;
const HIGH = 0xffff0000;

/** Numbers that are turned: those behind the last whole four stay as they are. */
const turned = (bytes: number, width: 4 | 8): number => Math.floor(bytes / width / 4) * 4;

/** Planes of one word of every number: word `word` of `stride`, for `count` numbers. */
function split(from: Uint32Array, into: Uint32Array, count: number, stride: number, word: number): void {
  const quarter = count >> 2;
  let first = word * 4 * quarter;
  const end = first + quarter;
  let second = first + quarter;
  let third = second + quarter;
  let fourth = third + quarter;
  for (let i = word; first < end; i += 4 * stride) {
    const a = from[i]!;
    const b = from[i + stride]!;
    const c = from[i + 2 * stride]!;
    const d = from[i + 3 * stride]!;
    const p = (a & EVEN) | ((b & EVEN) << 8);
    const q = ((a >>> 8) & EVEN) | (b & ODD);
    const r = (c & EVEN) | ((d & EVEN) << 8);
    const s = ((c >>> 8) & EVEN) | (d & ODD);
    into[first++] = (p & 0xffff) | (r << 16);
    into[second++] = (q & 0xffff) | (s << 16);
    into[third++] = (p >>> 16) | (r & HIGH);
    into[fourth++] = (q >>> 16) | (s & HIGH);
  }
}

/** The other way. A matrix that is turned twice is as it was. */
function join(from: Uint32Array, into: Uint32Array, count: number, stride: number, word: number): void {
  const quarter = count >> 2;
  let first = word * 4 * quarter;
  const end = first + quarter;
  let second = first + quarter;
  let third = second + quarter;
  let fourth = third + quarter;
  for (let i = word; first < end; i += 4 * stride) {
    const a = from[first++]!;
    const b = from[second++]!;
    const c = from[third++]!;
    const d = from[fourth++]!;
    const p = (a & EVEN) | ((b & EVEN) << 8);
    const q = ((a >>> 8) & EVEN) | (b & ODD);
    const r = (c & EVEN) | ((d & EVEN) << 8);
    const s = ((c >>> 8) & EVEN) | (d & ODD);
    into[i] = (p & 0xffff) | (r << 16);
    into[i + stride] = (q & 0xffff) | (s << 16);
    into[i + 2 * stride] = (p >>> 16) | (r & HIGH);
    into[i + 3 * stride] = (q >>> 16) | (s & HIGH);
  }
}

/** Bytes of numbers of a width, as planes: a copy. `bytes` begins at a multiple of four. */
export function shuffle(bytes: Uint8Array, width: 4 | 8): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(bytes.length);
  const count = turned(bytes.length, width);
  const words = width >> 2;
  for (let word = 0; word < words; word++) split(wordsOf(bytes), wordsOf(made), count, words, word);
  made.set(bytes.subarray(count * width), count * width);
  return made;
}

/** Writes the numbers of planes into `into`. Both begin at multiples of four and are of one length. */
export function unshuffle(planes: Uint8Array, into: Uint8Array, width: 4 | 8): void {
  const count = turned(planes.length, width);
  const words = width >> 2;
  for (let word = 0; word < words; word++) join(wordsOf(planes), wordsOf(into), count, words, word);
  into.set(planes.subarray(count * width), count * width);
}
