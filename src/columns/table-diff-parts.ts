/**
 * Columns of two tables side by side, as the parts that a difference speaks of: `health`, `pos.x`.
 *
 * Owns which column of one table stands beside which of the other, and whether two rows differ in it: by
 * their stored bytes, as the state hash sees them. −0 is not 0, and NaN, of which a hashed table holds one
 * kind, is itself. Decides nothing about which rows belong together.
 */
import { sameBytes } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import { meaningOf } from '../schema/layout.ts';
import type { FixedArray } from './arrays.ts';
import type { BitLane } from './bit-lane.ts';
import { CellLane } from './cell-lane.ts';
import type { Column } from './column.ts';
import type { FixedLane } from './fixed-lane.ts';
import type { Lane } from './lane.ts';

/** Whether row `a` of one table differs from row `b` of the other. */
export type RowTest = (a: number, b: number) => boolean;

/** A lane and the one beside it, which have the same layout. */
export type LanePair = readonly [Lane, Lane];

/** A column of either table, or one field of it: what a difference names. */
export interface Part {
  /** The declared path: `pos.x`. */
  readonly path: string;
  readonly a: Column;
  readonly b: Column;
  /**
   * Where the part's values are stored: rows that differ in it lie in leaves that differ in one of these.
   * Null for columns that mean different things, whose values can't be compared: all rows differ in them.
   */
  readonly lanes: readonly LanePair[] | null;
  readonly differs: RowTest;
}

/** The columns of two tables: those of both, and the paths of those that only one has. */
export interface Pairing {
  readonly parts: readonly Part[];
  readonly onlyInA: readonly string[];
  readonly onlyInB: readonly string[];
}

type Words = Uint8Array | Uint16Array | Uint32Array;

/** The bits of an array as whole numbers, and how many of them an element is. */
function wordsOf(data: FixedArray): readonly [Words, number] {
  const { buffer, byteOffset, byteLength, BYTES_PER_ELEMENT: size } = data;
  if (size === 1) return [new Uint8Array(buffer, byteOffset, byteLength), 1];
  if (size === 2) return [new Uint16Array(buffer, byteOffset, byteLength / 2), 1];
  return [new Uint32Array(buffer, byteOffset, byteLength / 4), size / 4];
}

function fixedTest(a: FixedLane, b: FixedLane): RowTest {
  const [left, each] = wordsOf(a.data);
  const [right] = wordsOf(b.data);
  const words = each * a.width;
  if (words === 1) return (i, j) => left[i] !== right[j];
  return (i, j) => {
    for (let word = 0; word < words; word++)
      if (left[i * words + word] !== right[j * words + word]) return true;
    return false;
  };
}

const bitTest =
  (a: BitLane, b: BitLane): RowTest =>
  (i, j) =>
    a.has(i) !== b.has(j);

const valueTest = (a: Lane, b: Lane): RowTest =>
  a instanceof CellLane
    ? (i, j) => !sameBytes(a.bytesAt(i), (b as CellLane).bytesAt(j))
    : fixedTest(a as FixedLane, b as FixedLane);

const always: RowTest = () => true;

/** A test that says nothing of rows whose struct is there on one side only, which is said of the struct. */
function within(valid: readonly (readonly [BitLane, BitLane])[], test: RowTest): RowTest {
  if (valid.length === 0) return test;
  return (i, j) => valid.every(([a, b]) => a.has(i) && b.has(j)) && test(i, j);
}

/** Whether the stored bytes of two columns mean the same. */
const sameMeaning = (a: Column, b: Column): boolean =>
  canonicalJson(meaningOf(a.layout)) === canonicalJson(meaningOf(b.layout));

/** Sets the columns of two tables side by side, by their names. */
export function pairColumns(
  a: readonly Column[],
  b: readonly Column[],
  valid: readonly (readonly [BitLane, BitLane])[] = [],
): Pairing {
  const parts: Part[] = [];
  const onlyInA: string[] = [];
  const theirs = new Map(b.map((column) => [column.layout.name, column]));
  const onlyInB: string[] = [];
  for (const mine of a) {
    const { name, path } = mine.layout;
    const other = theirs.get(name);
    theirs.delete(name);
    if (other === undefined) {
      onlyInA.push(path);
      continue;
    }
    const part = (lanes: readonly LanePair[] | null, test: RowTest): void =>
      void parts.push({ path, a: mine, b: other, lanes, differs: within(valid, test) });
    const marks = mine.valid !== null && other.valid !== null ? ([mine.valid, other.valid] as const) : null;
    const structs =
      mine.lane === null && other.lane === null && mine.layout.optional === other.layout.optional;
    if (structs) {
      if (marks !== null) part([marks], bitTest(...marks));
      const nested = pairColumns(mine.fields, other.fields, marks === null ? valid : [...valid, marks]);
      parts.push(...nested.parts);
      onlyInA.push(...nested.onlyInA);
      onlyInB.push(...nested.onlyInB);
    } else if (!sameMeaning(mine, other)) part(null, always);
    else {
      const test = valueTest(mine.lane!, other.lane!);
      const values: LanePair = [mine.lane!, other.lane!];
      if (marks === null) part([values], test);
      else {
        const missing = bitTest(...marks);
        part([marks, values], (i, j) => missing(i, j) || test(i, j));
      }
    }
  }
  onlyInB.push(...[...theirs.values()].map(({ layout }) => layout.path));
  return { parts, onlyInA, onlyInB };
}
