import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { areaChart, bytesText, counted, grouped, niceTop, sparkline, squeeze, textTable } from './text.ts';

describe('numbers', () => {
  test('thousands are separated, fractions and signs stay', () => {
    expect([0, 12, 999, 1000, -1234567, 1234.5678, 1e21].map(grouped)).toEqual([
      '0',
      '12',
      '999',
      '1,000',
      '-1,234,567',
      '1,234.5678',
      '1e+21',
    ]);
    expect(grouped(Number.NaN)).toBe('NaN');
  });

  test('one is singular, everything else plural', () => {
    expect([0, 1, 2].map((n) => counted(n, 'tick'))).toEqual(['0 ticks', '1 tick', '2 ticks']);
    expect(counted(2, 'entry', 'entries')).toBe('2 entries');
  });

  test('sizes take the unit that fits', () => {
    expect([1, 999, 1000, 27_400_000].map(bytesText)).toEqual(['1 byte', '999 bytes', '1.0 kB', '27.4 MB']);
  });
});

describe('tables', () => {
  test('columns line up and lines carry no trailing spaces', () => {
    const lines = textTable(
      [{ title: 'city' }, { title: 'ill', align: 'right' }, { title: 'state' }],
      [
        ['Atlanta', '5', 'GA'],
        ['São Paulo', '1,200', ''],
      ],
    );
    expect(lines).toEqual([
      'city         ill  state',
      '─────────  ─────  ─────',
      'Atlanta        5  GA',
      'São Paulo  1,200',
    ]);
  });
});

describe('curves', () => {
  test('squeezing keeps the largest value, whatever the width', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 90 }),
        (values, width) => {
          const points = squeeze(values, width);
          expect(points.length).toBe(Math.min(width, values.length));
          expect(Math.max(...points)).toBe(Math.max(...values));
        },
      ),
    );
  });

  test('a sparkline runs from the lowest to the highest block', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([5, 5, 5], 8)).toBe('▁▁▁');
  });

  test('the top of an axis is round and not below the value', () => {
    expect([1, 3, 30_738, 99, 0.3, 0].map(niceTop)).toEqual([1, 3, 32_000, 100, 0.3, 1]);
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e15, noNaN: true }), (v) => {
        expect(niceTop(v)).toBeGreaterThanOrEqual(v);
        expect(niceTop(v)).toBeLessThanOrEqual(v * 1.7);
      }),
    );
  });

  test('an area chart is as high as its values and fits its width', () => {
    const lines = areaChart({ values: [0, 25, 50, 100, 50, 0], firstTick: 0, width: 40, height: 4 });
    const text = lines.map(({ axis, area }) => axis + area);
    expect(text).toEqual([
      '100 ┤               █████',
      '    │               █████',
      ' 50 ┤          ███████████████',
      '    │     ████████████████████',
      '  0 └┴──────┴───────┴──────┴──────┴',
      '     0      1       3      4      5',
    ]);
    for (const l of text) expect([...l].length).toBeLessThanOrEqual(40);
  });

  test('a line over an area takes every row that it passes, on the scale of both', () => {
    const [values, over] = [
      [0, 10, 30, 0, 0],
      [0, 40, 20, 20, 0],
    ];
    const lines = areaChart({ values: values!, over: over!, firstTick: 0, width: 10, height: 4 });
    expect(lines.slice(0, 4).map(({ axis, area }) => axis + area)).toEqual([
      '40 ┤ •',
      '   │ ••',
      '20 ┤ •••',
      '   │•██ •',
    ]);
  });
});
