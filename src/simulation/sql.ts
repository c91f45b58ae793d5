/**
 * The way from a run to what answers its queries, which is loaded when the first is asked.
 */
import { loadSql } from '../base/platform.ts';

interface SqlModule {
  sqlOfRun(run: object, ...given: readonly unknown[]): Promise<readonly object[]>;
}

/** Asks a query over a run. */
export async function sqlOf(run: object, ...given: readonly unknown[]): Promise<readonly object[]> {
  const { sqlOfRun } = (await loadSql()) as SqlModule;
  return sqlOfRun(run, ...given);
}
