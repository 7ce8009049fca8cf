import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { observer } from 'mediasoup';
import type { Consumer, Router, Worker } from 'mediasoup/types';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MediaWorkers } from '../../server/src/media-workers.ts';
import { SessionMedia } from '../../server/src/session-media.ts';
import type { Ingest } from '../../server/src/media.ts';
import { createTelemetry } from '../../server/src/telemetry.ts';

const OPTIONS = {
  codec: 'h264',
  listenIp: '127.0.0.1',
  ingestIp: '127.0.0.1',
  portRange: { min: 41_000, max: 41_999 },
  maxBitrateBps: 800_000,
} as const;

let workers: MediaWorkers;
const processes: Worker[] = [];
let routers: Router[];
let died: number;
let media: SessionMedia;

beforeAll(async () => {
  observer.on('newworker', (worker) => {
    processes.push(worker);
    worker.observer.on('newrouter', (router) => routers.push(router));
  });
  const telemetry = createTelemetry({ level: 'silent', format: 'json' });
  workers = await MediaWorkers.start({ count: 2, telemetry });
});
afterAll(() => {
  workers.close();
});
beforeEach(async () => {
  routers = [];
  died = 0;
  media = await open();
});
afterEach(() => {
  media.close();
});

function open(): Promise<SessionMedia> {
  const events = { onBitrate: () => undefined, onDied: () => (died += 1) };
  return SessionMedia.create(workers, OPTIONS, events);
}

/** Sends RTP packets of both streams to the ingest until `seen` is true. */
async function send(ingest: Ingest, seen: () => boolean): Promise<void> {
  const socket = createSocket('udp4');
  for (let sequence = 0; sequence < 100 && !seen(); sequence++) {
    // A sequence parameter set, with which a key frame begins (RFC 6184, section 5.6).
    const streams = [
      { ...ingest.video, payload: Buffer.from([0x67, 0x42, 0xe0, 0x1f, sequence]) },
      { ...ingest.audio, payload: Buffer.from([0xf8, 0xff, 0xfe]) },
    ];
    for (const { ssrc, payloadType, payload } of streams) {
      const header = Buffer.alloc(12); // RFC 3550, section 5.1
      header.writeUInt8(0x80, 0);
      header.writeUInt8(0x80 | payloadType, 1);
      header.writeUInt16BE(sequence, 2);
      header.writeUInt32BE(sequence * 960, 4);
      header.writeUInt32BE(ssrc, 8);
      socket.send(Buffer.concat([header, payload]), ingest.remote.port, ingest.remote.ip);
    }
    await sleep(20);
  }
  socket.close();
}

/** What arrives of the session's two streams at somebody who consumes them. */
async function listen(of: SessionMedia): Promise<{ kinds: Set<string>; consumers: Consumer[] }> {
  const router = routers.at(-1);
  const viewer = await of.addViewer(() => undefined);
  const offered = await viewer.consume(of.rtpCapabilities);
  const transport = await router?.createDirectTransport();
  const kinds = new Set<string>();
  const consumers: Consumer[] = [];
  for (const { producerId } of offered) {
    const consumer = await transport?.consume({ producerId, rtpCapabilities: of.rtpCapabilities });
    if (!consumer) throw new Error('no router');
    consumer.on('rtp', () => kinds.add(consumer.kind));
    consumers.push(consumer);
  }
  return { kinds, consumers };
}

