/** Schemas in which kinds name their agents. */
import { type CompiledSchema, compileSchema, isExact } from '../../src/schema/compile.ts';
import type { SchemaSpec } from '../../src/schema/spec.ts';

/** The schema with an agent for each kind that has a column for it: the one with that number, or around. */
export function withAgents({ spec, kindOf }: CompiledSchema, choice: number): CompiledSchema {
  const named = (kinds: SchemaSpec['events']): SchemaSpec['events'] =>
    Object.fromEntries(
      Object.entries(kinds).map(([name, kind]) => {
        const exact = kindOf.get(name)!.columns.filter(isExact);
        return [name, exact.length === 0 ? kind : { ...kind, agent: exact[choice % exact.length]!.name }];
      }),
    );
  return compileSchema({ ...spec, events: named(spec.events), inputs: named(spec.inputs) });
}
