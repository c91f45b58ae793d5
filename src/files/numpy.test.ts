import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TYPES } from '../../test/golden/every-type.ts';
import { ROWS, ROWS_BACK, WIDE } from '../../test/golden/fixtures.ts';
import { python, withoutNumpy } from '../../test/support/numpy.ts';
import { caught } from '../../test/support/runs.ts';
import { place, pond, pondOf } from '../../test/support/snapshot-files.ts';
import { hex } from '../base/bytes.ts';
import { loadHash } from '../base/hash.ts';
import { stateOf, WorldState } from '../projections/world-state.ts';
import { literal } from '../schema/canonical-text.ts';
import { loadSnapshot, saveSnapshot } from './index.ts';
import { loadFile } from './open.ts';

const folder = place();
beforeAll(loadHash);
afterAll(folder.remove);
const file = (name: string): string => folder.at(`${name}.npz`);

function things(): WorldState {
  const state = new WorldState(WIDE);
  for (const row of ROWS) state.tables.get('things')!.insert(row);
  state.tables.get('homes')!.insert({});
  return state;
}

/**
 * Reads every array by its type and prints all rows as the literals of docs/formats.md, decoding cells by the
 * schema text of the header: written from the page alone.
 */
const READER = `
z = np.load(sys.argv[1], allow_pickle=False)
names = set(z.files)
head = json.loads(bytes(z['worldfold']).decode())
schema = json.loads(head['schema'])
used = {'worldfold'}

def number(x):
    if isinstance(x, float):
        if x != x: return {'$number': 'NaN'}
        if x in (float('inf'), float('-inf')): return {'$number': 'Infinity' if x > 0 else '-Infinity'}
        if x == 0 and str(x) == '-0.0': return {'$number': '-0'}
        if x == int(x) and abs(x) < 2 ** 53: return int(x)
    return x

DTYPES = {'u8': '|u1', 'i8': '|i1', 'u16': '<u2', 'i16': '<i2', 'u32': '<u4', 'i32': '<i4', 'u64': '<u8',
          'i64': '<i8', 'f32': '<f4', 'f64': '<f8', 'int': '<f8', 'id': '<u4', 'bool': '|b1'}

def get(name, dtype, shape=None):
    used.add(name)
    a = z[name]
    assert a.dtype.str == dtype, (name, a.dtype.str, dtype)
    if shape is not None: assert a.shape == shape, (name, a.shape, shape)
    return a

def cells(name):
    ends, heap = get(name + '.ends', '<u4'), get(name + '.bytes', '|u1').tobytes()
    starts = [0] + ends.tolist()
    return [heap[a:b] for a, b in zip(starts, ends.tolist())]

def values(name, column, rows):
    kind = column['type']
    if kind in ('ref', 'newId'):
        table = schema['tables'][column['table']]
        return values(name, table['columns'][table['key'][0]], rows)
    if kind == 'text': return [c.decode() for c in cells(name)]
    if kind == 'bytes': return [{'$bytes': c.hex()} for c in cells(name)]
    if kind == 'json': return [json.loads(c) if c else None for c in cells(name)]
    if kind == 'list': return [{'$bytes': c.hex()} for c in cells(name)]
    if kind == 'struct':
        fields = {f: read(name + '.' + f, c, rows) for f, c in column['fields'].items()}
        return [{'$object': sorted([f, v[i]] for f, v in fields.items())} for i in range(rows)]
    if kind == 'vec':
        a = get(name, DTYPES[column['of']], (rows, column['size']))
        return [[number(x) for x in row] for row in a.tolist()]
    if kind == 'enum':
        a = get(name, '|u1' if len(column['names']) <= 256 else '<u2', (rows,))
        return [column['names'][i] for i in a.tolist()]
    a = get(name, DTYPES[kind], (rows,)).tolist()
    if kind in ('u64', 'i64'): return [{'$big': str(x)} for x in a]
    return [number(x) for x in a]

def read(name, column, rows):
    v = values(name, column, rows)
    if not column.get('optional'): return v
    valid = get(name + '.valid', '|b1', (rows,)).tolist()
    return [x if there else None for x, there in zip(v, valid)]

tables = {}
for t, table in schema['tables'].items():
    rows = head['tables'][t]['size']
    lists = {c: read(t + '/' + c, column, rows) for c, column in table['columns'].items()}
    tables[t] = [{c: v[i] for c, v in lists.items()} for i in range(rows)]
sources = get('$sources/seq', '<f8', (0,)), cells('$sources/source')
out({'tables': tables, 'left': sorted(names - used)})
`;

