/**
 * The run header: what a store lists of a run without reading its log.
 *
 * Holds hints and no truth, but damage in it is told from what was written: it carries a digest of itself.
 */
import { hex } from '../base/bytes.ts';
import { canonicalJson, parseCanonical } from '../base/canonical.ts';
import { fail } from '../base/errors.ts';
import { sha256 } from '../base/platform.ts';
import { utf8 } from '../base/text.ts';

/** What a run's header tells: hints, no truth. */
export interface RunHeader {
  readonly world: string;
  readonly version: number;
  readonly fingerprint: string;
  readonly seed: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly engine: {
    readonly node: string;
    readonly v8: string;
    readonly arch: string;
    readonly platform: string;
  };
  readonly code: string;
  readonly hints: { readonly [name: string]: string };
  /** The config that the run began with, without large values. Absent in older headers. */
  readonly config?: { readonly [name: string]: unknown };
  /** The run that a fork was made from; absent where the run began by itself. */
  readonly fork?: { readonly run: string; readonly tick: number; readonly because: string | null };
}

/** The first 16 hexadecimal digits of the SHA-256 of a header's canonical JSON without its digest. */
const digestOf = (header: object): string => hex(sha256(utf8(canonicalJson(header)))).slice(0, 16);

/** The text of a header as stores keep it, with its digest. */
export const headerText = (header: RunHeader): string =>
  canonicalJson({ ...header, digest: digestOf(header) });

function intact(text: string): RunHeader | null {
  try {
    const { digest, ...header } = parseCanonical(text) as RunHeader & { readonly digest?: unknown };
    return digest === digestOf(header) ? header : null;
  } catch {
    return null;
  }
}

/** The header of a run, verified. `CORRUPT` with the run's name where it is not as it was written. */
export function readHeader(run: string, text: string): RunHeader {
  return (
    intact(text) ??
    fail(
      'CORRUPT',
      `the header of run '${run}' is damaged`,
      { run, header: text.slice(0, 80).toWellFormed() },
      'The log does not depend on it: openRun, and replay with the world named, still work.',
    )
  );
}
