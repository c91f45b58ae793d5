/**
 * Tables in SQL filled by hand, through the port alone: what a projection of a run would keep of its present.
 */
import type { SqlValue } from '../../src/base/sql.ts';
import type {
  Checkpoint,
  ProjectedColumn,
  ProjectedTable,
  ProjectionInfo,
  ProjectionStore,
} from '../../src/log/projection-store.ts';
import { type SqlTable, sqlTable } from '../../src/projections/sql/table.ts';
import { columnsToSql } from '../../src/projections/sql/values.ts';
import { stateOf } from '../../src/projections/world-state.ts';
import { type CompiledSchema, SOURCES } from '../../src/schema/compile.ts';

interface Held {
  readonly id: string;
  readonly tick: number;
  readonly world: object;
}

/** What is kept beside the tables of the world, and what tells it from the same of other projections. */
export interface Kept {
  /** The tables that there are; all of them where it is left out. */
  readonly only?: readonly string[];
  /** The tables that have a history: one tick of it. */
  readonly history?: readonly string[];
  /** Rows of `events`, in order of its columns. */
  readonly events?: readonly (readonly SqlValue[])[];
  readonly version?: string;
  /** Whether versions of a world share the tables whose columns are the same. */
  readonly shared?: boolean;
}

const TAKEN = ['run', 'projection', 'tick'];

interface Filled {
  readonly table: ProjectedTable;
  readonly values: readonly ArrayLike<SqlValue>[];
}

const plain = ({ columns }: SqlTable): ProjectedColumn[] =>
  columns.map(({ name, type, notNull }) => ({ name, type, notNull }));

function events(dialect: ProjectionStore['dialect'], rows: readonly (readonly SqlValue[])[]) {
  const lite = dialect === 'sqlite';
  const [text, json, whole] = lite ? ['text', 'text', 'integer'] : ['text collate "C"', 'jsonb', 'bigint'];
  const types = { agent_id: text, t: whole, seq: whole, kind: text, payload_json: json, ts: whole };
  const columns = Object.entries({ ...types, schema_version: whole }).map(([name, type]) => ({
    name,
    type: type!,
    notNull: name !== 'agent_id',
  }));
  return { columns, values: columns.map((_, i) => rows.map((row) => row[i]!)) };
}

function filled(run: Held, schema: CompiledSchema, store: ProjectionStore, kept: Kept): Filled[] {
  const { only, history = [], version = '' } = kept;
  const { name: world } = schema.spec;
  const number = kept.shared ? 0 : schema.spec.version;
  const all: Filled[] = [];
  const add = (
    role: string,
    runColumn: string,
    parts: Pick<ProjectedTable, 'columns' | 'key'>,
    values: Filled['values'],
  ) =>
    all.push({
      table: {
        wanted: `${world}_${number}_${role}`,
        identity: JSON.stringify([world, number, role, version, parts.columns]),
        role,
        runColumn,
        index: [],
        ...parts,
      },
      values,
    });
  for (const layout of schema.tables) {
    const { name } = layout;
    if (name === SOURCES || only?.includes(name) === false) continue;
    const { set } = stateOf(run.world)!.tables.get(name)!;
    const table = sqlTable(store.dialect, layout, { taken: TAKEN });
    const key = table.key.map((column) => column.name);
    const values = columnsToSql(table, set, 0, set.size).map((column) => Array.from(column));
    add(name, 'run', { columns: plain(table), key }, values);
    if (!history.includes(name)) continue;
    const tick = { name: 'tick', type: store.dialect === 'sqlite' ? 'integer' : 'bigint', notNull: true };
    const parts = { columns: [tick, ...plain(table)], key: ['tick', ...key] };
    add(`${name}_history`, 'run', parts, [new Array<SqlValue>(set.size).fill(run.tick), ...values]);
  }
  if (kept.events) {
    const { columns, values } = events(store.dialect, kept.events);
    add('events', 'run_id', { columns, key: ['seq'] }, values);
  }
  return all;
}

/** Keeps the present of a run in SQL, and shows nothing of it yet. */
export async function keepTables(
  run: Held,
  world: { readonly schema: { readonly compiled: CompiledSchema } },
  store: ProjectionStore,
  kept: Kept = {},
): Promise<ProjectionInfo> {
  const all = filled(run, world.schema.compiled, store, kept);
  const declared = await store.declareProjection({
    run: run.id,
    choice: '{}',
    tables: all.map(({ table }) => table),
  });
  const to: Checkpoint = { tick: run.tick, hash: new Uint8Array(32), sequence: 0 };
  const changes = all.map(({ table: { role }, values }) => ({ role, removed: [], written: values }));
  const step = { projection: declared.number, from: null, to, changes };
  if (!(await store.advanceProjection(step))) throw new Error('the rows were not taken');
  return declared;
}

/** Keeps the present of a run in SQL, and shows it. */
export async function showTables(...given: Parameters<typeof keepTables>): Promise<ProjectionInfo> {
  const made = await keepTables(...given);
  await given[2].switchProjection(made.number);
  return made;
}
