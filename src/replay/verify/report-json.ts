/**
 * Reports as JSON holds them: values stand as the log writes them, as in `differenceJson`.
 */
import { differenceJson, type WorldDifference } from '../../projections/world-diff.ts';
import { literal } from '../../schema/canonical-text.ts';
import type { BisectReport } from './bisect.ts';
import type { EventAt, TickDifference } from './compare-ticks.ts';
import type { DivergenceReport, VerifyReport } from './report.ts';

const eventJson = (event: EventAt | null): object | null =>
  event === null
    ? null
    : {
        ...event,
        row: Object.fromEntries(Object.entries(event.row).map(([name, value]) => [name, literal(value)])),
      };

const placeJson = (place: TickDifference | null): object | null =>
  place === null
    ? null
    : {
        ...place,
        event: place.event === null ? null : { a: eventJson(place.event.a), b: eventJson(place.event.b) },
        values: place.values.map(({ column, a, b }) => ({ column, a: literal(a), b: literal(b) })),
      };

const worldsJson = (difference: WorldDifference | null): object | null =>
  difference === null ? null : differenceJson(difference);

const factsJson = (facts: object): object =>
  Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, factJson(value)]));

/** Facts may hold anything: what JSON has no form for is told as text. */
const factJson = (value: unknown): unknown =>
  ['function', 'symbol', 'undefined'].includes(typeof value) ? String(value) : literal(value);

const divergenceJson = (found: DivergenceReport): object => ({
  ...found,
  place: placeJson(found.place),
  difference: worldsJson(found.difference),
  error: found.error === null ? null : { ...found.error, facts: factsJson(found.error.facts) },
});

/** A verification as JSON holds it. */
export const verifyJson = (report: VerifyReport): object => ({
  ...report,
  divergence: report.divergence === null ? null : divergenceJson(report.divergence),
  damage: report.damage === null ? null : { ...report.damage, facts: factsJson(report.damage.facts) },
});

/** Where two runs part, as JSON holds it. */
export const bisectJson = (report: BisectReport): object => ({
  ...report,
  place: placeJson(report.place),
  difference: worldsJson(report.difference),
});
