/**
 * The events of a record in the order in which they were emitted, as rows.
 */
import { placedRuns } from '../../columns/waves.ts';
import { decodeBatches, freshSets, type RecordFrame } from '../../log/record.ts';
import type { CompiledSchema } from '../../schema/compile.ts';

/** An event of a record, with who emitted it. */
export interface LoggedRow {
  readonly origin: string;
  readonly kind: string;
  readonly row: object;
}

/** All events of a record, those of the framework's own kinds among them. */
export function loggedRows(schema: CompiledSchema, frame: RecordFrame): readonly LoggedRow[] {
  const sets = new Map(decodeBatches(frame, schema, freshSets(schema)).map(({ kind, set }) => [kind, set]));
  return [...placedRuns(frame.waves)].flatMap(({ origin, kind, size, row }) => {
    const { name } = schema.kinds[kind]!;
    return Array.from({ length: size }, (_, i) => ({
      origin,
      kind: name,
      row: sets.get(kind)!.rowAt(row + i),
    }));
  });
}
