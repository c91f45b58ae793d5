/**
 * The command line as commander sees it: commands, options, help.
 *
 * Owns the mapping from words to a command's options and from failures to exit codes. Does no work of its
 * own: each command is loaded when it is asked for.
 */
import { createRequire } from 'node:module';
import { Command, Option } from 'commander';
import { EXIT, exitCodeOf, reportFailure } from './failure.ts';
import type { Io } from './io.ts';
import { collectPair, DEFAULT_SEED, DEFAULT_STORE, parseStore, parseTicks } from './options.ts';

type Pairs = ReadonlyMap<string, string>;
interface Common {
  readonly json?: true;
  readonly store: ReturnType<typeof parseStore>;
}
interface Made extends Common {
  readonly seed: string;
  readonly ticks: number;
  readonly config: Pairs;
  readonly id?: string;
}

interface Resumable extends Omit<Made, 'seed'> {
  readonly seed?: string;
  readonly continue?: true;
  readonly takeover?: true;
}

const version = (): string => {
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
  return version;
};

const storeOption = (fallback: string): Option =>
  new Option('--store <place>', 'where runs are kept: sqlite:FILE or memory:')
    .argParser(parseStore)
    .default(parseStore(fallback), fallback);
const ticksOption = (fallback: number): Option =>
  new Option('--ticks <n>', 'how many ticks to advance').argParser(parseTicks).default(fallback);
const seedOption = (): Option => new Option('--seed <text>', 'the seed of all randomness');
const configOption = (): Option =>
  new Option('--config <key=value>', 'a value of the world’s config; may be given often')
    .argParser(collectPair)
    .default(new Map() as Pairs, 'the world’s own');
const jsonOption = (): Option =>
  new Option('--json', 'one line of JSON on standard output, nothing else there');

const EXAMPLES = `
Examples:
  worldfold demo
  worldfold run example:epidemic --ticks 200 --config beta=0.02
  worldfold run ./world.ts --store sqlite:runs.db --seed alpha --id first
  worldfold replay first --store sqlite:runs.db

Exit codes: 0 done, 1 the check failed, 2 wrong usage, 130 stopped by Ctrl-C.`;

/** Adds `demo` and `run`, which make runs. */
function addMakers(program: Command, io: Io, done: (code: number) => void): void {
  program
    .command('demo')
    .summary('an epidemic on the real network of US flights, run, replayed and explained')
    .description(
      'Runs the epidemic example in a SQLite file, draws its curve, replays the log and compares hashes.',
    )
    .addOption(storeOption('sqlite:worldfold-demo.db'))
    .addOption(seedOption().default(DEFAULT_SEED))
    .addOption(ticksOption(200))
    .addOption(configOption())
    .addOption(jsonOption())
    .action(async (o: Made) => {
      const { demoCommand } = await import('./commands/demo.ts');
      done(await demoCommand(io, { ...o, json: o.json === true }));
    });
  program
    .command('run')
    .summary('make a run of a world and advance it')
    .description('Makes a run of the world that a module exports by default, and advances it.')
    .argument('<world>', 'a .ts or .js file, or example:epidemic')
    .addOption(storeOption(DEFAULT_STORE))
    .addOption(seedOption())
    .addOption(ticksOption(100))
    .addOption(configOption())
    .option('--id <run>', 'the id of the run (default: the name of the world, numbered)')
    .option('--continue', 'go on with the run --id where its log ends')
    .option('--takeover', 'with --continue: take the run from another writer, which can then commit no more')
    .addOption(jsonOption())
    .action(async (module: string, o: Resumable) => {
      const { runCommand } = await import('./commands/run.ts');
      const flags = { resume: o.continue === true, takeover: o.takeover === true, json: o.json === true };
      done(await runCommand(io, { ...o, ...flags, module }));
    });
}

/** Adds `ls`, `show` and `replay`, which look at runs. */
function addReaders(program: Command, io: Io, done: (code: number) => void): void {
  program
    .command('ls')
    .summary('the runs of a store')
    .description('List the runs of a store.')
    .addOption(storeOption(DEFAULT_STORE))
    .addOption(jsonOption())
    .action(async (o: Common) => {
      const { lsCommand } = await import('./commands/ls.ts');
      done(await lsCommand(io, { store: o.store, json: o.json === true }));
    });
  program
    .command('show')
    .summary('what a run is and what its log holds')
    .description('Shows what a run is and what its log holds. Needs no world module.')
    .argument('<run>', 'the id of the run')
    .addOption(storeOption(DEFAULT_STORE))
    .addOption(jsonOption())
    .action(async (run: string, o: Common) => {
      const { showCommand } = await import('./commands/show.ts');
      done(await showCommand(io, { run, store: o.store, json: o.json === true }));
    });
  program
    .command('replay')
    .summary('fold the log again and compare the state hash of every tick')
    .description(
      'Folds the log from its first record and compares the state hash of every tick with the recorded one.',
    )
    .argument('<run>', 'the id of the run')
    .addOption(storeOption(DEFAULT_STORE))
    .option('--world <file>', 'the world module (default: the one the run was made from)')
    .addOption(jsonOption())
    .action(async (run: string, o: Common & { readonly world?: string }) => {
      const { replayCommand } = await import('./commands/replay.ts');
      done(await replayCommand(io, { run, store: o.store, world: o.world, json: o.json === true }));
    });
}

/** Every command refuses by throwing, writes where `io` says, and takes `--debug`. */
function prepare(command: Command, io: Io): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => void io.stdout.write(text),
    writeErr: (text) => void io.stderr.write(text),
    outputError: () => {},
    getOutHelpWidth: () => io.stdout.columns ?? 100,
    getErrHelpWidth: () => io.stderr.columns ?? 100,
  });
  command.option('--debug', 'show the stack trace of a failure');
}

/**
 * Runs the command line on words such as `['run', 'world.ts', '--ticks', '10']` and returns the exit code.
 * Never throws: a failure is two lines on standard error.
 */
export async function runProgram(words: readonly string[], io: Io): Promise<number> {
  let code: number = EXIT.done;
  const done = (result: number): void => {
    code = result;
  };
  const program = new Command('worldfold')
    .description('Deterministic simulations in which the log is the world.')
    .version(version())
    .addHelpText('after', EXAMPLES);
  addMakers(program, io, done);
  addReaders(program, io, done);
  for (const command of [program, ...program.commands]) prepare(command, io);
  try {
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (error) {
    const failed = exitCodeOf(error);
    if (failed !== EXIT.done) reportFailure(io, error, words.includes('--debug'));
    return failed;
  }
}
