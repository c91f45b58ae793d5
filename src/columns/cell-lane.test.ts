import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter, fromHex, hex } from '../base/bytes.ts';
import { loadHash } from '../base/hash.ts';
import { CellLane } from './cell-lane.ts';
import { bytesCodec, jsonCodec, textCodec } from './cells.ts';

/** A lane with its heap to look at. */
interface Inside extends Pick<CellLane, keyof CellLane> {
  heap: Uint8Array;
  compactInto(heap: Uint8Array): void;
}

function laneOf(texts: readonly string[]): Inside {
  const lane = new CellLane('name', textCodec, true);
  lane.grow(Math.max(texts.length, 16));
  texts.forEach((text, row) => void lane.write(row, text));
  return lane as unknown as Inside;
}

const encoded = (lane: Pick<CellLane, 'encode'>, size: number): string => {
  const writer = new ByteWriter();
  lane.encode(writer, 0, size);
  return hex(writer.take());
};

beforeAll(loadHash);

describe('cells', () => {
  it('are stored as their ends and their bytes', () => {
    const lane = laneOf(['ab', '', 'é']);
    expect(encoded(lane, 3)).toBe('02000000' + '02000000' + '04000000' + '6162c3a9');
  });

  it('hash alike whatever lies between them in the heap', () => {
    const cells = fc.array(fc.string({ unit: 'grapheme', maxLength: 30, size: 'max' }), {
      minLength: 1,
      maxLength: 20,
      size: 'max',
    });
    const writes = fc.array(fc.tuple(fc.nat(), fc.string({ maxLength: 400, size: 'max' })), {
      maxLength: 60,
      size: 'max',
    });
    fc.assert(
      fc.property(cells, writes, (first, list) => {
        const lane = laneOf(first);
        const model = [...first];
        for (const [n, text] of list) {
          lane.write(n % model.length, text);
          model[n % model.length] = text;
          if (n % 5 === 0) lane.digest(model.length);
        }
        const fresh = laneOf(model);
        expect(model.map((_, row) => lane.read(row))).toEqual(model);
        expect(encoded(lane, model.length)).toBe(encoded(fresh, model.length));
        expect(hex(lane.digest(model.length))).toBe(hex(fresh.digest(model.length)));
      }),
    );
  });

  it('L3: read as empty once they are cleared, in arrays that were asked for before', () => {
    const lane = laneOf(['ab', 'c']);
    expect(lane.all(2, null)).toEqual(['ab', 'c']);
    lane.clear(0);
    expect(lane.all(2, null)).toEqual(['', 'c']);
    expect(lane.read(0)).toBe('');
  });

  it('hash another way when a byte goes from one cell to the next', () => {
    expect(hex(laneOf(['ab', 'c']).digest(2))).not.toBe(hex(laneOf(['a', 'bc']).digest(2)));
    expect(hex(laneOf(['a', '']).digest(2))).not.toBe(hex(laneOf(['', 'a']).digest(2)));
    expect(hex(laneOf(['a', '']).digest(2))).not.toBe(hex(laneOf(['a']).digest(1)));
  });

  it('take no more room than a few times what they hold', () => {
    const lane = laneOf(Array.from({ length: 50 }, (_, i) => `cell ${i}`));
    for (let i = 0; i < 20_000; i++) lane.write(i % 50, `cell ${i % 50} for the ${i}th time`);
    expect(lane.heap.length).toBeLessThan(30_000);
    expect(lane.read(7)).toBe('cell 7 for the 19957th time');
  });

  it('are moved together seldom, though nearly all of them are empty', () => {
    const lane = laneOf([]);
    lane.grow(10_000);
    for (let row = 0; row < 10_000; row++) lane.write(row, '');
    let visited = 0;
    const compact = lane.compactInto.bind(lane);
    lane.compactInto = (heap) => {
      visited += 10_000;
      compact(heap);
    };
    for (let i = 0; i < 5_000; i++) lane.write(3, 'ten bytes!');
    expect(visited).toBeLessThanOrEqual(5_000 * 10 * 3);
    expect([lane.read(2), lane.read(3), lane.read(4)]).toEqual(['', 'ten bytes!', '']);
  });

  it.each([
    ['ends that go back', '0200000001000000' + '6162', 2],
    ['more rows than bytes', '01000000' + '61', 2 ** 40],
    ['an end behind the bytes', '03000000' + '6162', 1],
  ])('L12: are corrupt with %s', (_, digits, count) => {
    expect(() => new CellLane('x', textCodec, false).decode(new ByteReader(fromHex(digits)), count)).toThrow(
      expect.objectContaining({ code: 'CORRUPT' }),
    );
  });

  it('are corrupt where their values are none', () => {
    const lane = new CellLane('x', textCodec, false);
    lane.decode(new ByteReader(fromHex('01000000ff')), 1);
    expect(() => lane.read(0)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
    const json = new CellLane('x', jsonCodec, false);
    json.decode(new ByteReader(fromHex('010000007b')), 1);
    expect(() => json.read(0)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
  });

  it('hand out bytes that nobody else holds', () => {
    const lane = new CellLane('x', bytesCodec, false);
    const reader = new ByteReader(Buffer.from('01000000ff', 'hex'));
    lane.decode(reader, 1);
    (lane.read(0) as Uint8Array)[0] = 1;
    expect(lane.read(0)).toEqual(Uint8Array.of(255));
  });
});
