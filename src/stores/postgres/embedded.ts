/**
 * The embedded database: PGlite in this process, spoken to in the protocol of a server.
 *
 * Owns the stream between the driver and the database, the one connection that all stores on a folder share,
 * and the making of a folder. A folder is made beside its place and moved there when it is whole.
 */
import { realpathSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Duplex } from 'node:stream';
import type { PGlite } from '@electric-sql/pglite';
import type { Client } from 'pg';
import { storeClosed } from '../../log/store-checks.ts';
import { refuse } from './errors.ts';
import { lockFolder, lookAtFolder } from './folder.ts';
import { Link, LinkSession, type Settings } from './link.ts';
import type { OwnSession, Purpose, Session, Sessions } from './session.ts';
import { lookingSettings } from './settings.ts';
import { cutRows, type Wire } from './wire.ts';

type Pg = typeof import('pg');
type Lite = typeof import('@electric-sql/pglite');

/** The packages that are needed. */
export interface EmbeddedPackages {
  readonly pg: Pg;
  readonly pglite: Lite;
}

const TERMINATE = 0x58;

/** Stands for the socket to a server. */
class LocalStream extends Duplex {
  readonly #database: PGlite;

  constructor(database: PGlite) {
    super();
    this.#database = database;
  }

  connect(): this {
    queueMicrotask(() => this.emit('connect'));
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: (e?: Error | null) => void): void {
    this.#send(bytes).then(() => done(), done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: (e?: Error | null) => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk))).then(() => done(), done);
  }

  async #send(bytes: Buffer): Promise<void> {
    if (bytes[0] === TERMINATE) {
      this.push(null);
      return;
    }
    const answer = await this.#database.execProtocolRaw(bytes);
    if (answer.length > 0) this.push(Buffer.from(answer.buffer, answer.byteOffset, answer.length));
  }
}

/** A database that runs in this process, with how many stores use it. */
class Embedded {
  readonly link: Link;
  readonly #client: Client;
  readonly #database: PGlite;
  readonly #unlock: () => void;

  private constructor(client: Client, database: PGlite, unlock: () => void) {
    this.link = new Link(client);
    this.#client = client;
    this.#database = database;
    this.#unlock = unlock;
  }

  static async start({ pg, pglite }: EmbeddedPackages, at: string, unlock: () => void): Promise<Embedded> {
    let database: PGlite | undefined;
    try {
      database = await pglite.PGlite.create(at);
      const stream = new LocalStream(database);
      // All of it is said here, so that the environment does not speak for a server.
      const client = new pg.Client({
        stream: () => stream,
        host: 'localhost',
        user: 'postgres',
        database: 'postgres',
        ssl: false,
      });
      client.on('error', () => {});
      cutRows(client.connection as unknown as Wire);
      await client.connect();
      return new Embedded(client, database, unlock);
    } catch (e) {
      await database?.close();
      unlock();
      throw e;
    }
  }

  async stop(): Promise<void> {
    try {
      await this.#client.end();
      await this.#database.close();
    } finally {
      this.#unlock();
    }
  }
}

/** Makes the folder of a new database. Whoever does it holds the lock of `folder`. */
async function make({ pglite }: EmbeddedPackages, folder: string): Promise<void> {
  const making = `${folder}.making`;
  rmSync(making, { recursive: true, force: true });
  const database = await pglite.PGlite.create(`file://${making}`);
  await database.close();
  rmSync(folder, { recursive: true, force: true });
  renameSync(making, folder);
}

interface Shared {
  readonly started: Promise<Embedded>;
  users: number;
}

/** The databases that are open in this process, by folder, and those that are being closed. */
const OPEN = new Map<string, Shared>();
const CLOSING = new Map<string, Promise<void>>();

async function startFolder(
  packages: EmbeddedPackages,
  folder: string,
  create: boolean,
  location: string,
): Promise<Embedded> {
  await CLOSING.get(folder);
  lookAtFolder(folder, location, create);
  const unlock = lockFolder(folder, location);
  try {
    if (lookAtFolder(folder, location, create) === 'absent') await make(packages, folder);
  } catch (e) {
    unlock();
    throw e;
  }
  return Embedded.start(packages, `file://${folder}`, unlock);
}

/** The last store that leaves a database stops it. */
async function leave(folder: string, shared: Shared, embedded: Embedded): Promise<void> {
  shared.users--;
  if (shared.users > 0) return;
  if (OPEN.get(folder) === shared) OPEN.delete(folder);
  const stopped = embedded.stop();
  CLOSING.set(
    folder,
    stopped.catch(() => {}).then(() => void CLOSING.delete(folder)),
  );
  await stopped;
}

/** The same folder by whatever path. */
function folderOf(path: string): string {
  const folder = resolve(path);
  try {
    return join(realpathSync(dirname(folder)), basename(folder));
  } catch {
    return folder;
  }
}

/** The sessions of one store on an embedded database: turns on the one connection. */
export class EmbeddedSessions implements Sessions {
  readonly #embedded: Embedded;
  readonly #settings: Settings;
  readonly #location: string;
  readonly #release: () => Promise<void>;
  readonly #own = new Set<OwnSession>();
  #closed: Promise<void> | null = null;

  private constructor(
    embedded: Embedded,
    settings: Settings,
    location: string,
    release: () => Promise<void>,
  ) {
    this.#embedded = embedded;
    this.#settings = settings;
    this.#location = location;
    this.#release = release;
  }

  /** Starts the database of a folder, or joins it when it runs in this process already. */
  static async open(
    packages: EmbeddedPackages,
    path: string,
    create: boolean,
    settings: Settings,
    location: string,
  ): Promise<EmbeddedSessions> {
    if (path === ':memory:') {
      const embedded = await Embedded.start(packages, 'memory://', () => {}).catch((e) =>
        refuse(e, location),
      );
      return new EmbeddedSessions(embedded, settings, location, () => embedded.stop());
    }
    const folder = folderOf(path);
    const shared = OPEN.get(folder) ?? {
      started: startFolder(packages, folder, create, location),
      users: 0,
    };
    OPEN.set(folder, shared);
    shared.users++;
    try {
      const embedded = await shared.started;
      return new EmbeddedSessions(embedded, settings, location, () => leave(folder, shared, embedded));
    } catch (e) {
      if (OPEN.get(folder) === shared) OPEN.delete(folder);
      return refuse(e, location);
    }
  }

  async lend<T>(work: (session: Session) => Promise<T>): Promise<T> {
    if (this.#closed !== null) storeClosed(this.#location);
    const session = new LinkSession(this.#embedded.link, this.#settings);
    try {
      return await work(session);
    } finally {
      await session.end();
    }
  }

  async open(purpose: Purpose = 'write'): Promise<OwnSession> {
    if (this.#closed !== null) storeClosed(this.#location);
    const settings = purpose === 'look' ? lookingSettings(this.#settings) : this.#settings;
    const session: OwnSession = new LinkSession(this.#embedded.link, settings, async () => {
      this.#own.delete(session);
    });
    this.#own.add(session);
    return session;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#own].map((session) => session.end()));
    await this.#release();
  }
}
