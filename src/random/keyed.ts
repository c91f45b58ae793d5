/**
 * Keyed draws: cursors over Threefry blocks, each a pure function of its stream's key and its own counter.
 *
 * The counter of a block, as four 32-bit words: [domain · 2^30 + index of the block, key low, key high,
 * ordinal]. The domain keeps apart keys that would share 64 bits. A block makes two draws of 53 bits. Owns
 * the counter's layout and the meaning of user keys; which streams exist is `streams.ts`.
 */
import type { Cursor, Rng } from '../base/draws.ts';
import { fail } from '../base/errors.ts';
import { Draws } from './cursor.ts';
import { checkText, digest, type Purpose, wordOf } from './digest.ts';
import { parityOf, threefry } from './threefry.ts';

/** The upper two bits of a counter's first word. */
const DOMAIN = { whole: 0, negative: 1 << 30, text: 2 << 30, sequence: 3 << 30 } as const;
const BLOCKS = 2 ** 30;

/** For how long draws may be made: the tick, or the call of a handler, that asked for the stream. */
export interface Lifetime {
  open: boolean;
}

/** A lifetime without an end. */
export const ENDLESS: Lifetime = { open: true };

/** Refuses a draw from a stream that was kept beyond its time. */
export function drawnLate(): never {
  return fail(
    'BAD_USAGE',
    'a stream was drawn from after the call that it was made for',
    {},
    'Ask for rng(…) in each call: what was kept would draw otherwise in a run that was reopened.',
  );
}

/** The Threefry key of one stream, digested at the first draw, and the count of draws made under it. */
export class StreamKey {
  k0 = 0;
  k1 = 0;
  k2 = 0;
  k3 = 0;
  k4 = 0;
  /** Draws taken so far by every cursor of this key. */
  draws = 0;
  made = false;
  private readonly purpose: Purpose;
  private readonly parts: readonly string[];

  constructor(purpose: Purpose, parts: readonly string[]) {
    this.purpose = purpose;
    this.parts = parts;
  }

  make(): void {
    const bytes = digest(this.purpose, ...this.parts);
    this.k0 = wordOf(bytes, 0);
    this.k1 = wordOf(bytes, 1);
    this.k2 = wordOf(bytes, 2);
    this.k3 = wordOf(bytes, 3);
    this.k4 = parityOf(this.k0, this.k1, this.k2, this.k3);
    this.made = true;
  }
}

/** The draws of one key: any number of cursors of one key draw the same values. */
export class KeyedCursor extends Draws {
  w0 = 0;
  w1 = 0;
  w2 = 0;
  w3 = 0;
  private half = false;
  private block = 0;
  protected readonly stream: StreamKey;
  private readonly domain: number;
  private readonly low: number;
  private readonly high: number;
  protected readonly ordinal: number;
  protected readonly life: Lifetime;

  constructor(
    stream: StreamKey,
    domain: number,
    low: number,
    high: number,
    ordinal: number,
    life: Lifetime = ENDLESS,
  ) {
    super();
    this.stream = stream;
    this.domain = domain;
    this.low = low;
    this.high = high;
    this.ordinal = ordinal;
    this.life = life;
  }

  protected draw(): number {
    const stream = this.stream;
    if (!this.life.open) drawnLate();
    stream.draws++;
    if (this.half) {
      this.half = false;
      return (this.w2 >>> 5) * 2 ** 26 + (this.w3 >>> 6);
    }
    if (this.block === BLOCKS)
      fail('BAD_USAGE', 'a cursor gives at most 2^31 draws', {}, 'Spread the draws over several keys.');
    if (!stream.made) stream.make();
    threefry(stream, this.domain | this.block++, this.low, this.high, this.ordinal, this);
    this.half = true;
    return (this.w0 >>> 5) * 2 ** 26 + (this.w1 >>> 6);
  }
}

/**
 * The stream of one applied event: draws in sequence from Threefry too, since making one must cost nothing.
 */
export class EventRng extends KeyedCursor implements Rng {
  private readonly texts: TextKeys;

  constructor(stream: StreamKey, ordinal: number, texts: TextKeys, life: Lifetime) {
    super(stream, DOMAIN.sequence, 0, 0, ordinal, life);
    this.texts = texts;
  }

  of(key: number | bigint | string): Cursor {
    return cursorOf(this.stream, key, this.ordinal, this.texts, this.life);
  }
}

/**
 * A cursor at the beginning of a key's draws. Numbers and bigints of one value are one key; `BAD_USAGE` for
 * a number that is not whole or not within ±2^53, a bigint outside -2^63 … 2^64 - 1 (nothing wraps), or a
 * malformed text.
 */
export function cursorOf(
  stream: StreamKey,
  key: number | bigint | string,
  ordinal: number,
  texts: TextKeys,
  life: Lifetime,
): KeyedCursor {
  if (typeof key === 'number') {
    if ((key | 0) === key && key >= 0)
      return new KeyedCursor(stream, DOMAIN.whole, key | 0, 0, ordinal, life);
    return cursorOfNumber(stream, key, ordinal, life);
  }
  if (typeof key === 'bigint') return cursorOfBigint(stream, key, ordinal, life);
  const { low, high } = texts.wordsOf(key);
  return new KeyedCursor(stream, DOMAIN.text, low, high, ordinal, life);
}

function cursorOfNumber(stream: StreamKey, key: number, ordinal: number, life: Lifetime): KeyedCursor {
  if (!Number.isSafeInteger(key))
    fail(
      'BAD_USAGE',
      `${key} is no key`,
      { key },
      'A number key is whole and within ±2^53; else use a text.',
    );
  const domain = key < 0 ? DOMAIN.negative : DOMAIN.whole;
  return new KeyedCursor(stream, domain, key | 0, Math.floor(key / 2 ** 32) | 0, ordinal, life);
}

function cursorOfBigint(stream: StreamKey, key: bigint, ordinal: number, life: Lifetime): KeyedCursor {
  const near = Number(key);
  if (Number.isSafeInteger(near)) return cursorOfNumber(stream, near, ordinal, life);
  if (key < -(2n ** 63n) || key >= 2n ** 64n)
    fail(
      'BAD_USAGE',
      `${key} is no key`,
      { key },
      'A bigint key lies from -2^63 to 2^64 - 1; else use a text.',
    );
  const domain = key < 0n ? DOMAIN.negative : DOMAIN.whole;
  const low = Number(BigInt.asIntN(32, key));
  return new KeyedCursor(stream, domain, low, Number(BigInt.asIntN(32, key >> 32n)), ordinal, life);
}

interface TextWords {
  readonly low: number;
  readonly high: number;
}

/**
 * Text keys as 64 bits of their digest; the last ones are remembered, as worlds ask for the same ones every
 * tick.
 */
export class TextKeys {
  private readonly most: number;
  private readonly known = new Map<string, TextWords>();

  constructor(most = 65_536) {
    this.most = most;
  }

  wordsOf(key: string): TextWords {
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const bytes = digest('text key', checkText(key, 'key'));
    const words = { low: wordOf(bytes, 0), high: wordOf(bytes, 1) };
    if (this.known.size >= this.most) this.known.clear();
    this.known.set(key, words);
    return words;
  }
}
