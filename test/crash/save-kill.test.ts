/**
 * Processes killed by SIGKILL at random instants while they save worlds over one path.
 *
 * 20 kills by default, 60 in CI, a part of them for each form of a file; `WORLDFOLD_KILLS` says another
 * number.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hex } from '../../src/base/bytes.ts';
import { loadHash } from '../../src/base/hash.ts';
import { loadSnapshot } from '../../src/files/index.ts';
import type { WorldState } from '../../src/projections/world-state.ts';
import { codeOf } from '../support/runs.ts';
import type { Saves } from './save-child.ts';
import { become, FORMS, rowsOf, saveAs, savedWorld } from './saved.ts';
import { bundleChild, drawsOf, type Instant, type LifeEnd, Victims } from './victims.ts';

const { env } = process;
const isThorough = Boolean(env.CI || env.WORLDFOLD_REQUIRE_ALL);
/** Kills of one form. */
const KILLS = Math.ceil(Number(env.WORLDFOLD_KILLS ?? (isThorough ? 60 : 20)) / Object.keys(FORMS).length);
const SEED = Number(env.WORLDFOLD_KILL_SEED ?? 1);
const MINUTES = 60_000;
const FOREVER = 1e9;
/** What a save that was killed leaves. */
const LEFT = /^\.world\.file\.[0-9a-f]{8}-\d+-[0-9a-f]{16}\.tmp$/;

let folder: string;
let victims: Victims;
beforeAll(async () => {
  await loadHash();
  folder = mkdtempSync(join(tmpdir(), 'worldfold-saves-'));
  victims = new Victims(await bundleChild('save-child'));
});
afterAll(() => {
  victims.close();
  rmSync(folder, { recursive: true });
});

/** A folder of one test, with nothing in it but one file and what is left of it. */
class Place {
  readonly folder: string;
  readonly path: string;
  readonly form: string;
  readonly state: WorldState;
  /** The last world whose save was done, and the last whose save began. */
  saved = -1;
  begun = -1;

  constructor(name: string, form: string) {
    this.folder = join(folder, name);
    this.path = join(this.folder, 'world.file');
    this.form = form;
    this.state = savedWorld(rowsOf(form));
    mkdirSync(this.folder);
  }

  /** Files beside the one of the path; they have the names that such files have. */
  left(): string[] {
    const left = readdirSync(this.folder).filter((name) => name !== 'world.file');
    for (const name of left) expect(name).toMatch(LEFT);
    return left.map((name) => join(this.folder, name));
  }

  /** Lets a process save worlds that nobody saved before. */
  async live(to: number, instant: Instant): Promise<LifeEnd> {
    const saves: Saves = { path: this.path, form: this.form, from: this.begun + 1, to };
    const end = await victims.live(saves, instant);
    for (const [what, number] of end.said)
      if (what === 'saving') this.begun = number as number;
      else if (what === 'saved') this.saved = number as number;
      else expect([what, number]).toEqual(['done', undefined]);
    return end;
  }

  /** The number of a world that a file holds; the file is exactly that world. */
  async holds(path: string): Promise<number> {
    const { tick, stateHash } = await loadSnapshot(path);
    become(this.state, tick!);
    expect(stateHash).toBe(hex(this.state.digest()));
    return tick!;
  }
}

/** Kills a few milliseconds after a save began, or was done: a save takes about as long. */
const instants = (seed: number): (() => Instant) => {
  const draw = drawsOf(seed);
  return () => ({ lines: 1 + Math.floor(8 * draw()), ms: 8 * draw() });
};

/** Kills again and again; gives how many files were cut by it. */
async function killAndLook(place: Place, next: () => Instant): Promise<number> {
  let cut = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const end = await place.live(FOREVER, next());
    expect(end.signal).toBe('SIGKILL');
    if (place.saved >= 0) {
      const number = await place.holds(place.path);
      expect(number).toBeGreaterThanOrEqual(place.saved);
      expect(number).toBeLessThanOrEqual(place.begun);
    }
    // Each save removes what was left before it: there is never more than what the last one left.
    const left = place.left();
    expect(left.length).toBeLessThanOrEqual(1);
    for (const path of left) {
      const code = await codeOf(() => place.holds(path));
      expect(['done', 'CORRUPT', 'NO_STORE']).toContain(code);
      if (code !== 'done') cut++;
    }
  }
  return cut;
}

describe('kills', () => {
  /** Files that were cut by a kill, over all forms: a small one is often written in one go. */
  let cut = 0;

  test.each(Object.keys(FORMS))(
    'L11: a killed save leaves the file before it or the whole of its own: %s',
    {
      timeout: 10 * MINUTES,
    },
    async (form) => {
      const place = new Place(form, form);
      cut += await killAndLook(place, instants(SEED));
      await saveAs(place.state, 7, place.path, form);
      expect([await place.holds(place.path), place.left()]).toEqual([7, []]);
    },
  );

  test('met saves half-way', () => expect(cut).toBeGreaterThan(0));
});

test('L7: a save goes on while others over the same path are killed', { timeout: 10 * MINUTES }, async () => {
  const place = new Place('shared', 'npz');
  let ended = false;
  const survivor = victims
    .live({ path: place.path, form: 'npz', from: 0, to: 40 * KILLS }, null)
    .finally(() => {
      ended = true;
    });
  const next = instants(SEED + 1);
  let kills = 0;
  while (!ended) {
    await place.live(FOREVER, next());
    kills++;
    if (place.saved >= 0) expect(await place.holds(place.path)).toBeGreaterThanOrEqual(0);
  }
  const { code, said } = await survivor;
  expect([code, said.at(-1)]).toEqual([0, ['done']]);
  expect(kills).toBeGreaterThan(0);
});
