/**
 * The connections of a store on a server.
 *
 * Owns the pool that is lent from and the connections of writers. A connection that dies is noticed, never
 * lent again, and ends no process.
 */
import type { Client, ClientConfig, PoolClient } from 'pg';
import { storeClosed } from '../../log/store-checks.ts';
import { Link, LinkSession, type Settings } from './link.ts';
import type { OwnSession, Purpose, Session, Sessions } from './session.ts';
import { lookingSettings } from './settings.ts';
import { cutRows, type Wire } from './wire.ts';

type Pg = typeof import('pg');

/** A call needs one connection for a moment; writers have their own. */
const MOST_LENT = 4;
const CONNECT_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_AFTER_MS = 10_000;

/** The class of clients whose rows come as bytes. */
function clientClass(pg: Pg): new (config: ClientConfig) => Client {
  return class extends pg.Client {
    constructor(config: ClientConfig) {
      // The pool takes the time to connect for the time to wait for a free connection too.
      super({ ...config, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
      cutRows(this.connection as unknown as Wire);
      // One that dies while nobody asks it anything must not end the process.
      this.on('error', () => {});
    }
  };
}

/** Everything between a store and a server. */
export class ServerSessions implements Sessions {
  readonly #config: ClientConfig;
  readonly #settings: Settings;
  readonly #location: string;
  readonly #Client: new (
    config: ClientConfig,
  ) => Client;
  readonly #pool: InstanceType<Pg['Pool']>;
  readonly #lent = new Map<PoolClient, Link>();
  readonly #own = new Set<OwnSession>();
  #closed: Promise<void> | null = null;

  constructor(pg: Pg, address: ClientConfig, settings: Settings, location: string) {
    this.#Client = clientClass(pg);
    this.#config = {
      ...address,
      application_name: 'worldfold',
      client_encoding: 'UTF8',
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    };
    this.#settings = settings;
    this.#location = location;
    this.#pool = new pg.Pool({
      ...this.#config,
      Client: this.#Client as never,
      max: MOST_LENT,
      allowExitOnIdle: true,
    });
    this.#pool.on('error', () => {});
    this.#pool.on('remove' as 'acquire', (client) => this.#lent.delete(client));
  }

  async lend<T>(work: (session: Session) => Promise<T>): Promise<T> {
    if (this.#closed !== null) storeClosed(this.#location);
    const client = await this.#pool.connect();
    const link = this.#lent.get(client) ?? new Link(client);
    this.#lent.set(client, link);
    const session = new LinkSession(link, this.#settings);
    try {
      return await work(session);
    } finally {
      // What was kept of it must not reach whom the connection is lent to next.
      await session.end();
      client.release(link.lost);
    }
  }

  async open(purpose: Purpose = 'write'): Promise<OwnSession> {
    if (this.#closed !== null) storeClosed(this.#location);
    const client = new this.#Client(this.#config);
    await client.connect();
    const link = new Link(client);
    const settings = purpose === 'look' ? lookingSettings(this.#settings) : this.#settings;
    const session: OwnSession = new LinkSession(link, settings, async () => {
      this.#own.delete(session);
      await link.end();
    });
    this.#own.add(session);
    if (this.#closed !== null) {
      await session.end();
      storeClosed(this.#location);
    }
    return session;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#own].map((session) => session.end()));
    for (const link of this.#lent.values()) link.hold();
    await this.#pool.end();
  }
}
