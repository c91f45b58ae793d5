/** `npm run bench`: sets up what is missing, runs the benchmarks from source. Arguments are passed on. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, hand, root, stop } from './setup.mjs';

ensureInstalled();
ensureBuilt();
const main = join(root, 'bench', 'main.ts');
if (!existsSync(main)) stop('there is no bench/main.ts, so there is nothing to measure');
hand(process.execPath, ['--expose-gc', '--import', 'tsx', main, ...process.argv.slice(2)]);
