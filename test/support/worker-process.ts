import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { serverToWorker, workerToServer } from '@vizavi/signaling';
import type { Peer, RequestOf, ServerToWorker, WorkerNotice, WorkerToServer } from '@vizavi/signaling';
import { Gateway } from '@vizavi/signaling/gateway';

const WORKER_MAIN = fileURLToPath(new URL('../../gpu/src/main.ts', import.meta.url));
export const BUNDLES = fileURLToPath(new URL('../../gpu/bundles', import.meta.url));

/** A real GPU worker process and the server's end of its connection. */
export class WorkerProcess {
  readonly child: ChildProcess;
  readonly notices: WorkerNotice[] = [];
  readonly registration: RequestOf<WorkerToServer, 'worker.register'>;
  readonly peer: Peer<WorkerToServer, ServerToWorker>;
  readonly exited: Promise<number | null>;
  readonly #closeServer: () => Promise<void>;

  private constructor(
    child: ChildProcess,
    exited: Promise<number | null>,
    link: Link,
    closeServer: () => Promise<void>,
  ) {
    this.child = child;
    this.exited = exited;
    this.registration = link.registration;
    this.peer = link.peer;
    this.notices = link.notices;
    this.#closeServer = closeServer;
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<WorkerProcess> {
    const http = createServer();
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const gateway = new Gateway(http);
    const linked = serve(gateway);
    const child = spawn(process.execPath, [WORKER_MAIN], {
      env: {
        ...process.env,
        VIZAVI_URL: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
        VIZAVI_WORKER_SECRET: 'a secret for the tests',
        VIZAVI_BUNDLES: BUNDLES,
        VIZAVI_AVATARS: 'mira',
        VIZAVI_LOG_LEVEL: 'warn',
        VIZAVI_SUPERVISED: '1',
        VIZAVI_SLOTS: '2',
        ...env,
      },
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const closeServer = async (): Promise<void> => {
      await gateway.close();
      http.close();
    };
    const link = await Promise.race([linked, exited]);
    if (link === null || typeof link === 'number') {
      await closeServer();
      throw new Error(`the worker ended with ${String(link)} before it registered`);
    }
    return new WorkerProcess(child, exited, link, closeServer);
  }

  /** Resolves with the first notice of a type, past or to come, that fits. */
  async notice<T extends WorkerNotice['type']>(
    type: T,
    fits: (body: Extract<WorkerNotice, { type: T }>['body']) => boolean = () => true,
    timeoutSec = 10,
  ): Promise<Extract<WorkerNotice, { type: T }>['body']> {
    for (let waited = 0; waited < timeoutSec * 100; waited += 1) {
      for (const notice of this.notices) {
        if (notice.type === type && fits(notice.body as never)) return notice.body as never;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`no ${type} came`);
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.exited;
    await this.#closeServer();
  }
}

interface Link {
  readonly registration: RequestOf<WorkerToServer, 'worker.register'>;
  readonly peer: Peer<WorkerToServer, ServerToWorker>;
  readonly notices: WorkerNotice[];
}

function serve(gateway: Gateway): Promise<Link> {
  return new Promise((resolve) => {
    gateway.serve('/gpu', {
      authenticate: () => Promise.resolve(null),
      onConnection: (connection) => {
        const notices: WorkerNotice[] = [];
        const keep = (type: WorkerNotice['type']) => (body: unknown) => {
          notices.push({ type, body } as WorkerNotice);
        };
        const peer: Peer<WorkerToServer, ServerToWorker> = connection.peer({
          incoming: workerToServer,
          outgoing: serverToWorker,
          calls: {
            'worker.register': (registration) => {
              setImmediate(() => {
                resolve({ registration, peer, notices });
              });
              return {};
            },
          },
          notices: {
            'worker.bundles': keep('worker.bundles'),
            'worker.capacity': keep('worker.capacity'),
            'worker.device': keep('worker.device'),
            'utterance.started': keep('utterance.started'),
            'utterance.progress': keep('utterance.progress'),
            'utterance.ended': keep('utterance.ended'),
            'slot.stats': keep('slot.stats'),
            'slot.failed': keep('slot.failed'),
          },
        });
      },
    });
  });
}

export interface RtpPacket {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly payload: Buffer;
  readonly atMs: number;
}

/** Where a worker sends its media in tests: keeps every packet. */
export class RtpSink {
  readonly packets: RtpPacket[] = [];
  readonly #socket: Socket;
  #from: { port: number; address: string } | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (message, from) => {
      this.#from = from;
      const payloadType = (message[1] ?? 0) & 0x7f;
      // RTCP shares the port: its types 200–207 read as 72–79 here (RFC 5761 §4).
      if (payloadType >= 72 && payloadType <= 79) return;
      this.packets.push({
        payloadType,
        marker: ((message[1] ?? 0) & 0x80) !== 0,
        sequence: message.readUInt16BE(2),
        timestamp: message.readUInt32BE(4),
        payload: message.subarray(12),
        atMs: performance.now(),
      });
    });
  }

  static async open(): Promise<RtpSink> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => {
      socket.bind(0, '127.0.0.1', resolve);
    });
    return new RtpSink(socket);
  }

  get remote(): { ip: string; port: number } {
    return { ip: '127.0.0.1', port: this.#socket.address().port };
  }

  of(payloadType: number): RtpPacket[] {
    return this.packets.filter((packet) => packet.payloadType === payloadType);
  }

  /** Picture Loss Indication (RFC 4585 §6.3.1). */
  requestKeyFrame(ssrc: number): void {
    const pli = Buffer.alloc(12);
    pli.set([0x81, 206, 0, 2]);
    pli.writeUInt32BE(ssrc, 8);
    if (this.#from) this.#socket.send(pli, this.#from.port, this.#from.address);
  }

  close(): void {
    this.#socket.close();
  }
}
