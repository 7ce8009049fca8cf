import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RequestOf, ServerToWorker } from '@vizavi/signaling';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUNDLES, RtpSink, WorkerProcess } from '../support/worker-process.ts';
import type { RtpPacket } from '../support/worker-process.ts';

interface Manifest {
  readonly networks: {
    readonly decoder: { default: string; finest?: string; variants: Record<string, unknown> };
  };
}

const VIDEO = 102;
const AUDIO = 111;
const lease = { slotId: 0, leaseId: 'lease-1' };
let worker: WorkerProcess;
let sink: RtpSink;

beforeAll(async () => {
  worker = await WorkerProcess.start();
  sink = await RtpSink.open();
  await open(lease, sink);
  worker.peer.notify('slot.watch', { ...lease, watched: true });
}, 60_000);

afterAll(async () => {
  await worker.stop();
  sink.close();
});

const slotOf = (
  which: { slotId: number; leaseId: string },
  to: RtpSink,
): RequestOf<ServerToWorker, 'slot.open'> => ({
  ...which,
  bundleId: 'mira',
  codec: 'h264',
  bitrateBps: 800_000,
  remote: to.remote,
  video: { ssrc: 1111 + which.slotId, payloadType: VIDEO },
  audio: { ssrc: 2222 + which.slotId, payloadType: AUDIO },
  cname: 'test',
});

function open(which: { slotId: number; leaseId: string }, to: RtpSink): Promise<unknown> {
  return worker.peer.call('slot.open', slotOf(which, to));
}

/** A tone that comes and goes like syllables; the worker does not care what is said. */
function babble(seconds: number): Uint8Array {
  const pcm = Int16Array.from(
    { length: seconds * 16_000 },
    (_, i) => 9000 * Math.sin(i * 0.06) * Math.sin(i * 0.0008),
  );
  return new Uint8Array(pcm.buffer);
}

function say(utteranceId: string, seconds: number, generation = 0): void {
  worker.peer.notify('slot.audio', {
    ...lease,
    generation,
    utteranceId,
    sampleRate: 16_000,
    pcm: babble(seconds),
    last: true,
  });
}

const seconds = (count: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, count * 1000));

/** NAL types in a packet: single, STAP-A, FU-A (RFC 6184 §5.4). */
function nalTypes({ payload }: RtpPacket): number[] {
  const type = (payload[0] ?? 0) & 31;
  if (type === 28) return [(payload[1] ?? 0) & 31];
  if (type !== 24) return [type];
  const types: number[] = [];
  for (let at = 1; at + 2 < payload.length; at += 2 + payload.readUInt16BE(at))
    types.push((payload[at + 2] ?? 0) & 31);
  return types;
}
const hasKeyFrame = (packets: readonly RtpPacket[]): boolean =>
  packets.some((packet) => nalTypes(packet).includes(5));

