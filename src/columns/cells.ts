/**
 * How values of any length become the bytes of a cell: texts, bytes and JSON. Lists are cells too; see
 * column.ts.
 */
import { canonicalJson, parseCanonical } from '../base/canonical.ts';
import { fromUtf8, utf8 } from '../base/text.ts';

/**
 * Encodes checked values; `text` says that the bytes are plain UTF-8 of a string, `shared` that a decoded
 * value can't be changed by whoever gets it.
 */
export interface CellCodec {
  readonly text: boolean;
  readonly shared: boolean;
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/** UTF-8. */
export const textCodec: CellCodec = {
  text: true,
  shared: true,
  encode: (value) => utf8(value as string),
  decode: fromUtf8,
};

/** The bytes themselves; readers get copies. */
export const bytesCodec: CellCodec = {
  text: false,
  shared: false,
  encode: (value) => value as Uint8Array,
  decode: (bytes) => bytes.slice(),
};

/**
 * Canonical JSON. What is read is frozen, because it stands for stored bytes. A cleared cell reads as null.
 */
export const jsonCodec: CellCodec = {
  text: false,
  shared: true,
  encode: (value) => utf8(canonicalJson(value)),
  decode: (bytes) => (bytes.length === 0 ? null : frozen(parseCanonical(fromUtf8(bytes)))),
};

/** The value, frozen through and through where that is possible. */
export function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}
