/**
 * Loads the module that holds a world.
 *
 * Owns finding the file, loading TypeScript without a build step, and making `import 'worldfold'` inside the
 * module mean this very copy of worldfold, wherever the module lies: a second copy would have tables and
 * errors of its own.
 */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createJiti } from 'jiti';
import { fail, isWorldfoldError } from '../base/errors.ts';
import * as worldfold from '../index.ts';
import type { AnyWorld } from './engine.ts';

/** A module that was found and loaded. */
export interface LoadedModule {
  /** Its absolute path. */
  readonly file: string;
  readonly exports: { readonly [name: string]: unknown };
}

/** Worlds that come with worldfold are written `example:NAME`. */
const EXAMPLE = /^example:([a-z0-9-]+)$/;
const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));

/** The module that is meant by a folder, the first that is there. */
const IN_FOLDER = ['world', 'index'].flatMap((name) =>
  ['ts', 'mts', 'js', 'mjs'].map((ext) => `${name}.${ext}`),
);

/**
 * The absolute path that a user means by `module`: `example:NAME`, or a path seen from `base`. A folder means
 * the `world` or the `index` module in it.
 */
export function moduleFile(module: string, base: string): string {
  const example = EXAMPLE.exec(module)?.[1];
  if (example !== undefined) return join(PACKAGE, 'examples', example, 'world.ts');
  const path = resolve(base, module);
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  const found = IN_FOLDER.map((name) => join(path, name)).find((file) => existsSync(file));
  return (
    found ??
    fail(
      'BAD_USAGE',
      `the folder ${path} holds no world module`,
      { folder: path },
      'Put a world.ts or an index.ts into it, or give the path of the module itself.',
    )
  );
}

/**
 * How a run remembers its module: as `example:NAME`, or as a path seen from the folder of the store, so that
 * a folder with both in it can be moved.
 */
export function moduleHint(module: string, file: string, storeFolder: string): string {
  if (EXAMPLE.test(module)) return module;
  const path = relative(storeFolder, file);
  return isAbsolute(path) ? path : path.split(sep).join('/');
}

/** An entry point of this copy, as sources or as built: with the extension that this file has. */
const ownEntry = (path: string): URL => new URL(`../${path}${extname(import.meta.url)}`, import.meta.url);

/**
 * Worldfold's own entry points. Edges load when the module asks for them: they may need packages that are
 * missing.
 */
function ownModules(): Record<string, unknown> {
  const lazy = (path: string) => ({ enumerable: true, get: () => import(ownEntry(path).href) });
  return Object.defineProperties({} as Record<string, unknown>, {
    worldfold: { enumerable: true, value: worldfold },
    'worldfold/files': lazy('files/index'),
    'worldfold/postgres': lazy('stores/postgres/index'),
    'worldfold/sqlite': lazy('stores/sqlite/index'),
    'worldfold/testing': lazy('testing/index'),
  });
}

/** Whether plain `import` from `file` would find this copy of worldfold. */
function findsThisCopy(file: string): boolean {
  try {
    const found = createRequire(file).resolve('worldfold');
    return realpathSync(found) === realpathSync(fileURLToPath(ownEntry('index')));
  } catch {
    return false;
  }
}

async function importFile(file: string): Promise<LoadedModule['exports']> {
  if (/\.m?js$/.test(file) && findsThisCopy(file))
    return (await import(pathToFileURL(file).href)) as LoadedModule['exports'];
  // `interopDefault` would put a proxy in front of every import; a cache on disk could be another user's.
  const jiti = createJiti(pathToFileURL(file).href, {
    interopDefault: false,
    fsCache: false,
    virtualModules: ownModules(),
  });
  return await jiti.import<LoadedModule['exports']>(file);
}

/** Loads the module at an absolute path. Missing, or failing while it loads: `BAD_USAGE` with the cause. */
export async function loadModule(file: string): Promise<LoadedModule> {
  if (!existsSync(file) || !statSync(file).isFile())
    fail(
      'BAD_USAGE',
      `there is no world module at ${file}`,
      { file },
      'Give the path of a .ts or .js file whose default export comes from defineWorld, of a folder with a ' +
        'world.ts in it, or example:epidemic.',
    );
  try {
    return { file, exports: await importFile(file) };
  } catch (cause) {
    if (isWorldfoldError(cause)) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    return fail(
      'BAD_USAGE',
      `the module ${file} could not be loaded: ${why}`,
      { file },
      'Mend the module; --debug shows where it stopped.',
      cause,
    );
  }
}

const isWorld = (value: unknown): value is AnyWorld => {
  const { schema, def } = (value ?? {}) as Partial<AnyWorld>;
  return typeof schema?.spec === 'object' && typeof def?.setup === 'function';
};

/** Loads a module whose default export is a world. Any other default export is `BAD_USAGE`. */
export async function loadWorld(file: string): Promise<{ world: AnyWorld; file: string }> {
  const { exports } = await loadModule(file);
  const world = exports.default;
  if (!isWorld(world))
    fail(
      'BAD_USAGE',
      `the default export of ${file} is no world`,
      { file },
      'Write `export default defineWorld(schema, { … })`, with worldfold imported as "worldfold".',
    );
  return { world, file };
}
