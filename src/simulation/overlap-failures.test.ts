/** Groups in flight that fail, get lost, or are overtaken: nobody waits for them, and nothing is lost. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { expectLikeTwin, type FarRun, farRun, two } from '../../test/support/far.ts';
import { hamlet } from '../../test/support/hamlet.ts';
import { caught, codeOf, framesOf, rowsOf, settled } from '../../test/support/runs.ts';
import { memoryStore } from '../log/memory-store.ts';
import { createRun } from './create-run.ts';
import { openRun } from './open-run.ts';

const unhandled: unknown[] = [];
const note = (e: unknown): void => void unhandled.push(e);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(async () => {
  await settled();
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
});

/** A group is offered three times, and then no more. */
const refuse = async ({ store }: Pick<FarRun, 'store'>): Promise<void> => {
  for (let offer = 0; offer < 3; offer++) await store.answer('refused');
};
const turns = async (n: number): Promise<void> => {
  for (let i = 0; i < n; i++) await settled();
};

describe('a group in flight that the store does not take', () => {
  test('L2: after its advance: the state says so, the next call why, and a flush offers the same records', async () => {
    const made = await farRun();
    const { run, store } = made;
    await run.advance(3);
    await store.answer('refused');
    expect([run.state, store.sent]).toEqual([
      'open',
      [
        [1, 2],
        [1, 2],
      ],
    ]);
    await store.answer('refused');
    await store.answer('refused');
    expect([run.state, run.tick, run.durableTick, store.onTheWay]).toEqual(['stalled', 3, 0, 0]);
    const error = await caught(() => run.advance());
    expect(error).toMatchObject({
      code: 'STALLED',
      facts: { run: 'r', call: 'advance' },
      cause: {
        code: 'STALLED',
        facts: { run: 'r', durableTick: 0, tick: 2 },
        cause: { code: 'STORE_FAILED' },
      },
    });
    expect(rowsOf(await run.at(3))).toEqual(rowsOf(run.world));
    const flushing = run.flush();
    await store.answer();
    expect(await flushing).toEqual({ tick: 3 });
    expect([run.state, store.sent.at(-1)]).toEqual(['open', [1, 2, 3]]);
    await expectLikeTwin(made, 6);
  });

  test('while an advance waits for room: it throws the failure', async () => {
    const made = await farRun();
    const { run } = made;
    const work = caught(() => run.advance(20));
    await turns(20);
    expect(run.tick).toBe(8);
    await refuse(made);
    expect(await work).toMatchObject({
      code: 'STALLED',
      facts: { run: 'r', durableTick: 0, tick: 2 },
      cause: { code: 'STORE_FAILED' },
    });
    expect([run.state, run.tick]).toEqual(['stalled', 8]);
    const mended = made.store.comeNear();
    expect(await run.flush()).toEqual({ tick: 8 });
    await mended;
    await expectLikeTwin(made, 10);
  });

  test('while an advance computes: it throws at the next tick boundary', async () => {
    const made = await farRun({ commit: { ticks: 100, ms: 1e9 } });
    const { run, store, time } = made;
    // Others get a turn after each tick, and the failure comes in the turn after tick 5.
    run.on('computed', ({ tick }) => {
      time.now += 30;
      if (tick === 2) void run.flush().catch(() => {});
      if (tick > 2 && tick < 6) setImmediate(() => void store.answer('refused'));
    });
    expect(await caught(() => run.advance(50))).toMatchObject({ code: 'STALLED', facts: { tick: 2 } });
    expect([run.state, run.tick]).toEqual(['stalled', 5]);
    await Promise.all([store.comeNear(), run.flush()]);
    await expectLikeTwin(made, 9);
  });

  test('a flush that waits for it offers all again', async () => {
    const made = await farRun();
    await made.run.advance(3);
    const flushing = made.run.flush();
    await refuse(made);
    await made.store.answer();
    expect(await flushing).toEqual({ tick: 3 });
    expect(made.store.sent.slice(-2)).toEqual([
      [1, 2],
      [1, 2, 3],
    ]);
    expect(made.run.state).toBe('open');
    await expectLikeTwin(made, 5);
  });

  test('a close tells of it, and waits for what is in flight', async () => {
    const made = await farRun();
    const { run, store } = made;
    await run.advance(3);
    const closing = codeOf(() => run.close());
    await refuse(made);
    await refuse(made);
    expect(await closing).toBe('STALLED');
    const again = await openRun(hamlet(), { store, id: 'r' });
    expect(again.tick).toBe(0);
  });

  test('L2: an answer that got lost: the group is kept once', async () => {
    const made = await farRun();
    const { run, store } = made;
    await run.advance(5);
    await store.answer('unanswered');
    expect([run.durableTick, store.sent]).toEqual([
      0,
      [
        [1, 2],
        [1, 2],
      ],
    ]);
    await store.answer();
    expect([run.durableTick, run.state]).toEqual([2, 'open']);
    await expectLikeTwin(made, 8);
  });
});

