/**
 * `worldfold tables --list`: which runs of a store have tables in SQL, and how far those are behind.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { describeTables, type Store, type TablesReport } from '../../index.ts';
import { cut } from '../../replay/diff-text-layout.ts';
import { EXIT } from '../failure.ts';
import { type Io, line } from '../io.ts';
import { placeText, type StorePlace } from '../options.ts';
import { grouped, type TextColumn, textTable } from '../text.ts';
import { choiceFacts, choiceText } from './tables-text.ts';

/** A projection, and how many ticks it is behind the log of its run. */
export interface Behind {
  readonly report: TablesReport;
  /** Negative where the log was rewound; null where the run is gone meanwhile. */
  readonly behind: number | null;
}

/** The projections of a run, or of all runs for null, each with how far it is behind. */
export async function tablesBehind(store: Store, id: string | null): Promise<readonly Behind[]> {
  const reports = id === null ? await describeTables(store) : await describeTables(store, id);
  const found: Behind[] = [];
  for (const report of reports) {
    const head = (await store.head(report.id))?.segment.head.tick;
    found.push({ report, behind: head === undefined ? null : head - (report.tick ?? -1) });
  }
  return found;
}

const COLUMNS: readonly TextColumn[] = [
  { title: 'run' },
  { title: 'tick', align: 'right' },
  { title: 'behind', align: 'right' },
  { title: 'state' },
  { title: 'keeps' },
];
/** The words of a choice end here: a line is to fit a terminal. */
const KEEPS = 40;

function stateText({ report: { current, problem }, behind }: Behind): string {
  if (problem !== null) return `stopped at ${grouped(problem.tick)}`;
  if (!current) return 'being built';
  return behind !== null && behind < 0 ? 'log was rewound' : 'shown';
}

function rowOf(one: Behind): readonly string[] {
  const { report, behind } = one;
  const { id, tick, choice } = report;
  return [
    id,
    tick === null ? '–' : grouped(tick),
    behind === null ? '–' : grouped(Math.max(0, behind)),
    stateText(one),
    cut(choiceText(choice), KEEPS),
  ];
}

function factsOf({ report, behind }: Behind): object {
  const { id, tick, recordHash, version, current, problem, choice, tables } = report;
  return {
    ...{ id, tick, recordHash, version, current, behind },
    problem: problem && { ...problem },
    choice: choiceFacts(choice),
    tables: tables.map((table) => ({ ...table })),
  };
}

/** Lists them, in order of their versions. */
export async function tellList(
  io: Io,
  store: Store,
  id: string | null,
  { store: place, json }: { readonly store: StorePlace; readonly json: boolean },
): Promise<number> {
  const found = await tablesBehind(store, id);
  if (json) line(io.stdout, canonicalJson(found.map(factsOf)));
  else if (found.length === 0)
    line(io.stdout, `${id === null ? `${placeText(place)} has` : `${id} has`} no tables in SQL`);
  else for (const text of textTable(COLUMNS, found.map(rowOf))) line(io.stdout, text);
  for (const { report } of json ? [] : found)
    if (report.problem !== null) line(io.stdout, `${report.id}: ${report.problem.message}`);
  return EXIT.done;
}
