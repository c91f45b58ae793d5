/**
 * The .npz file: a world as numpy's arrays, one or two a lane, and one entry for what arrays can't say.
 *
 * Owns the names and types of entries. numpy shows the entry `people/x.npy` as `people/x`. What another
 * program put together itself is read by foreign.ts.
 */
import { hex } from '../base/bytes.ts';
import { canonicalJson, parseCanonical } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { sha256 } from '../base/platform.ts';
import { fromUtf8, utf8 } from '../base/text.ts';
import { BitLane } from '../columns/bit-lane.ts';
import type { Column } from '../columns/column.ts';
import { FixedLane } from '../columns/fixed-lane.ts';
import type { Lane } from '../columns/lane.ts';
import type { TableStore } from '../columns/table-store.ts';
import type { WorldState } from '../projections/world-state.ts';
import type { Durability } from './disk.ts';
import { headOf, type LaneHead, parseHead, type SnapshotFacts, type SnapshotHead } from './header.ts';
import { bytesIn, fillLane, lengthIn } from './lanes.ts';
import { descrOf, npyHeader, parseNpy } from './npy.ts';
import type { SnapshotSource } from './source.ts';
import type { ZipReader } from './zip.ts';
import { writeZip, type ZipPart } from './zip-write.ts';

/** The entry of the header: UTF-8 of canonical JSON, as an array of bytes. */
export const HEAD_ENTRY = 'worldfold';
/** The version that is written. */
export const NPZ_VERSION = 1;

const BOOL = '|b1';
const ENDS = '<u4';
const BYTES = '|u1';

/** The name of an entry in the archive. */
export const fileOf = (entry: string): string => `${entry}.npy`;

/** The entries of a column's own lanes: its validity, and one array, or two for cells. */
export interface ColumnEntries {
  readonly valid: string | null;
  /** None for a struct, whose fields have entries of their own. */
  readonly values: readonly string[];
}

/** How the entries of a column are named. */
export function entriesOf(table: string, column: Column): ColumnEntries {
  const name = `${table}/${column.layout.path}`;
  // A field may be called `valid` too: names of fields hold no dollar sign.
  const taken = column.fields.some((field) => field.layout.name === 'valid');
  const valid = column.valid === null ? null : `${name}${taken ? '.$valid' : '.valid'}`;
  if (column.lane === null) return { valid, values: [] };
  return { valid, values: column.lane instanceof FixedLane ? [name] : [`${name}.ends`, `${name}.bytes`] };
}

/** One array of a lane. */
export interface ArrayPlace {
  readonly name: string;
  readonly descr: string;
  readonly shape: readonly number[];
}

type NpzLane = LaneHead & { readonly arrays: readonly ArrayPlace[] };

/** A lane as arrays, with the bytes of each: those of numbers are the lane's own. */
interface LaneArrays {
  readonly places: readonly ArrayPlace[];
  readonly bodies: readonly Uint8Array[];
}

const bools = (bits: Uint8Array, rows: number): Uint8Array =>
  Uint8Array.from({ length: rows }, (_, row) => (bits[row >> 3]! >> (row & 7)) & 1);

function numbersOf(lane: FixedLane, { layout: { value } }: Column, rows: number, name: string): LaneArrays {
  const shape = value.kind === 'vec' ? [rows, lane.width] : [rows];
  const descr = value.kind === 'bool' ? BOOL : descrOf(lane.type);
  return { places: [{ name, descr, shape }], bodies: [bytesIn(lane, rows)] };
}

function cellsOf(lane: Lane, rows: number, [ends, values]: readonly string[]): LaneArrays {
  const bytes = bytesIn(lane, rows);
  const split = 4 * rows;
  return {
    places: [
      { name: ends!, descr: ENDS, shape: [rows] },
      { name: values!, descr: BYTES, shape: [bytes.length - split] },
    ],
    bodies: [bytes.subarray(0, split), bytes.subarray(split)],
  };
}

/** The arrays of a table, in the order of its lanes. */
function arraysOf({ layout, set, size }: TableStore): LaneArrays[] {
  const found: LaneArrays[] = [];
  const walk = (column: Column): void => {
    const { valid, values } = entriesOf(layout.name, column);
    const { lane } = column;
    if (valid !== null)
      found.push({
        places: [{ name: valid, descr: BOOL, shape: [size] }],
        bodies: [bools(column.valid!.bits, size)],
      });
    if (lane instanceof FixedLane) found.push(numbersOf(lane, column, size, values[0]!));
    else if (lane !== null) found.push(cellsOf(lane, size, values));
    for (const field of column.fields) walk(field);
  };
  for (const column of set.columns) walk(column);
  return found;
}

