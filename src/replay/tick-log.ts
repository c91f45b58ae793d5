/**
 * The tick log of a stored run, for whoever is not its writer.
 */
import { checkNames } from '../base/arguments.ts';
import type { Store } from '../log/store.ts';
import { checkRange, checkStore, checkText } from '../simulation/arguments.ts';
import { durableSource } from '../simulation/history.ts';
import { type TickLogEntry, tickLogOf } from '../simulation/tick-log.ts';

/** Which ticks of which run. */
export interface ReadTickLogOptions {
  readonly store: Store;
  readonly id: string;
  /** The first tick; 0 where left out. */
  readonly from?: number;
  /** The last tick; the durable head where left out. */
  readonly to?: number;
}

/**
 * How long the ticks of a stored run took, one after another, as `run.tickLog` tells it. It needs no world,
 * takes no lease and writes nothing: another process may be advancing the run. What a tick's writer did not
 * time is null. `UNKNOWN_RUN`, `CORRUPT`, `NO_RECORD`.
 *
 * @example
 * ```ts
 * for await (const { tick, times } of readTickLog({ store, id: 'first' }))
 *   console.log(tick, times?.computedMs);
 * ```
 */
export function readTickLog(options: ReadTickLogOptions): AsyncIterable<TickLogEntry> {
  checkNames('the options of readTickLog', options, ['store', 'id', 'from', 'to']);
  const { store, id, from = 0, to = Number.POSITIVE_INFINITY } = options;
  checkStore('readTickLog', store);
  checkText('id', id);
  checkRange({ from, to }, 'readTickLog');
  return entries(store, id, from, to);
}

async function* entries(store: Store, id: string, from: number, to: number): AsyncGenerator<TickLogEntry> {
  yield* tickLogOf(await durableSource(store, id), from, to);
}
