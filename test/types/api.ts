/**
 * What users import, and a store that is there in types only: nothing here is run.
 */
import type { Store } from '../../src/index.ts';

export * from '../../src/index.ts';

/** A store for worlds that are only checked. */
export declare const store: Store;
