/**
 * What user code sees of the events of one kind: a stretch of a batch, read-only.
 */
import { fail } from '../base/errors.ts';
import type { ColumnSet } from '../columns/column-set.ts';
import { codesOf, perColumn } from '../columns/table-view.ts';

const codeObjects = new WeakMap<ColumnSet, object>();

/** The events from one place of a set to before another. */
export class BatchView implements Iterable<object> {
  readonly size: number;
  private readonly set: ColumnSet;
  private readonly from: number;
  private view: object | null = null;

  constructor(set: ColumnSet, from: number, to: number) {
    this.set = set;
    this.from = from;
    this.size = to - from;
  }

  /** The columns of these events, each of `size` rows. */
  get columns(): object {
    return (this.view ??= this.set.view(this.from, this.from + this.size));
  }

  /** Enum codes by name. */
  get codes(): object {
    let codes = codeObjects.get(this.set);
    if (codes === undefined) codeObjects.set(this.set, (codes = codesOf(this.set.columns)));
    return codes;
  }

  /** For every optional column, whether an event is null in it. */
  get nulls(): object {
    const { from, size, set } = this;
    const optional = set.columns.filter(({ valid }) => valid !== null);
    return perColumn(
      optional,
      ({ valid }) =>
        () =>
        (i: number): boolean =>
          i < size && !valid!.has(from + i),
    );
  }

  /** One event as an object. */
  at(i: number): object {
    if (i >>> 0 !== i || i >= this.size)
      fail('BAD_USAGE', `there is no event ${i} among ${this.size} of kind '${this.set.layout.name}'`, {
        event: i,
      });
    return this.set.rowAt(this.from + i);
  }

  *[Symbol.iterator](): Generator<object> {
    for (let i = 0; i < this.size; i++) yield this.set.rowAt(this.from + i);
  }
}
