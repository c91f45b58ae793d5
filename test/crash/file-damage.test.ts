/**
 * The file of a store damaged as a disk would: cut at many lengths, bytes flipped in the header of every page
 * and at random places, and the write-ahead log of a process that was killed cut and flipped. What is asked
 * then is refused with a code, or answered as before.
 *
 * A few dozen places by default, hundreds in CI; `WORLDFOLD_FLIPS` says another number of random ones.
 */
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRun, isWorldfoldError, openRun, type Store } from '../../src/index.ts';
import { sqliteStore } from '../../src/stores/sqlite/index.ts';
import { codeOf, rowsOf } from '../support/runs.ts';
import { advanceTo, copy, Fixtures, isThorough, raw } from './fixtures.ts';
import { digestOf, ONWARD, policy, type Verdict, world } from './inspect.ts';
import { framesFrom, plainFrame } from './stored.ts';

const fixtures = new Fixtures();
beforeAll(() => fixtures.make());
afterAll(() => fixtures.remove());

const FLIPS = Number(process.env.WORLDFOLD_FLIPS ?? (isThorough ? 40 : 25));
/** https://www.sqlite.org/fileformat.html: the page size is at 16; a page header has up to 12 bytes. */
const [PAGE_SIZE_AT, FILE_HEADER, PAGE_HEADER] = [16, 100, 12];
/** The low byte of how many cells a page has. */
const CELLS_AT = 4;
const MINUTES = 60_000;

/** Draws whole numbers below a limit: https://en.wikipedia.org/wiki/Linear_congruential_generator */
function drawsOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function flip(path: string, at: number, bit: number): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 1 << bit;
  writeFileSync(path, bytes);
}

/** What a store that is damaged must not be refused with: none of it says so. */
const UNFIT = /INTERNAL|BAD_|CLOSED|EXISTS|GAP|TICK_FAILED|WRONG_STATE|IN_USE/;

/** Nothing but refusals that say what is the matter. */
function judge(what: string, verdict: Verdict | undefined): void {
  const told = `${what}: ${verdict!.told}`;
  expect.soft({ told, wrong: verdict!.wrong }).toEqual({ told, wrong: [] });
  expect.soft(told).not.toMatch(UNFIT);
}

const pageSize = (name: string): number => readFileSync(fixtures.of(name).file).readUInt16BE(PAGE_SIZE_AT);
const length = (name: string): number => readFileSync(fixtures.of(name).file).length;

describe.each(['plain', 'tree'])('L12: the file of a %s store', (name) => {
  test('cut short', { timeout: 10 * MINUTES }, async () => {
    const draw = drawsOf(7);
    const [size, all] = [pageSize(name), length(name)];
    const pages = Array.from({ length: all / size }, (_, page) => page * size);
    const most = isThorough ? pages : pages.filter((_, page) => page % 5 === 1);
    const cuts = [1, 99, 100, 511, all - 1, ...most, ...most.map((at) => at + draw(size))].filter(Boolean);
    for (const cut of cuts)
      judge(`cut at ${cut}`, await fixtures.harm(name, (path) => truncateSync(path, cut)));
  });

  test('cut to nothing: what would make a new store of it says that it is empty, where it may not', async () => {
    copy(fixtures.of(name).file, fixtures.work);
    truncateSync(fixtures.work, 0);
    expect(await codeOf(() => sqliteStore(fixtures.work, { create: false }))).toBe('NO_STORE');
  });

  test('flipped in its header and in the header of every page', { timeout: 10 * MINUTES }, async () => {
    const draw = drawsOf(name.length);
    const [size, all] = [pageSize(name), length(name)];
    const every = isThorough ? 4 : 8;
    const places = Array.from({ length: FILE_HEADER / every }, (_, i) => [i * every, draw(8)] as const);
    for (let page = 0; page < all; page += size) {
      const header = page === 0 ? FILE_HEADER : page;
      const most = isThorough ? (name === 'plain' ? 4 : 1) : 0;
      for (let n = 0; n < most; n++) places.push([header + draw(PAGE_HEADER), draw(8)]);
      // The number of cells: a page that holds one holds none then.
      if (name === 'plain' || isThorough) places.push([header + CELLS_AT, 0]);
    }
    for (const [at, bit] of places)
      judge(`bit ${bit} of ${at}`, await fixtures.harm(name, (path) => flip(path, at, bit)));
  });

  test('flipped at random places', { timeout: 10 * MINUTES }, async () => {
    const draw = drawsOf(name.length + 100);
    const bytes = readFileSync(fixtures.of(name).file);
    const most = name === 'plain' ? FLIPS : FLIPS / 3;
    for (let flips = 0; flips < most; ) {
      const [at, bit] = [draw(bytes.length), draw(8)];
      // Most of a small file is empty: of that, a tenth is enough.
      if (bytes[at] === 0 && draw(10) > 0) continue;
      flips++;
      judge(`bit ${bit} of ${at}`, await fixtures.harm(name, (path) => flip(path, at, bit)));
    }
  });
});

