/**
 * Events as rows of one table, in the order of the log: what SQL has as `events`.
 *
 * Owns its columns and what stands in them. A row says what was recorded: the kind and its columns as the
 * schema of that time had them, with its version. So rows that were made while a run went on are those that
 * its log gives later, whatever migrations came between. Only the agent is named by the schema at hand, since
 * a log does not carry which column that is.
 */
import { fail } from '../../base/errors.ts';
import type { SqlDialect, SqlValue } from '../../base/sql.ts';
import { type Batch, placedRuns, type Wave } from '../../columns/waves.ts';
import { type CompiledSchema, isExact, type KindLayout } from '../../schema/compile.ts';
import type { ColumnLayout } from '../../schema/layout.ts';
import type { MigrationPlan, SetPlan } from '../../schema/migration-plan.ts';
import { rowJsonText } from './json.ts';

/** A column of the table. */
export interface EventColumn {
  readonly name: string;
  /** The type as a declaration of the column writes it. */
  readonly type: string;
  readonly notNull: boolean;
}

/** What a record says of its events, apart from the batches. */
export interface EventFrame {
  readonly tick: number;
  readonly sequence: number;
  readonly waves: readonly Wave[];
  readonly meta: { readonly time: number };
}

/** A schema that events were recorded under. */
export interface RecordedSchema {
  readonly schema: CompiledSchema;
  /** By number of the kind, its column that says which agent an event is about. */
  readonly agents: readonly (ColumnLayout | null)[];
}

/** The columns of the table, the id of the run apart. */
export function eventColumns(dialect: SqlDialect): readonly EventColumn[] {
  const lite = dialect === 'sqlite';
  const [text, json, whole] = lite ? ['text', 'text', 'integer'] : ['text collate "C"', 'jsonb', 'bigint'];
  const column = (name: string, type: string, notNull = true): EventColumn => ({ name, type, notNull });
  return [
    column('agent_id', text!, false),
    column('t', whole!),
    column('seq', whole!),
    column('kind', text!),
    column('payload_json', json!),
    column('ts', whole!),
    column('schema_version', whole!),
  ];
}

/** The recorded column that became the agent's of the schema at hand, whatever it was called. */
function agentIn(plan: SetPlan<KindLayout> | null): ColumnLayout | null {
  const column = plan?.columns.find(({ to }) => to === plan.to.agent)?.from ?? null;
  return column !== null && isExact(column) ? column : null;
}

/** The schema that a plan leads from, with the agents of the one that it leads to. */
export const recordedUnder = ({ from, kinds }: MigrationPlan): RecordedSchema => ({
  schema: from,
  agents: kinds.map(agentIn),
});

type Row = { readonly [column: string]: unknown };

/** The same text for equal values, in both dialects. */
function agentText(column: ColumnLayout | null, row: object): string | null {
  const value = column === null ? null : (row as Row)[column.name];
  return value === null ? null : String(value);
}

/**
 * The events of a record in the order of the log, one array a column; `batches` are decoded under the schema
 * that is given. `ts` is in whole milliseconds. `CORRUPT` where the order is not that of the batches.
 */
export function eventRows(
  { tick, sequence, waves, meta }: EventFrame,
  batches: readonly Batch[],
  { schema, agents }: RecordedSchema,
): SqlValue[][] {
  const sets = new Map(batches.map(({ kind, set }) => [kind, set]));
  const columns: SqlValue[][] = eventColumns('sqlite').map(() => []);
  const [agentIds, ticks, seqs, kinds, payloads, times, versions] = columns as [
    agentIds: SqlValue[],
    ticks: SqlValue[],
    seqs: SqlValue[],
    kinds: SqlValue[],
    payloads: SqlValue[],
    times: SqlValue[],
    versions: SqlValue[],
  ];
  for (const { kind, size, row: first } of placedRuns(waves)) {
    const set = sets.get(kind);
    if (set === undefined || first + size > set.size)
      fail('CORRUPT', 'a record counts more events of a kind than it holds', { tick, kind });
    const { name, columns: layouts } = schema.kinds[kind]!;
    for (let row = first; row < first + size; row++) {
      const values = set.rowAt(row);
      agentIds.push(agentText(agents[kind]!, values));
      ticks.push(tick);
      seqs.push(sequence + seqs.length);
      kinds.push(name);
      payloads.push(rowJsonText(layouts, values));
      times.push(Math.floor(meta.time));
      versions.push(schema.spec.version);
    }
  }
  if (seqs.length !== batches.reduce((sum, { set }) => sum + set.size, 0))
    fail('CORRUPT', 'a record holds events that stand in no order', { tick });
  return columns;
}
