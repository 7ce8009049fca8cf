import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { once } from 'node:events';
import { BreakableLine } from './breakable-line.ts';

const SERVER_IP = '127.0.0.1';
/** Where the browser looks for the server's media ports instead: another address of Linux's loopback. */
const BROWSER_IP = '127.0.0.2';
/** Below those that Linux gives out by itself; enough for one visitor at a time and those of the last half minute. */
const FIRST_PORT = 31_000;
const PORTS = 60;
const IDLE_MS = 60_000;

/** From one port of the browser's to one of the server's. */
interface Way {
  readonly socket: Socket;
  readonly idle: NodeJS.Timeout;
}

/**
 * All that is between a kiosk and its server on one machine: TCP (page, beacon, signaling) and UDP (picture, sound,
 * microphone). When it is cut, nothing passes either way. A browser's own emulation of a lost network does not do that:
 * WebRTC goes on beneath it.
 */
export class KioskLine {
  readonly #tcp: BreakableLine;
  readonly #udp: readonly Socket[];
  readonly #ways = new Map<string, Way>();
  #isCut = false;

  private constructor(tcp: BreakableLine, udp: readonly Socket[]) {
    this.#tcp = tcp;
    this.#udp = udp;
    for (const near of udp) near.on('message', (packet, from) => this.#carry(near, from, packet));
  }

  /** To the server with this HTTP port and with `serverEnv`, which may start later. */
  static async open(serverPort: number): Promise<KioskLine> {
    const udp = await Promise.all(
      Array.from({ length: PORTS }, async (_, index) => {
        const socket = createSocket('udp4');
        socket.bind(FIRST_PORT + index, BROWSER_IP);
        await once(socket, 'listening');
        return socket;
      }),
    );
    return new KioskLine(await BreakableLine.open(serverPort), udp);
  }

  /** What makes a server tell browsers the line's media ports, and not its own. */
  static readonly serverEnv: Readonly<Record<string, string>> = {
    VIZAVI_ANNOUNCED_IP: BROWSER_IP,
    VIZAVI_RTC_MIN_PORT: String(FIRST_PORT),
    VIZAVI_RTC_MAX_PORT: String(FIRST_PORT + PORTS - 1),
  };

  /** Where the browser finds the server. */
  get url(): string {
    return `http://${SERVER_IP}:${this.#tcp.port}`;
  }

  async cut(): Promise<void> {
    this.#isCut = true;
    await this.#tcp.cut();
  }

  async mend(): Promise<void> {
    await this.#tcp.mend();
    this.#isCut = false;
  }

  async close(): Promise<void> {
    if (!this.#isCut) await this.cut();
    for (const { socket, idle } of this.#ways.values()) {
      clearTimeout(idle);
      socket.close();
    }
    for (const socket of this.#udp) socket.close();
  }

  #carry(near: Socket, from: RemoteInfo, packet: Buffer): void {
    if (this.#isCut) return;
    const { port } = near.address();
    const name = `${from.address}:${from.port} ${port}`;
    const way = this.#ways.get(name) ?? this.#openWay(name, near, from);
    way.idle.refresh();
    way.socket.send(packet, port, SERVER_IP);
  }

  #openWay(name: string, near: Socket, browser: RemoteInfo): Way {
    const socket = createSocket('udp4');
    socket.on('message', (packet) => {
      if (!this.#isCut) near.send(packet, browser.port, browser.address);
    });
    const idle = setTimeout(() => {
      this.#ways.delete(name);
      socket.close();
    }, IDLE_MS);
    const way = { socket, idle };
    this.#ways.set(name, way);
    return way;
  }
}
