/**
 * A plan as a file that plays it again: complete, to be saved and run.
 *
 * Owns the text. It imports nothing of fast-check, so that the command line can print it without.
 */
import { guardLevels } from '../../base/ambient.ts';
import { defaultOf } from '../../schema/validate.ts';
import type { GuardOption } from '../../simulation/types.ts';
import type { AnyWorld } from '../../simulation/world.ts';
import type { AnyPlan, Schedule } from './plan.ts';
import { shortText, sourceText } from './source-text.ts';

/** Where a printed file finds what was given to the kit: each the default export of a module. */
export interface ReproductionModules {
  /** The world: `./world.ts` if left out. */
  readonly world?: string;
  /** The function that makes stores: `./store.ts` if left out. */
  readonly store?: string;
  /** The function that attaches observers: `./observe.ts` if left out. */
  readonly observe?: string;
  /** The reference that `model` was given: `./reference.ts` if left out. */
  readonly reference?: string;
}

/** What a file plays. */
export interface Reproduction {
  readonly world: AnyWorld;
  readonly plan: AnyPlan;
  /** The parts of the schedule that matter. */
  readonly schedule?: readonly (keyof Schedule)[];
  /** The name of the test. */
  readonly name: string;
  /** What was found, in a few words. */
  readonly found: string;
  /** The function of worldfold/testing that is called, and its other arguments as text. */
  readonly call: string;
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  /** The option that the plan is given as, where it is not an argument of its own. */
  readonly asOption?: string;
  /** Other options beside that one, as text. */
  readonly options?: readonly string[];
  readonly modules: ReproductionModules;
  /** Default imports beside the world. */
  readonly imports?: readonly ('store' | 'observe' | 'reference')[];
}

/** The guard as an option in a text, where it is not the one that all plays have by themselves. */
export function guardParts(guard: GuardOption | undefined): readonly string[] {
  const levels = Object.entries(guardLevels(guard));
  const others = levels.filter(([, level]) => level !== 'throw');
  if (others.length === 0) return [];
  const [[, first]] = others as [[string, string]];
  const isOne = others.length === levels.length && others.every(([, level]) => level === first);
  return [`guard: ${sourceText(isOne ? first : Object.fromEntries(others))}`];
}

/** The config without what it would have by itself. */
function shownConfig({ schema }: AnyWorld, config: object): { readonly [column: string]: unknown } {
  const { byName } = schema.compiled.config;
  const kept = Object.entries(config).filter(([name, value]) => {
    const column = byName.get(name);
    return column === undefined || sourceText(defaultOf(column)) !== sourceText(value);
  });
  return Object.fromEntries(kept);
}

/** The plan as lines of TypeScript, from its brace to its brace. */
export function planLines(
  world: AnyWorld,
  { seed, config, ticks, inputs, changes, schedule }: AnyPlan,
  parts: readonly (keyof Schedule)[] = [],
): readonly string[] {
  const shown = shownConfig(world, config);
  const moments = Object.fromEntries(parts.map((part) => [part, schedule[part]]));
  const listed = inputs.map((input) => `    ${sourceText(input)},`);
  return [
    '{',
    `  seed: ${sourceText(seed)},`,
    ...(Object.keys(shown).length > 0 ? [`  config: ${sourceText(shown)},`] : []),
    `  ticks: ${ticks},`,
    ...(inputs.length > 0 ? ['  inputs: [', ...listed, '  ],'] : []),
    ...(changes.length > 0 ? [`  changes: ${sourceText(changes)},`] : []),
    ...(parts.length > 0 ? [`  schedule: ${sourceText(moments)},`] : []),
    '}',
  ];
}

const oneLine = (text: string): string => text.split('\n', 1)[0]!.replaceAll('*/', '* /');

/** The file. */
export function reproductionText(given: Reproduction): string {
  const { world, plan, schedule, name, found, call, before = [], after = [], modules, imports = [] } = given;
  const { asOption, options = [] } = given;
  const defaults = ['world', ...imports] as const;
  const rest = planLines(world, plan, schedule).slice(1, -1);
  const [first, last] =
    asOption === undefined ? ['{', '}'] : [`{ ${asOption}: {`, `${['}', ...options].join(', ')} }`];
  return [
    `/** ${oneLine(found)} */`,
    "import { test } from 'vitest';",
    `import { ${call} } from 'worldfold/testing';`,
    ...defaults.map((what) => `import ${what} from ${sourceText(modules[what] ?? `./${what}.ts`)};`),
    '',
    `test(${sourceText(name)}, async () => {`,
    `  await ${call}(${[...before, first].join(', ')}`,
    ...rest.map((line) => `  ${line}`),
    `  ${[last, ...after].join(', ')});`,
    '});',
    '',
  ].join('\n');
}

/** What a plan comes to, in a line. */
export function planSummary({ seed, config, ticks, inputs }: AnyPlan): string {
  const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
  const given = Object.keys(config).length === 0 ? '' : `, config ${shortText(config)}`;
  return `${counted(ticks, 'tick')}, ${counted(inputs.length, 'input')}, seed ${sourceText(seed)}${given}`;
}
