/**
 * One tick of a world whose tables were given instead of computed: what scenes are played on.
 *
 * Owns the way of rows that are given, and what one wave emitted. There is no log: nothing of it is encoded,
 * hashed or kept. A call that throws leaves the scene in pieces, and it refuses to go on.
 */
import type { GuardLevels } from '../base/ambient.ts';
import { fail } from '../base/errors.ts';
import { TOUCHED } from '../columns/table-store.ts';
import { HASH_VERSION } from '../log/environment.ts';
import { RANDOM_VERSION } from '../random/digest.ts';
import { SOURCES } from '../schema/compile.ts';
import { validRow } from '../schema/validate.ts';
import { configText, validConfig } from './config.ts';
import { Engine, InputRefused } from './engine.ts';
import type { AnySystem, AnyWorld } from './world.ts';

/** What a scene begins with. */
export interface SceneStart {
  readonly seed: string;
  readonly config: object;
  /** The tick that is played. */
  readonly tick: number;
  /** Rows by table, in order. */
  readonly tables: { readonly [table: string]: readonly object[] };
  readonly guard: GuardLevels;
}

/** An event with its kind. */
export type KindAndRow = readonly [kind: string, row: object];

/** How many events of each kind, and how many waves, were there before a wave. */
interface Mark {
  readonly waves: number;
  readonly sizes: ReadonlyMap<number, number>;
}

/** A tick that is played piece by piece. */
export class SceneEngine extends Engine {
  private spoiled = false;

  constructor(world: AnyWorld, { seed, config, tick, tables, guard }: SceneStart) {
    super(world, { hashEvery: 1, invariantsEvery: 1, guard });
    this.propose({
      seed,
      config: configText(validConfig(world, config)),
      schema: world.schema.compiled.text,
      random: RANDOM_VERSION,
      hash: HASH_VERSION,
    });
    for (const [table, rows] of Object.entries(tables)) this.fill(table, rows);
    this.tick = tick;
    this.events.begin(tick);
    this.drawing = this.streams.tick(tick);
  }

  private fill(table: string, rows: readonly object[]): void {
    const store = table === SOURCES ? undefined : this.state.tables.get(table);
    if (store === undefined)
      fail('BAD_USAGE', `a scene was given rows of a table '${table}' that there is not`, { table });
    if (store.layout.single && rows.length > 1)
      fail('BAD_USAGE', `a scene was given ${rows.length} rows of the singleton '${table}'`, { table });
    rows.forEach((given, i) => {
      const row = validRow(store.layout, given, `row ${i} of '${table}'`, 'BAD_VALUE');
      if (!store.layout.single) store.insert(row);
      else for (const column of store.set.columns) column.store(0, row[column.layout.name]);
      store.touched = TOUCHED;
    });
  }

  /** Applies an input as at the beginning of a tick. What its handler throws is thrown. */
  submit(kind: string, given: object): void {
    const layout = this.world.schema.compiled.kindOf.get(kind);
    if (layout?.source !== 'input') fail('BAD_USAGE', `there is no input of kind '${kind}'`, { kind });
    const row = validRow(layout, given, `input '${kind}'`, 'BAD_INPUT');
    this.play(() => {
      try {
        this.applyInput({ kind, row, source: null, seq: 0 }, 0);
      } catch (e) {
        throw e instanceof InputRefused ? e.cause : e;
      }
    });
  }

  /** Applies an event as if a system of the name `given` had emitted it. */
  apply(kind: string, given: object): void {
    const layout = this.world.schema.compiled.kindOf.get(kind);
    if (layout?.source !== 'event' && layout?.source !== 'fact')
      fail('BAD_USAGE', `there is no event of kind '${kind}'`, { kind });
    const row = validRow(layout, given, `event '${kind}'`, 'BAD_VALUE');
    this.play(() => {
      this.events.wave('given', true, () => void this.events.write(layout, row));
    });
  }

  /** Runs a system as in a tick, where its options say that it is its turn; returns what it emitted. */
  run(system: AnySystem): readonly KindAndRow[] {
    const before = this.mark();
    this.play(() => this.runSystem(system));
    return this.since(before);
  }

  private play(run: () => void): void {
    if (this.spoiled)
      fail('WRONG_STATE', 'the scene ended where a call of it failed', {}, 'Make another one.');
    try {
      run();
    } catch (e) {
      this.spoiled = true;
      this.state.gate.abandon();
      this.state.gate.hidden = true;
      this.events.abandon();
      throw e;
    }
  }

  private mark(): Mark {
    const { waves, batches } = this.events.content();
    return { waves: waves.length, sizes: new Map(batches.map(({ kind, set }) => [kind, set.size])) };
  }

  /** The events of the waves since a mark, in the order in which they were emitted. */
  private since({ waves: first, sizes }: Mark): readonly KindAndRow[] {
    const { waves, batches } = this.events.content();
    const sets = new Map(batches.map(({ kind, set }) => [kind, set]));
    const next = new Map(sizes);
    return waves.slice(first).flatMap(({ runs }) =>
      runs.flatMap(({ kind, size, times }) => {
        const from = next.get(kind) ?? 0;
        next.set(kind, from + size * times);
        const { name } = this.world.schema.compiled.kinds[kind]!;
        return Array.from(
          { length: size * times },
          (_, i): KindAndRow => [name, sets.get(kind)!.rowAt(from + i)],
        );
      }),
    );
  }
}
