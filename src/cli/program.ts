/**
 * The command line as commander sees it.
 *
 * Owns the mapping from words to a command and from failures to exit codes; the commands are in
 * program-commands.ts.
 */
import { Command } from 'commander';
import { EXIT, exitCodeOf, reportFailure } from './failure.ts';
import type { Io } from './io.ts';
import { ownPackage } from './package.ts';
import { addCheckers, addProfile } from './program-checkers.ts';
import { addCopier, addFolders, addForkers, addMakers, addReaders, addSql } from './program-commands.ts';
import { addProofs } from './program-proofs.ts';
import { addTables } from './program-tables.ts';

const EXAMPLES = `
Examples:
  worldfold demo
  worldfold run example:epidemic --ticks 200 --id first --config beta=0.02
  worldfold run ./world.ts --store sqlite:runs.db --seed alpha --id second
  worldfold fork first --at 30 --config beta=0.01 --id mild --ticks 170
  worldfold diff first mild
  worldfold show mild@60 --table travellers --where health=ill
  worldfold tables first --history every=10 --events
  worldfold replay first
  worldfold check first --world ./world.ts
  worldfold verify first
  worldfold profile first
  worldfold copy first --tree --to postgres://me@db.example.org/worlds

Exit codes: 0 done, 1 the check failed, 2 wrong usage, 130 stopped by Ctrl-C.`;

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
 * Never throws: a failure is told on standard error.
 */
export async function runProgram(words: readonly string[], io: Io): Promise<number> {
  let code: number = EXIT.done;
  let failedCode: number = EXIT.failed;
  const done = (result: number): void => {
    code = result;
  };
  const failWith = (result: number): void => {
    failedCode = result;
  };
  const program = new Command('worldfold')
    .description('Deterministic simulations in which the log is the world.')
    .version(ownPackage.version)
    .addHelpText('after', EXAMPLES);
  addMakers(program, io, done);
  addForkers(program, io, done);
  addCopier(program, io, done);
  addReaders(program, io, done);
  addSql(program, io, done);
  addTables(program, io, done);
  addFolders(program, io, done, failWith);
  addCheckers(program, io, done, failWith);
  addProfile(program, io, done);
  addProofs(program, io, done, failWith);
  for (const command of [program, ...program.commands]) prepare(command, io);
  try {
    if (words.length === 0) program.outputHelp();
    else await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (error) {
    const failed = exitCodeOf(error);
    if (failed !== EXIT.done) reportFailure(io, error, words.includes('--debug'));
    return failed === EXIT.failed ? failedCode : failed;
  }
}
