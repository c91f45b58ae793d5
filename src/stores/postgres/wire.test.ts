import { describe, expect, it } from 'vitest';
import { RowCutter } from './wire.ts';

/** A message of the protocol: its letter, its length and its body. */
function message(letter: string, body: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.write(letter, 'latin1');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const body = (length: number, seed: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 7 + seed * 13) & 255));

/** Rows between other messages, as long as they may be, with letters of rows inside bodies. */
const MESSAGES = [
  message('T', body(30, 1)),
  message('D', body(2, 2)),
  message('D', body(300, 3)),
  message('C', Buffer.from('DDDDDDDD')),
  message('Z', body(1, 4)),
  message('1', body(0, 5)),
  message('D', body(70, 6)),
  message('E', body(90, 7)),
];
const STREAM = Buffer.concat(MESSAGES);
const isRow = (one: Buffer): boolean => one[0] === 0x44;

function cut(pieces: readonly Buffer[]) {
  const order: string[] = [];
  const rows: Buffer[] = [];
  const others: Buffer[] = [];
  const cutter = new RowCutter(
    (row) => {
      rows.push(Buffer.from(row.body));
      order.push('row');
    },
    (bytes) => {
      others.push(Buffer.from(bytes));
      order.push('other');
    },
  );
  for (const piece of pieces) cutter.take(piece);
  return { rows, others: Buffer.concat(others), order };
}

describe('rows are cut out of the stream', () => {
  const rows = MESSAGES.filter(isRow).map((row) => row.subarray(5));
  const others = Buffer.concat(MESSAGES.filter((one) => !isRow(one)));

  it('in pieces of every size', () => {
    for (let size = 1; size <= STREAM.length; size++) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < STREAM.length; at += size) pieces.push(STREAM.subarray(at, at + size));
      const found = cut(pieces);
      expect(Buffer.compare(found.others, others), `pieces of ${size}`).toBe(0);
      expect(found.rows, `pieces of ${size}`).toEqual(rows);
    }
  });

  it('and the order of all is kept', () => {
    expect(cut([STREAM]).order).toEqual(['other', 'row', 'row', 'other', 'row', 'other']);
  });

  it('a row that came in pieces is held by nothing else', () => {
    const owned: [boolean, number][] = [];
    const cutter = new RowCutter(
      ({ own, body: { buffer } }) => owned.push([own, own ? buffer.byteLength : 0]),
      () => {},
    );
    const row = message('D', body(300, 1));
    cutter.take(row);
    cutter.take(row.subarray(0, 100));
    cutter.take(row.subarray(100));
    expect(owned).toEqual([
      [false, 0],
      [true, 300],
    ]);
  });
});
