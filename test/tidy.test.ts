import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bannedRules } from './tidy/banned.ts';
import { floorRules } from './tidy/floors.ts';
import { lockFileRules } from './tidy/lock-file.ts';
import { type Rule, type Snippet, type SourceText, sourceText } from './tidy/rule.ts';
import { shapeRules } from './tidy/shape.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const RULES: readonly Rule[] = [...floorRules, ...bannedRules, ...shapeRules, ...lockFileRules];

/** Snippets that must not compile, and generated or foreign data, are nobody's style. */
const NOT_OURS = [
  /^(test\/types\/errors|examples\/[^/]+\/data)\//,
  /^(node_modules|dist|coverage|\.cache)(\/|$)/,
];
const READ = /(\.(ts|mts|js|mjs|cjs|md)|^\.ci\/run|^package-lock\.json)$/;

/** What git knows or would add; where there is no checkout, what lies in the folder. */
function projectFiles(): string[] {
  const paths = existsSync(`${root}.git`)
    ? execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
        cwd: root,
        encoding: 'utf8',
      }).split('\0')
    : readdirSync(root, { recursive: true, encoding: 'utf8' }).map((p) => p.replaceAll('\\', '/'));
  const isRead = (path: string): boolean => READ.test(path) && !NOT_OURS.some((not) => not.test(path));
  const isThere = (path: string): boolean =>
    statSync(root + path, { throwIfNoEntry: false })?.isFile() === true;
  return [...new Set(paths)].filter((path) => isRead(path) && isThere(path)).sort();
}

const complaints = (rule: Rule, file: SourceText): string[] =>
  [...rule.find(file)].map(
    ({ line, what }) => `${file.path}:${line}: ${rule.name}: ${what}; ${rule.instead}`,
  );

const files = projectFiles().map((path) => sourceText(path, readFileSync(root + path, 'utf8')));

describe('the project is tidy', () => {
  it('the walk finds the project', () => {
    const paths = files.map((file) => file.path);
    expect(paths).toContain('src/base/errors.ts');
    expect(paths).toContain('test/tidy.test.ts');
    expect(paths).toContain('scripts/setup.mjs');
    expect(paths).toContain('package-lock.json');
    expect(paths.filter((path) => path.includes('node_modules'))).toEqual([]);
  });

  for (const rule of RULES)
    it(rule.name, () => {
      expect(files.flatMap((file) => complaints(rule, file)).join('\n')).toBe('');
    });
});

describe('every rule sees', () => {
  const tryOn = (rule: Rule, { path, text }: Snippet): string[] => {
    expect(path).toMatch(READ);
    return complaints(rule, sourceText(path, text));
  };

  it('each has a name of its own, a snippet to catch and one to pass', () => {
    expect(RULES.filter(({ bad, good }) => bad.length === 0 || good.length === 0)).toEqual([]);
    expect(new Set(RULES.map(({ name }) => name)).size).toBe(RULES.length);
  });

  for (const rule of RULES)
    it(`${rule.name}: catches what is planted and passes what is right`, () => {
      const unseen = rule.bad.filter((snippet) => tryOn(rule, snippet).length === 0);
      expect(unseen.map(({ path, text }) => `${path}: ${text}`).join('\n')).toBe('');
      expect(rule.good.flatMap((snippet) => tryOn(rule, snippet)).join('\n')).toBe('');
    });
});
