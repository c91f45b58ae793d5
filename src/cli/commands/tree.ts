/**
 * `worldfold tree`: the runs of a store with their forks.
 */
import { canonicalJson } from '../../base/canonical.ts';
import { type ForkNode, forkTree } from '../../index.ts';
import { escaped } from '../../replay/diff-text-layout.ts';
import { EXIT } from '../failure.ts';
import { type Io, line, paintFor } from '../io.ts';
import { placeText, type StorePlace } from '../options.ts';
import { withStore } from '../stores.ts';
import { grouped, type TextColumn, textTable } from '../text.ts';

/** What `tree` was asked. */
export interface TreeOptions {
  readonly store: StorePlace;
  readonly json: boolean;
}

const COLUMNS: readonly TextColumn[] = [
  { title: 'run' },
  { title: 'forked at', align: 'right' },
  { title: 'tick', align: 'right' },
  { title: 'because' },
];

/** A node and what is below it, as rows; `stem` is drawn before what is below, `branch` before the node. */
function* rowsOf(node: ForkNode, branch = '', stem = ''): Generator<readonly string[]> {
  const { id, at, tick, because, children } = node;
  const forkedAt = at === null ? '' : grouped(at);
  yield [`${branch}${id ?? '(removed)'}`, forkedAt, grouped(tick), because === null ? '' : escaped(because)];
  for (const [i, child] of children.entries()) {
    const last = i === children.length - 1;
    yield* rowsOf(child, `${stem}${last ? '└─ ' : '├─ '}`, `${stem}${last ? '   ' : '│  '}`);
  }
}

const factsOf = ({ id, at, tick, because, children }: ForkNode): object => ({
  ...{ id, at, tick, because },
  children: children.map(factsOf),
});

/**
 * Draws the trees of a store. With `json`: an array of nodes `{ id, at, tick, because, children }`; a run
 * that was removed, and whose forks need its records, has no id.
 */
export async function treeCommand(io: Io, o: TreeOptions): Promise<number> {
  return withStore(o.store, io.cwd, 'read', async (store) => {
    const roots = await forkTree(store);
    if (o.json) line(io.stdout, canonicalJson(roots.map(factsOf)));
    else if (roots.length === 0) line(io.stdout, `${placeText(o.store)} holds no run yet`);
    else {
      const paint = paintFor(io.stdout, io.env);
      const rows = roots.flatMap((root) => [...rowsOf(root)]);
      for (const [i, text] of textTable(COLUMNS, rows).entries())
        line(io.stdout, i < 2 ? paint.faint(text) : text);
    }
    return EXIT.done;
  });
}
