/** `npm test`: sets up what is missing, then runs vitest once. Arguments are passed on to vitest. */
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, hand, root } from './setup.mjs';

ensureInstalled();
ensureBuilt();
hand(process.execPath, [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...process.argv.slice(2)]);
