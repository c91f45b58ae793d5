/**
 * Eras: stretches of a log under one schema and one behaviour of the handlers.
 *
 * A new era begins with the first record after a migration, or after changed handlers were adopted: that
 * record names the world that the era begins with, its base, and a pinned snapshot holds it. Hashes are
 * compared within an era.
 */
import { hex } from '../base/bytes.ts';
import { fail, isWorldfoldError, type WorldfoldError } from '../base/errors.ts';
import { foldHint } from './code.ts';
import { configText } from './config.ts';
import type { Engine } from './engine.ts';
import { type LogSource, schemaAt } from './history.ts';
import { type RestoreOptions, restore, UNKNOWN_LOG } from './restore.ts';
import type { AnyWorld } from './world.ts';

/** Whether an engine holds what an era begins with, whose first record comes after its tick. */
export const isOnBase = ({ era, position }: Engine): boolean => era === position.tick + 1;

/**
 * The schema text that a log has at the tick of an engine. The engine itself knows only that of the era where
 * it holds what one begins with: which record comes next says that era's schema, and may be in no log yet.
 */
export const logSchema = async (engine: Engine, source: LogSource): Promise<string> =>
  isOnBase(engine) ? schemaAt(source, engine.position.tick) : engine.environment!.schema;

/**
 * Proposes an era where one must begin: the world was migrated to another schema than `text`, the log's, or
 * changed handlers were adopted, or what it was built from is what an era begins with. Returns whether it
 * did; the caller then pins what it begins with.
 */
export function beginEra({ schema }: AnyWorld, engine: Engine, text: string, adopted: boolean): boolean {
  const isMigrated = text !== schema.compiled.text;
  if (!isMigrated && !adopted && !isOnBase(engine)) return false;
  const base = hex(engine.state.digest());
  engine.propose(
    isMigrated
      ? { schema: schema.compiled.text, config: configText(engine.config), era: { base, why: 'migrated' } }
      : { era: { base, why: 'adopted' } },
  );
  return true;
}

/**
 * Gives an engine the world that a log ends with, under the code as it is: folded from the last snapshot that
 * handlers of the same texts made, from the base of the era, or from tick 0, and compared with the last
 * recorded hash. Returns whether changed handlers were adopted: the world is then the nearest snapshot,
 * whoever made it, and what they make of the records after it. `CODE_CHANGED` with the first tick that
 * differs, and the tables that it changed, where nobody asked to adopt them; errors of {@link restore}.
 */
export async function restoreHead(
  world: AnyWorld,
  engine: Engine,
  source: LogSource,
  adopt: boolean,
  onDamage: RestoreOptions['onDamage'],
): Promise<boolean> {
  const { durableTick: head } = source;
  const code = foldHint(world);
  try {
    await restore(engine, source, head, { code, compare: 'head', known: UNKNOWN_LOG, onDamage });
    return false;
  } catch (e) {
    if (!isWorldfoldError(e, 'REPLAY_DIFFERS')) throw e;
    if (!adopt) return codeChanged(await firstDifference(engine, source, e));
  }
  await restore(engine, source, head, { code: null, compare: 'none', known: UNKNOWN_LOG, onDamage });
  return true;
}

/** Folds again with every recorded hash compared, and returns the first difference. */
async function firstDifference(
  engine: Engine,
  source: LogSource,
  known: WorldfoldError,
): Promise<WorldfoldError> {
  try {
    const options = { code: '', compare: 'every', known: UNKNOWN_LOG, onDamage: () => {} } as const;
    await restore(engine, source, source.durableTick, options);
  } catch (e) {
    if (isWorldfoldError(e, 'REPLAY_DIFFERS')) return e;
    throw e;
  }
  return known;
}

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');

/** Where a world differs, in words: ` in table 'people'`; nothing where it is not known. */
function placeText({ tables, among }: Differing): string {
  if (tables !== undefined && tables.length > 0)
    return ` in ${tables.length === 1 ? 'table' : 'the tables'} ${quoted(tables)}`;
  if (among === undefined || among.length === 0) return '';
  return ` in ${among.length === 1 ? 'table' : 'one of the tables'} ${quoted(among)}`;
}

/** What is known of a tick whose world differs: the tables, or those among which they are. */
interface Differing {
  readonly tick?: number;
  readonly tables?: readonly string[];
  readonly among?: readonly string[];
}

function codeChanged(cause: WorldfoldError): never {
  const facts: Differing = cause.facts;
  return fail(
    'CODE_CHANGED',
    `the handlers give another world than was recorded: first at tick ${facts.tick}${placeText(facts)}`,
    cause.facts,
    'Open it with the code that recorded it; or with adopt: true, to go on from here with the code as it is.',
    cause,
  );
}