describe('a GPU worker', () => {
  it('offers measured slots', () => {
    expect(worker.registration).toMatchObject({ slots: 2, device: 'cpu', encoders: ['h264', 'vp8'] });
    expect(worker.registration.bundles).toMatchObject([{ id: 'mira', width: 512, height: 512, fps: 25 }]);
    expect(worker.registration.chunkCosts.every((cost) => cost.medianMs > 0)).toBe(true);
  });

  it('streams idle motion that begins with a key frame, on one timeline', async () => {
    await seconds(2);
    const video = sink.of(VIDEO);
    const audio = sink.of(AUDIO);
    expect(hasKeyFrame(video.slice(0, 40))).toBe(true);
    const frames = [...new Set(video.map((packet) => packet.timestamp))];
    expect(frames.length).toBeGreaterThan(40);
    // A frame that misses its deadline is left out, as on any short machine; its place in time stays empty.
    frames.slice(1).forEach((timestamp, index) => {
      expect(((timestamp - (frames[index] ?? 0)) >>> 0) % 3600).toBe(0);
    });
    audio.slice(1).forEach((packet, index) => {
      expect((packet.timestamp - (audio[index]?.timestamp ?? 0)) >>> 0).toBe(960);
    });
    for (const packets of [video, audio]) {
      packets.slice(1).forEach((packet, index) => {
        expect((packet.sequence - (packets[index]?.sequence ?? 0)) & 0xffff).toBe(1);
      });
    }
  });

  it('sends a key frame when asked for one', async () => {
    const from = sink.packets.length;
    sink.requestKeyFrame(1111);
    await expect.poll(() => hasKeyFrame(sink.packets.slice(from)), { timeout: 2000 }).toBe(true);
  });

  it('says an utterance from start to end and counts what it did', async () => {
    say('u1', 2);
    await worker.notice('utterance.started', (body) => body.utteranceId === 'u1');
    const ended = await worker.notice('utterance.ended', (body) => body.utteranceId === 'u1');
    expect(ended.playedMs).toBe(2000);
    const progress = worker.notices.flatMap((n) =>
      n.type === 'utterance.progress' ? [n.body.playedMs] : [],
    );
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    const { stats } = await worker.notice('slot.stats', (body) => body.stats.stages.decode.median > 0);
    expect(stats.realTimeFactor).toBeGreaterThan(0);
    expect(stats.realTimeFactor).toBeLessThan(1);
    expect(stats.firstFrameMs).toBeGreaterThan(0);
  });

  it('falls silent at an interrupt, drops what is older, and speaks again', async () => {
    say('u2', 10);
    say('u3', 10);
    await worker.notice('utterance.started', (body) => body.utteranceId === 'u2');
    await seconds(0.5);
    const stopped = await worker.peer.call('slot.interrupt', { ...lease, generation: 1 });
    expect(stopped.utteranceId).toBe('u2');
    expect(stopped.playedMs).toBeLessThan(3000);
    // Opus packets of silence are tiny.
    await seconds(0.4);
    const from = sink.packets.length;
    say('late', 5, 0);
    await seconds(0.6);
    const sizes = sink.packets
      .slice(from)
      .filter((p) => p.payloadType === AUDIO)
      .map((p) => p.payload.length);
    expect(sizes.length).toBeGreaterThan(20);
    expect(Math.max(...sizes)).toBeLessThan(30);
    say('u4', 0.5, 1);
    await worker.notice('utterance.ended', (body) => body.utteranceId === 'u4');
    const others = worker.notices.filter(
      (n) => n.type === 'utterance.started' && ['u3', 'late'].includes(n.body.utteranceId),
    );
    expect(others).toEqual([]);
  });

  it('refuses what makes no sense and goes on', async () => {
    const second = { slotId: 1, leaseId: 'lease-2' };
    await expect(open(lease, sink)).rejects.toMatchObject({ code: 'invalid_state' });
    await expect(open({ slotId: 9, leaseId: 'x' }, sink)).rejects.toMatchObject({ code: 'not_found' });
    await expect(worker.peer.call('slot.interrupt', { ...second, generation: 1 })).rejects.toMatchObject({
      code: 'invalid_state',
    });
    worker.peer.notify('slot.audio', {
      ...lease,
      generation: 1,
      utteranceId: 'odd',
      sampleRate: 16_000,
      pcm: new Uint8Array(3),
      last: true,
    });
    say('u5', 0.2, 1);
    await worker.notice('utterance.ended', (body) => body.utteranceId === 'u5');
  });

  it('stands still while nobody watches, and gives a slot back', async () => {
    const second = { slotId: 1, leaseId: 'lease-2' };
    const other = await RtpSink.open();
    await open(second, other);
    await seconds(0.3);
    expect(other.packets).toHaveLength(0);
    worker.peer.notify('slot.watch', { ...second, watched: true });
    await expect.poll(() => other.packets.length, { timeout: 2000 }).toBeGreaterThan(10);
    await worker.peer.call('slot.close', second);
    await seconds(0.1);
    const count = other.packets.length;
    await seconds(0.3);
    expect(other.packets.length).toBe(count);
    await open({ slotId: 1, leaseId: 'lease-3' }, other);
    await worker.peer.call('slot.close', { slotId: 1, leaseId: 'lease-3' });
    other.close();
  });

  it('ends when its supervisor does', async () => {
    worker.child.stdin?.end();
    await expect(worker.exited).resolves.toBe(0);
  });
});

