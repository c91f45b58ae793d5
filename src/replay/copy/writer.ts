/**
 * Writing one segment of a copy: begun or taken when there is something to write, and let go of at the end.
 *
 * Records go in as they are stored, each verified; a page of them at a time is in memory.
 */
import { steadyClock } from '../../base/platform.ts';
import { pathOf } from '../../log/lineage.ts';
import { readFrames } from '../../log/reader.ts';
import type { RecordFrame } from '../../log/record.ts';
import type { LogRecord, RunInfo } from '../../log/store.ts';
import { keptAnswer, persistent, release } from '../../simulation/committer.ts';
import { FIRST_EPOCH } from '../../simulation/run-options.ts';
import type { Job } from './job.ts';
import { firstOwn, recordOf } from './source.ts';
import type { Piece } from './target.ts';

/** How much goes in as one. */
const GROUP = { records: 256, bytes: 4 * 1024 * 1024 };

/** The writer of one segment in the target. */
export class PieceWriter {
  readonly piece: Piece;
  private readonly job: Job;
  private readonly name: string;
  private frames: AsyncGenerator<RecordFrame> | null = null;
  /** The last tick that the target has of the segment; null before it is there. */
  private head: number | null;
  private epoch: number | null = null;
  private renewed = 0;

  constructor(job: Job, piece: Piece & { readonly name: string }) {
    this.job = job;
    this.piece = piece;
    this.name = piece.name;
    this.head = piece.there?.head.tick ?? null;
  }

  /** The last tick that the target has; that of the parent's record where it has no own one. */
  get tick(): number {
    return this.head ?? firstOwn(this.piece.info) - 1;
  }

  /** The epoch of a writer of the segment, which is begun or taken with the first call. `RUN_IN_USE`. */
  async hold(): Promise<number> {
    const { to, holder } = this.job;
    const { id } = this.piece.info;
    if (this.epoch === null) {
      if (this.head === null) {
        await this.begin();
        this.epoch = FIRST_EPOCH;
      } else this.epoch = await persistent(() => to.acquire(id, holder, false));
      this.renewed = steadyClock();
    } else if (steadyClock() - this.renewed >= holder.ttlMs / 3) {
      await to.renew(id, this.epoch);
      this.renewed = steadyClock();
    }
    return this.epoch;
  }

  /** Makes the segment in the target: with its first record, or as a fork. */
  private async begin(): Promise<void> {
    const { to, holder, tally } = this.job;
    const { info, header } = this.piece;
    const { parent, opening, id: segment } = info;
    const made = { id: this.name, header, segment, holder };
    if (parent === null || opening === null) {
      const record = recordIn((await this.next())!);
      await this.made(() => to.create({ ...made, record }));
      tally.records++;
      tally.bytes += record.bytes.length;
      this.head = 0;
    } else {
      const { hash } = await recordOf(this.job.from, info, parent.tick);
      await this.made(() => to.fork({ ...made, parent, hash, opening }));
      this.head = parent.tick;
    }
    tally.segments++;
  }

  /** Where the answer was lost, the name and the segment tell that it is there. */
  private made(call: () => Promise<RunInfo>): Promise<RunInfo> {
    const { to } = this.job;
    return keptAnswer(call, async () => {
      const info = await to.head(this.name);
      return info?.segment.id === this.piece.info.id ? info : undefined;
    });
  }

  /** The next frame of the source that the target has not. */
  private async next(): Promise<RecordFrame | undefined> {
    if (this.frames === null) {
      const { from } = this.job;
      const { info, until } = this.piece;
      const path = await pathOf(from, info);
      // From one that is not copied on: its hash and its number of events must lead to the first that is.
      this.frames = readFrames(from, path, Math.max(this.tick, 0), until);
    }
    for (;;) {
      const { value } = await this.frames.next();
      if (value === undefined || value.tick > this.tick) return value as RecordFrame | undefined;
    }
  }

  /** Copies records up to a tick; fewer where it was told to stop. */
  async copyTo(tick: number): Promise<void> {
    const { job } = this;
    while (this.tick < tick && !job.stopped) {
      await this.hold();
      const records: LogRecord[] = [];
      let bytes = 0;
      const isFull = (): boolean => records.length >= GROUP.records || bytes >= GROUP.bytes;
      while (this.tick + records.length < tick && !isFull()) {
        const record = recordIn((await this.next())!);
        records.push(record);
        bytes += record.bytes.length;
      }
      if (records.length > 0) await this.append(records, bytes);
      await job.step();
    }
  }

  private async append(records: readonly LogRecord[], bytes: number): Promise<void> {
    const { to, tally } = this.job;
    const epoch = await this.hold();
    const { id } = this.piece.info;
    const { tick } = await persistent(() => to.append(id, epoch, this.tick + 1, records));
    this.head = tick;
    tally.records += records.length;
    tally.bytes += bytes;
  }

  /** Lets go of the segment. Never throws. */
  async end(): Promise<void> {
    await this.frames?.return(undefined);
    if (this.epoch !== null)
      await release({ store: this.job.to, segment: this.piece.info.id, epoch: this.epoch });
    this.epoch = null;
  }
}

/** The record that a verified frame was read from. */
const recordIn = ({ tick, hash, previous, bytes }: RecordFrame): LogRecord => ({
  tick,
  hash,
  previous,
  bytes,
});
