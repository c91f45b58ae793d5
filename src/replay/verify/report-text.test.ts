/** What reports say, in text and as JSON, of each thing that they may hold. */
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../base/canonical.ts';
import type { WorldDifference } from '../../projections/world-diff.ts';
import type { BisectReport } from './bisect.ts';
import type { EventAt, TickDifference } from './compare-ticks.ts';
import type { DivergenceReport, VerifyReport } from './report.ts';
import { bisectJson, verifyJson } from './report-json.ts';
import { bisectText, divergenceText, placeText, verifyText } from './report-text.ts';

const place: TickDifference = { what: 'events', origin: 'move', event: null, values: [], draws: [] };
const event = (kind: string, number: number, row: object): EventAt => ({ kind, number, row });
const engine = 'node 20.11.0, v8 11.3, x64, linux';
const divergence: DivergenceReport = {
  run: 'r',
  tick: 1234,
  after: 1233,
  found: 'execute',
  cause: 'unknown',
  place: null,
  changed: [],
  kinds: [],
  error: null,
  tables: [],
  difference: null,
  sides: ['recorded', 'recomputed'],
  recordedBy: { code: 'aa', engine, functions: null },
  recomputedBy: { code: 'bb', engine, functions: null },
};
const verified: VerifyReport = {
  run: 'r',
  mode: 'execute',
  verdict: 'verified',
  chained: { from: 0, to: 1200 },
  compared: 1,
  executed: 2,
  older: null,
  events: 1,
  divergence: null,
  damage: null,
};
const parting: BisectReport = {
  runs: { a: 'one', b: 'two' },
  heads: { a: 12, b: 9 },
  same: 9,
  tick: null,
  place: null,
  difference: null,
};
const equal: WorldDifference = {
  same: true,
  stateHash: { a: 'aa', b: 'aa' },
  schema: null,
  tablesOnlyInA: [],
  tablesOnlyInB: [],
  tables: [],
};

describe('the place of a difference', () => {
  const lines = (more: Partial<TickDifference>) => placeText({ ...place, ...more }, ['old', 'new']);

  test('says what differs, and whose it is', () => {
    expect(lines({})).toEqual([]);
    expect(lines({ what: 'environment' })).toEqual(['  seed, config or schema differ']);
    expect(lines({ what: 'pieces' })).toEqual([
      "  the events of system 'move' are the same, and were applied in other pieces",
    ]);
    expect(lines({ what: 'state', origin: 'setup' })).toEqual([
      '  the events are the same; what handlers made of those of the setup differs',
    ]);
    expect(lines({ what: 'state', origin: null })).toEqual([
      '  the events are the same; what handlers made of those differs',
    ]);
    const draws = [
      { stream: 's', a: 1, b: null },
      { stream: 't', a: 2000, b: 0 },
    ];
    expect(lines({ what: 'draws', draws })).toEqual([
      '  the events are the same; the draws they came from differ',
      "  stream 's': 1 draw old, no draws new",
      "  stream 't': 2,000 draws old, 0 draws new",
    ]);
  });

  test('shows one kind by its columns, two kinds and none by what each side has', () => {
    const [a, b] = [event('moved', 1000, { cell: 1 }), event('moved', 1000, { cell: 2 })];
    expect(lines({ event: { a, b }, values: [{ column: 'cell', a: 1, b: 2 }] })).toEqual([
      "  first in an event of system 'move': 'moved' number 1,000",
      '          old  new',
      '    cell  1    2',
    ]);
    expect(lines({ origin: 'inputs', event: { a, b } })).toEqual([
      "  first in an event of the inputs: 'moved' number 1,000",
    ]);
    expect(lines({ event: { a, b: event('rang', 0, {}) } })).toEqual([
      "  first in the events of system 'move'",
      "    old: 'moved' number 1,000: cell 1",
      "    new: 'rang' number 0: no columns",
    ]);
    expect(lines({ event: { a: null, b } })).toEqual([
      "  first in the events of system 'move'",
      '    old: no further event',
      "    new: 'moved' number 1,000: cell 2",
    ]);
  });
});

