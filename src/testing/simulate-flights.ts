/**
 * The groups in flight of a simulated schedule: what is computed, who dies and who is replaced meanwhile.
 *
 * Owns what holds of commits that nobody waits for: a writer sends one group at a time, and computes no
 * further ahead of the store than its window. Whether what it tells of them is true, the book knows.
 */
import type { Store } from '../log/store.ts';
import type { Notes } from './simulate-notes.ts';

/** How many groups may wait, those in flight included: as `src/simulation/committer.ts` has it. */
const WINDOW = 4;

/** The appends under way of all processes. */
export class Flights {
  private readonly book: Notes;
  /** Process and segment of each. */
  private readonly under: { readonly pid: number; readonly segment: string }[] = [];

  constructor(book: Notes) {
    this.book = book;
  }

  /** A store whose appends are seen. */
  watched(inner: Store, pid: number): Pick<Store, 'append'> {
    const { book, under } = this;
    return {
      append: async (segment, epoch, firstTick, records) => {
        book.holds(
          !this.isUnder(pid, segment),
          () => `L2: process ${pid} sends ticks from ${firstTick} on to ${segment} with others in flight`,
        );
        const flight = { pid, segment };
        under.push(flight);
        try {
          return await inner.append(segment, epoch, firstTick, records);
        } finally {
          under.splice(under.indexOf(flight), 1);
        }
      },
    };
  }

  private isUnder(pid: number, segment: string): boolean {
    return this.under.some((flight) => flight.pid === pid && flight.segment === segment);
  }

  /** A process dies. */
  died(pid: number): void {
    if (this.under.some((flight) => flight.pid === pid)) this.book.count('deaths beside a commit');
  }

  /** A process takes a segment. */
  taken(by: number, segment: string): void {
    if (this.under.some(({ pid, segment: of }) => of === segment && pid !== by))
      this.book.count('replaced beside a commit');
  }

  /** A process has computed so many ticks that are not durable; a group of it has at most `ticks`. */
  computed(pid: number, segment: string, undurable: number, ticks: number): void {
    const { book } = this;
    if (this.isUnder(pid, segment)) book.count('ticks beside a commit');
    if (undurable === ticks * WINDOW) book.count('windows filled');
    book.holds(
      undurable <= ticks * WINDOW,
      () => `L11: process ${pid} has computed ${undurable} ticks of ${segment} that are not durable`,
    );
  }
}
