/**
 * Reads a run's header: an index beside the log, which holds hints and no truth.
 */
import { type RunHeader, readHeader } from '../log/header.ts';
import type { RunInfo } from '../log/store.ts';

/** The header of a run, verified: `CORRUPT` where it is damaged. */
export const headerOf = (info: RunInfo): RunHeader => readHeader(info.id, info.header);

/** A moment in UTC as people write it: `2026-11-21 05:36`. */
export const momentText = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