describe('a GPU worker with several avatars', () => {
  it('is there with the first, and shows the others when they are loaded', async () => {
    const both = await WorkerProcess.start({ VIZAVI_AVATARS: 'mira,theo' });
    const ids = (bundles: readonly { readonly id: string }[]): string[] => bundles.map(({ id }) => id);
    expect(ids(both.registration.bundles)).toEqual(['mira']);
    expect(ids(both.registration.coming)).toEqual(['theo']);
    const to = await RtpSink.open();
    const open = (bundleId: string): Promise<unknown> =>
      both.peer.call('slot.open', { ...slotOf(lease, to), bundleId });
    await expect(open('theo')).rejects.toMatchObject({ code: 'not_found' });
    const { bundles } = await both.notice('worker.bundles', () => true, 30);
    expect(ids(bundles)).toEqual(['mira', 'theo']);
    await open('theo');
    both.peer.notify('slot.watch', { ...lease, watched: true });
    await expect.poll(() => hasKeyFrame(to.of(VIDEO)), { timeout: 5000 }).toBe(true);
    await both.stop();
    to.close();
  });

  it('ends cleanly while it is loading', async () => {
    const both = await WorkerProcess.start({ VIZAVI_AVATARS: 'mira,theo' });
    await both.stop();
    await expect(both.exited).resolves.toBe(0);
  });

  it('does without one that does not run, and says why', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vizavi-broken-'));
    await symlink(join(BUNDLES, 'mira'), join(folder, 'a'));
    await cp(join(BUNDLES, 'theo'), join(folder, 'b'), { recursive: true });
    const manifest = JSON.parse(await readFile(join(folder, 'b', 'manifest.json'), 'utf8')) as Manifest;
    const { decoder } = manifest.networks;
    decoder.variants = { tiny: decoder.variants['int8'], fp32: decoder.variants['fp32'] };
    decoder.default = 'tiny';
    delete decoder.finest;
    await writeFile(join(folder, 'b', 'manifest.json'), JSON.stringify(manifest));
    const one = await WorkerProcess.start({
      VIZAVI_BUNDLES: folder,
      VIZAVI_AVATARS: 'all',
      VIZAVI_DECODER: 'int8',
    });
    await seconds(3);
    expect(one.notices.some(({ type }) => type === 'worker.bundles')).toBe(false);
    expect(one.child.exitCode).toBe(null);
    await one.stop();
    await rm(folder, { recursive: true });
  });
});

describe('a GPU worker that cannot start', () => {
  it.each([
    ['no bundle', { VIZAVI_BUNDLES: '/nowhere' }],
    ['an avatar that is not there', { VIZAVI_AVATARS: 'mira,nobody' }],
    ['a decoder that the bundle lacks', { VIZAVI_DECODER: 'int4' }],
    ['a bad setting', { VIZAVI_SLOTS: 'many' }],
  ])('says so with exit code 78: %s', async (_name, env) => {
    await expect(WorkerProcess.start(env)).rejects.toThrow('ended with 78');
  });

  it('says so with exit code 78: two bundles of one name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vizavi-twins-'));
    for (const name of ['one', 'two']) await symlink(join(BUNDLES, 'mira'), join(folder, name));
    const env = { VIZAVI_BUNDLES: folder, VIZAVI_AVATARS: 'all' };
    await expect(WorkerProcess.start(env)).rejects.toThrow('ended with 78');
    await rm(folder, { recursive: true });
  });
});
