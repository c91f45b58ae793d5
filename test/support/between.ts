/**
 * A way to a server that loses answers and lets no more through when a test says so.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a store and a server, and loses an answer when told to. */
export class Between {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** How many answers pass before one gets lost. */
  #passing = Infinity;
  lost = 0;
  /** How many bytes more reach the server; then whoever sends seems to stand still. */
  sending = Infinity;

  private constructor(target: URL) {
    this.#server = createServer((near) => {
      const far = connect(Number(target.port), target.hostname);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => {});
        one.on('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
      }
      near.on('data', (bytes) => {
        this.sending -= bytes.length;
        if (this.sending > 0) far.write(bytes);
      });
      far.on('data', (bytes) => {
        if (this.#passing-- > 0) near.write(bytes);
        else this.#lose(near);
      });
    });
  }

  /** Whoever waits sees the connection end; the server has done what it was asked. */
  #lose(near: Socket): void {
    this.lost++;
    this.#passing = Infinity;
    near.destroy();
  }

  static async to(url: string): Promise<Between> {
    const proxy = new Between(new URL(url));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  urlOf(url: string): string {
    const address = new URL(url);
    address.port = String((this.#server.address() as { port: number }).port);
    return address.href;
  }

  /** Lets so many answers pass and loses the one after them. */
  loseAfter(passing: number): void {
    this.#passing = passing;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
