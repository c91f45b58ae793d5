/**
 * The named streams of a run: which draws exist, what keys them, how many were made.
 *
 * No generator state is ever saved: a stream begins anew each tick, keyed by (seed, name, tick), and what
 * an apply function draws is keyed by (seed, kind, tick, origin, ordinal, name). Sequential draws of a
 * system come from seedrandom's Alea: it tests clean on digested keys, is made four times as fast as
 * seedrandom's ARC4 and drawn from faster, and its module touches nothing, where the package's root draws
 * from `Math.random` as it loads. Alea uses only sums and products of doubles, which IEEE 754 fixes on
 * every platform.
 */
import alea from 'seedrandom/lib/alea.js';
import type { Cursor, Rng } from '../base/draws.ts';
import { fail } from '../base/errors.ts';
import { Draws } from './cursor.ts';
import { checkText, digest, seedText } from './digest.ts';
import { cursorOf, drawnLate, ENDLESS, EventRng, type Lifetime, StreamKey, TextKeys } from './keyed.ts';

/** How many draws a stream made in a tick. */
export interface StreamDraws {
  readonly stream: string;
  readonly draws: number;
}

/** All randomness of one seed. Holds nothing that a draw changes; one object serves a run for its life. */
export class Streams {
  private readonly seed: string;
  private readonly texts = new TextKeys();

  /** `BAD_USAGE` when the seed is no well-formed text. Any such text is a seed, the empty one too. */
  constructor(seed: string) {
    this.seed = checkText(seed, 'seed');
  }

  /** The streams of one tick, each at its beginning. */
  tick(tick: number): TickStreams {
    return new TickStreams(this.seed, checkTick(tick), this.texts);
  }

  /** What the events of one kind and origin draw when they are applied in a tick. */
  applying(tick: number, kind: string, origin: string): ApplyStreams {
    const parts = [this.seed, checkText(kind, 'kind'), String(checkTick(tick)), checkText(origin, 'origin')];
    return new ApplyStreams(parts, this.texts);
  }
}

function checkTick(tick: number): number {
  if (!Number.isSafeInteger(tick) || tick < 0)
    fail('BAD_USAGE', 'a tick is a whole number from 0 on', { tick });
  return tick;
}

/** The streams that the systems of one tick share by name. */
export class TickStreams {
  private readonly seed: string;
  private readonly tick: string;
  private readonly texts: TextKeys;
  private readonly named = new Map<string, StreamRng>();
  private readonly life: Lifetime = { open: true };

  /** Made by {@link Streams.tick}. */
  constructor(seed: string, tick: number, texts: TextKeys) {
    this.seed = seed;
    this.tick = String(tick);
    this.texts = texts;
  }

  /**
   * The stream of that name: one object for the tick, so that its sequence goes on. Nothing is digested
   * yet.
   */
  rng(name: string): Rng {
    const known = this.named.get(name);
    if (known !== undefined) return known;
    const made = new StreamRng([this.seed, checkText(name, 'stream'), this.tick], this.texts, this.life);
    this.named.set(name, made);
    return made;
  }

  /** Ends the tick: whoever kept a stream or a cursor of it is refused from now on. */
  close(): void {
    this.life.open = false;
  }

  /** Draws so far, sequential and keyed together, of every stream that made any; by name, in UTF-16 order. */
  draws(): readonly StreamDraws[] {
    const all: StreamDraws[] = [];
    for (const [stream, rng] of this.named) if (rng.drawn > 0) all.push({ stream, draws: rng.drawn });
    return all.sort((a, b) => (a.stream < b.stream ? -1 : 1));
  }
}

/** A stream of a tick: a sequence of its own, and a cursor for every key. */
class StreamRng extends Draws implements Rng {
  private readonly parts: readonly string[];
  private readonly texts: TextKeys;
  private readonly key: StreamKey;
  private readonly life: Lifetime;
  private sequence: (() => number) | undefined;
  private taken = 0;

  constructor(parts: readonly string[], texts: TextKeys, life: Lifetime) {
    super();
    this.parts = parts;
    this.life = life;
    this.texts = texts;
    this.key = new StreamKey('keyed', parts);
  }

  /** Draws of the sequence and of all keys. */
  get drawn(): number {
    return this.taken + this.key.draws;
  }

  of(key: number | bigint | string): Cursor {
    return cursorOf(this.key, key, 0, this.texts, this.life);
  }

  protected draw(): number {
    if (!this.life.open) drawnLate();
    this.taken++;
    this.sequence ??= alea(seedText(digest('sequential', ...this.parts))).double;
    return this.sequence() * 2 ** 53;
  }
}

/** What the events of one (tick, kind, origin) draw; digests are made once for each name that draws. */
export class ApplyStreams {
  private readonly parts: readonly string[];
  private readonly texts: TextKeys;
  private readonly keys = new Map<string, StreamKey>();

  /** Made by {@link Streams.applying}. */
  constructor(parts: readonly string[], texts: TextKeys) {
    this.parts = parts;
    this.texts = texts;
  }

  /**
   * The streams of the event with that ordinal (a whole number below 2^32), at their beginning however
   * often it is asked for. `BAD_USAGE` for any other ordinal.
   */
  at(ordinal: number, life: Lifetime = ENDLESS): EventStreams {
    if (ordinal >>> 0 !== ordinal)
      fail('BAD_USAGE', 'an ordinal is a whole number from 0 to 2^32 - 1', { ordinal });
    return new EventStreams(this, ordinal, life);
  }

  /** A stream of one event at its beginning; {@link EventStreams.rng} is what keeps it going. */
  begin(name: string, ordinal: number, life: Lifetime): EventRng {
    let key = this.keys.get(name);
    if (key === undefined) {
      key = new StreamKey('applied', [...this.parts, checkText(name, 'stream')]);
      this.keys.set(name, key);
    }
    return new EventRng(key, ordinal, this.texts, life);
  }
}

/** The streams of one event while it is applied. Small, since one is made for every event that is applied. */
export class EventStreams {
  private readonly from: ApplyStreams;
  private readonly ordinal: number;
  private readonly life: Lifetime;
  private lastName = '';
  private last: EventRng | undefined;
  private others: Map<string, EventRng> | undefined;

  /** Made by {@link ApplyStreams.at}. */
  constructor(from: ApplyStreams, ordinal: number, life: Lifetime) {
    this.from = from;
    this.ordinal = ordinal;
    this.life = life;
  }

  /** The stream of that name: one object for the event, so that its sequence goes on. */
  rng(name: string): Rng {
    if (this.last !== undefined) {
      if (this.lastName === name) return this.last;
      this.others ??= new Map();
      this.others.set(this.lastName, this.last);
    }
    this.last = this.others?.get(name) ?? this.from.begin(name, this.ordinal, this.life);
    this.lastName = name;
    return this.last;
  }
}
