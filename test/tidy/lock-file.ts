/**
 * What package-lock.json may hold: nothing that ties it to one place of download, and nothing missing.
 *
 * Owns the reading of the lock. Whether it fits package.json is npm's own question (`npm ci`).
 */
import { type Finding, type Rule, type SourceText, sourceText } from './rule.ts';

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const LOCK = 'package-lock.json';

function* addresses(file: SourceText): Generator<Finding> {
  if (file.path !== LOCK) return;
  for (const [i, line] of file.lines.entries())
    if (/"resolved":|https?:\/\/\S*\.tgz/.test(line))
      yield { line: i + 1, what: 'says where to download from' };
}

/** Optional packages that a package names and the lock does not hold, at any depth that Node looks in. */
function* absent(file: SourceText): Generator<Finding> {
  if (file.path !== LOCK) return;
  const { packages } = JSON.parse(file.text) as { packages: Record<string, LockedPackage> };
  for (const [path, { optionalDependencies = {} }] of Object.entries(packages))
    for (const name of Object.keys(optionalDependencies)) {
      const parts = path.split('/node_modules/');
      const places = parts.map(
        (_, i) => `${parts.slice(0, i + 1).join('/node_modules/')}/node_modules/${name}`,
      );
      const isHeld = [`node_modules/${name}`, ...places].some((place) => place in packages);
      const line = file.lines.findIndex((text) => text.includes(`"${path}"`)) + 1;
      if (!isHeld) yield { line, what: `does not hold ${name}, which ${path} may need on another platform` };
    }
}

const lock = (packages: object): SourceText => sourceText(LOCK, JSON.stringify({ packages }, null, 2));

/** The rules of this file. */
export const lockFileRules: readonly Rule[] = [
  {
    name: 'lock without addresses',
    instead: 'the hash says which bytes; remove the address',
    find: addresses,
    bad: [
      lock({ 'node_modules/a': { resolved: 'here' } }),
      lock({ 'node_modules/a': { from: 'https://a.example/a/-/a-1.0.0.tgz' } }),
    ],
    good: [lock({ 'node_modules/a': { funding: 'https://a.example/pay' } })],
  },
  {
    name: 'lock is complete',
    instead: 'npm ci refuses this lock: take a version whose platform packages all exist, and write it anew',
    find: absent,
    bad: [lock({ 'node_modules/a': { optionalDependencies: { 'a-darwin': '1.0.0' } } })],
    good: [
      lock({ 'node_modules/a': { optionalDependencies: { b: '1.0.0' } }, 'node_modules/b': {} }),
      lock({ 'node_modules/a': { optionalDependencies: { b: '1' } }, 'node_modules/a/node_modules/b': {} }),
    ],
  },
];
