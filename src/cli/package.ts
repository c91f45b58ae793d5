/**
 * What package.json says of worldfold itself.
 */
import { createRequire } from 'node:module';

/** The parts of it that commands tell of. */
export const ownPackage = createRequire(import.meta.url)('../../package.json') as {
  readonly version: string;
  readonly engines: { readonly node: string };
};
