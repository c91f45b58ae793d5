/**
 * The header of a snapshot file: everything but the columns, as canonical JSON.
 *
 * Owns its parts and their check against the schema that it carries. Where the columns lie is added by each
 * format. A header that is damaged never gets here: its format verifies the digest first.
 */
import { hex } from '../base/bytes.ts';
import { canonicalJson, parseCanonical } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import type { TableExtent } from '../columns/table-store.ts';
import { HASH_VERSION } from '../log/environment.ts';
import type { WorldState } from '../projections/world-state.ts';
import { literal, unliteral } from '../schema/canonical-text.ts';
import { kindOf, type LaneKind, widthOf } from './lanes.ts';

/** What a caller knows of a world beside its tables; null where it was not said. */
export interface SnapshotFacts {
  readonly tick: number | null;
  readonly seed: string | null;
  /** Config as canonical JSON of its literal, as in an environment. */
  readonly config: string | null;
  readonly hints: { readonly [name: string]: string };
}

/** What a header says of a lane. */
export interface LaneHead {
  readonly path: string;
  readonly kind: LaneKind;
  /** Numbers a row. */
  readonly width: number;
  /** The hash of the lane as the state hash combines it, in hexadecimal. */
  readonly hash: string;
}

/** What a header says of a table. Capacity is kept, because arrays that a table outgrew can be told. */
export interface TableHead<L extends LaneHead = LaneHead> extends TableExtent {
  readonly lanes: readonly L[];
}

/** A header. `L` adds where a lane's bytes lie. */
export interface SnapshotHead<L extends LaneHead = LaneHead> extends SnapshotFacts {
  /** Canonical schema text. */
  readonly schema: string;
  /** Version of the state hash. */
  readonly hash: number;
  readonly stateHash: string;
  readonly tables: { readonly [table: string]: TableHead<L> };
}

/** The text of a config, as a header holds it. */
export const configText = (config: object): string => canonicalJson(literal(config), 'config');

/** The config of a text. */
export const configOf = (text: string): object => unliteral(parseCanonical(text)) as object;

/** The header of a world, without the places of its lanes. Brings all hashes up to date. */
export function headOf(state: WorldState, facts: SnapshotFacts): SnapshotHead {
  const stateHash = hex(state.digest());
  const tables = [...state.tables].map(([name, { size, nextId, set }]) => {
    const lanes = set.lanes.map((lane) => ({
      path: lane.path,
      kind: kindOf(lane),
      width: widthOf(lane),
      hash: hex(lane.digest(size)),
    }));
    return [name, { size, nextId, capacity: set.capacity, lanes }];
  });
  const { text } = state.schema;
  return { ...facts, schema: text, hash: HASH_VERSION, stateHash, tables: Object.fromEntries(tables) };
}

const bad = (path: string, what: string): never =>
  fail('CORRUPT', `the header of ${path} says nonsense about ${what}`, { path, what });

const isCount = (value: unknown, max = Number.MAX_SAFE_INTEGER): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;
const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string';
const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const MAX_ROWS = 0x7fffffff;
const MAX_NEXT_ID = 2 ** 32;

/** A header of verified bytes; `NEWER_FORMAT` where it depends on what this version does not know. */
export function parseHead<H extends SnapshotHead>(text: string, path: string): H {
  const head = parseCanonical(text) as H;
  if (!isObject(head)) return bad(path, 'everything');
  if (head.hash !== HASH_VERSION)
    fail(
      'NEWER_FORMAT',
      `${path} hashes its state by version ${head.hash}, which this version does not know`,
      {
        path,
        hash: head.hash,
      },
    );
  if (typeof head.schema !== 'string') bad(path, 'the schema');
  if (typeof head.stateHash !== 'string') bad(path, 'the state hash');
  if (head.tick !== null && !isCount(head.tick)) bad(path, 'the tick');
  if (!isTextOrNull(head.seed) || !isTextOrNull(head.config) || !isObject(head.hints))
    bad(path, 'where the world comes from');
  if (!isObject(head.tables)) bad(path, 'the tables');
  return head;
}

/** Compares what a header says of tables and lanes with those that its schema gives. `CORRUPT`. */
export function checkTables(head: SnapshotHead, state: WorldState, path: string): void {
  if (Object.keys(head.tables).length !== state.tables.size) bad(path, 'the tables');
  for (const [name, { set, layout }] of state.tables) {
    const table = Object.hasOwn(head.tables, name) ? head.tables[name] : undefined;
    const { size, nextId, capacity, lanes } = table ?? bad(path, `table '${name}'`);
    if (!isCount(capacity, MAX_ROWS) || !isCount(size, capacity) || !isCount(nextId, MAX_NEXT_ID))
      bad(path, `the rows of '${name}'`);
    if (layout.single && size !== 1) bad(path, `the rows of '${name}'`);
    const same =
      Array.isArray(lanes) &&
      lanes.length === set.lanes.length &&
      set.lanes.every((lane, i) => {
        const { path: at, kind, width } = lanes[i]!;
        return at === lane.path && kind === kindOf(lane) && width === widthOf(lane);
      });
    if (!same) bad(path, `the columns of '${name}'`);
  }
}
