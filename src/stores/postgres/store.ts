/** The store on an open PostgreSQL database. */
import type { Store } from '../../log/store.ts';
import type { Connection } from './connection.ts';

class OnConnection {
  readonly kind: string;
  readonly location: string;
  readonly close: () => Promise<void>;

  constructor({ kind, location, sessions }: Connection) {
    this.kind = kind;
    this.location = location;
    this.close = () => sessions.close();
  }
}

/** Every port on the sessions of one database. */
export type PostgresStore = Store;
/** Every port on the sessions of one database. */
export const PostgresStore = OnConnection as unknown as new (connection: Connection) => Store;
