/**
 * The runs of a store as trees: which began on a record of which, and what went with those that were removed.
 *
 * Told from segments, which hold the truth, and not from headers: a run whose header is damaged stands where
 * it belongs, and so does one whose parent has lost its name.
 */
import { isWorldfoldError } from '../base/errors.ts';
import { byCodeUnits } from '../base/text.ts';
import { readHeader } from '../log/header.ts';
import { hasForks, type RunInfo, type SegmentInfo, type Store } from '../log/store.ts';
import { checkStore } from '../simulation/arguments.ts';
import { parseOpening } from '../simulation/opening.ts';
import { allRuns } from './describe.ts';

/** A run with its forks. */
export interface ForkNode {
  /** The run; null where its name was removed and forks still need its records. */
  readonly id: string | null;
  /** The segment that its log ends in. */
  readonly segment: string;
  /** The last durable tick. */
  readonly tick: number;
  /** The tick that it was forked at; null for a run that began by itself. */
  readonly at: number | null;
  /** Why it was forked, as far as that can be read. */
  readonly because: string | null;
  /** Forks whose first own record follows a record of its own segment, by tick. */
  readonly children: readonly ForkNode[];
}

/** What the segment was to begin with says why; where that is damaged, the header may. */
function becauseOf({ id, opening }: SegmentInfo, run: RunInfo | undefined): string | null {
  const told = [
    () => (opening === null ? undefined : parseOpening(opening, id).change.fork?.because),
    () => (run === undefined ? undefined : readHeader(run.id, run.header).fork?.because),
  ];
  for (const tell of told)
    try {
      const because = tell();
      if (because !== undefined) return because;
    } catch (e) {
      if (!isWorldfoldError(e)) throw e;
    }
  return null;
}

/** The segments of all runs and of what they continue, by id. */
async function segmentsOf(store: Store, runs: readonly RunInfo[]): Promise<Map<string, SegmentInfo>> {
  const segments = new Map(runs.map(({ segment }) => [segment.id, segment]));
  if (!hasForks(store)) return segments;
  for (const { segment } of runs) {
    if (segment.parent === null || segments.has(segment.parent.segment)) continue;
    try {
      for (const one of await store.lineage(segment.id)) if (!segments.has(one.id)) segments.set(one.id, one);
    } catch (e) {
      // The run was removed, and its segment collected, since it was listed.
      if (!isWorldfoldError(e, 'UNKNOWN_RUN')) throw e;
      segments.delete(segment.id);
    }
  }
  return segments;
}

/** What a node is sorted by among others of its tick: its name, or the first one below it. */
const nameOf = ({ id, children }: ForkNode): string => id ?? (children[0] ? nameOf(children[0]) : '');

const inOrder = (nodes: readonly ForkNode[]): readonly ForkNode[] =>
  [...nodes].sort((a, b) => (a.at ?? 0) - (b.at ?? 0) || byCodeUnits(nameOf(a), nameOf(b)));

/**
 * The runs of a store as trees, roots in order of id, forks in order of the tick they were made at. A run
 * that was removed stands as a node without id as long as forks need its records.
 *
 * @example
 * ```ts
 * for (const { id, children } of await forkTree(store)) console.log(id, children.length);
 * ```
 */
export async function forkTree(store: Store): Promise<readonly ForkNode[]> {
  checkStore('forkTree', store);
  const runs = await allRuns(store);
  const named = new Map(runs.map((run) => [run.segment.id, run]));
  const segments = await segmentsOf(store, runs);
  const below = new Map<string | null, SegmentInfo[]>();
  for (const segment of segments.values()) {
    const parent = segment.parent?.segment ?? null;
    below.set(parent, [...(below.get(parent) ?? []), segment]);
  }
  const nodes = (of: string | null): readonly ForkNode[] =>
    inOrder(
      (below.get(of) ?? []).map((segment) => ({
        id: named.get(segment.id)?.id ?? null,
        segment: segment.id,
        tick: segment.head.tick,
        at: segment.parent?.tick ?? null,
        because: becauseOf(segment, named.get(segment.id)),
        children: nodes(segment.id),
      })),
    );
  return nodes(null);
}
