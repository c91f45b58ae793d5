/** All that the ports of a store tell of what its runs reach, as plain values that compare. */
import { hex } from '../../src/base/bytes.ts';
import type { LogRecord, SegmentInfo, Store } from '../../src/log/store.ts';

const PAGE = { records: 7, bytes: 10_000 };

async function recordsOf(store: Store, { id, parent, head }: SegmentInfo, until: number): Promise<unknown[]> {
  const records: LogRecord[] = [];
  for (
    let next: number | null = (parent?.tick ?? -1) + 1;
    next !== null && next <= Math.min(until, head.tick);
  ) {
    const page = await store.read(id, next, PAGE);
    records.push(...page.records);
    next = page.next;
  }
  return records
    .filter(({ tick }) => tick <= until)
    .map(({ tick, hash, previous, bytes }) => [tick, hex(hash), hex(previous), hex(bytes)]);
}

async function snapshotsOf(store: Store, segment: string, until: number): Promise<unknown[]> {
  const dumped: unknown[] = [];
  for (const { tick, pinned } of await store.snapshots(segment)) {
    if (tick > until) continue;
    const { manifest, chunks } = (await store.readSnapshot(segment, tick))!;
    const bytes: string[] = [];
    for (const chunk of chunks) bytes.push(hex((await store.readChunks(segment, [chunk], 0))[0]!));
    dumped.push({ tick, pinned, manifest: hex(manifest), chunks: bytes });
  }
  return dumped;
}

/** A segment up to a tick, with all that is keyed by it; epochs and numbers of chunks are a store's own. */
async function segmentOf(store: Store, info: SegmentInfo, until: number): Promise<unknown> {
  const { id, family, parent, opening } = info;
  return {
    ...{ id, family, parent, opening, until },
    records: await recordsOf(store, info, until),
    attempts: (await store.attempts(id)).filter(({ tick }) => tick <= until + 1),
    snapshots: await snapshotsOf(store, id, until),
  };
}

/** The runs of a store, or those of one fork tree, and every segment that one of them reaches. */
export async function dumpStore(store: Store, family?: string): Promise<object> {
  const runs = (await store.list(null, Infinity)).filter(
    ({ segment }) => family === undefined || segment.family === family,
  );
  const segments = new Map<string, { readonly info: SegmentInfo; until: number }>();
  for (const { segment } of runs) {
    let until = segment.head.tick;
    for (const info of await store.lineage(segment.id)) {
      const found = segments.get(info.id) ?? { info, until };
      segments.set(info.id, { info, until: Math.max(found.until, until) });
      until = info.parent?.tick ?? -1;
    }
  }
  const dumped = [];
  for (const [, { info, until }] of [...segments].sort(([a], [b]) => (a < b ? -1 : 1)))
    dumped.push(await segmentOf(store, info, until));
  return {
    runs: runs.map(({ id, header, segment: { id: segment, head } }) => ({
      ...{ id, header, segment, tick: head.tick },
      hash: hex(head.hash),
    })),
    segments: dumped,
  };
}
