/** `npm run build`, and before packing: builds dist unless it is up to date. */
import { ensureBuilt, ensureInstalled } from './setup.mjs';

ensureInstalled();
ensureBuilt();
