/**
 * What of a run is to be in SQL: what was typed, and for the rest what was chosen before.
 */
import { type ChosenTicks, describeTables, type Store, type TablesChoice } from '../../index.ts';

/** A choice as it is typed; what is left out stays as it was. */
export interface ChosenWords {
  /** Tables of the world; `all` for all of them. */
  readonly only?: readonly string[] | undefined;
  readonly history?: ChosenTicks | 'none' | undefined;
  readonly events?: boolean | undefined;
}

/**
 * What is chosen of a run that has tables in SQL already: of those that are shown, or else of the newest.
 * Nothing where it has none.
 */
export async function choiceOnward(store: Store, id: string): Promise<TablesChoice> {
  const all = await describeTables(store, id);
  return (all.find(({ current }) => current) ?? all.at(-1))?.choice ?? {};
}

/** A choice with what was typed in place of its own; `names` are the tables that the world has. */
export function chosenNow(names: readonly string[], before: TablesChoice, typed: ChosenWords): TablesChoice {
  const { only } = typed;
  const isAll = only?.length === 1 && only[0] === 'all' && !names.includes('all');
  const tables = isAll ? undefined : (only ?? before.tables);
  const history = typed.history === 'none' ? undefined : (typed.history ?? before.history);
  return {
    ...(tables !== undefined && { tables }),
    ...(history !== undefined && { history }),
    events: typed.events ?? before.events ?? false,
  };
}