/**
 * https://www.sqlite.org/fileformat.html#walformat: a header of 32 bytes, then frames with 24 before a page.
 */
const [WAL_HEADER, FRAME_HEADER] = [32, 24];

/** What a process that was killed leaves: a file and its write-ahead log, at the head of a run. */
interface Left {
  readonly file: Buffer;
  readonly wal: Buffer;
}

/**
 * The plain run again, left open; where `checkpoints`, its log was copied into the file and not yet begun
 * anew.
 */
async function leave(checkpoints: boolean): Promise<Left> {
  const path = `${fixtures.work}-left`;
  rmSync(path, { force: true });
  const store = await sqliteStore(path);
  const run = await createRun(world, { ...policy, store, id: 'plain', seed: 'herd' });
  await advanceTo(run, 17);
  await run.flush();
  if (checkpoints) raw(path, (db) => db.pragma('wal_checkpoint(PASSIVE)'));
  const left = { file: readFileSync(path), wal: readFileSync(`${path}-wal`) };
  await run.close();
  await store.close();
  return left;
}

/** Opens what is left of the run: a prefix that goes on as the whole would have, or a refusal. Says which. */
async function goOn({ file, wal }: Left, harm: (wal: Buffer) => Buffer): Promise<string> {
  const { before } = fixtures.of('plain');
  copy(fixtures.of('plain').file, fixtures.work);
  writeFileSync(fixtures.work, file);
  writeFileSync(`${fixtures.work}-wal`, harm(Buffer.from(wal)));
  let store: Store | undefined;
  try {
    store = await sqliteStore(fixtures.work);
    // The process that left it is this one.
    const run = await openRun(world, { ...policy, store, id: 'plain', takeover: true });
    const { tick: from } = run;
    for (let tick = 0; tick <= from; tick++)
      expect([tick, digestOf(rowsOf(await run.at(tick)))]).toEqual([
        tick,
        before.answers.get(`at plain ${tick}`),
      ]);
    await advanceTo(run, 17);
    await run.advance(ONWARD);
    await run.close();
    const frames = await framesFrom(store, 'plain', 17);
    expect(digestOf(frames.map(plainFrame))).toBe(before.answers.get('log plain'));
    return String(from);
  } catch (e) {
    if (isWorldfoldError(e)) return e.code;
    throw e;
  } finally {
    await store?.close();
  }
}

describe.each([
  ['before a checkpoint', false],
  ['after a checkpoint', true],
])('L11 L12: the write-ahead log of a killed process, %s', (_, checkpoints) => {
  let left: Left;
  beforeAll(async () => {
    left = await leave(checkpoints);
  });

  test('whole: nothing is lost', async () => {
    expect(await goOn(left, (wal) => wal)).toBe('17');
  });

  test('cut or flipped anywhere: a prefix, or a refusal', { timeout: 10 * MINUTES }, async () => {
    const draw = drawsOf(11);
    const frame = FRAME_HEADER + pageSize('plain');
    const frames = (left.wal.length - WAL_HEADER) / frame;
    const told: string[] = [];
    for (let n = 0; n < frames; n += isThorough ? 1 : 6) {
      const at = WAL_HEADER + n * frame;
      const inside = at + draw(frame);
      told.push(
        await goOn(left, (wal) => wal.subarray(0, n % 2 === 0 ? at : inside)),
        await goOn(left, (wal) => {
          wal[n % 3 === 0 ? at + draw(FRAME_HEADER) : inside]! ^= 1 << draw(8);
          return wal;
        }),
      );
    }
    expect(new Set(told).size).toBeGreaterThan(3);
    for (const one of told) expect(one).not.toMatch(UNFIT);
  });
});
