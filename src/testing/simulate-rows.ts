/**
 * The worlds of a simulated log as rows: what the reference world makes of each record under a code.
 *
 * Owns the naive side of an era: rows are folded, and taken along to the second version, by plain statements
 * that share nothing with columns, snapshots and migrations.
 */
import { parseCanonical } from '../base/canonical.ts';
import type { Environment } from '../log/environment.ts';
import { decodeBatches, freshSets, type RecordFrame } from '../log/record.ts';
import { Streams } from '../random/streams.ts';
import { unliteral } from '../schema/canonical-text.ts';
import { SOURCE_KIND } from '../schema/compile.ts';
import {
  type ReferenceEvent,
  type ReferenceRow,
  type ReferenceTable,
  type ReferenceWave,
  ReferenceWorld,
} from './reference-world.ts';
import { calmWorld, compiledOf, marked, type SimulatedCode } from './simulate-codes.ts';
import { worldText } from './simulate-world.ts';

interface Listed {
  readonly rows: readonly ReferenceRow[];
  readonly nextId: number;
}

/** A world as rows. Nobody changes one. */
export interface Rows {
  readonly version: 1 | 2;
  readonly plots: Listed;
  readonly land: Listed;
  readonly barn: ReferenceRow;
}

/** What a record tells, as far as handlers are concerned. */
export interface ToldTick {
  readonly tick: number;
  readonly waves: readonly ReferenceWave[];
  readonly environment: Environment;
}

/** The waves of a record as rows, without the marks of sources. */
export function wavesOf(frame: RecordFrame, version: 1 | 2): ReferenceWave[] {
  const compiled = compiledOf(version);
  const sets = new Map(decodeBatches(frame, compiled, freshSets(compiled)).map((one) => [one.kind, one.set]));
  const next = new Map<number, number>();
  return frame.waves.map(({ origin, runs }) => {
    const events: ReferenceEvent[] = [];
    for (const { kind, size, times } of runs) {
      const { name } = compiled.kinds[kind]!;
      const from = next.get(kind) ?? 0;
      next.set(kind, from + size * times);
      if (name === SOURCE_KIND) continue;
      for (let i = 0; i < size * times; i++) events.push([name, sets.get(kind)!.rowAt(from + i) as object]);
    }
    return { origin, events };
  });
}

const LAND: ReadonlySet<string> = new Set(['+land', 'tilled', 'drowned', 'raised']);
const copied = ({ rows, nextId }: Listed) => ({ rows: rows.map((row) => ({ ...row })), nextId });

/** Folds a record onto the world before it, under a code of the version of that world; null before tick 0. */
export function foldRows(
  before: Rows | null,
  { tick, waves, environment }: ToldTick,
  code: SimulatedCode,
): Rows {
  const { version } = code;
  const streams = new Streams(environment.seed);
  const config = unliteral(parseCanonical(environment.config));
  const world = new ReferenceWorld(
    compiledOf(version),
    calmWorld(code).def.apply as object,
    (at, kind, origin, ordinal) => {
      const drawn = streams.applying(at, kind, origin).at(ordinal);
      return { tick: at, config, rng: (name: string) => drawn.rng(name) };
    },
  );
  // Most records leave the land, which is the larger part, as it is.
  const isTouched = before === null || waves.some(({ events }) => events.some(([kind]) => LAND.has(kind)));
  const plots = world.tables.plots as ReferenceTable;
  const land = world.tables.land as ReferenceTable;
  const barn = world.tables.barn as { row: ReferenceRow };
  if (before !== null) {
    Object.assign(plots, copied(before.plots));
    if (isTouched) Object.assign(land, copied(before.land));
    barn.row = { ...before.barn };
  }
  for (const wave of waves) world.fold(tick, wave);
  const listed = ({ rows, nextId }: ReferenceTable): Listed => ({ rows, nextId });
  return { version, plots: listed(plots), land: isTouched ? listed(land) : before.land, barn: barn.row };
}

/** Takes a world of the first version along to the second. */
export function migratedRows(rows: Rows, version: 1 | 2): Rows {
  if (rows.version === version) return rows;
  const { plots, land, barn } = rows;
  const moved = plots.rows.map(({ tag, ...row }) => ({ ...row, label: tag, wet: true }));
  return {
    version,
    land,
    plots: { rows: moved, nextId: plots.nextId },
    barn: { ...barn, last: marked(barn.last as string), mood: 1 },
  };
}

/** Rows as {@link worldText} shows a world of them. */
export function rowsText({ plots, barn, land }: Rows): string {
  const column = (name: string) => land.rows.map((row) => row[name]);
  const columns = { id: column('id'), height: column('height'), soil: column('soil'), name: column('name') };
  return worldText({ plots: plots.rows, barn: { value: barn }, land: { size: land.rows.length, columns } });
}
