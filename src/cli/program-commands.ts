/**
 * The commands: their words, their help, and which function does the work.
 *
 * Does no work of its own: each command is loaded when it is asked for.
 */
import { type Command, Option } from 'commander';
import type { GuardOption } from '../index.ts';
import { EXIT } from './failure.ts';
import type { Io } from './io.ts';
import {
  collectMatch,
  collectText,
  collectWith,
  DEFAULT_SEED,
  DEFAULT_STORE,
  parseNames,
  parseSeconds,
  parseStore,
  type StorePlace,
} from './options.ts';
import {
  atOption,
  type Common,
  configOption,
  endOption,
  type Folding,
  guardOption,
  jsonOption,
  limitOption,
  type Pairs,
  seedOption,
  storeOption,
  tickLogOption,
  ticksOption,
  worldOption,
} from './program-options.ts';

interface Made extends Common {
  readonly seed: string;
  readonly ticks: number;
  readonly config: Pairs;
  readonly id?: string;
  readonly tickLog: boolean;
}
interface Resumable extends Omit<Made, 'seed'> {
  readonly seed?: string;
  readonly continue?: true;
  readonly takeover?: true;
  readonly adopt?: true;
  readonly tables?: true;
  readonly guard: GuardOption;
}
interface Forking extends Omit<Made, 'seed'>, Folding {
  readonly seed?: string;
  readonly at: number;
  readonly input: readonly string[];
  readonly later: 'keep' | 'drop';
  readonly because?: string;
}
interface Showing extends Folding {
  readonly table?: string;
  readonly where: Pairs;
  readonly columns?: readonly string[];
  readonly limit: number;
}

interface Asking extends Folding {
  readonly with: Pairs;
  readonly limit: number;
  readonly timeout?: number;
  readonly csv?: true;
}

/** Takes the exit code of a command. */
export type Done = (code: number) => void;

/** Adds `demo` and `run`, which make runs. */
export function addMakers(program: Command, io: Io, done: Done): void {
  program
    .command('demo')
    .summary('an epidemic on the real network of US flights: run, replayed, forked and explained')
    .description(
      'Runs the epidemic example in a SQLite file, draws its curve, replays the log and compares hashes; ' +
        'then forks it at day 30 with the two busiest airports closed, and tells what that changed.',
    )
    .addOption(storeOption('sqlite:worldfold-demo.db'))
    .addOption(seedOption().default(DEFAULT_SEED))
    .addOption(ticksOption(200))
    .addOption(configOption())
    .addOption(tickLogOption())
    .addOption(jsonOption())
    .action(async (o: Made) => {
      const { demoCommand } = await import('./commands/demo.ts');
      done(await demoCommand(io, { ...o, json: o.json === true }));
    });
  program
    .command('run')
    .summary('make a run of a world and advance it')
    .description('Makes a run of the world that a module exports by default, and advances it.')
    .argument('<world>', 'a .ts or .js file, a folder with a world.ts in it, or example:epidemic')
    .addOption(storeOption())
    .addOption(seedOption())
    .addOption(ticksOption(100))
    .addOption(configOption())
    .option('--id <run>', 'the id of the run (default: the name of the world, numbered)')
    .option('--continue', 'go on with the run --id where its log ends')
    .option('--takeover', 'with --continue: take the run from another writer, which can then commit no more')
    .option('--adopt', 'with --continue: go on though the code gives another world than was recorded')
    .option('--tables', 'keep the tables in SQL too, in the same transactions as the log')
    .addOption(guardOption())
    .addOption(tickLogOption())
    .addOption(jsonOption())
    .action(async (module: string, o: Resumable) => {
      const { runCommand } = await import('./commands/run.ts');
      const flags = {
        resume: o.continue === true,
        takeover: o.takeover === true,
        adopt: o.adopt === true,
        tables: o.tables === true,
      };
      done(await runCommand(io, { ...o, ...flags, json: o.json === true, module }));
    });
}

