/**
 * What the golden files hold, as content: the same values must give the same bytes for ever.
 *
 * A change here makes every golden file another one. A new version of a format gets fixtures and files of
 * its own, beside these.
 */
import { ColumnSet } from '../../src/columns/column-set.ts';
import { environmentText } from '../../src/log/environment.ts';
import { NO_HASH, type TickContent } from '../../src/log/record.ts';
import type { RecordMeta } from '../../src/log/record-meta.ts';
import { t } from '../../src/schema/columns.ts';
import type { CompiledSchema } from '../../src/schema/compile.ts';
import { event, table } from '../../src/schema/tables.ts';
import { backRow, compiled, TYPES } from './every-type.ts';

const ID = table({ id: t.id() });
const columns = Object.fromEntries(Object.entries(TYPES).map(([name, { column }]) => [name, column]));

/** A schema with a table and a kind of every column type, and one small kind. */
export const WIDE: CompiledSchema = compiled({
  name: 'golden',
  tick: '1/30 s',
  config: { beta: t.f64().default(0.25).spec },
  tables: { things: table({ ...columns, id: t.id() }, { index: ['bool', 'textMaybe'] as never }).spec },
  events: { seen: event(columns).spec, moved: event({ person: t.ref('homes'), to: t.u8() }).spec },
});

/** A schema of one small kind, for the worked example of docs/formats.md. */
export const SMALL: CompiledSchema = compiled({
  name: 'example',
  tables: { homes: ID.spec },
  events: { moved: event({ person: t.ref('homes'), to: t.u8(), why: t.text().optional() }).spec },
});

const isShort = (value: unknown): boolean =>
  (value as { length?: number } | null)?.length === undefined ||
  JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? String(inner) : inner)).length < 150;

/** Five rows of every column type: the edges of each type, one after another, without the long ones. */
export const ROWS: readonly { readonly [name: string]: unknown }[] = Array.from({ length: 5 }, (_, row) =>
  Object.fromEntries(
    Object.entries(TYPES).map(([name, { edges }]) => {
      const short = edges.filter((value) => isShort(value) && !holdsLong(value));
      return [name, short[row % short.length]!];
    }),
  ),
);

function holdsLong(value: unknown): boolean {
  if (typeof value === 'string') return value.length > 150;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  return Object.values(value).some(holdsLong);
}

/** The rows as they are read back. */
export const ROWS_BACK: readonly object[] = ROWS.map(backRow);

/** A set of the events of a kind. */
export function eventsOf(schema: CompiledSchema, kind: string, rows: readonly object[]): ColumnSet {
  const set = new ColumnSet(schema.kindOf.get(kind)!, false);
  for (const row of rows) set.append(row);
  return set;
}

const batch = (schema: CompiledSchema, kind: string, rows: readonly object[]) => ({
  kind: schema.kindOf.get(kind)!.number,
  set: eventsOf(schema, kind, rows),
});

const number = (kind: string): number => WIDE.kindOf.get(kind)!.number;
const bytes = (length: number, first: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (first + i) & 255);

/** A record of everything that a record can say. */
export const wideContent = (): TickContent => ({
  tick: 300,
  sequence: 2 ** 40,
  previous: bytes(32, 0x20),
  environment: environmentText({ seed: 'α', config: '{}', schema: WIDE.text, random: 1, hash: 1 }),
  waves: [
    { origin: 'inputs', atOnce: true, runs: [{ kind: number('moved'), size: 1, times: 2 }] },
    {
      origin: 'spread',
      atOnce: false,
      runs: [
        { kind: number('seen'), size: 4, times: 1 },
        { kind: number('moved'), size: 1, times: 1 },
        { kind: number('seen'), size: 1, times: 1 },
      ],
    },
  ],
  batches: [
    batch(
      WIDE,
      'moved',
      [1, 2, 70_000].map((person, to) => ({ person, to })),
    ),
    batch(WIDE, 'seen', ROWS),
  ],
  draws: [
    { stream: 'infect', draws: 3 },
    { stream: '', draws: 2 ** 33 },
  ],
  stateHash: bytes(16, 0xf0),
});

export const WIDE_META: RecordMeta = {
  time: 1_700_000_000_000.5,
  metricNames: ['ill', 'größe'],
  metrics: [3, Number.NaN],
};

/** Three small events of one system: the worked example. */
export const smallContent = (): TickContent => ({
  tick: 1,
  sequence: 5,
  previous: NO_HASH,
  environment: null,
  waves: [
    { origin: 'walk', atOnce: false, runs: [{ kind: SMALL.kindOf.get('moved')!.number, size: 3, times: 1 }] },
  ],
  batches: [
    batch(SMALL, 'moved', [
      { person: 1, to: 7, why: 'rain' },
      { person: 258, to: 8, why: null },
      { person: 3, to: 9, why: '' },
    ]),
  ],
  draws: [{ stream: 'walk', draws: 3 }],
  stateHash: bytes(16, 0xa0),
});

export const SMALL_META: RecordMeta = { time: 1_700_000_000_000, metricNames: null, metrics: [3] };

/** Metadata that say all they can say, save times. */
export const NOTED_META: RecordMeta = {
  ...SMALL_META,
  changed: [
    { table: 0, hash: bytes(8, 0x10) },
    { table: 200, hash: bytes(8, 0x20) },
  ],
  writer: {
    code: '0123456789abcdef',
    engine: { node: '20.0.0', v8: '11.3', arch: 'x64', platform: 'linux' },
    functions: { setup: '01234567', 'apply.moved': '89abcdef' },
  },
};

/** Metadata that say all they can say, times too. */
export const TIMED_META: RecordMeta = {
  ...NOTED_META,
  times: {
    names: { systems: ['walk', 'rain', 'größe'], invariants: ['nobodyLost', 'dry'] },
    computed: 1_234_567,
    begun: 12,
    systems: [{ rounds: 3, run: 1_000_000, apply: 200_000 }, null, { rounds: 0, run: 127, apply: 0 }],
    invariants: [128, 0],
    metrics: 300,
    hash: 2 ** 40,
    before: { encoded: 45, between: 6_000, waited: 5_000 },
    landed: [
      { tick: 64, ticks: 64, bytes: 70_000, time: 4_900 },
      { tick: 2 ** 53 - 1, ticks: 1, bytes: 129, time: 0 },
    ],
  },
};
