/**
 * Reads a run's header: an index beside the log, which holds hints and no truth.
 */
import { parseCanonical } from '../base/canonical.ts';
import type { RunInfo } from '../log/store.ts';
import type { RunHeader } from '../replay/describe.ts';

/** The header of a run. */
export const headerOf = (info: RunInfo): RunHeader => parseCanonical(info.header) as RunHeader;

/** A moment in UTC as people write it: `2026-11-21 05:36`. */
export const momentText = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
