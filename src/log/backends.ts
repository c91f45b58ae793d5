/**
 * Which backend has which capability.
 *
 * Owns the table, for messages and docs; that the stores are as it says is a test of
 * `test/contract/capabilities.test.ts`. Nothing is decided by it: whether a store has a capability is for its
 * type guard to say.
 */
const EVERY = ['memory', 'sqlite', 'postgres', 'pglite'];
const IN_SQL = ['sqlite', 'postgres', 'pglite'];
const OF_POSTGRES = ['postgres', 'pglite'];

/** The capabilities that a store may have beside the log port, each with the kinds of stores that have it. */
export const BACKENDS = {
  leases: EVERY,
  attempts: EVERY,
  forks: EVERY,
  snapshots: EVERY,
  projections: IN_SQL,
  jsonb: OF_POSTGRES,
  partitions: OF_POSTGRES,
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** The name of a capability. */
export type Capability = keyof typeof BACKENDS;
