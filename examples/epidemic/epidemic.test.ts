import { describe, expect, test } from 'vitest';
import { createRun, memoryStore, replay } from 'worldfold';
import { airports, cells, routes } from './data.ts';
import { closeBusiest, hardestHit } from './questions.ts';
import epidemic from './world.ts';

const SMALL = { travellers: 4000, firstAirport: 'ATL' };

const start = (config: { [key: string]: number | string } = {}, seed = 'alpha', store = memoryStore()) =>
  createRun(epidemic, { store, seed, id: 'run', config: { ...SMALL, ...config } });

async function curveOf(config: { [key: string]: number | string }, days: number): Promise<number[]> {
  const run = await start(config);
  await run.advance(days);
  const { columns } = await run.metrics();
  await run.close();
  return [...columns.ill];
}

describe('the data', () => {
  test('is the network of 2008: 305 airports, 5,366 routes, 7,009,728 flights', () => {
    expect(airports.code.length).toBe(305);
    expect(routes.count.length).toBe(5366);
    expect(routes.count.reduce((a, b) => a + b, 0)).toBe(7_009_728);
    expect(airports.traffic.reduce((a, b) => a + b, 0)).toBe(2 * 7_009_728);
  });

  test('each airport has its own row of the airports file', () => {
    const busiest = airports.traffic.indexOf(Math.max(...airports.traffic));
    expect([airports.code[busiest], airports.city[busiest], airports.state[busiest]]).toEqual([
      'ATL',
      'Atlanta',
      'GA',
    ]);
    const quoted = airports.code.indexOf('BTR');
    expect(airports.name[quoted]).toBe('Baton Rouge Metropolitan, Ryan');
    expect([...airports.lat, ...airports.lon].every(Number.isFinite)).toBe(true);
  });

  test('a CSV line may quote cells, double quotes inside them, and leave cells empty', () => {
    expect(cells('DBN,"W. H. ""Bud"" Barron",Dublin')).toEqual(['DBN', 'W. H. "Bud" Barron', 'Dublin']);
    expect(cells('a,,')).toEqual(['a', '', '']);
    expect(cells('')).toEqual(['']);
  });
});

describe('the epidemic', () => {
  test('rises to one peak and dies down', async () => {
    const ill = await curveOf({}, 200);
    const peak = Math.max(...ill);
    const day = ill.indexOf(peak);
    expect(ill[0]).toBe(20);
    expect(peak).toBeGreaterThan(250);
    expect(day).toBeGreaterThan(15);
    expect(day).toBeLessThan(120);
    expect(ill[200]).toBeLessThan(peak / 20);
  });

  test('does not spread when a contact never infects, and dies out', async () => {
    const ill = await curveOf({ beta: 0 }, 120);
    expect(Math.max(...ill)).toBe(20);
    expect(ill[120]).toBe(0);
  });

  test('every health state is counted and nobody is lost', async () => {
    const run = await start();
    await run.advance(60);
    const { columns, size } = await run.metrics();
    expect(size).toBe(61);
    for (let i = 0; i < size; i++)
      expect(columns.well[i]! + columns.ill[i]! + columns.immune[i]! + columns.vaccinated[i]!).toBe(4000);
    let infections = 0;
    for await (const _ of run.events('infected')) infections++;
    expect(columns.newlyIll.reduce((a, b) => a + b, 0)).toBe(infections + 20);
    await run.close();
  });

  test('L3: replaying the log gives the recorded hash, and another seed another one', async () => {
    const store = memoryStore();
    const run = await start({}, 'alpha', store);
    const { stateHash } = await run.advance(40);
    await run.close();
    const again = await replay(epidemic, { store, id: 'run' });
    expect(again).toMatchObject({ tick: 40, stateHash, recordedHash: stateHash, compared: 41 });

    const same = await start({}, 'alpha');
    expect((await same.advance(40)).stateHash).toBe(stateHash);
    const other = await start({}, 'beta');
    expect((await other.advance(40)).stateHash).not.toBe(stateHash);
    await Promise.all([same.close(), other.close()]);
  });

  test('L15: a seed gives the same epidemic on every machine', async () => {
    const run = await start();
    const { stateHash } = await run.advance(50);
    expect(stateHash).toBe('266f604ba35b87d1b17e2b9fe0168c8d');
    const { columns } = await run.metrics();
    expect([10, 20, 30, 40, 50].map((day) => columns.ill[day])).toEqual([38, 92, 148, 239, 342]);
    await run.close();
  });
});

