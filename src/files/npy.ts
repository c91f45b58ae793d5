/**
 * The .npy format of numpy: one array in a file, versions 1.0 to 3.0.
 *
 * Owns its header and the exact way from its bytes to typed arrays. The format is specified by numpy's
 * documentation ("numpy.lib.format"). Arrays of objects and of structures are refused: they hold code or
 * layouts that have no column.
 */
import { ByteReader } from '../base/bytes.ts';
import { show } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { utf8 } from '../base/text.ts';
import { arrayClass, type FixedArray } from '../columns/arrays.ts';
import type { ArrayType } from '../schema/layout.ts';

const MAGIC = '\x93NUMPY';
const HEAD_BYTES = 10;
const ALIGN = 64;

/** What the header of an array says. */
export interface NpyHead {
  /** numpy's name of the type: `<f4`. */
  readonly descr: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Where the elements begin. */
  readonly at: number;
}

const TYPES: { readonly [type in ArrayType]: string } = {
  u8: '|u1',
  i8: '|i1',
  u16: '<u2',
  i16: '<i2',
  u32: '<u4',
  i32: '<i4',
  u64: '<u8',
  i64: '<i8',
  f32: '<f4',
  f64: '<f8',
};
const ARRAYS: ReadonlyMap<string, ArrayType> = new Map([
  ['b1', 'u8'],
  ...Object.entries(TYPES).map(([type, descr]) => [descr.slice(1), type as ArrayType] as const),
]);

/** numpy's name of an array type. */
export const descrOf = (type: ArrayType): string => TYPES[type];

/** How many elements a shape has. */
export const countOf = (shape: readonly number[]): number => shape.reduce((count, n) => count * n, 1);

/** The bytes before the elements of an array in row order, as numpy writes them. */
export function npyHeader(descr: string, shape: readonly number[]): Uint8Array {
  const axes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${axes}), }`;
  const length = Math.ceil((HEAD_BYTES + text.length + 1) / ALIGN) * ALIGN - HEAD_BYTES;
  const made = new Uint8Array(HEAD_BYTES + length).fill(0x20);
  for (let i = 0; i < MAGIC.length; i++) made[i] = MAGIC.charCodeAt(i);
  made.set([1, 0, length & 255, length >> 8], MAGIC.length);
  made.set(utf8(text), HEAD_BYTES);
  made[made.length - 1] = 0x0a;
  return made;
}

/** The longest header that is read: longer ones describe structures. */
export const MAX_NPY_HEADER = 4096;

/** The header at the start of an array; `what` heads the message. `CORRUPT`, `UNSUPPORTED`. */
export function parseNpy(bytes: Uint8Array, what: string): NpyHead {
  const reader = new ByteReader(bytes);
  const corrupt = (why: string): never => fail('CORRUPT', `${what}: ${why}`, { entry: what });
  if (bytes.length < HEAD_BYTES) return corrupt('it ends within its header');
  for (let i = 0; i < MAGIC.length; i++)
    if (reader.u8() !== MAGIC.charCodeAt(i)) return corrupt('it is no .npy array');
  const version = reader.u8();
  reader.u8();
  if (version < 1 || version > 3)
    fail('NEWER_FORMAT', `${what} has version ${version} of the .npy format`, { entry: what, version });
  const length = version === 1 ? reader.u8() + 256 * reader.u8() : reader.u32();
  if (length > Math.min(MAX_NPY_HEADER, reader.left)) return corrupt('its header is too long');
  const text = String.fromCharCode(...reader.raw(length));
  const descr = /'descr': '([^']*)'/.exec(text)?.[1];
  const fortran = /'fortran_order': (True|False)/.exec(text)?.[1];
  const shape = /'shape': \(([\d, ]*)\)/.exec(text)?.[1];
  if (descr === undefined && /'descr': \[/.test(text))
    fail('UNSUPPORTED', `${what} is an array of structures`, { entry: what }, 'Save each field as an array.');
  if (descr === undefined || fortran === undefined || shape === undefined)
    return corrupt('its header does not parse');
  const axes = shape.split(',').filter((axis) => axis.trim() !== '');
  return { descr, fortran: fortran === 'True', shape: axes.map(Number), at: reader.at };
}

function swapped(bytes: Uint8Array, width: number): Uint8Array {
  const made = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += width)
    for (let i = 0; i < width; i++) made[at + i] = bytes[at + width - 1 - i]!;
  return made;
}

/** Elements in row order, from elements in column order. */
function transposed(array: FixedArray, [rows = 1, columns = 1]: readonly number[]): FixedArray {
  const made = array.slice();
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      made[row * columns + column] = array[column * rows + row]!;
  return made;
}

/** The numbers of an array in row order. Big-endian ones and ones in Fortran order are turned. */
export interface NpyArray {
  readonly descr: string;
  readonly shape: readonly number[];
  readonly data: FixedArray;
}

/** The array of the bytes of a .npy file; `UNSUPPORTED` where its elements are no numbers or booleans. */
export function readNpy(bytes: Uint8Array, what: string): NpyArray {
  const { descr, fortran, shape, at } = parseNpy(bytes, what);
  const type = ARRAYS.get(descr.slice(1));
  if (type === undefined || !'<>|='.includes(descr[0]!))
    return fail(
      'UNSUPPORTED',
      `${what} holds elements of type ${show(descr)}, for which there is no column`,
      { entry: what, descr },
      `There are ${[...ARRAYS.keys()].join(', ')}: convert it with .astype().`,
    );
  const Class = arrayClass(type);
  const width = Class.BYTES_PER_ELEMENT;
  if (fortran && shape.length > 2)
    fail('UNSUPPORTED', `${what} is in Fortran order`, { entry: what }, 'Use numpy.ascontiguousarray.');
  if (bytes.length - at !== countOf(shape) * width)
    fail('CORRUPT', `${what}: it is not as long as its shape says`, { entry: what, shape });
  const given = bytes.subarray(at);
  const native = descr[0] === '>' && width > 1 ? swapped(given, width) : given;
  const aligned = native.byteOffset % width === 0 ? native : native.slice();
  const data = new Class(aligned.buffer, aligned.byteOffset, countOf(shape));
  return { descr, shape, data: fortran && shape.length === 2 ? transposed(data, shape) : data };
}
