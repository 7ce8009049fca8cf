import { Peer } from '@vizavi/signaling';
import type { PeerSocket } from '@vizavi/signaling';
import type { Connection } from '@vizavi/signaling/gateway';

type Listener = (...args: never[]) => void;

/** One end of a connection within this process: in order, later, by copy, and with acknowledgements, as socket.io is. */
export class SocketEnd implements PeerSocket {
  connected = true;
  other!: SocketEnd;
  readonly #listeners = new Map<string, Listener[]>();
  readonly #pending = new Set<(error: Error) => void>();

  emit(event: string, ...args: unknown[]): void {
    const copies = args.map((arg) => (typeof arg === 'function' ? arg : structuredClone(arg)));
    setImmediate(() => {
      if (this.connected) this.other.receive(event, copies);
    });
  }

  on(event: string, listener: Listener): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  timeout(): { emitWithAck(event: string, ...args: unknown[]): Promise<unknown> } {
    return {
      emitWithAck: (event, ...args) =>
        new Promise((resolve, reject) => {
          if (!this.connected) {
            reject(new Error('not connected'));
            return;
          }
          this.#pending.add(reject);
          this.emit(event, ...args, (value: unknown) => {
            const copy = structuredClone(value);
            setImmediate(() => {
              if (this.#pending.delete(reject)) resolve(copy);
            });
          });
        }),
    };
  }

  receive(event: string, args: unknown[]): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(...(args as never[]));
  }

  /** Both ends lose the connection. */
  disconnect(): void {
    if (!this.connected) return;
    for (const end of [this, this.other]) {
      end.connected = false;
      for (const reject of end.#pending) reject(new Error('disconnected'));
      end.#pending.clear();
      end.receive('disconnect', []);
    }
  }
}

export function socketPair(): [SocketEnd, SocketEnd] {
  const a = new SocketEnd();
  const b = new SocketEnd();
  a.other = b;
  b.other = a;
  return [a, b];
}

/** The listening end as the Gateway hands it out. */
export class FakeConnection implements Connection {
  backlog = 0;
  readonly #socket: SocketEnd;
  readonly peer: Connection['peer'] = (options) => new Peer(this.#socket, options);

  constructor(socket: SocketEnd) {
    this.#socket = socket;
  }

  onClose(listener: () => void): void {
    this.#socket.on('disconnect', listener);
  }

  close(): void {
    this.#socket.disconnect();
  }
}