describe('travel', () => {
  test('every flight goes where a route of 2008 goes, from where the traveller is', async () => {
    const run = await start();
    const { travellers, routes: table } = run.world;
    const at = Uint32Array.from(travellers.columns.airport.subarray(0, travellers.size));
    await run.advance(20);
    let flights = 0;
    for await (const { traveller, to } of run.events('flew')) {
      const row = travellers.row(traveller);
      if (!table.has({ from: at[row]!, to })) expect.fail(`no route from ${at[row]} to ${to}`);
      at[row] = to;
      flights++;
    }
    expect(flights).toBeGreaterThan(3000);
    expect([...at]).toEqual([...travellers.columns.airport.subarray(0, travellers.size)]);
    await run.close();
  });

  test('nobody flies from or to a closed airport until it opens again', async () => {
    const run = await start();
    const { id } = [...run.world.airports.by.code('ATL')][0]!;
    const here = () => run.world.travellers.count({ airport: id });
    await run.advance(5);
    run.submit.airportClosed({ airport: id });
    await run.advance(1);
    const before = here();
    await run.advance(10);
    expect(here()).toBe(before);
    for await (const { tick, to } of run.events('flew', { from: 6, to: 16 }))
      if (to === id) expect.fail(`a flight landed at the closed airport on day ${tick}`);
    run.submit.airportOpened({ airport: id });
    await run.advance(3);
    expect(here()).not.toBe(before);
    await run.close();
  });
});

describe('vaccination', () => {
  test("gives exactly the day's doses, to people who are well, each once", async () => {
    const run = await start();
    await run.advance(5);
    run.submit.vaccinationStarted({ perDay: 100 });
    await run.advance(10);
    const { columns } = await run.metrics();
    expect([...columns.vaccinated].slice(5)).toEqual([
      0,
      ...Array.from({ length: 10 }, (_, i) => 100 * (i + 1)),
    ]);
    const seen = new Set<number>();
    for await (const { traveller } of run.events('vaccinated')) seen.add(traveller);
    expect(seen.size).toBe(1000);
    run.submit.vaccinationStarted({ perDay: 0 });
    await run.advance(2);
    expect(run.world.travellers.count({ health: 'vaccinated' })).toBe(1000);
    await run.close();
  });

  test('ends when everybody had the offer', async () => {
    const run = await start({ beta: 0 });
    run.submit.vaccinationStarted({ perDay: 3000 });
    await run.advance(4);
    expect(run.world.travellers.count({ health: 'vaccinated' })).toBe(4000 - 20);
    await run.close();
  });

  test('early vaccination leaves fewer ill', async () => {
    const free = await curveOf({}, 100);
    const run = await start();
    run.submit.vaccinationStarted({ perDay: 150 });
    await run.advance(100);
    const { columns } = await run.metrics();
    await run.close();
    expect(Math.max(...columns.ill)).toBeLessThan(Math.max(...free) / 2);
  });
});

describe('the airports hit hardest', () => {
  test('are counted from the log: infections add up, the worst come first', async () => {
    const run = await start();
    await run.advance(80);
    const all = await hardestHit(run, 1000);
    const { columns } = await run.metrics();
    const newly = columns.newlyIll.subarray(1).reduce((a, b) => a + b, 0);
    expect(all.length).toBe(305);
    expect(all.reduce((sum, a) => sum + a.infections, 0)).toBe(newly);
    expect(all.reduce((sum, a) => sum + a.residents, 0)).toBe(4000);
    expect(all.reduce((sum, a) => sum + a.residentsIll, 0)).toBe(newly + 20);
    expect(all.map((a) => a.infections)).toEqual(all.map((a) => a.infections).sort((a, b) => b - a));
    expect((await hardestHit(run, 5)).map((a) => a.code)).toEqual(all.slice(0, 5).map((a) => a.code));
    await run.close();
  });
});

describe('closing the busiest airports', () => {
  test('takes those with the most flights that are open, and closes them in a fork', async () => {
    const run = await start();
    await run.advance(6);
    const { airports, inputs } = closeBusiest(await run.at(4), 2);
    expect(airports.map(({ code, city }) => [code, city])).toEqual([
      ['ATL', 'Atlanta'],
      ['ORD', 'Chicago'],
    ]);
    const fork = await run.fork({ at: 4, inputs });
    await fork.advance(4);
    expect([...fork.world.airports.where({ open: false })].map(({ code }) => code)).toEqual(['ATL', 'ORD']);
    for await (const { tick, to } of fork.events('flew', { from: 5 }))
      if (!fork.world.airports.need(to).open) expect.fail(`a flight landed at ${to} on day ${tick}`);
    expect(closeBusiest(fork.world, 1).airports.map(({ code }) => code)).toEqual(['DFW']);
    await Promise.all([run.close(), fork.close()]);
  });
});
