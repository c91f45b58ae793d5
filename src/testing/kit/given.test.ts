/** given, when, then: for handlers and systems. */
import { describe, expect, it } from 'vitest';
import { caught, codeOf } from '../../../test/support/runs.ts';
import { defineSchema, defineWorld, event, singleton, t, table } from '../../index.ts';
import { given } from './given.ts';

const schema = defineSchema({
  name: 'bank',
  version: 1,
  config: { limit: t.int().default(10) },
  tables: {
    accounts: table({ id: t.id(), balance: t.int().default(0) }),
    total: singleton({ moved: t.int().default(0) }),
  },
  events: {
    opened: event({ account: t.newId('accounts'), balance: t.int() }),
    paid: event({ from: t.ref('accounts'), to: t.ref('accounts'), amount: t.int() }),
    refused: event({ why: t.text() }),
  },
  inputs: { asked: event({ from: t.ref('accounts'), to: t.ref('accounts'), amount: t.int() }) },
});
const judge = schema.system('judge', ({ events, world, emit, config }) => {
  for (const { from, to, amount } of events.asked)
    if (amount > config.limit) emit.refused({ why: `above ${config.limit}` });
    else if (world.accounts.need(from).balance < amount) emit.refused({ why: 'too little' });
    else emit.paid({ from, to, amount });
});
const welcome = schema.system('welcome', ({ world, emit }) => {
  if (world.accounts.size === 0) emit.opened({ balance: 5 });
});
const bank = defineWorld(schema, {
  setup() {},
  apply: {
    opened: (w, e) => w.accounts.insert({ id: e.account, balance: e.balance }),
    paid: (w, { from, to, amount }) => {
      w.accounts.update(from, { balance: w.accounts.need(from).balance - amount });
      w.accounts.update(to, { balance: w.accounts.need(to).balance + amount });
      w.total.set({ moved: w.total.value.moved + amount });
    },
    refused: () => {},
    asked: () => {},
  },
  systems: [judge, welcome],
  invariants: { never: () => false },
});
const two = { tables: { accounts: [{ balance: 8 }, {}] } };