/** Writes a world as an archive of arrays: what it is at the call; from copies where it is compressed. */
export function writeNpz(
  state: WorldState,
  facts: SnapshotFacts,
  path: string,
  compress: boolean,
  durability: Durability,
): Promise<void> {
  const head = headOf(state, facts);
  const parts: ZipPart[] = [];
  const tables = Object.fromEntries(
    Object.entries(head.tables).map(([name, table]) => {
      const arrays = arraysOf(state.tables.get(name)!);
      for (const { places, bodies } of arrays)
        places.forEach(({ name: entry, descr, shape }, i) => {
          const body = compress ? bodies[i]!.slice() : bodies[i]!;
          parts.push({ name: fileOf(entry), pieces: [npyHeader(descr, shape), body] });
        });
      const lanes = table.lanes.map((lane, i) => ({ ...lane, arrays: arrays[i]!.places }));
      return [name, { ...table, lanes }];
    }),
  );
  const said = { ...head, tables, format: NPZ_VERSION };
  const digest = hex(sha256(utf8(canonicalJson(said))));
  const text = utf8(canonicalJson({ ...said, digest }));
  const first = { name: fileOf(HEAD_ENTRY), pieces: [npyHeader(BYTES, [text.length]), text] };
  return writeZip(path, [first, ...parts], compress, durability);
}

/** The header of an archive, or null when it has none. `CORRUPT`, `NEWER_FORMAT`. */
export async function readNpzHead(zip: ZipReader): Promise<SnapshotHead<NpzLane> | null> {
  const { path } = zip.file;
  if (!zip.names.includes(fileOf(HEAD_ENTRY))) return null;
  const bytes = await zip.bytes(fileOf(HEAD_ENTRY));
  const { at } = parseNpy(bytes, HEAD_ENTRY);
  const text = fromUtf8(bytes.subarray(at));
  const { digest, ...said } = parseCanonical(text) as { digest?: unknown; format?: unknown };
  if (typeof said.format === 'number' && said.format > NPZ_VERSION)
    fail('NEWER_FORMAT', `${path} has version ${said.format}; this version reads ${NPZ_VERSION}`, {
      path,
      version: said.format,
    });
  if (hex(sha256(utf8(canonicalJson(said)))) !== digest)
    fail('CORRUPT', `the header of ${path} is damaged`, { path });
  return parseHead<SnapshotHead<NpzLane>>(canonicalJson(said), path);
}

const EDITED =
  'If another program changed it on purpose, load it with { edited: true }: every value is checked then.';

/** Opens an archive that worldfold wrote, for reading it as it was written. */
export function npzSource(zip: ZipReader, head: SnapshotHead<NpzLane>): SnapshotSource<NpzLane> {
  const { path } = zip.file;
  const readArray = async ({ name, descr, shape }: ArrayPlace, into: Uint8Array): Promise<void> => {
    const other = (): never =>
      fail('CORRUPT', `${name} is another array than was saved`, { entry: name }, EDITED);
    const first = new Uint8Array(npyHeader(descr, shape).length);
    if (zip.size(fileOf(name)) !== first.length + into.length) other();
    await zip.readInto(fileOf(name), first, into);
    const found = parseNpy(first, name);
    const same = found.descr === descr && !found.fortran && String(found.shape) === String(shape);
    if (!same || found.at !== first.length) other();
  };
  const readBits = async (place: ArrayPlace, rows: number, into: Uint8Array): Promise<void> => {
    const given = new Uint8Array(rows);
    await readArray(place, given);
    for (let row = 0; row < rows; row++) {
      if (given[row]! > 1) fail('CORRUPT', `${place.name} holds no booleans`, { entry: place.name, row });
      into[row >> 3]! |= given[row]! << (row & 7);
    }
  };
  return {
    path,
    format: 'npz',
    head,
    stored: ({ arrays }) => arrays.reduce((sum, { name }) => sum + zip.stored(fileOf(name)), 0),
    async fill(lane, { arrays }, rows) {
      const [first, second] = arrays as readonly [ArrayPlace, ArrayPlace?];
      if (second !== undefined)
        await fillLane(lane, rows, 4 * rows + second.shape[0]!, async (into) => {
          await readArray(first, into.subarray(0, 4 * rows));
          await readArray(second, into.subarray(4 * rows));
        });
      else
        await fillLane(lane, rows, lengthIn(lane, rows)!, (into) =>
          lane instanceof BitLane ? readBits(first, rows, into) : readArray(first, into),
        );
    },
    close: () => zip.close(),
  };
}
