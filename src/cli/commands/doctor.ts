/**
 * `worldfold doctor`: whether this machine, these packages and this store are fit to run worlds.
 *
 * Every check is a line that says what was found; what is not well says what to do. Changes nothing.
 */
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import process from 'node:process';
import { canonicalJson, messageOf } from '../../base/canonical.ts';
import { isWorldfoldError } from '../../base/errors.ts';
import {
  createRun,
  defineSchema,
  event,
  memoryStore,
  type Store,
  singleton,
  t,
  verify,
} from '../../index.ts';
import { pathOf } from '../../log/lineage.ts';
import { hasProjections } from '../../log/projection-store.ts';
import { readFrames } from '../../log/reader.ts';
import type { RunInfo } from '../../log/store.ts';
import { defineWorld } from '../../simulation/define-world.ts';
import { EXIT } from '../failure.ts';
import { type Io, line, paintFor } from '../io.ts';
import { placeText, type StorePlace } from '../options.ts';
import { ownPackage } from '../package.ts';
import { withStore } from '../stores.ts';
import { bytesText, counted } from '../text.ts';
import { tablesBehind } from './tables-list.ts';

/** What `doctor` was asked. */
export interface DoctorOptions {
  readonly store: StorePlace;
  readonly json: boolean;
}

/** One thing that was looked at. */
export interface Finding {
  readonly what: string;
  readonly state: 'good' | 'bad' | 'absent';
  readonly said: string;
  readonly hint: string | null;
}

const good = (what: string, said: string): Finding => ({ what, state: 'good', said, hint: null });
const bad = (what: string, said: string, hint: string | null = null): Finding => ({
  what,
  state: 'bad',
  said,
  hint,
});
const absent = (what: string, said: string, hint: string | null = null): Finding => ({
  what,
  state: 'absent',
  said,
  hint,
});

const require = createRequire(import.meta.url);

/** Runs a check; what it throws is its finding. */
async function tried(what: string, look: () => Promise<Finding> | Finding): Promise<Finding> {
  try {
    return await look();
  } catch (e) {
    return bad(what, messageOf(e), isWorldfoldError(e) ? (e.hint ?? null) : null);
  }
}

function nodeFinding(): Finding {
  const { engines, version } = ownPackage;
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [least = 0, leastMinor = 0] = engines.node.replace('>=', '').split('.').map(Number);
  const { node, v8 } = process.versions;
  const said = `worldfold ${version}, node ${node}, v8 ${v8}, ${process.platform} ${process.arch}`;
  if (major > least || (major === least && minor >= leastMinor)) return good('versions', said);
  return bad('versions', said, `Install Node ${engines.node.replace('>=', '')} or newer.`);
}

const probeSchema = defineSchema({
  name: 'probe',
  version: 1,
  tables: { total: singleton({ n: t.f64().default(0) }) },
  events: { added: event({ n: t.f64() }) },
  inputs: {},
});

/** A world that is run and verified where the user's worlds will be: hashes, draws and records work here. */
const probe = defineWorld(probeSchema, {
  setup() {},
  systems: [probeSchema.system('add', ({ emit, rng }) => void emit.added({ n: rng('add').of(7).normal() }))],
  apply: { added: (w, e) => w.total.set({ n: w.total.value.n + e.n }) },
});
/** Its state hash after ten ticks of the seed `doctor`, on every machine. */
const PROBE_HASH = '54d64d19847c23d93da91fd1ce46e8d2';

async function engineFinding(): Promise<Finding> {
  const run = await createRun(probe, { store: memoryStore(), seed: 'doctor', id: 'probe' });
  const { stateHash } = await run.advance(10);
  const { verdict } = await verify(run);
  await run.close();
  if (stateHash !== PROBE_HASH)
    return bad(
      'engine',
      `a known run has the hash ${stateHash} here`,
      'Runs of this machine do not agree with those of others: please report it.',
    );
  if (verdict !== 'verified') return bad('engine', 'a known run does not verify here', 'Please report it.');
  return good('engine', 'a known run has its known hash, and verifies');
}

