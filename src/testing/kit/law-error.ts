/**
 * A law that does not hold: what is told of it, down to the rows.
 */
import { ByteWriter, hex, sameBytes } from '../../base/bytes.ts';
import { messageOf } from '../../base/canonical.ts';
import { type Facts, WorldfoldError } from '../../base/errors.ts';
import { decodeBatches, freshSets, type RecordFrame } from '../../log/record.ts';
import { diffWorlds, type WorldDifference } from '../../projections/world-diff.ts';
import type { WorldState } from '../../projections/world-state.ts';
import { differenceText } from '../../replay/diff-text.ts';
import { engineAt, type Log } from '../../replay/given.ts';
import type { CompiledSchema } from '../../schema/compile.ts';
import { loggedRows } from './logged-events.ts';
import type { Recorded } from './play.ts';
import { shortText, sourceText } from './source-text.ts';

const ROWS = 10;
const INDENT = '  ';

/** What two worlds differ in, as facts: the first table, its first column, the keys of its first rows. */
export function differenceFacts({ tables: [first] }: WorldDifference): Facts {
  if (first === undefined) return {};
  const { table, columns, rows } = first;
  const keys = rows.map((row) => row.key ?? (typeof row.row === 'number' ? row.row : row.row.a));
  return { table, column: columns[0]?.column ?? null, rows: keys };
}

/** Tells that a law does not hold; `difference` is that of the two worlds, where there are two. */
export function lawBroken(
  law: string,
  tick: number,
  what: string,
  told: { readonly facts?: Facts; readonly lines?: readonly string[]; readonly cause?: unknown } = {},
): WorldfoldError {
  const lines = (told.lines ?? []).map((line) => `\n${INDENT}${line}`).join('');
  return new WorldfoldError(
    'LAW_BROKEN',
    `${law}, tick ${tick}: ${what}${lines}`,
    { law, tick, ...told.facts },
    undefined,
    told.cause,
  );
}

/** Two worlds with what they are called. */
export interface Sides {
  readonly a: WorldState;
  readonly b: WorldState;
  readonly names: readonly [string, string];
}

/** Tells that a law does not hold because two worlds differ after a tick. */
export function worldsDiffer(
  law: string,
  tick: number,
  what: string,
  { a, b, names }: Sides,
): WorldfoldError {
  const difference = diffWorlds(a, b, { limit: ROWS });
  const lines = differenceText(difference, names).split('\n');
  return lawBroken(law, tick, what, { facts: differenceFacts(difference), lines });
}

/** Events with who emitted them, as texts. */
const eventTexts = (schema: CompiledSchema, frame: RecordFrame): readonly string[] =>
  loggedRows(schema, frame).map(({ origin, kind, row }) => `${origin}: ${kind} ${shortText(row)}`);

/** The first event that differs between two records, and the streams that were drawn from otherwise. */
function recordLines(
  schema: CompiledSchema,
  a: RecordFrame,
  b: RecordFrame,
  names: readonly [string, string],
) {
  const [mine, others] = [eventTexts(schema, a), eventTexts(schema, b)];
  const at = Array.from({ length: Math.max(mine.length, others.length) }).findIndex(
    (_, i) => mine[i] !== others[i],
  );
  const lines: string[] = [];
  const width = Math.max(...names.map(({ length }) => length));
  if (at >= 0)
    lines.push(
      `event ${at} of the tick is another:`,
      `  ${names[0].padEnd(width)}  ${mine[at] ?? 'none'}`,
      `  ${names[1].padEnd(width)}  ${others[at] ?? 'none'}`,
    );
  const drawn = (frame: RecordFrame): ReadonlyMap<string, number> =>
    new Map(frame.draws.map(({ stream, draws }) => [stream, draws]));
  const [drawnA, drawnB] = [drawn(a), drawn(b)];
  for (const stream of new Set([...drawnA.keys(), ...drawnB.keys()])) {
    const [before, after] = [drawnA.get(stream) ?? 0, drawnB.get(stream) ?? 0];
    if (before !== after)
      lines.push(`stream '${stream}': ${before} draws in ${names[0]}, ${after} in ${names[1]}`);
  }
  return lines;
}

async function stateOf(log: Log, tick: number): Promise<WorldState | string> {
  try {
    return (await engineAt(log, tick)).state;
  } catch (e) {
    return messageOf(e);
  }
}

/** Tells that a law does not hold because two logs have other records of a tick. */
export async function recordsDiffer(
  law: string,
  tick: number,
  what: string,
  { a, b, names }: { readonly a: Recorded; readonly b: Recorded; readonly names: readonly [string, string] },
): Promise<WorldfoldError> {
  const { compiled } = a.log.world.schema;
  const [mine, other] = [a.frames[tick], b.frames[tick]];
  if (mine === undefined || other === undefined) {
    const ends = `${names[0]} ends at tick ${a.log.tick}, ${names[1]} at tick ${b.log.tick}`;
    return lawBroken(law, tick, what, { lines: [ends] });
  }
  const lines = recordLines(compiled, mine, other, names);
  const states = [await stateOf(a.log, tick), await stateOf(b.log, tick)] as const;
  if (typeof states[0] === 'string' || typeof states[1] === 'string') {
    const why = states.find((state) => typeof state === 'string');
    return lawBroken(law, tick, what, { lines: [...lines, `the worlds can't be compared: ${String(why)}`] });
  }
  const difference = diffWorlds(states[0], states[1], { limit: ROWS });
  const shown = difference.same ? [] : differenceText(difference, names).split('\n');
  return lawBroken(law, tick, what, { facts: differenceFacts(difference), lines: [...lines, ...shown] });
}

/** The columns of a record's events, as they are encoded when nothing stands before them. */
function columnsOf(schema: CompiledSchema, frame: RecordFrame): Uint8Array {
  const writer = new ByteWriter(frame.bytes.length);
  for (const { set } of decodeBatches(frame, schema, freshSets(schema))) set.encode(writer, 0, set.size);
  return writer.take();
}

/** Whether two records say the same of their tick, whatever came before it and what they note of it. */
export function sameContent(schema: CompiledSchema, a: RecordFrame, b: RecordFrame): boolean {
  const parts = ({ sequence, stateHash, waves, draws, counts }: RecordFrame): unknown => [
    sequence,
    stateHash === null ? null : hex(stateHash),
    waves,
    draws,
    counts,
  ];
  return (
    sourceText(parts(a)) === sourceText(parts(b)) && sameBytes(columnsOf(schema, a), columnsOf(schema, b))
  );
}