describe('given, when, then', () => {
  it('an input plays the tick: all systems, in their order', () => {
    const paid = given(bank, two).when(['asked', { from: 1, to: 2, amount: 3 }]);
    paid.then([['paid', { from: 1, to: 2, amount: 3 }]]);
    paid.leaves({ accounts: [{ balance: 5 }, { id: 2, balance: 3 }], total: { moved: 3 } });
    given(bank, two)
      .when(['asked', { from: 1, to: 2, amount: 30 }], ['asked', { from: 1, to: 2, amount: 9 }])
      .then([
        ['refused', { why: 'above 10' }],
        ['refused', { why: 'too little' }],
      ]);
    given(bank)
      .when()
      .then([['opened', { balance: 5 }]]);
  });

  it('a system runs alone, an event meets its handler alone', () => {
    given(bank).when(judge).then([]);
    given(bank)
      .when(welcome)
      .then([['opened', { account: 1 }]]);
    const applied = given(bank, two).when(['paid', { from: 2, to: 1, amount: 1 }]);
    applied.then([]);
    applied.leaves({ accounts: [{ balance: 9 }, { balance: -1 }] });
    given(bank, two)
      .when(['asked', { from: 1, to: 2, amount: 3 }], welcome)
      .then([]);
  });

  it('events that led there come first, and are not among what comes of it', () => {
    given(bank, [
      ['opened', { balance: 4 }],
      ['opened', { balance: 1 }],
    ])
      .when(['asked', { from: 1, to: 2, amount: 4 }])
      .then([['paid']]);
    const later = given(bank, { ...two, events: [['paid', { from: 1, to: 2, amount: 8 }]] });
    expect(later.when(judge).world.accounts.at(1).balance).toBe(8);
  });

  it('each when begins anew', () => {
    const start = given(bank);
    start.when().then([['opened']]);
    start.when().then([['opened']]);
  });

  it('other events are shown beside those that were expected', async () => {
    const outcome = given(bank, two).when(
      ['asked', { from: 1, to: 2, amount: 3 }],
      ['asked', { from: 2, to: 1, amount: 1 }],
    );
    const wrong = await caught(() => outcome.then([['paid', { amount: 2 }], ['refused'], ['paid']]));
    expect(wrong.code).toBe('NOT_AS_EXPECTED');
    expect(wrong.message.split('\n')).toEqual([
      'other events were emitted:',
      '  expected            actual',
      '≠ paid { amount: 2 }  paid { amount: 3, from: 1, to: 2 }',
      "  refused {}          refused { why: 'too little' }",
      '≠ paid {}             nothing',
    ]);
    expect(await codeOf(() => outcome.then([['refused'], ['paid']]))).toBe('NOT_AS_EXPECTED');
    expect(await codeOf(() => outcome.then([['paid']]))).toBe('NOT_AS_EXPECTED');
    expect(await codeOf(() => outcome.then([['paid'], ['refused']]))).toBe('done');
  });

  it('other rows are shown beside those that were expected', async () => {
    const outcome = given(bank, two).when(judge);
    const wrong = await caught(() => outcome.leaves({ accounts: [{ id: 1 }, { balance: 1 }, {}] }));
    expect(wrong.code).toBe('NOT_AS_EXPECTED');
    expect(wrong.message.split('\n')).toEqual([
      "'accounts' holds other rows:",
      '  expected        actual',
      '  { id: 1 }       { balance: 8, id: 1 }',
      '≠ { balance: 1 }  { balance: 0, id: 2 }',
      '≠ {}              nothing',
    ]);
    expect(await codeOf(() => outcome.leaves({ accounts: [{}] }))).toBe('NOT_AS_EXPECTED');
    expect(await codeOf(() => outcome.leaves({ accounts: [{}, {}, {}] }))).toBe('NOT_AS_EXPECTED');
    expect(await codeOf(() => outcome.leaves({ accounts: [{}, {}] }))).toBe('done');
    expect(await codeOf(() => outcome.leaves({ total: { moved: 1 } }))).toBe('NOT_AS_EXPECTED');
    expect(await codeOf(() => outcome.leaves({ ghosts: [] } as never))).toBe('BAD_USAGE');
  });

  it('what is thrown is told where events are expected, and can be expected itself', async () => {
    const outcome = given(bank, two).when(['paid', { from: 1, to: 9, amount: 1 }]);
    expect(outcome.fails()).toContain('no row with key 9');
    expect(outcome.fails('TICK_FAILED')).toContain("event 'paid'");
    expect(await codeOf(() => outcome.fails('NO_ROW'))).toBe('NOT_AS_EXPECTED');
    expect(await codeOf(() => outcome.then([]))).toBe('TICK_FAILED');
    expect(await codeOf(() => outcome.leaves({}))).toBe('TICK_FAILED');
    expect(await codeOf(() => given(bank).when(judge).fails())).toBe('NOT_AS_EXPECTED');
  });

  it('mistakes of a test are refused, and an outcome that is awaited says that it is none to await', async () => {
    const when = (happening: unknown) => codeOf(() => given(bank, two).when(happening as never));
    expect(await when(7)).toBe('BAD_USAGE');
    expect(await when(['paid', { from: 'x', to: 1, amount: 1 }])).toBe('BAD_VALUE');
    expect(await when(['asked', {}])).toBe('BAD_INPUT');
    expect(await when(['stolen', {}])).toBe('BAD_USAGE');
    const awaited = given(bank).when(judge) as unknown as Promise<void>;
    expect(await codeOf(async () => await awaited)).toBe('BAD_USAGE');
    expect(await codeOf(() => given(bank, { rows: [] } as never))).toBe('BAD_USAGE');
  });
});
