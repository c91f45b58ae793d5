/** Records by hand: chains of true records that no world wrote. */
import { ColumnSet } from '../../../src/columns/column-set.ts';
import { decodeFrame, encodeRecord, NO_HASH, type TickContent } from '../../../src/log/record.ts';
import type { LogRecord } from '../../../src/log/store.ts';
import { t } from '../../../src/schema/columns.ts';
import { defineSchema } from '../../../src/schema/define.ts';
import { event, table } from '../../../src/schema/tables.ts';

const schema = defineSchema({
  name: 'chain',
  version: 1,
  tables: { some: table({ id: t.id() }) },
  events: { said: event({ what: t.text(), loud: t.u32() }) },
});
const said = schema.compiled.kindOf.get('said')!;

/** A chain of records from tick 0 on. Tick 0 is the same for all authors; after it, nothing is. */
export function chainOf(ticks: number, author: string): LogRecord[] {
  const chain: LogRecord[] = [];
  let sequence = 0;
  for (let tick = 0; tick < ticks; tick++) {
    const set = new ColumnSet(said, false);
    const who = tick === 0 ? 'setup' : author;
    for (let loud = 0; loud <= tick % 3; loud++) set.append({ what: `${who} at ${tick}`, loud });
    const content: TickContent = {
      tick,
      sequence,
      previous: chain.at(-1)?.hash ?? NO_HASH,
      environment: tick === 0 ? '{}' : null,
      waves: [{ origin: who, atOnce: false, runs: [{ kind: said.number, size: set.size, times: 1 }] }],
      batches: [{ kind: said.number, set }],
      draws: [],
      stateHash: null,
    };
    chain.push(encodeRecord(content, { time: tick, metricNames: null, metrics: [] }));
    sequence += set.size;
  }
  return chain;
}

/** The same record, encoded at another time: another writer's, who computed the same. */
export function otherMetadata(record: LogRecord): LogRecord {
  const frame = decodeFrame(record.bytes, {});
  const set = new ColumnSet(said, false);
  set.append({ what: 'unused', loud: 0 });
  const again = encodeRecord(
    { ...frame, batches: [{ kind: said.number, set }] },
    { ...frame.meta, time: frame.meta.time + 1000 },
  );
  const head = frame.end + 32;
  const bytes = new Uint8Array(record.bytes);
  const tail = again.bytes.subarray(again.bytes.length - (record.bytes.length - head));
  bytes.set(tail, head);
  return { ...record, bytes };
}
