import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { once } from 'node:events';

export interface ReceivedRtp {
  readonly marker: boolean;
  readonly payloadType: number;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: Buffer;
}

/** The far end of an RtpSender: one UDP socket, like a PlainTransport in comedia mode. */
export class RtpReceiver {
  readonly rtp: ReceivedRtp[] = [];
  readonly rtcp: Buffer[] = [];
  readonly #socket: Socket;
  #sender: RemoteInfo | null = null;
  #waiting: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (data, sender) => {
      this.#sender = sender;
      const type = data.readUInt8(1);
      // RFC 5761, 4: what would be RTP payload types 64–95 with the marker is RTCP.
      if (type >= 192 && type < 224) this.rtcp.push(data);
      else this.rtp.push(parseRtp(data));
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  static async open(ip = '127.0.0.1'): Promise<RtpReceiver> {
    const socket = createSocket({ type: ip.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 });
    socket.bind(0, ip);
    await once(socket, 'listening');
    return new RtpReceiver(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Settles when `condition` holds after a packet. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  reply(data: Buffer): void {
    if (!this.#sender) throw new Error('nobody has sent yet');
    this.#socket.send(data, this.#sender.port, this.#sender.address);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(resolve));
  }
}

function parseRtp(data: Buffer): ReceivedRtp {
  const type = data.readUInt8(1);
  return {
    marker: type >= 128,
    payloadType: type & 0x7f,
    sequenceNumber: data.readUInt16BE(2),
    timestamp: data.readUInt32BE(4),
    ssrc: data.readUInt32BE(8),
    payload: data.subarray(12),
  };
}

/** Packets in order → frames (up to each marker), as a decoder takes them. */
export function depacketize(codec: 'h264' | 'vp8', packets: readonly ReceivedRtp[]): Buffer[] {
  const frames: Buffer[] = [];
  let parts: Buffer[] = [];
  for (const { payload, marker } of packets) {
    parts.push(...(codec === 'h264' ? h264Parts(payload) : vp8Parts(payload)));
    if (!marker) continue;
    frames.push(Buffer.concat(parts));
    parts = [];
  }
  return frames;
}

const START_CODE = Buffer.from([0, 0, 0, 1]);

function h264Parts(payload: Buffer): Buffer[] {
  const type = payload.readUInt8(0) & 0x1f;
  if (type === 24) {
    const parts: Buffer[] = [];
    for (let at = 1; at < payload.length; at += 2 + payload.readUInt16BE(at)) {
      parts.push(START_CODE, payload.subarray(at + 2, at + 2 + payload.readUInt16BE(at)));
    }
    return parts;
  }
  if (type !== 28) return [START_CODE, payload];
  const header = payload.readUInt8(1);
  const unitHeader = Buffer.of((payload.readUInt8(0) & 0xe0) | (header & 0x1f));
  return header & 0x80 ? [START_CODE, unitHeader, payload.subarray(2)] : [payload.subarray(2)];
}

function vp8Parts(payload: Buffer): Buffer[] {
  if (payload.readUInt16BE(0) !== 0x9080 && payload.readUInt16BE(0) !== 0x8080)
    throw new Error('not our descriptor');
  return [payload.subarray(4)];
}