/** Adds `fork` and `rm`, which change the tree of runs. */
export function addForkers(program: Command, io: Io, done: Done): void {
  program
    .command('fork')
    .summary('begin a run on a tick of another, with a change')
    .description(
      'Begins a run whose log continues that of another at one of its ticks. The other is only read; it ' +
        'may be advancing elsewhere. The change becomes part of the fork’s first own tick.',
    )
    .argument('<run>', 'the id of the run to fork')
    .addOption(atOption('the tick whose world the fork begins with').makeOptionMandatory())
    .addOption(
      new Option(
        '--input <json>',
        'an input that the fork begins with: ["kind", {"column": 1}]; may be given often',
      )
        .argParser(collectText)
        .default([] as readonly string[], 'none'),
    )
    .addOption(configOption())
    .addOption(new Option('--seed <text>', 'another seed: draws differ from the next tick on'))
    .addOption(
      new Option('--later <what>', 'what becomes of the inputs that the run recorded after the tick')
        .choices(['keep', 'drop'])
        .default('drop'),
    )
    .addOption(ticksOption(0))
    .option('--id <run>', 'the id of the fork (default: RUN-fork, numbered)')
    .option('--because <text>', 'why; kept in the log')
    .addOption(storeOption())
    .addOption(worldOption())
    .addOption(guardOption())
    .addOption(tickLogOption())
    .addOption(jsonOption())
    .action(async (run: string, o: Forking) => {
      const { forkCommand } = await import('./commands/fork.ts');
      done(await forkCommand(io, { ...o, run, json: o.json === true }));
    });
  program
    .command('rm')
    .summary('remove a run, and what no other run needs then')
    .description(
      'Removes a run without asking. Records that forks of it continue stay, and the forks with them.',
    )
    .argument('<run>', 'the id of the run')
    .addOption(storeOption())
    .option('--force', 'also when another process is writing it, which can then commit no more')
    .addOption(jsonOption())
    .action(async (run: string, o: Common & { readonly force?: true }) => {
      const { rmCommand } = await import('./commands/rm.ts');
      done(await rmCommand(io, { run, store: o.store, force: o.force === true, json: o.json === true }));
    });
}

interface Copying extends Pick<Common, 'json'> {
  readonly from: StorePlace;
  readonly to: StorePlace;
  readonly tree?: true;
  readonly snapshots: 'all' | 'pinned';
}

/** Adds `copy`, which takes runs to another store. */
export function addCopier(program: Command, io: Io, done: Done): void {
  program
    .command('copy')
    .summary('a run, or its whole fork tree, into another store')
    .description(
      'Copies a run from one store to another, under the same ids and with the same bytes and hashes, each ' +
        'record verified. What the target has is skipped; made again, it finishes a copy that was stopped, ' +
        'and catches up with a run that went on. Of runs that it continues, without --tree, only the ' +
        'records that it needs are copied.',
    )
    .argument('<run>', 'the id of the run')
    .addOption(
      endOption('--from', 'the store to copy from').default(parseStore(DEFAULT_STORE), DEFAULT_STORE),
    )
    .addOption(endOption('--to', 'the store to copy to').makeOptionMandatory())
    .option('--tree', 'every run of its fork tree')
    .addOption(
      new Option('--snapshots <which>', 'which snapshots go along').choices(['all', 'pinned']).default('all'),
    )
    .addOption(jsonOption())
    .action(async (run: string, o: Copying) => {
      const { copyCommand } = await import('./commands/copy.ts');
      done(await copyCommand(io, { ...o, run, tree: o.tree === true, json: o.json === true }));
    });
}

/** Adds `ls`, `tree`, `show` and `replay`, which look at runs. */
export function addReaders(program: Command, io: Io, done: Done): void {
  program
    .command('ls')
    .summary('the runs of a store')
    .description('Lists the runs of a store.')
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (o: Common) => {
      const { lsCommand } = await import('./commands/ls.ts');
      done(await lsCommand(io, { store: o.store, json: o.json === true }));
    });
  program
    .command('tree')
    .summary('the runs of a store with their forks')
    .description('Draws the trees of forks in a store.')
    .addOption(storeOption())
    .addOption(jsonOption())
    .action(async (o: Common) => {
      const { treeCommand } = await import('./commands/tree.ts');
      done(await treeCommand(io, { store: o.store, json: o.json === true }));
    });
  program
    .command('show')
    .summary('what a run is and what its log holds; with RUN@TICK, its world')
    .description(
      'Shows what a run is and what its log holds. With RUN@TICK, the tables of the world at that tick; ' +
        'with --table, rows of one. Numbers are cut to some digits; --json has them exact.',
    )
    .argument('<run>', 'the id of the run; RUN@TICK for its world at a tick')
    .option('--table <name>', 'show rows of this table')
    .addOption(
      new Option('--where <column=value>', 'only rows that hold it; may be given often')
        .argParser(collectMatch)
        .default(new Map() as Pairs, 'all'),
    )
    .addOption(new Option('--columns <names>', 'the columns to show: id,name').argParser(parseNames))
    .addOption(limitOption('at most how many rows', 20))
    .addOption(storeOption())
    .addOption(worldOption())
    .addOption(guardOption())
    .addOption(jsonOption())
    .action(async (run: string, o: Showing) => {
      const { showCommand } = await import('./commands/show.ts');
      done(await showCommand(io, { ...o, run, json: o.json === true }));
    });
}