describe('a divergence', () => {
  const lines = (more: Partial<DivergenceReport>) => divergenceText({ ...divergence, ...more }).split('\n');
  const by = [`  recorded by   code aa, ${engine}`, `  recomputed by code bb, ${engine}`];

  test('says run, tick, who, and since when', () => {
    const [execute] = lines({});
    expect(execute).toBe("run 'r' diverges at tick 1,234: running it again gives something else");
    const fold = { found: 'fold', tables: ['a'] } as const;
    const other = 'folding its events gives another world';
    expect(lines({ ...fold })[0]).toBe(`run 'r' diverges at tick 1,234: ${other}; after it 'a' differs`);
    expect(lines({ ...fold, tables: ['a', 'b'], after: 1230 })[0]).toBe(
      `run 'r' diverges at tick 1,234, or on a tick after 1,230: ${other}; after it 'a', 'b' differ`,
    );
    // Systems that are run again are compared at every tick: there is no other.
    expect(lines({ after: 1230 })[0]).toBe(execute);
    expect(lines({ place })[0]).toBe(
      "run 'r' diverges at tick 1,234, system 'move': running it again gives something else",
    );
    expect(lines({ place: { ...place, origin: null } })[0]).toBe(execute);
  });

  test('holds what is known, and why, in lines of at most 100 characters', () => {
    const why = lines({}).slice(3);
    expect(lines({}).slice(1, 3)).toEqual(by);
    expect(why.length).toBe(2);
    expect(why.every((line) => line.length <= 100 && !line.startsWith(' '))).toBe(true);
    // A line is broken where the next word would no longer fit.
    why.slice(1).forEach((line, i) => {
      expect(`${why[i]} ${line.split(' ')[0]}`.length).toBeGreaterThan(100);
    });
    const told = lines({
      place: { ...place, what: 'pieces' },
      kinds: ['moved', 'paid'],
      changed: ['apply.moved', 'setup'],
      error: { code: null, message: 'no such row', facts: {} },
      recordedBy: null,
      difference: equal,
      cause: 'written past',
    });
    expect(told.slice(1, -2)).toEqual([
      "  the events of system 'move' are the same, and were applied in other pieces",
      "  handlers in question: 'moved', 'paid'",
      '  functions whose texts have changed: apply.moved, setup',
      '  computing it again fails: no such row',
      '  recorded by   nobody knows what',
      by[1],
      '  the two worlds are equal',
    ]);
    expect(told.at(-2)).toMatch(/^why: the systems give what was recorded/);
  });

  test('is JSON: values as the log writes them, and facts of any sort', () => {
    const facts = { of: () => 1, none: undefined, sign: Symbol('s'), big: 5n, minus: -0, list: [1] };
    const found: DivergenceReport = {
      ...divergence,
      place: {
        ...place,
        event: { a: event('moved', 1, { id: 2n ** 60n }), b: null },
        values: [{ column: 'x', a: -0, b: Number.NaN }],
      },
      difference: equal,
      error: { code: 'X', message: 'm', facts },
    };
    const json = verifyJson({ ...verified, verdict: 'diverged', divergence: found });
    expect(JSON.parse(canonicalJson(json))).toEqual(json);
    expect(json).toMatchObject({
      verdict: 'diverged',
      damage: null,
      divergence: {
        tick: 1234,
        place: {
          event: { a: { kind: 'moved', number: 1, row: { id: { $big: '1152921504606846976' } } }, b: null },
          values: [{ column: 'x', a: { $number: '-0' }, b: { $number: 'NaN' } }],
        },
        difference: { same: true },
        error: {
          facts: {
            of: '() => 1',
            none: 'undefined',
            sign: 'Symbol(s)',
            big: { $big: '5' },
            minus: { $number: '-0' },
            list: [1],
          },
        },
      },
    });
    const bare = { place: null, difference: null, error: null };
    expect(verifyJson({ ...verified, divergence })).toMatchObject({ divergence: bare });
    expect(verifyJson({ ...verified, divergence: { ...divergence, place } })).toMatchObject({
      divergence: { place: { event: null, values: [] } },
    });
  });
});

describe('a verification', () => {
  const text = (more: Partial<VerifyReport>) => verifyText({ ...verified, ...more });
  const chained = '  ticks 0 to 1,200: records and their chain, 1 event';

  test('says what was done, by its mode', () => {
    const compared = '  1 state hash compared';
    expect(text({})).toBe(["run 'r' is verified", chained, compared, '  2 ticks executed again'].join('\n'));
    expect(text({ mode: 'fold' })).toBe(["run 'r' is verified", chained, compared].join('\n'));
    expect(text({ mode: 'chain' })).toBe(["run 'r' is verified", chained].join('\n'));
    expect(text({ verdict: 'aborted', chained: null, compared: 2, executed: 1 })).toBe(
      "the verification of run 'r' was aborted\n  2 state hashes compared\n  1 tick executed again",
    );
    expect(
      text({ mode: 'chain', older: { from: 0, to: 1000 } })
        .split('\n')
        .at(-1),
    ).toBe(
      '  ticks 0 to 1,000 belong to an older era: their records alone were verified; the code that ' +
        'recorded them can do more',
    );
  });

  test('says damage, with a hint where there is one', () => {
    const damage = { run: 'r', code: 'CORRUPT', message: 'no', facts: { by: undefined }, hint: null };
    const of = { verdict: 'damaged', chained: null, mode: 'chain' } as const;
    expect(text({ ...of, damage })).toBe("run 'r' is damaged (CORRUPT): no");
    expect(text({ ...of, damage: { ...damage, hint: 'Do so.' } })).toBe(
      "run 'r' is damaged (CORRUPT): no\nDo so.",
    );
    expect(verifyJson({ ...verified, ...of, damage })).toEqual({
      ...verified,
      ...of,
      damage: { ...damage, facts: { by: 'undefined' } },
    });
    expect(verifyJson(verified)).toEqual(verified);
  });
});

describe('two runs that are bisected', () => {
  test('have the same records up to the end of the shorter one', () => {
    const said = 'one and two have the same records up to tick 9';
    expect(bisectText(parting)).toBe(`${said}, where two ends`);
    expect(bisectText({ ...parting, heads: { a: 9, b: 12 } })).toBe(`${said}, where one ends`);
    expect(bisectText({ ...parting, heads: { a: 9, b: 9 } })).toBe(`${said}, where both end`);
    expect(bisectJson(parting)).toEqual(parting);
  });

  test('or part, with or without another world', () => {
    const apart = { ...parting, same: 999, tick: 1000 };
    expect(bisectText(apart)).toBe('one and two part at tick 1,000\n  the worlds after the tick are equal');
    expect(bisectText({ ...apart, place: { ...place, what: 'pieces' }, difference: equal })).toBe(
      "one and two part at tick 1,000, system 'move'\n" +
        "  the events of system 'move' are the same, and were applied in other pieces\n" +
        '  the two worlds are equal',
    );
    const at = { a: event('moved', 0, { x: -0 }), b: null };
    expect(bisectJson({ ...apart, place: { ...place, event: at }, difference: equal })).toMatchObject({
      place: { event: { a: { row: { x: { $number: '-0' } } }, b: null } },
      difference: { same: true },
    });
  });
});
