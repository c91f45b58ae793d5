/** `npm run demo`: sets up what is missing, then runs `worldfold demo`. Arguments are passed on to it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, hand, root, stop } from './setup.mjs';

ensureInstalled();
ensureBuilt();
const cli = join(root, 'dist', 'cli', 'main.js');
if (!existsSync(cli)) stop('there is no src/cli/main.ts, so there is no demo to run');
hand(process.execPath, [cli, 'demo', ...process.argv.slice(2)]);
