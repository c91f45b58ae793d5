/** Large schemas stay cheap to check: counted in type instantiations, which don't depend on the machine. */
import { expect, it } from 'vitest';
import { measure, worldText } from './scale.ts';

it('checks 50 tables of 20 columns with kinds, handlers and systems within its budget', () => {
  const { errors, instantiations } = measure(worldText(50, 20));
  expect(errors).toBe('');
  expect(instantiations).toBeLessThan(170_000);
}, 120_000);

it('grows no faster than the schema', () => {
  const [empty, half, whole] = [0, 20, 40].map((tables) => measure(worldText(tables, 20)));
  expect([empty, half, whole].map((m) => m?.errors)).toEqual(['', '', '']);
  const [first, second] = [
    half!.instantiations - empty!.instantiations,
    whole!.instantiations - half!.instantiations,
  ];
  expect(second).toBeLessThan(1.2 * first);
}, 120_000);