/** The version of a package that worldfold may use, as it is found from here. */
function packageVersion(name: string): string {
  const paths = require.resolve.paths(name) ?? [];
  for (const folder of paths)
    try {
      return (
        JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')) as { readonly version: string }
      ).version;
    } catch {
      // Not in this folder: the next one is asked.
    }
  return 'of unknown version';
}

async function packageFinding(name: string, forWhat: string, load: () => Promise<unknown>): Promise<Finding> {
  try {
    await load();
    return good(name, packageVersion(name));
  } catch (e) {
    const isMissing = /Cannot find (package|module)/.test(messageOf(e));
    if (isMissing) return absent(name, `not installed; needed for ${forWhat}`, `npm install ${name}`);
    return bad(name, messageOf(e).split('\n')[0]!, `Build it: npm rebuild ${name}`);
  }
}

async function loadSqlite(): Promise<void> {
  const { default: Database } = await import('better-sqlite3');
  new Database(':memory:').close();
}

async function* runsOf(store: Store): AsyncGenerator<RunInfo> {
  for (let after: string | null = null; ; ) {
    const page: readonly RunInfo[] = await store.list(after, 100);
    yield* page;
    if (page.length < 100) return;
    after = page.at(-1)!.id;
  }
}

/** Reads every record of every run: what is damaged is named. */
async function recordsFinding(store: Store, location: string): Promise<Finding> {
  const problems: string[] = [];
  let runs = 0;
  let records = 0;
  for await (const { id, segment } of runsOf(store)) {
    runs++;
    try {
      for await (const _ of readFrames(store, await pathOf(store, segment), 0, segment.head.tick)) records++;
    } catch (e) {
      problems.push(`run '${id}': ${messageOf(e)}`);
    }
  }
  const said = `${counted(runs, 'run')}, ${counted(records, 'record')} read with hashes and links`;
  if (problems.length === 0) return good(`records of ${location}`, said);
  return bad(
    `records of ${location}`,
    [said, ...problems].join('; '),
    'Fork the damaged runs before the damage, or restore the file.',
  );
}

/** Tables in SQL: those that stopped are a fault, those that are behind are only told of. */
async function tablesFinding(store: Store, location: string): Promise<Finding[]> {
  const what = `tables of ${location}`;
  const all = hasProjections(store) ? await tablesBehind(store, null) : [];
  const current = new Set(all.flatMap(({ report }) => (report.current ? [report.id] : [])));
  // Rows that are built beside those that are shown may have stopped without harm.
  const seen = all.filter(({ report }) => report.current || !current.has(report.id));
  if (seen.length === 0) return [];
  const behind = seen.filter((one) => one.behind !== 0).length;
  const said = `${counted(new Set(seen.map(({ report }) => report.id)).size, 'run')} in SQL`;
  const text = behind === 0 ? `${said}, all up to their logs` : `${said}, ${behind} not up to their logs`;
  const problems = seen.flatMap(({ report: { id, problem } }) =>
    problem === null ? [] : [`run '${id}' stopped at tick ${problem.tick}: ${problem.message}`],
  );
  if (problems.length === 0) return [good(what, text)];
  return [bad(what, [text, ...problems].join('; '), 'Mend what is named, then: worldfold tables RUN')];
}

/** What a store holds: records, and tables in SQL. */
async function contentFindings(io: Io, place: StorePlace, location: string): Promise<Finding[]> {
  const what = `records of ${location}`;
  try {
    return await withStore(place, io.cwd, 'read', async (store) => [
      await tried(what, () => recordsFinding(store, location)),
      ...(await tablesFinding(store, location)),
    ]);
  } catch (e) {
    return [await tried(what, () => Promise.reject(e))];
  }
}

async function fileFinding(file: string, location: string): Promise<Finding> {
  const { examineSqlite } = await import('../../stores/sqlite/examine.ts');
  const { format, known, bytes, walBytes, problems, sqlite } = await examineSqlite(file);
  const size = `${bytesText(bytes)} and ${bytesText(walBytes)} of log`;
  const said = `format ${format} of ${known}, ${size}, SQLite ${sqlite}`;
  if (problems.length === 0) return good(location, said);
  return bad(location, `${said}; ${problems.slice(0, 3).join('; ')}`, 'Restore the file from a backup.');
}

