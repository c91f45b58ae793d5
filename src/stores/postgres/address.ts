/**
 * The address of a server.
 *
 * Owns its shape only. It names no type of a package, so that users compile it without them.
 */

/** The address of a server as parts; what is left out comes from the environment (`PGHOST`, …). */
export interface PostgresAddress {
  /** A name, a number, or the folder of the server's socket. */
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  /** A password, or a function that gives one whenever a connection is made. */
  readonly password?: string | (() => string | Promise<string>);
  /** Whether to use TLS, or how: the options of `tls.connect`. */
  readonly ssl?: boolean | { readonly [option: string]: unknown };
}
