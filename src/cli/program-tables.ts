/**
 * The command that keeps runs in SQL: its words and its help.
 */
import { type Command, Option } from 'commander';
import type { ChosenTicks } from '../index.ts';
import type { Io } from './io.ts';
import { parseCount, parseHistory, parseOnly } from './options.ts';
import type { Done } from './program-commands.ts';
import { type Folding, guardOption, jsonOption, storeOption, worldOption } from './program-options.ts';

interface Keeping extends Folding {
  readonly follow?: true;
  readonly poll?: number;
  readonly rebuild?: true;
  readonly drop?: true;
  readonly list?: true;
  readonly only?: readonly string[];
  readonly history?: ChosenTicks | 'none';
  readonly events?: boolean;
}

/** Adds `tables`. */
export function addTables(program: Command, io: Io, done: Done): void {
  program
    .command('tables')
    .summary('keep the tables of a run in SQL: set up, catch up, follow, rebuild')
    .description(
      'Keeps the tables of a run as tables in SQL, in the database of its store: sets them up, or brings ' +
        'them to the last durable tick. What is kept stays as it was chosen until it is chosen otherwise; ' +
        'then all rows are built anew, and the old ones are shown until the new ones are complete. Ends ' +
        'with 1 where a tick can’t be folded.',
    )
    .argument('[run]', 'the id of the run; with --list, all runs if left out')
    .option('--follow', 'keep them current until Ctrl-C')
    .addOption(
      new Option('--poll <ms>', 'with --follow: how often to look (default: 250)').argParser(parseCount),
    )
    .option('--rebuild', 'build all rows anew')
    .option('--drop', 'take them out of the database; the log stays')
    .option('--list', 'what is in SQL, and how far behind')
    .addOption(
      new Option('--only <tables>', 'the tables to keep: people,cells; all for all').argParser(parseOnly),
    )
    .addOption(
      new Option(
        '--history <ticks>',
        'keep the rows of these ticks too: every=10, or 0,30,60; none',
      ).argParser(parseHistory),
    )
    .option('--events', 'keep all events too, in the table events')
    .option('--no-events', 'do not')
    .addOption(storeOption())
    .addOption(worldOption())
    .addOption(guardOption())
    .addOption(jsonOption())
    .action(async (run: string | undefined, o: Keeping) => {
      const { tablesCommand } = await import('./commands/tables.ts');
      const flags = {
        follow: o.follow === true,
        rebuild: o.rebuild === true,
        drop: o.drop === true,
        list: o.list === true,
        json: o.json === true,
      };
      done(await tablesCommand(io, { ...o, ...flags, run }));
    });
}
