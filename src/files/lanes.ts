/**
 * Lanes as files see them: what kind one is, where its memory lies, whether it is what was saved.
 *
 * One hash serves file and world: that of a lane, as the state hash combines it. A save takes the hashes that
 * the last tick left; a load computes what the next tick needs.
 */
import { ByteWriter, hex } from '../base/bytes.ts';
import { fail } from '../base/errors.ts';
import { bytesOf, byteView } from '../columns/arrays.ts';
import { BitLane } from '../columns/bit-lane.ts';
import type { CellLane } from '../columns/cell-lane.ts';
import { FixedLane } from '../columns/fixed-lane.ts';
import type { Lane } from '../columns/lane.ts';
import type { ArrayType } from '../schema/layout.ts';

/** What a lane holds: numbers of a type, one bit a row, or cells of any length. */
export type LaneKind = ArrayType | 'bits' | 'cells';

/** The kind of a lane. */
export function kindOf(lane: Lane): LaneKind {
  if (lane instanceof FixedLane) return lane.type;
  return lane instanceof BitLane ? 'bits' : 'cells';
}

/** Numbers a row; 1 for bits and cells. */
export const widthOf = (lane: Lane): number => (lane instanceof FixedLane ? lane.width : 1);

/** Bytes of one number of a kind; 1 for bits and cells. */
export const elementBytes = (kind: LaneKind): number =>
  kind === 'bits' || kind === 'cells' ? 1 : bytesOf(kind);

/** The bytes of the first rows as they lie in a column file: the memory itself where it is numbers. */
export function bytesIn(lane: Lane, rows: number): Uint8Array {
  if (lane instanceof FixedLane) return byteView(lane.data, 0, rows * lane.width);
  const writer = new ByteWriter(64);
  lane.encode(writer, 0, rows);
  return writer.bytes.subarray(0, writer.length);
}

/** Memory that is not set to zeros first: {@link fillLane} writes all of it. */
export const memoryOf = (bytes: number): ArrayBuffer => Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer;

/** How many bytes some rows of a lane take in a column file, or undefined for cells, which differ. */
export function lengthIn(lane: Lane, rows: number): number | undefined {
  if (lane instanceof FixedLane) return rows * lane.width * bytesOf(lane.type);
  return lane instanceof BitLane ? (rows + 7) >> 3 : undefined;
}

/**
 * Fills the first rows of a lane, which has room for them: `read` gets the memory to fill, of `length` bytes
 * as in a column file. `CORRUPT` where what was read can not be rows.
 */
export async function fillLane(
  lane: Lane,
  rows: number,
  length: number,
  read: (into: Uint8Array) => Promise<void>,
): Promise<void> {
  const expected = lengthIn(lane, rows);
  if (expected === undefined ? length < rows * 4 : length !== expected)
    fail('CORRUPT', `column '${lane.path}' has ${length} bytes for ${rows} rows`, {
      column: lane.path,
      rows,
      length,
    });
  if (lane instanceof FixedLane) {
    byteView(lane.data, rows * lane.width, lane.data.length).fill(0);
    await read(byteView(lane.data, 0, rows * lane.width));
  } else if (lane instanceof BitLane) await read(lane.bits.subarray(0, length));
  else {
    const bytes = new Uint8Array(length);
    await read(bytes);
    (lane as CellLane).adopt(bytes, rows);
  }
  if (lane instanceof BitLane && rows % 8 > 0 && lane.bits[rows >> 3]! >> (rows % 8) !== 0)
    fail('CORRUPT', `column '${lane.path}' has bits behind its last row`, { column: lane.path });
  lane.mark(0, rows);
}

/** The hash of a lane's first rows, in hexadecimal. */
export const hashOf = (lane: Lane, rows: number): string => hex(lane.digest(rows));
