/**
 * The commands that judge a run, its time too: their words and their help.
 */
import { type Command, Option } from 'commander';
import { EXIT } from './failure.ts';
import type { Io } from './io.ts';
import { parseCount, parseTick } from './options.ts';
import type { Done } from './program-commands.ts';
import {
  type Common,
  type Folding,
  guardOption,
  jsonOption,
  limitOption,
  storeOption,
  worldOption,
} from './program-options.ts';

interface Checking extends Folding {
  readonly from?: number;
  readonly to?: number;
  readonly every: number;
  readonly limit: number;
}
interface Profiling extends Common {
  readonly from?: number;
  readonly to?: number;
}
interface Shrinking extends Folding {
  readonly at?: number;
  readonly plans: number;
  readonly out?: string;
}

const tickOption = (flags: string, what: string): Option => new Option(flags, what).argParser(parseTick);

/** Adds `check` and `shrink`. `failWith` takes the code that a failure ends with where it is no answer. */
export function addCheckers(program: Command, io: Io, done: Done, failWith: Done): void {
  program
    .command('check')
    .summary('the invariants of a world, new ones too, over the log of a run')
    .description(
      'Folds the log and asks the invariants of the world after each tick, those that did not exist when ' +
        'it was recorded too. Ends with 0 where all hold, 1 where one does not, 2 on any trouble.',
    )
    .argument('<run>', 'the id of the run')
    .addOption(tickOption('--from <tick>', 'the first tick to look at (default: 0)'))
    .addOption(tickOption('--to <tick>', 'the last tick to look at (default: the last one)'))
    .addOption(
      new Option('--every <n>', 'only ticks that are a multiple of this').argParser(parseCount).default(1),
    )
    .addOption(limitOption('at most how many violations', 20))
    .addOption(storeOption())
    .addOption(worldOption())
    .addOption(guardOption())
    .addOption(jsonOption())
    .action(async (run: string, o: Checking) => {
      failWith(EXIT.usage);
      const { checkCommand } = await import('./commands/check.ts');
      done(await checkCommand(io, { ...o, run, json: o.json === true }));
    });
  program
    .command('shrink')
    .summary('the smallest plan that fails as a run does, as a test file')
    .description(
      'Takes the newest failed tick that was kept beside the log, or else the log itself, plays it with ' +
        'the world as it is now, and looks for fewer ticks, fewer and simpler inputs and a plainer config ' +
        'that fail in the same way. Prints a test file. Ends with 1 where the run does not fail.',
    )
    .argument('<run>', 'the id of the run')
    .addOption(tickOption('--at <tick>', 'the failed tick, or the last one to play'))
    .addOption(new Option('--plans <n>', 'at most how many plans to try').argParser(parseCount).default(500))
    .option('--out <file>', 'write the test file there')
    .addOption(storeOption())
    .addOption(worldOption())
    .addOption(guardOption())
    .addOption(jsonOption())
    .action(async (run: string, o: Shrinking) => {
      const { shrinkCommand } = await import('./commands/shrink.ts');
      done(await shrinkCommand(io, { ...o, run, json: o.json === true }));
    });
}

/** Adds `profile`. */
export function addProfile(program: Command, io: Io, done: Done): void {
  program
    .command('profile')
    .summary('where the time of a run goes: systems, hashing, invariants, commits')
    .description(
      'Sums up the tick log of a run: how long its ticks took, which parts of them most, what waited for ' +
        'the store, which invariants were asked and which broke. It needs no world, and reads only.',
    )
    .argument('<run>', 'the id of the run')
    .addOption(tickOption('--from <tick>', 'the first tick to look at (default: 0)'))
    .addOption(tickOption('--to <tick>', 'the last tick to look at (default: the last one)'))
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (run: string, o: Profiling) => {
      const { profileCommand } = await import('./commands/profile.ts');
      done(await profileCommand(io, { ...o, run, json: o.json === true }));
    });
}
