/**
 * What opening a store refuses in the same words on every database.
 */
import { fail } from '../../base/errors.ts';

/** The store was made by a later version. */
export const newerFormat = (location: string, version: number, known: number): never =>
  fail(
    'NEWER_FORMAT',
    `${location} has format ${version}, and this worldfold knows formats up to ${known}`,
    { location, version, known },
    'Install a newer worldfold to open it.',
  );
