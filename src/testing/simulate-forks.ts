/**
 * What is asked of forks in a simulated schedule, and what their records must hold.
 *
 * Owns L6 as seen in the log: the first own record of a fork says what was asked for; inputs that it did not
 * get itself are its opening and those of its parent's ticks, in their order, and no others; with the same
 * inputs and nothing changed it has the state hashes of its parent.
 */
import { parseCanonical } from '../base/canonical.ts';
import { parseChange } from '../log/environment.ts';
import { unliteral } from '../schema/canonical-text.ts';
import type { Book } from './simulate-book.ts';
import { codeText } from './simulate-codes.ts';
import type { EraTick } from './simulate-eras.ts';
import { type BookedLog, environmentOf, type ForkAsk, fedTags } from './simulate-ledger.ts';
import type { BookedTick } from './simulate-records.ts';
import type { SeededChoices } from './simulated-scheduler.ts';

/** Draws what a fork of a log at a tick is to be. */
export function drawAsk(
  { below, chance }: SeededChoices,
  of: BookedLog,
  at: number,
  tags: () => number,
): ForkAsk {
  const isPlain = chance(0.4);
  const later = (['keep', 'drop', 'filter'] as const)[below(3)]!;
  return {
    at,
    of,
    because: chance(0.5) ? `a reason of ${of.run}` : null,
    rate: !isPlain && chance(0.4) ? below(11) / 10 : null,
    seed: !isPlain && chance(0.3) ? `seed ${below(1000)}` : null,
    opening: isPlain ? [] : Array.from({ length: below(3) }, tags),
    later: isPlain ? 'keep' : later,
  };
}

/** A record carries what was asked for where it is the first own one of a fork, and else says nothing. */
export function checkBeginning(book: Book, log: BookedLog, at: number, tick: BookedTick): void {
  const { run, ask, first } = log;
  if (at === 0) return;
  // What an era says is judged with the era.
  const isEra = book.eras !== null && tick.change !== null && parseChange(tick.change).era !== undefined;
  if (ask === null || at !== first)
    return void book.holds(
      tick.change === null || (isEra && parseChange(tick.change).fork === undefined),
      () => `L6: tick ${at} of ${run} changes its environment`,
    );
  if (tick.change === null) return void book.broke(`L6: fork ${run} begins without a word of why`);
  const change = parseChange(tick.change);
  const { seed, rate } = environmentOf(log);
  const config = unliteral(parseCanonical(tick.environment.config)) as { readonly rate: number };
  const { because, later } = ask;
  book.holds(
    change.fork?.because === because && change.fork.later === later,
    () => `L6: fork ${run} says ${tick.change}, and ${because} and ${later} was asked for`,
  );
  book.holds(
    tick.environment.seed === seed && config.rate === rate,
    () => `L6: fork ${run} has ${tick.environment.seed} and ${config.rate}, not ${seed} and ${rate}`,
  );
}

/** Whether two records were folded by the same handlers, and no era began with one of them. */
const isSameCode = (a: EraTick, b: EraTick): boolean =>
  codeText(a.code) === codeText(b.code) && a.era < a.tick && b.era < b.tick;

const startsWith = (tags: readonly number[], beginning: readonly number[]): boolean =>
  beginning.every((tag, i) => tags[i] === tag);

/**
 * Where the inputs of a record came from. Returns whether the log still has exactly what its parent had; then
 * it has its state hash as well.
 */
export function checkInputs(book: Book, log: BookedLog, at: number, tick: BookedTick): boolean {
  const { run, ask, first } = log;
  const opening = ask !== null && at === first ? ask.opening : [];
  book.holds(
    startsWith(tick.tags, opening),
    () => `L6: tick ${at} of ${run} has inputs ${tick.tags}, and begins with ${opening}`,
  );
  const rest = tick.tags.slice(opening.length);
  const fed = fedTags(log, at);
  const kept = rest.filter((tag) => fed.includes(tag));
  book.holds(
    startsWith(rest, kept) &&
      startsWith(
        kept,
        fed.filter((tag) => kept.includes(tag)),
      ),
    () => `L6: tick ${at} of ${run} has inputs ${rest}, and its parent had ${fed}`,
  );
  if (kept.length > 0) book.count('inputs kept');
  for (const tag of rest.slice(kept.length))
    book.holds(
      book.tagOf.get(tag) === run,
      () => `L6: input ${tag} of ${book.tagOf.get(tag)} is in tick ${at} of ${run}`,
    );
  if (!log.pure || ask === null) return false;
  const parent = ask.of.ticks[at];
  if (parent === undefined || String(parent.tags) !== String(tick.tags)) return false;
  if (parent.told !== null && !isSameCode(parent.told, tick.told!)) return false;
  // Before its own fork point, a fork may be forked as what it was not yet.
  const { seed, config } = parent.environment;
  if (seed !== tick.environment.seed || config !== tick.environment.config) return false;
  if (parent.stateHash !== null && tick.stateHash !== null) {
    book.count('ticks as the parent');
    book.holds(
      parent.stateHash === tick.stateHash,
      () => `L6: tick ${at} of ${run} has the inputs of ${ask.of.run} and another state hash`,
    );
  }
  return true;
}