/** Less than this and a run may stall soon. */
const LITTLE_SPACE = 256 * 1024 * 1024;

async function spaceFinding(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const said = `${bytesText(free)} free in ${folder}`;
  return free >= LITTLE_SPACE
    ? good('space', said)
    : bad('space', said, 'Make room: a run stalls when the disk is full.');
}

type DatabasePlace = Exclude<StorePlace, { readonly kind: 'memory' | 'sqlite' }>;

async function databaseFinding(io: Io, place: DatabasePlace, location: string): Promise<Finding> {
  const { examineFolder, examineServer } = await import('../../stores/postgres/examine.ts');
  const { server, format, known, bytes, problems } =
    place.kind === 'postgres'
      ? await examineServer(place.url, place.schema === null ? {} : { schema: place.schema })
      : await examineFolder(resolve(io.cwd, place.folder));
  const said = `format ${format} of ${known}, ${bytesText(bytes)}, PostgreSQL ${server}`;
  if (problems.length === 0) return good(location, said);
  return bad(location, `${said}; ${problems.join('; ')}`, 'Turn it on in postgresql.conf of the server.');
}

/** A store in a database. One that is absent is no fault: the first run makes it. */
async function databaseFindings(io: Io, place: DatabasePlace): Promise<Finding[]> {
  const location = placeText(place);
  try {
    const there = await databaseFinding(io, place, location);
    return [there, ...(await contentFindings(io, place, location))];
  } catch (e) {
    const { code = '', hint = null, message = messageOf(e) } = isWorldfoldError(e) ? e : {};
    return [(code === 'NO_STORE' ? absent : bad)(location, message, hint)];
  }
}

async function storeFindings(io: Io, place: StorePlace): Promise<Finding[]> {
  if (place.kind === 'memory') return [];
  if (place.kind !== 'sqlite') return databaseFindings(io, place);
  const file = resolve(io.cwd, place.file);
  const location = placeText(place);
  const found = [await tried('space', () => spaceFinding(dirname(file)))];
  const there = await tried(location, () => fileFinding(file, location));
  if (there.state !== 'good') {
    const isAbsent = / does not exist$/.test(there.said);
    return [...found, isAbsent ? absent(location, 'there is no such file yet') : there];
  }
  return [...found, there, ...(await contentFindings(io, place, location))];
}

const MARKS = { good: '✓', bad: '✗', absent: '–' } as const;

function report(io: Io, findings: readonly Finding[]): void {
  const paint = paintFor(io.stdout, io.env);
  for (const { what, state, said, hint } of findings) {
    const text = `${MARKS[state]} ${what}: ${said}`;
    line(io.stdout, state === 'good' ? paint.good(text) : state === 'bad' ? paint.strong(text) : text);
    if (hint !== null) line(io.stdout, `  ${hint}`);
  }
}

/** Looks at the machine, the packages and a store. 0: nothing is bad; 1: something is. */
export async function doctorCommand(io: Io, o: DoctorOptions): Promise<number> {
  const findings = [
    nodeFinding(),
    await tried('engine', engineFinding),
    await packageFinding('better-sqlite3', 'stores in SQLite files', loadSqlite),
    await packageFinding('kysely', 'stores in databases', () => import('kysely')),
    await packageFinding('pg', 'stores in PostgreSQL', () => import('pg')),
    await packageFinding('@electric-sql/pglite', 'pglite: stores', () => import('@electric-sql/pglite')),
    await packageFinding('fast-check', 'worldfold/testing', () => import('fast-check')),
    ...(await storeFindings(io, o.store)),
  ];
  const isWell = findings.every(({ state }) => state !== 'bad');
  if (o.json) line(io.stdout, canonicalJson({ well: isWell, findings }));
  else report(io, findings);
  return isWell ? EXIT.done : EXIT.failed;
}
