import { beforeAll, expect, it } from 'vitest';
import { ByteReader, ByteWriter, hex } from '../base/bytes.ts';
import { loadHash, xxh128 } from '../base/hash.ts';
import { BitLane } from './bit-lane.ts';

beforeAll(loadHash);

const isSet = (row: number): boolean => (row * row + 3 * row) % 7 < 3;

function filled(rows: number): BitLane {
  const lane = new BitLane('maybe?', true);
  lane.grow(rows);
  for (let row = 0; row < rows; row++) lane.put(row, isSet(row));
  return lane;
}

/** The bits of a range as the page of formats has them: from bit 0 on, lowest first, zeros behind them. */
function bitsOf(from: number, to: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((to - from) / 8));
  for (let row = from; row < to; row++)
    if (isSet(row)) bytes[Math.floor((row - from) / 8)]! |= 1 << ((row - from) % 8);
  return bytes;
}

it('validity is encoded from any row to any row, and loaded where it was', () => {
  const lane = filled(70);
  for (let from = 0; from <= 40; from++)
    for (let to = from; to <= 70; to++) {
      const writer = new ByteWriter(64);
      lane.encode(writer, from, to);
      const bytes = writer.take();
      expect(hex(bytes), `${from} to ${to}`).toBe(hex(bitsOf(from, to)));
      if (from % 8 > 0) continue;
      const other = new BitLane('maybe?', true);
      other.grow(80);
      other.load(new ByteReader(bytes), from, to - from);
      for (let row = 0; row < 80; row++) expect(other.has(row)).toBe(row >= from && row < to && isSet(row));
    }
});

it('validity beyond its first leaf is hashed by its own bits, and not by what a refused row left', () => {
  const leaf = 4096 * 8;
  const rows = 2 * leaf + 13;
  const lane = filled(rows + 20);
  lane.digest(rows);
  for (let at = 0; at < 3; at++) {
    const own = bitsOf(at * leaf, Math.min(rows, (at + 1) * leaf));
    expect(hex(lane.leafHash(at))).toBe(hex(xxh128(own)));
  }
});
