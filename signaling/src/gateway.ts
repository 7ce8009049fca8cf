import type { Server as HttpServer } from 'node:http';
import { Server } from 'socket.io';
import type { Namespace, Socket } from 'socket.io';
import { VizaviError } from './errors.ts';
import { Peer } from './peer.ts';
import type { PeerOptions } from './peer.ts';
import { MAX_MESSAGE_BYTES } from './protocol.ts';
import type { Protocol } from './protocol.ts';

/** A connection that has been let in. */
export interface Connection {
  /** Builds the typed end of this connection. Called once, before anything else. */
  peer<In extends Protocol, Out extends Protocol>(options: PeerOptions<In, Out>): Peer<In, Out>;
  onClose(listener: () => void): void;
  /** Messages that the other end has not taken yet. */
  readonly backlog: number;
  close(): void;
}

export interface NamespaceOptions<T> {
  /** Reads the dialing end's credentials. @throws VizaviError to refuse */
  readonly authenticate: (auth: Record<string, unknown>) => Promise<T>;
  readonly onConnection: (connection: Connection, identity: T) => void;
}

/** Messages a second, and at once, that one connection may send: speech in pieces of 20 ms needs 50. */
const RATE_PER_SECOND = 200;
const BURST = 400;

/** The listening end of signaling. */
export class Gateway {
  readonly #io: Server;

  constructor(http: HttpServer) {
    this.#io = new Server(http, {
      transports: ['websocket'],
      maxHttpBufferSize: MAX_MESSAGE_BYTES,
      pingInterval: 5000,
      pingTimeout: 5000,
      serveClient: false,
      cors: { origin: true },
    });
  }

  /** Lets connections in on a namespace. */
  serve<T>(namespace: string, options: NamespaceOptions<T>): void {
    const space: Namespace = this.#io.of(namespace);
    space.use((socket, next) => {
      options.authenticate(socket.handshake.auth).then(
        (identity) => {
          (socket.data as { identity: T }).identity = identity;
          next();
        },
        (error: unknown) => {
          const known = VizaviError.from(error);
          next(Object.assign(new Error(known.message), { data: known.toJSON() }));
        },
      );
    });
    space.on('connection', (socket) => {
      options.onConnection(connectionOf(socket), (socket.data as { identity: T }).identity);
    });
  }

  async close(): Promise<void> {
    await this.#io.close();
  }
}

function connectionOf(socket: Socket): Connection {
  const admit = rateLimit(RATE_PER_SECOND, BURST, () => performance.now());
  return {
    peer: (options) => new Peer(socket, { admit, ...options }),
    onClose: (listener) => void socket.on('disconnect', listener),
    get backlog() {
      return (socket.conn as unknown as { writeBuffer: unknown[] }).writeBuffer.length;
    },
    close: () => void socket.disconnect(true),
  };
}

/** A token bucket. @throws VizaviError `too_many_requests` from the returned function */
export function rateLimit(perSecond: number, burst: number, nowMs: () => number): () => void {
  let tokens = burst;
  let lastMs = nowMs();
  return () => {
    const now = nowMs();
    tokens = Math.min(burst, tokens + ((now - lastMs) / 1000) * perSecond);
    lastMs = now;
    if (tokens < 1) throw new VizaviError('too_many_requests', 'too many messages at once');
    tokens -= 1;
  };
}
