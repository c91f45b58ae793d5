/**
 * The migrations in order, as code: nothing is looked up in a folder at run time.
 *
 * This file needs kysely when it is loaded, so a store imports it only after it knows that kysely is there.
 */
import type { Migration } from 'kysely';
import { store } from './0001-store.ts';
import { capabilities } from './0002-capabilities.ts';
import { projections } from './0003-projections.ts';

/** By name; the names sort in the order in which the migrations run. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-store': store,
  '0002-capabilities': capabilities,
  '0003-projections': projections,
};
