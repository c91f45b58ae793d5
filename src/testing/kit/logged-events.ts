/**
 * The events of a record in the order in which they were emitted, as rows.
 */
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
  const next = new Map<number, number>();
  return frame.waves.flatMap(({ origin, runs }) =>
    runs.flatMap(({ kind, size, times }) => {
      const from = next.get(kind) ?? 0;
      next.set(kind, from + size * times);
      const { name } = schema.kinds[kind]!;
      return Array.from({ length: size * times }, (_, i) => ({
        origin,
        kind: name,
        row: sets.get(kind)!.rowAt(from + i),
      }));
    }),
  );
}
