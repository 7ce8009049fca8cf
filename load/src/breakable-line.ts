import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

const HOST = '127.0.0.1';

/** A way to a server on this machine that can be cut, as when a network is lost. */
export class BreakableLine {
  readonly port: number;
  readonly #targetPort: number;
  readonly #sockets = new Set<Socket>();
  #server: Server;

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.#targetPort = targetPort;
    this.port = (server.address() as AddressInfo).port;
    this.#carry();
  }

  static async open(targetPort: string | number): Promise<BreakableLine> {
    return new BreakableLine(await listen(0), Number(targetPort));
  }

  /** All that is under way is lost, and nothing new gets through. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** As before, at the same port. */
  async mend(): Promise<void> {
    this.#server = await listen(this.port);
    this.#carry();
  }

  #carry(): void {
    this.#server.on('connection', (near) => {
      const far = connect(this.#targetPort, HOST);
      near.pipe(far).pipe(near);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(socket);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
      }
    });
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, resolve);
  });
  return server;
}
