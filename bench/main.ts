/**
 * `npm run bench`: the rows of the speed table, each a ratio to a named baseline measured in the same run.
 *
 * Words after the command choose rows by name: `npm run bench -- append emit`. `--json` prints data.
 */
import { loadHash } from '../src/base/hash.ts';
import { type Row, report } from './harness.ts';
import { appendRows } from './rows/append.ts';
import { creatureRows, stateHashRows } from './rows/creatures.ts';
import { foldRows } from './rows/fold.ts';
import { emitRows, loopRows, writeRows } from './rows/memory.ts';
import { postgresAppendRows, postgresReadRows } from './rows/postgres.ts';
import { snapshotFileRows } from './rows/snapshot-files.ts';
import { epidemicTableRows, tableWriteRows } from './rows/tables.ts';
import { guardRows, tickRows } from './rows/tick.ts';

const ROWS: { readonly [name: string]: () => Promise<readonly Row[]> } = {
  append1000: () => appendRows(1000, 128, { json: 20, bare: 0.7 }),
  append10: () => appendRows(10, 1024, { json: 7, bare: null }),
  tick: () => tickRows(1024),
  guard: () => guardRows(1024),
  fold: () => foldRows(1000, 512),
  emit: emitRows,
  write: writeRows,
  loop: loopRows,
  creatures: () => creatureRows(100_000),
  stateHash: () => stateHashRows(1_000_000),
  snapshotFiles: snapshotFileRows,
  postgres1000: () => postgresAppendRows(1000, 256, true),
  postgres10: () => postgresAppendRows(10, 1024, false),
  postgresRead: () => postgresReadRows(1000, 512),
  tableWrites: tableWriteRows,
  epidemicTables: epidemicTableRows,
};

await loadHash();
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const chosen = Object.keys(ROWS).filter(
  (name) => words.length === 0 || words.some((word) => name.includes(word)),
);
const rows: Row[] = [];
for (const name of chosen) rows.push(...(await ROWS[name]!()));
report(rows);
