import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly name: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
};
const modules = Object.entries(manifest.exports).filter(([, target]) => typeof target === 'object');
const entries = modules.map(([path]) => manifest.name + path.slice(1));

/** What the npm that runs these tests says about itself must not reach the one that they start. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_(?!config_)|^npm_config_(local_)?prefix$/.test(name)),
);
const place = mkdtempSync(join(tmpdir(), 'worldfold-package-'));
const project = join(place, 'project');
const installed = join(project, 'node_modules', manifest.name);
const run = (cwd: string, command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const evaluate = (cwd: string, code: string): string =>
  run(cwd, process.execPath, '--input-type=module', '-e', code).trim();

let packed: readonly string[] = [];

beforeAll(() => {
  run(root, 'npm', 'pack', '--silent', '--pack-destination', place);
  const tarball = readdirSync(place).find((name) => name.endsWith('.tgz')) ?? 'no tarball';
  packed = run(place, 'tar', '-tzf', tarball).trim().split('\n').sort();
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  run(project, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', join(place, tarball));
}, 120_000);

afterAll(() => rmSync(place, { recursive: true, force: true }));

describe('what is packed', () => {
  it('is the built code, the demo, the docs and the papers', () => {
    for (const file of ['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE'])
      expect(packed).toContain(`package/${file}`);
    expect(packed.filter((file) => file.startsWith('package/docs/'))).not.toEqual([]);
    const papers = /^package\/(package\.json|README\.md|CHANGELOG\.md|LICENSE)$/;
    const folders = /^package\/(docs|dist|lint|examples\/epidemic|examples\/creatures)\/.+$/;
    const isKnown = (file: string): boolean => papers.test(file) || folders.test(file);
    expect(packed.filter((file) => !isKnown(file) || file.includes('.test.'))).toEqual([]);
  });

  it('holds no test, no source and no left-over of a build', () => {
    const kinds = /\.(js|d\.ts|js\.map)$/;
    const built = packed.filter((file) => file.startsWith('package/dist/'));
    expect(built.filter((file) => !kinds.test(file) || file.includes('.test.'))).toEqual([]);
  });

  it.each(modules)('holds both files of the export %s', (_path, target) => {
    for (const file of Object.values(target)) expect(packed).toContain(`package/${file.replace('./', '')}`);
  });

  it.each(Object.entries(manifest.bin))('holds the program %s, ready to run', (name, file) => {
    expect(packed).toContain(`package/${file}`);
    expect(readFileSync(join(installed, file), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(statSync(join(installed, file)).mode & 0o111).toBe(0o111);
    expect(run(project, join(project, 'node_modules', '.bin', name), '--help')).toContain(name);
  });

  it.each(entries)('%s imports where the optional packages are there', (entry) => {
    const names = evaluate(root, `console.log(Object.keys(await import('${entry}')).length)`);
    expect(Number(names)).toBeGreaterThan(0);
  });
});

describe('in a project without the optional packages', () => {
  it('none of them came along', () => {
    const there = readdirSync(join(project, 'node_modules'));
    expect(Object.keys(manifest.peerDependencies).filter((name) => there.includes(name))).toEqual([]);
  });

  it('L3: the installed demo runs and its replay agrees', () => {
    const program = join(project, 'node_modules', '.bin', 'worldfold');
    const words = ['demo', '--store', 'memory:', '--ticks', '20', '--config', 'travellers=2000', '--json'];
    const told = JSON.parse(run(project, program, ...words)) as { readonly [name: string]: unknown };
    expect(told.stateHash).toMatch(/^[0-9a-f]{32}$/);
    expect(told).toMatchObject({ agrees: true, tick: 20, replayHash: told.stateHash });
  });

  it('the main entry imports', () => {
    expect(evaluate(project, "console.log(typeof (await import('worldfold')).defineWorld)")).toBe('function');
  });

  it('a store whose driver is missing, and tables without kysely, say what to install', () => {
    const code = `
      const { sqliteStore } = await import('worldfold/sqlite');
      const { pgliteStore, postgresStore } = await import('worldfold/postgres');
      const { runTables } = await import('worldfold/tables');
      const stores = [sqliteStore(':memory:'), postgresStore('postgres://h'), pgliteStore(':memory:')];
      for (const opening of [...stores, runTables({})]) {
        const e = await opening.catch((e) => e);
        console.log(e.code, e.hint);
      }`;
    const [sqlite, server, embedded, tables] = evaluate(project, code).split('\n');
    expect(sqlite).toMatch(/^MISSING_DEPENDENCY .*better-sqlite3 kysely$/);
    expect(server).toMatch(/^MISSING_DEPENDENCY .*pg kysely$/);
    expect(embedded).toMatch(/^MISSING_DEPENDENCY .*pg kysely @electric-sql\/pglite$/);
    expect(tables).toMatch(/^MISSING_DEPENDENCY .*install kysely$/);
  });

  it('the types of the main entry and of the stores compile, library check included', () => {
    const source = `
      import * as worldfold from 'worldfold';
      import { pgliteStore, postgresStore } from 'worldfold/postgres';
      import { sqliteStore } from 'worldfold/sqlite';
      export const all = [worldfold.defineWorld, sqliteStore, postgresStore, pgliteStore] as const;
      // @ts-expect-error the types are there: a name that does not exist is refused
      export const none = worldfold.noSuchName;`;
    writeFileSync(join(project, 'types.ts'), source);
    const flags = [
      '--noEmit',
      '--strict',
      '--target',
      'es2022',
      '--module',
      'nodenext',
      '--lib',
      'es2023,dom',
    ];
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    let output = '';
    try {
      run(project, process.execPath, tsc, ...flags, 'types.ts');
    } catch (e) {
      output = (e as { stdout: string }).stdout;
    }
    expect(output).toBe('');
  });
});

describe('in a project with the optional packages', () => {
  const peers = Object.keys(manifest.peerDependencies);

  beforeAll(() => {
    // Each stands in for the real one and says that it was loaded, by import or by require alike.
    for (const name of peers) {
      const folder = join(project, 'node_modules', name);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'package.json'), `{ "name": "${name}", "version": "99.0.0" }`);
      writeFileSync(join(folder, 'index.js'), `console.log('loaded ${name}');`);
    }
  });

  it.each(peers)('the import of %s would be seen', (name) => {
    expect(evaluate(project, `await import('${name}')`)).toBe(`loaded ${name}`);
  });

  it('importing the main entry, or that of a store, loads none of them', () => {
    const stores = "await import('worldfold/sqlite'); await import('worldfold/postgres')";
    const tables = "await import('worldfold/tables')";
    expect(evaluate(project, `await import('worldfold'); ${stores}; ${tables}`)).toBe('');
  });
});
