/**
 * Errors of the database that the store answers by itself.
 *
 * Owns which they are; what is told to callers is in errors.ts.
 */
import { endsConnection, sqlState } from './errors.ts';

/** A row of that key is there already: somebody else was as quick. */
export const isTaken = (e: unknown): boolean => sqlState(e) === '23505';

/** A lock was not to be had within the time that was set for it. */
export const waitedForLock = (e: unknown): boolean => sqlState(e) === '55P03';

/** The server lets no further connection in. */
export const hasNoConnectionLeft = (e: unknown): boolean => sqlState(e) === '53300';

/** The database can't be reached, which may pass: it starts, stops, or the network is down. */
export const isAway = (e: unknown): boolean => endsConnection(e);
