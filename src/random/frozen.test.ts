/**
 * Values that were once drawn and must be drawn for ever: a log keeps seeds, not draws. A test that fails
 * here means that old logs would fold to other worlds; `RANDOM_VERSION` must then be raised and the old
 * algorithm kept.
 */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Cursor } from '../base/draws.ts';
import { RANDOM_VERSION } from './digest.ts';
import { Streams } from './streams.ts';

const streams = new Streams('frozen');
const SOURCES: { readonly [name: string]: () => Cursor } = {
  sequence: () => streams.tick(42).rng('stream'),
  number: () => streams.tick(42).rng('stream').of(7),
  negative: () =>
    streams
      .tick(42)
      .rng('stream')
      .of(-(2 ** 40) - 5),
  bigint: () =>
    streams
      .tick(42)
      .rng('stream')
      .of(2n ** 63n + 12345678901n),
  text: () => streams.tick(42).rng('stream').of('Ångström 𝄞'),
  event: () => streams.applying(42, 'settled', 'market').at(3).rng('stream'),
  eventKey: () => streams.applying(42, 'settled', 'market').at(3).rng('stream').of(7),
};

const sha = (values: ArrayLike<number>): string =>
  createHash('sha256')
    .update(new Uint8Array(Float64Array.from(values).buffer))
    .digest('hex')
    .slice(0, 16);

/** A few values of each method in plain sight, and a hash over thousands. */
const few = (begin: () => Cursor) => ({
  float: [...begin().floats(new Float64Array(4))],
  int: [...begin().ints(new Int32Array(8), -3, 3)],
  wide: begin().int(0, Number.MAX_SAFE_INTEGER),
  normal: [...begin().normals(new Float64Array(4))],
  shuffle: begin().shuffle([0, 1, 2, 3, 4, 5, 6, 7]).join(''),
});

function many(begin: () => Cursor): string {
  const cursor = begin();
  const all = [
    ...cursor.floats(new Float64Array(2000)),
    ...cursor.floats(new Float32Array(2000)),
    ...cursor.normals(new Float64Array(10_000), 10, 3),
    ...cursor.ints(new Float64Array(2000), -(2 ** 52), 2 ** 51),
    ...cursor.shuffle(Array.from({ length: 500 }, (_, i) => i)),
  ];
  for (let i = 0; i < 500; i++)
    all.push(
      cursor.float(),
      cursor.int(1, 6),
      Number(cursor.chance(0.3)),
      cursor.normal(),
      cursor.pick([5, 6, 7]),
      cursor.weighted([0.1, 0, 2, 0.7]),
    );
  return sha(all);
}

test('L15: the version of the random algorithm is 1', () => {
  expect(RANDOM_VERSION).toBe(1);
});

test.each(Object.keys(SOURCES))('L15: the draws of %s are the ones of version 1', (name) => {
  expect({ ...few(SOURCES[name]!), many: many(SOURCES[name]!) }).toEqual(FROZEN[name]);
});

test('L15: cursors of many keys, ticks and events draw what they drew', () => {
  const first: number[] = [];
  for (let tick = 0; tick < 50; tick++) {
    const rng = streams.tick(tick).rng('agents');
    first.push(rng.float());
    for (let key = -10; key < 30; key++) first.push(rng.of(key * 3_000_000_019).float());
    const events = streams.applying(tick, 'settled', 'market');
    for (let ordinal = 0; ordinal < 10; ordinal++) first.push(events.at(ordinal).rng('x').float());
  }
  expect(sha(first)).toBe(FROZEN_MANY);
});

const FROZEN_MANY = 'b0a4039d91d04497';
const FROZEN: { readonly [name: string]: unknown } = {
  sequence: {
    float: [0.06817716690640385, 0.5297490102289029, 0.40773680007320157, 0.1378366498258995],
    int: [-3, 0, -1, -3, 0, 1, 1, -3],
    wide: 614085326949713,
    normal: [-1.4895053947472814, 0.07463895424780641, -0.2333706522844299, -1.0900904568398275],
    shuffle: '41657230',
    many: 'ffb831cee198a685',
  },
  number: {
    float: [0.19746758641331852, 0.0983152828689472, 0.079755387626684, 0.09851965793060313],
    int: [-2, -3, -3, -3, 0, 0, 2, -3],
    wide: 1778629897177545,
    normal: [-0.8507015304331325, -1.2912108732883743, -1.406718845530997, -1.2900326680025136],
    shuffle: '43725601',
    many: 'b540b91e5b6e9dcf',
  },
  negative: {
    float: [0.9872999686612093, 0.45621937167259075, 0.0908008980004622, 0.7416427619578144],
    int: [3, 0, -3, 2, -2, 1, 3, 0],
    wide: 8892807541931049,
    normal: [2.2352633802972646, -0.10996296884454188, -1.3358393260086174, 0.6484182400662275],
    shuffle: '42156037',
    many: 'ed36044d54de80da',
  },
  bigint: {
    float: [0.11847214459400701, 0.6951112592978709, 0.5998863682539777, 0.5426257928980026],
    int: [-3, 1, 1, 0, -2, 2, -2, -1],
    wide: 1067102212494707,
    normal: [-1.182659076332709, 0.5103911134407655, 0.25305299232896394, 0.10705113339548553],
    shuffle: '15672340',
    many: '2747987eba531064',
  },
  text: {
    float: [0.8408944136104013, 0.3751562113267297, 0.9718047639261741, 0.8265856458557742],
    int: [2, -1, 3, 2, 3, 3, 0, 2],
    wide: 7574103535587470,
    normal: [0.9981406255661055, -0.3182274361180471, 1.9080057574136495, 0.9407583520025066],
    shuffle: '10734526',
    many: 'f88ba983d593cf69',
  },
  event: {
    float: [0.2500090257327925, 0.06433738502496367, 0.6120913151354056, 0.17613752730499987],
    int: [-2, -3, 1, -2, 1, 2, 0, -2],
    wide: 2251881110258930,
    normal: [-0.6744613477047843, -1.5193486101032834, 0.2847738995980171, -0.9301854874096422],
    shuffle: '41576302',
    many: 'ab34317277dce834',
  },
  eventKey: {
    float: [0.9138121180565774, 0.9606939537798967, 0.20739262640621636, 0.6852564692172288],
    int: [3, 3, -2, 1, -2, -2, 3, -2],
    wide: 8230887828732491,
    normal: [1.3646096698845527, 1.7587964237966625, -0.8155015935001728, 0.48244894087076284],
    shuffle: '25403167',
    many: 'e230c511551251bc',
  },
};
