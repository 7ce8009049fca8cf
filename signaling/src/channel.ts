import { io } from 'socket.io-client';
import type { Socket } from 'socket.io-client';
import { ERROR_CODES, VizaviError } from './errors.ts';
import type { ErrorCode } from './errors.ts';
import { Peer } from './peer.ts';
import type { PeerOptions } from './peer.ts';
import type { Protocol } from './protocol.ts';

export interface ChannelOptions<In extends Protocol, Out extends Protocol> extends PeerOptions<In, Out> {
  /** http(s) address of the server. */
  readonly url: string;
  /** '/' for viewers, '/gpu' for workers. */
  readonly namespace: string;
  /** Sent with every connection attempt. */
  readonly auth: Readonly<Record<string, string>>;
  /** After each connect, the first and every later one. */
  readonly onConnect: () => void;
  readonly onDisconnect: (reason: string) => void;
  /** The server refused this connection; no further attempt is made unless the error is retryable. */
  readonly onRefused: (error: VizaviError) => void;
}

/** The dialing end, of a browser as of a GPU worker: keeps the connection up until closed. */
export class Channel<In extends Protocol, Out extends Protocol> {
  readonly peer: Peer<In, Out>;
  readonly #socket: Socket;
  #redial: ReturnType<typeof setTimeout> | null = null;

  constructor(options: ChannelOptions<In, Out>) {
    this.#socket = io(new URL(options.namespace, options.url).href, {
      auth: options.auth,
      // WebSocket alone: no sticky routing, no second round trip for the upgrade.
      transports: ['websocket'],
      forceNew: true,
      autoConnect: false,
      reconnectionDelay: 200,
      reconnectionDelayMax: 2000,
      randomizationFactor: 0.5,
    });
    this.peer = new Peer(this.#socket, options);
    this.#socket.on('connect', options.onConnect);
    this.#socket.on('disconnect', (reason) => {
      options.onDisconnect(reason);
      // socket.io does not dial again by itself when the server hung up.
      if (reason === 'io server disconnect') this.#dialAfter(200);
    });
    this.#socket.on('connect_error', (error: Error & { data?: { code?: string; retryable?: boolean } }) => {
      const code = error.data?.code;
      if (!isErrorCode(code)) return; // The network: socket.io keeps trying.
      const refused = new VizaviError(code, error.message, { retryable: error.data?.retryable ?? false });
      options.onRefused(refused);
      if (refused.retryable) this.#dialAfter(1000);
    });
  }

  open(): void {
    this.#socket.connect();
  }

  /** Ends the connection for good. */
  close(): void {
    if (this.#redial) clearTimeout(this.#redial);
    this.#socket.removeAllListeners();
    this.#socket.disconnect();
  }

  /** Drops the underlying connection as a network fault would; the channel dials again by itself. */
  drop(): void {
    this.#socket.io.engine.close();
  }

  #dialAfter(delayMs: number): void {
    this.#redial = setTimeout(() => {
      this.#socket.connect();
    }, delayMs);
  }
}

function isErrorCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && (ERROR_CODES as readonly string[]).includes(code);
}
