/**
 * The commands that prove: their words, their help, and which function does the work.
 */
import { type Command, Option } from 'commander';
import type { VerifyMode } from '../index.ts';
import { EXIT } from './failure.ts';
import type { Io } from './io.ts';
import { parseStore, parseTick, parseWorkers, type StorePlace } from './options.ts';
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

interface Verifying extends Folding {
  readonly from?: number;
  readonly to?: number;
  readonly mode: VerifyMode;
  readonly limit: number;
  readonly workers: number;
}

interface Bisecting extends Folding {
  readonly other?: StorePlace;
  readonly limit: number;
}

/** Adds `verify`, `bisect` and `doctor`. `failWith` is as in the other commands. */
export function addProofs(program: Command, io: Io, done: Done, failWith: Done): void {
  program
    .command('verify')
    .summary('hold a run against its chain, its fold and its systems, and name the first divergence')
    .description(
      'Reads the records of a run with their hashes, folds their events and compares every state hash, ' +
        'and runs the systems again, which must give the recorded bytes. Names the first tick that ' +
        'differs, and what differs in it and why. Ends with 1 where something does.',
    )
    .argument('<run>', 'the id of the run')
    .addOption(new Option('--from <tick>', 'the first tick (default: 0)').argParser(parseTick))
    .addOption(new Option('--to <tick>', 'the last tick (default: the head)').argParser(parseTick))
    .addOption(
      new Option('--mode <what>', 'the records alone; and their events folded; and the systems run again')
        .choices(['chain', 'fold', 'execute'] satisfies VerifyMode[])
        .default('execute'),
    )
    .addOption(limitOption('at most how many rows of each table', 20))
    .addOption(
      new Option('--workers <n>', 'how many threads share the ticks, each from a snapshot on')
        .argParser(parseWorkers)
        .default(1),
    )
    .addOption(storeOption())
    .addOption(worldOption())
    .addOption(guardOption())
    .addOption(jsonOption())
    .action(async (run: string, o: Verifying) => {
      const { verifyCommand } = await import('./commands/verify.ts');
      done(await verifyCommand(io, { ...o, run, json: o.json === true }));
    });
  program
    .command('bisect')
    .summary('the first tick at which two records of one run part')
    .description(
      'Finds the first tick at which two runs have different records, and tells system, event, stream, ' +
        'tables and rows. Ends with 0 where they have the same ones, 1 where they part, 2 on any trouble.',
    )
    .argument('<a>', 'the id of a run')
    .argument('<b>', 'the id of another, or of the same in another store')
    .addOption(new Option('--other <place>', 'the store of the second run').argParser(parseStore))
    .addOption(limitOption('at most how many rows of each table', 10))
    .addOption(storeOption())
    .addOption(worldOption())
    .addOption(guardOption())
    .addOption(jsonOption())
    .action(async (a: string, b: string, o: Bisecting) => {
      failWith(EXIT.usage);
      const { bisectCommand } = await import('./commands/bisect.ts');
      done(await bisectCommand(io, { ...o, a, b, json: o.json === true }));
    });
  program
    .command('doctor')
    .summary('whether this machine, these packages and a store are fit to run worlds')
    .description(
      'Looks at versions, native packages, free space and the file of a store, and reads every record ' +
        'in it. Changes nothing. Ends with 1 where something is wrong.',
    )
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (o: Common) => {
      const { doctorCommand } = await import('./commands/doctor.ts');
      done(await doctorCommand(io, { store: o.store, json: o.json === true }));
    });
}