/** A row as the reader prints it: cells of lists as their bytes, everything else as literals. */
function printed(state: WorldState, table: string, row: number): object {
  const { set } = state.tables.get(table)!;
  return Object.fromEntries(
    set.columns.map((column) => {
      const { kind } = column.layout.value;
      const value = column.read(row);
      if (value === null) return [column.layout.name, null];
      if (kind === 'list') {
        const lane = column.lane as never as { bytesAt(row: number): Uint8Array };
        return [column.layout.name, { $bytes: hex(lane.bytesAt(row)) }];
      }
      return [column.layout.name, kind === 'json' ? value : literal(value)];
    }),
  );
}
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe.skipIf(withoutNumpy)('numpy', () => {
  it.each([false, true])('reads every value of every column type (deflated: %s)', async (compress) => {
    const state = things();
    await saveSnapshot(state.reader, file('wide'), { compress });
    const { tables, left } = python(READER, file('wide')) as { tables: { things: object[] }; left: string[] };
    expect(left).toEqual([]);
    expect(ROWS_BACK).toHaveLength(5);
    expect(Object.keys(tables.things[0]!).sort()).toEqual([...Object.keys(TYPES), 'id'].sort());
    expect(tables.things).toEqual(ROWS.map((_, row) => plain(printed(state, 'things', row))));
  });

  it.each(['savez', 'savez_compressed'])('L4: what np.%s wrote unchanged is the same world', async (how) => {
    const state = things();
    await saveSnapshot(state.reader, file('wide'), { tick: 5 });
    python(`z = np.load(sys.argv[1]); np.${how}(sys.argv[2], **z)`, file('wide'), file('again'));
    const { stateHash, tick } = await loadSnapshot(file('again'));
    expect([stateHash, tick]).toEqual([hex(state.digest()), 5]);
    const edited = await loadSnapshot(file('again'), { edited: true });
    expect(edited.stateHash).toBe(stateHash);
    expect(stateOf(edited.world)!.tables.get('things')!.set.capacity).toBe(16);
  });

  const CHANGE = `
z = dict(np.load(sys.argv[1]))
z['frogs/x'] = z['frogs/x'] * 2
z['frogs/state'][0] = 2
z['frogs/name.valid'][2] = False
z['frogs/at'] = np.asfortranarray(z['frogs/at'].astype('>i8') + 1)
z['frogs/big'] = z['frogs/big'].astype('i2')
z['water/level'] = np.float64(8)
np.savez(sys.argv[2], **z)`;

  it('changes values, and they are taken when the caller says so', async () => {
    await saveSnapshot(pondOf(9).reader, file('pond'));
    python(CHANGE, file('pond'), file('changed'));
    expect(await caught(() => loadSnapshot(file('changed')))).toMatchObject({
      code: 'CORRUPT',
      hint: expect.stringContaining('edited: true'),
    });
    const { world } = await loadSnapshot(file('changed'), { schema: pond, edited: true });
    const same = pondOf(9);
    const { set } = same.tables.get('frogs')!;
    const column = (name: string) => set.byName.get(name)!;
    for (let row = 0; row < 9; row++) {
      column('x').write(row, row, 'frogs');
      column('at').write(row, [row + 1, 1 - row], 'frogs');
    }
    column('state').write(0, 'frog', 'frogs');
    column('name').write(2, null, 'frogs');
    same.tables.get('water')!.set.byName.get('level')!.write(0, 8, 'water');
    for (const store of same.tables.values()) store.touched = 3;
    expect(hex(stateOf(world)!.digest())).toBe(hex(same.digest()));
    expect(world.frogs.need(1).state).toBe('frog');
    expect(world.water.value.level).toBe(8);
  });

  const make = (body: string): string => {
    python(`z = {}\n${body}\nnp.savez(sys.argv[1], **z)`, file('made'));
    return file('made');
  };
  const FROGS = `
names = [b'a', 'ä'.encode(), b'']
z['frogs/x'] = np.arange(3, dtype='>f4')
z['frogs/big'] = np.array([1, -2, 3], dtype='i4')
z['frogs/state'] = np.array([0, 1, 2])
z['frogs/name.ends'] = np.cumsum([len(n) for n in names])
z['frogs/name.bytes'] = np.frombuffer(b''.join(names), 'u1')
z['frogs/at'] = np.arange(6).reshape(3, 2)`;

  it('makes worlds of its own: ids, defaults and nulls are filled in', async () => {
    const { world, tick } = await loadSnapshot(make(FROGS), { schema: pond });
    expect(tick).toBe(null);
    expect([...world.frogs].map((frog) => plain(literal(frog)))).toEqual(
      [
        { id: 1, x: 0, big: 1n, state: 'egg', name: 'a', at: [0, 1] },
        { id: 2, x: 1, big: -2n, state: 'tadpole', name: 'ä', at: [2, 3] },
        { id: 3, x: 2, big: 3n, state: 'frog', name: '', at: [4, 5] },
      ].map((frog) => plain(literal(frog))),
    );
    expect(world.water.value).toEqual({ level: 0.5, kept: false });
    expect(stateOf(world)!.tables.get('frogs')!.nextId).toBe(4);
    const named = await loadSnapshot(make(`${FROGS}\nz['frogs/id'] = np.array([7, 2, 5])`), { schema: pond });
    expect(named.world.frogs.row(2 as never)).toBe(1);
    expect(stateOf(named.world)!.tables.get('frogs')!.nextId).toBe(8);
    const none = await loadSnapshot(make(`del z\nz = {'water/kept': np.array([True])}`), { schema: pond });
    expect([none.world.frogs.size, none.world.water.value.kept]).toEqual([0, true]);
  });

  it.each([
    [
      'a name that no column has',
      "z['frogs/y'] = z['frogs/x']",
      'BAD_VALUE',
      /frogs\/y belongs to no column/,
    ],
    ['columns of two lengths', "z['frogs/x'] = np.zeros(4, 'f4')", 'BAD_VALUE', /4 rows|3 rows/],
    ['a column missing', "del z['frogs/x']", 'BAD_VALUE', /no array for frogs\/x/],
    ['half a column of cells', "del z['frogs/name.bytes']", 'BAD_VALUE', /no array frogs\/name\.bytes/],
    ['a number that is no code', "z['frogs/state'][1] = 3", 'BAD_VALUE', /frogs\/state: 3/],
    ['a double that is no single', "z['frogs/x'] = np.array([0.1, 0, 0])", 'BAD_VALUE', /0\.1.*<f8/],
    ['NaN where it is refused', "z['frogs/x'] = np.array([np.nan, 0, 0])", 'BAD_VALUE', /NaN is refused/],
    ['a fraction for a whole number', "z['frogs/big'] = np.array([1.5, 0, 0])", 'BAD_VALUE', /1\.5/],
    ['too few numbers a row', "z['frogs/at'] = np.zeros((3, 1), 'i4')", 'BAD_VALUE', /\(rows, 2\)|shape/],
    ['an id twice', "z['frogs/id'] = np.array([1, 2, 1])", 'DUPLICATE_KEY', /key 1/],
    ['the id 0', "z['frogs/id'] = np.array([0, 1, 2])", 'BAD_VALUE', /outside 1/],
    ['ends that go back', "z['frogs/name.ends'] = np.array([3, 1, 3])", 'BAD_VALUE', /goes back/],
    ['ends that say too much', "z['frogs/name.ends'] = np.array([1, 2, 9])", 'BAD_VALUE', /does not end/],
    ['text that is no UTF-8', "z['frogs/name.bytes'] = np.full(3, 255, 'u1')", 'CORRUPT', /no UTF-8/],
    ['text of another kind', "z['frogs/x'] = np.array(['a', 'b', 'c'])", 'UNSUPPORTED', /<U1/],
    ['halves', "z['frogs/x'] = np.zeros(3, 'f2')", 'UNSUPPORTED', /<f2/],
    ['structures', "z['frogs/x'] = np.zeros(3, [('a', 'f4')])", 'UNSUPPORTED', /structures/],
    ['two rows of a singleton', "z['water/level'] = np.zeros(2)", 'BAD_VALUE', /one row/],
  ])('is refused: %s', async (_, change, code, message) => {
    const error = await caught(() => loadSnapshot(make(`${FROGS}\n${change}`), { schema: pond }));
    expect({ code: error.code, message: error.message }).toEqual({
      code,
      message: expect.stringMatching(message),
    });
    expect(error.facts.path).toBe(file('made'));
  });

  it('a world of its own needs a schema', async () => {
    expect(await caught(() => loadFile(make(FROGS), {}))).toMatchObject({ code: 'BAD_USAGE' });
  });
});