/** Adds `sql`. */
export function addSql(program: Command, io: Io, done: Done): void {
  program
    .command('sql')
    .summary('ask SQL over the world of a run at any tick, its events and metrics')
    .description(
      'Answers a query over the world of a run at a tick; without one, lists what tables there are. ' +
        'Reads only. Needs the package better-sqlite3.',
    )
    .argument('<run>', 'the id of the run, or RUN@TICK')
    .argument('[query]', 'a select in the SQL of SQLite')
    .addOption(
      new Option('--with <name=run>', 'another world for the query: other=RUN@TICK; may be given often')
        .argParser(collectWith)
        .default(new Map() as Pairs, 'none'),
    )
    .addOption(limitOption('at most how many rows of a table', 50))
    .addOption(new Option('--timeout <seconds>', 'cancel the query after so long').argParser(parseSeconds))
    .option('--csv', 'write comma-separated values')
    .addOption(storeOption())
    .addOption(worldOption())
    .addOption(guardOption())
    .addOption(jsonOption())
    .action(async (run: string, query: string | undefined, o: Asking) => {
      const { sqlCommand } = await import('./commands/sql.ts');
      const flags = { csv: o.csv === true, json: o.json === true };
      done(await sqlCommand(io, { ...o, ...flags, run, query }));
    });
}

/**
 * Adds `replay`, `diff` and `snapshot`, which fold runs. `failWith` takes the code that a failure ends with
 * where it must be told from an answer.
 */
export function addFolders(program: Command, io: Io, done: Done, failWith: Done): void {
  program
    .command('replay')
    .summary('fold the log again and compare the state hash of every tick')
    .description(
      'Folds the log from its first record and compares the state hash of every tick with the recorded one.',
    )
    .argument('<run>', 'the id of the run')
    .addOption(storeOption())
    .addOption(worldOption())
    .addOption(guardOption())
    .addOption(jsonOption())
    .action(async (run: string, o: Folding) => {
      const { replayCommand } = await import('./commands/replay.ts');
      done(await replayCommand(io, { ...o, run, json: o.json === true }));
    });
  program
    .command('diff')
    .summary('where two runs part, or what two worlds differ in')
    .description(
      'Finds the first tick at which two runs differ, and tells tables, columns and rows. With ticks, ' +
        'compares the worlds of those ticks. Ends with 0 where all agrees, 1 where something differs, 2 on ' +
        'any trouble.',
    )
    .argument('<a>', 'the id of a run, or RUN@TICK')
    .argument('<b>', 'another, or the same at another tick')
    .addOption(limitOption('at most how many rows of each table', 10))
    .addOption(storeOption())
    .addOption(worldOption())
    .addOption(guardOption())
    .addOption(jsonOption())
    .action(async (a: string, b: string, o: Folding & { readonly limit: number }) => {
      failWith(EXIT.usage);
      const { diffCommand } = await import('./commands/diff.ts');
      done(await diffCommand(io, { ...o, a, b, json: o.json === true }));
    });
  program
    .command('snapshot')
    .summary('the world of a run at a tick, as a file')
    .description('Writes the world of a run at a tick to a file: columns, or .npz for numpy.')
    .argument('<run>', 'the id of the run')
    .addOption(atOption('the tick (default: the last one)'))
    .addOption(new Option('--out <file>', 'the file; an .npz where it ends so').makeOptionMandatory())
    .option('--compress', 'compress each column')
    .addOption(storeOption())
    .addOption(worldOption())
    .addOption(guardOption())
    .addOption(jsonOption())
    .action(async (run: string, o: Folding & { at?: number; out: string; compress?: true }) => {
      const { snapshotCommand } = await import('./commands/snapshot.ts');
      done(await snapshotCommand(io, { ...o, run, compress: o.compress === true, json: o.json === true }));
    });
}