describe('another writer, with a group in flight', () => {
  test('L7: the run is fenced when the answer comes; who waits hears, and a close tells what nobody was told', async () => {
    const { run, store, options } = await farRun();
    await run.advance(2);
    const input = run.submit.joined({ name: 'x' });
    const work = codeOf(() => run.advance(1));
    await settled();
    const second = await openRun(hamlet(), { ...options, store: store.inner, id: 'r', takeover: true });
    await store.answer();
    expect(run.state).toBe('fenced');
    expect(await codeOf(() => input.durable)).toBe('WRITER_REPLACED');
    // The advance waited for its input to be durable: it hears by offering the group again.
    await store.comeNear();
    expect(await work).toBe('WRITER_REPLACED');
    expect(await codeOf(() => run.close())).toBe('done');
    expect(second.tick).toBe(0);
    await second.close();
  });

  test('L7: a close throws that the log was lost where no call has told it', async () => {
    for (const [call, told] of [
      ['close', 'WRITER_REPLACED'],
      ['advance', 'done'],
    ] as const) {
      const { run, store, options } = await farRun();
      await run.advance(3);
      const second = await openRun(hamlet(), { ...options, store: store.inner, id: 'r', takeover: true });
      await store.answer();
      expect([run.state, run.durableTick]).toEqual(['fenced', 0]);
      if (call === 'advance')
        expect(await caught(() => run.advance())).toMatchObject({
          code: 'WRITER_REPLACED',
          cause: { code: 'WRITER_REPLACED', facts: { run: 'r' } },
        });
      expect(await codeOf(() => run.close())).toBe(told);
      await second.advance(2);
      await second.close();
      expect(await framesOf(store.inner, 'r')).toHaveLength(3);
    }
  });
});

describe('a process that dies with a group in flight', () => {
  test.each([
    ['before it is made', false, 2],
    ['after it is made', true, 6],
  ])(
    'L11: %s: the run reopens as a prefix, and goes on like one that never stopped',
    async (_, made, tick) => {
      const { run, store, options } = await farRun();
      await run.advance(6);
      await store.answer();
      expect([run.durableTick, store.sent.at(-1)]).toEqual([2, [3, 4, 5, 6]]);
      if (made) void store.answer('unanswered');
      await settled();
      const again = await openRun(hamlet(), { ...options, store: store.inner, id: 'r', takeover: true });
      expect([again.tick, again.durableTick]).toEqual([tick, tick]);
      // The dead writer's group arrives late.
      if (!made) await store.answer();
      const twin = await createRun(hamlet(), { store: memoryStore(), seed: 's' });
      expect((await again.advance(9 - tick)).stateHash).toBe((await twin.advance(9)).stateHash);
      await again.close();
      expect(await framesOf(store.inner, 'r')).toHaveLength(10);
    },
  );
});

test('L9: the bytes of the log are the same however slow the store is', async () => {
  const logs = [];
  for (const delay of [0, 1, 2, 7]) {
    const { run, store } = await farRun({ commit: two });
    if (delay === 0) await store.comeNear();
    let isOver = false;
    const answering = (async () => {
      while (!isOver) {
        await turns(delay + 1);
        if (store.onTheWay > 0) await store.answer();
      }
    })();
    for (let i = 1; i <= 3; i++) {
      run.submit.joined({ name: `n${i}` }, { source: 'door', seq: i });
      await run.advance(7);
    }
    await run.close();
    isOver = true;
    await answering;
    const { segment } = (await store.head('r'))!;
    const { records } = await store.read(segment.id, 0, { records: 100, bytes: 1e9 });
    logs.push(records.map(({ bytes }) => Buffer.from(bytes).toString('hex')).join());
  }
  expect(new Set(logs).size).toBe(1);
});