describe('session media', () => {
  it('takes both streams in and hands them on', async () => {
    const { kinds } = await listen(media);
    await send(media.ingest, () => kinds.size === 2);
    expect([...kinds].sort()).toEqual(['audio', 'video']);
  });

  it('moves to a fresh way in, and what consumed the old one ends', async () => {
    const before = media.ingest;
    const old = await listen(media);
    await media.replaceIngest();
    expect(old.consumers.every(({ closed }) => closed)).toBe(true);
    expect(media.ingest.video.ssrc).not.toBe(before.video.ssrc);
    const { kinds } = await listen(media);
    await send(media.ingest, () => kinds.size === 2);
    expect(kinds.size).toBe(2);
  });

  it('offers UDP first, TCP as well, on the ports that are allowed', async () => {
    const { transport } = await media.addViewer(() => undefined);
    const candidates = transport.iceCandidates as { protocol: string; priority: number; port: number }[];
    expect(candidates.map(({ protocol }) => protocol)).toEqual(['udp', 'tcp']);
    expect(candidates[0]?.priority).toBeGreaterThan(candidates[1]?.priority ?? 0);
    for (const { port } of candidates) expect(port >= 41_000 && port <= 41_999).toBe(true);
  });

  it('starts consumers paused, and again after the way in has changed', async () => {
    const viewer = await media.addViewer(() => undefined);
    await expect(viewer.resume()).rejects.toMatchObject({ code: 'invalid_state' });
    const consumers = await viewer.consume(media.rtpCapabilities);
    expect(consumers.map(({ kind }) => kind).sort()).toEqual(['audio', 'video']);
    expect(viewer.watching).toBe(false);
    await viewer.resume();
    expect(viewer.watching).toBe(true);
    await media.replaceIngest();
    expect(viewer.watching).toBe(false);
    await viewer.consume(media.rtpCapabilities);
    await viewer.resume();
    expect(viewer.watching).toBe(true);
  });

  it('refuses what cannot be read and stays alive', async () => {
    const viewer = await media.addViewer(() => undefined);
    const garbage = [
      {},
      { codecs: 'x' },
      { codecs: [{}] },
      { fingerprints: [{ algorithm: 'md5', value: 'x' }] },
    ];
    for (const parameters of garbage) {
      await expect(viewer.consume(parameters)).rejects.toMatchObject({ code: 'unsupported_device' });
      await expect(viewer.connect(parameters)).rejects.toMatchObject({ code: 'invalid_message' });
    }
    const dtls = { role: 'client', fingerprints: viewer.transport.dtlsParameters['fingerprints'] };
    await viewer.connect(dtls);
    await expect(viewer.connect(dtls)).rejects.toMatchObject({ code: 'invalid_state' });
    expect(await viewer.consume(media.rtpCapabilities)).toHaveLength(2);
    expect(died).toBe(0);
  });

  it('restarts ICE while the transport stands', async () => {
    const viewer = await media.addViewer(() => undefined);
    const before = viewer.transport.iceParameters['usernameFragment'];
    expect((await viewer.restartIce())['usernameFragment']).not.toBe(before);
    viewer.close();
    await expect(viewer.restartIce()).rejects.toMatchObject({ code: 'invalid_state' });
  });

  it('closes its viewers with itself and tells them', async () => {
    let told = 0;
    const viewer = await media.addViewer(() => (told += 1));
    media.close();
    expect(viewer.closed).toBe(true);
    expect(told).toBeGreaterThan(0);
    media.close();
    expect(died).toBe(0);
  });

  it('hears of the death of its mediasoup worker; another takes over', async () => {
    const viewer = await media.addViewer(() => undefined);
    const pids = [...workers.pids];
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await expect.poll(() => died).toBe(1);
    expect(media.closed).toBe(true);
    expect(viewer.closed).toBe(true);
    const next = await open();
    expect(workers.pids.some((pid) => pids.includes(pid))).toBe(false);
    const { kinds } = await listen(next);
    await send(next.ingest, () => kinds.size === 2);
    expect(kinds.size).toBe(2);
    next.close();
    await expect.poll(() => workers.pids.length).toBe(2);
  });

  it('shares the routers out evenly', async () => {
    const more = await Promise.all([open(), open(), open()]);
    const alive = processes.filter(({ closed }) => !closed);
    const dumps = await Promise.all(alive.map((worker) => worker.dump()));
    expect(dumps.map(({ routerIds }) => routerIds.length)).toEqual([2, 2]);
    for (const one of more) one.close();
  });
});
