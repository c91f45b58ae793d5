import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caught } from '../../test/support/runs.ts';
import { bytesOf, memoryFile, place, pondOf, wide } from '../../test/support/snapshot-files.ts';
import { hex } from '../base/bytes.ts';
import { isWorldfoldError } from '../base/errors.ts';
import { loadHash } from '../base/hash.ts';
import { sha256 } from '../base/platform.ts';
import type { SaveOptions } from './index.ts';
import { loadWorld, withFile } from './open.ts';
import { SnapshotPieces } from './pieces.ts';

const folder = place();
beforeAll(loadHash);
afterAll(folder.remove);

const save = (options: SaveOptions): Promise<Uint8Array> =>
  bytesOf(pondOf(13), folder.at('pond'), { tick: 7, seed: 's', ...options });

/** What loading says: the error, or all that can be told of the world. */
async function told(bytes: Uint8Array): Promise<string> {
  try {
    const { stateHash, head } = await withFile(memoryFile(bytes), false, (file) => loadWorld(file, {}));
    return `${stateHash} ${head?.tick} ${head?.seed} ${head?.schema}`;
  } catch (e) {
    if (!isWorldfoldError(e)) throw e;
    expect(e.facts.path).toBe('memory');
    return e.code;
  }
}

function flipped(bytes: Uint8Array, at: number, mask: number): Uint8Array {
  const made = bytes.slice();
  made[at]! ^= mask;
  return made;
}

const MAGIC_END = 3;
const VERSION_AT = 3;

describe.each([
  ['plain columns', { format: 'columns' }],
  ['compressed columns', { format: 'columns', compress: true }],
] as const)('L12: %s', (_, options) => {
  it('every flipped byte is an error', async () => {
    const bytes = await save(options);
    const good = await told(bytes);
    expect(good).toMatch(/^[0-9a-f]{32} 7 s/);
    for (let at = 0; at < bytes.length; at++)
      for (const mask of [1 << (at % 8), 0x80]) {
        const code = await told(flipped(bytes, at, mask));
        const expected =
          at < MAGIC_END ? ['NO_STORE'] : at === VERSION_AT ? ['CORRUPT', 'NEWER_FORMAT'] : ['CORRUPT'];
        if (!expected.includes(code)) expect({ at, mask, code }).toEqual({ at, mask, code: expected });
      }
  });

  it('every file that was cut, and every one that grew, is an error', async () => {
    const bytes = await save(options);
    expect(await told(bytes.subarray(0, 0))).toBe('NO_STORE');
    for (let end = 1; end < bytes.length; end++) {
      const code = await told(bytes.subarray(0, end));
      if (code !== 'CORRUPT') expect({ end, code }).toEqual({ end, code: 'CORRUPT' });
    }
    expect(await told(Uint8Array.from([...bytes, 0]))).toBe('CORRUPT');
  });

  it('damage is named with table and column', async () => {
    const bytes = await save(options);
    const file = () => withFile(memoryFile(bytes), true, (opened) => new SnapshotPieces(opened, undefined));
    const { head } = (await file()).source;
    const { at } = head.tables.frogs!.lanes.find(({ path }) => path === 'x') as never as { at: number };
    const start = bytes.length - (head as never as { bytes: number }).bytes;
    bytes[start + at]! ^= 4;
    const error = await caught(() => withFile(memoryFile(bytes), false, (opened) => loadWorld(opened, {})));
    expect(error).toMatchObject({
      code: 'CORRUPT',
      facts: { path: 'memory', table: 'frogs', column: 'x' },
    });
    expect(error.message).toMatch(/^memory: column 'x' of 'frogs' is damaged|^memory: column 'x' is damaged/);
    const pieces = await file();
    expect(await caught(() => pieces.column('frogs', 'x'))).toMatchObject({ code: 'CORRUPT' });
    expect(await pieces.column('frogs', 'state')).toHaveLength(13);
  });
});

describe.each([
  ['stored arrays', { format: 'npz' }],
  ['deflated arrays', { format: 'npz', compress: true }],
] as const)('L12: %s', (_, options) => {
  it('no flipped byte gives another world', async () => {
    const bytes = await save(options);
    const good = await told(bytes);
    let refused = 0;
    for (let at = 0; at < bytes.length; at++) {
      const said = await told(flipped(bytes, at, 1 << (at % 8)));
      if (/^[A-Z_]+$/.test(said)) refused++;
      else if (said !== good) expect({ at, said }).toEqual({ at, said: good });
    }
    // Times, rights and second copies of names and sizes are nobody's: all else is looked at.
    expect(refused).toBeGreaterThan(bytes.length * 0.6);
  });

  it('every file that was cut is an error', async () => {
    const bytes = await save(options);
    for (let end = 0; end < bytes.length; end += 3)
      expect(['CORRUPT', 'NO_STORE', 'UNSUPPORTED']).toContain(await told(bytes.subarray(0, end)));
  });
});

describe('L12: a header that was written anew', () => {
  /** The file with its header changed and signed again. */
  async function resigned(change: (text: string) => string): Promise<Uint8Array> {
    const bytes = await save({});
    const end = 12 + new DataView(bytes.buffer).getUint32(8, true);
    const text = change(new TextDecoder().decode(bytes.subarray(12, end)));
    bytes.set(new TextEncoder().encode(text), 12);
    bytes.set(sha256(bytes.subarray(0, end)), end);
    return bytes;
  }

  it.each([
    ['another allocator', '"nextId":14', '"nextId":15'],
    ['another order of lanes', '"path":"name?"', '"path":"?name"'],
    ['more rows than room', '"capacity":16', '"capacity":10'],
    ['other rows', '"size":13', '"size":12'],
    ['another kind of lane', '"kind":"i64"', '"kind":"u64"'],
    ['a table that is not there', '"water":{', '"later":{'],
    ['a lane that lies outside', '"at":128,', '"at":129,'],
    ['a seed that is none', '"seed":"s"', '"seed":123'],
  ])('with %s is CORRUPT', async (_, from, to) => {
    const changed = await resigned((text) => {
      expect(text).toContain(from);
      return text.replace(from, to);
    });
    expect(await told(changed)).toBe('CORRUPT');
  });
});

describe('a single column', () => {
  it('reads about an eighth of a file of eight', async () => {
    const state = wide(20_000);
    const bytes = await bytesOf(state, folder.at('wide'), {});
    const file = memoryFile(bytes);
    const pieces = await withFile(file, true, (opened) => new SnapshotPieces(opened, undefined));
    const before = file.counted.bytes;
    expect(before).toBeLessThan(20_000);
    const values = await pieces.column('cells', 'c3');
    const { lane } = state.tables.get('cells')!.set.byName.get('c3')! as never as {
      lane: { data: Float32Array };
    };
    expect(hex(new Uint8Array((values as Float32Array).slice().buffer))).toBe(
      hex(new Uint8Array(lane.data.slice(0, 20_000).buffer)),
    );
    const share = (file.counted.bytes - before) / bytes.length;
    expect(share).toBeGreaterThan(1 / 10);
    expect(share).toBeLessThan(1 / 7);
  });
});
