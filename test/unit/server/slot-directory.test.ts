import { beforeEach, describe, expect, it } from 'vitest';
import type { LeasedSlot, SlotEvents } from '../../../server/src/leased-slot.ts';
import { settle } from '../../support/manual-clock.ts';
import { ScriptedWorker } from '../../support/scripted-worker.ts';
import { SessionRig } from '../../support/session-rig.ts';

const ingest = {
  remote: { ip: '127.0.0.1', port: 5000 },
  video: { ssrc: 1, payloadType: 102 },
  audio: { ssrc: 2, payloadType: 111 },
  cname: 'test',
};

let rig: SessionRig;
let heard: string[];
const events: SlotEvents = {
  started: (id) => heard.push(`started ${id}`),
  progress: (id, playedMs) => heard.push(`progress ${id} ${playedMs}`),
  ended: (id, playedMs) => heard.push(`ended ${id} ${playedMs}`),
  stats: () => heard.push('stats'),
  lost: ({ code }) => heard.push(`lost ${code}`),
};
const request = { avatarId: 'mira', sessionId: 's1', events };
const lease = (): Promise<LeasedSlot> => rig.directory.lease(request);

beforeEach(() => {
  rig = new SessionRig();
  heard = [];
});

describe('the slot directory', () => {
  it('spreads leases over workers and gives out no slot twice', async () => {
    await rig.worker('w1', 2);
    await rig.worker('w2', 2);
    const slots = await Promise.all([lease(), lease(), lease(), lease()]);
    expect(new Set(slots.map((slot) => `${slot.lease.workerId}/${slot.lease.slotId}`)).size).toBe(4);
    const [first, second] = slots.map((slot) => slot.lease.workerId);
    expect(first).not.toBe(second);
    await expect(lease()).rejects.toMatchObject({ code: 'no_capacity' });
    expect(rig.directory.count('mira')).toEqual({ slots: 4, freeSlots: 0 });
    expect(rig.directory.count('nobody')).toEqual({ slots: 0, freeSlots: 0 });
  });

  it('leaves a slot alone that another server holds', async () => {
    await rig.worker('w1', 2);
    await rig.store.takeSlot({ leaseId: 'theirs', workerId: 'w1', slotId: 0, sessionId: 'x' });
    expect((await lease()).lease.slotId).toBe(1);
    await expect(lease()).rejects.toMatchObject({ code: 'no_capacity' });
  });

  it('lets a lease hear its own worker while it is open, and not before or after', async () => {
    const worker = await rig.worker();
    const slot = await lease();
    worker.ended('u0', 40, slot.lease.leaseId);
    await settle();
    await slot.open(ingest, 'h264', 500_000);
    worker.started('u1');
    worker.progress('u1', 40);
    worker.ended('u1', 80);
    worker.ended('u2', 80, 'another');
    await settle();
    expect(heard).toEqual(['started u1', 'progress u1 40', 'ended u1 80']);
    await slot.close();
    worker.started('u3');
    worker.die();
    await settle();
    expect(heard).toHaveLength(3);
    slot.watch(true);
    await slot.close();
    expect(worker.closed).toHaveLength(1);
  });

  it('knows an avatar that a worker is about to load, and gives out its slots when it is there', async () => {
    const worker = new ScriptedWorker();
    rig.directory.connect(worker.connection);
    await worker.register(1, 'mira', null, ['theo']);
    expect(rig.directory.bundles.map(({ id }) => id)).toEqual(['mira', 'theo']);
    const wanted = { ...request, avatarId: 'theo' };
    await expect(rig.directory.lease(wanted)).rejects.toMatchObject({ code: 'no_capacity' });
    const waiting = rig.directory.leaseOrWait(wanted, new AbortController().signal);
    await settle();
    worker.shows('mira', 'theo');
    const slot = await waiting;
    expect(slot.bundle.id).toBe('theo');
    await expect(lease()).rejects.toMatchObject({ code: 'no_capacity' });
    await slot.close();
    expect((await lease()).bundle.id).toBe('mira');
  });

  it('tells all leases of a worker that is gone, and takes it back when it registers again', async () => {
    const worker = await rig.worker();
    const slot = await lease();
    await slot.open(ingest, 'h264', 500_000);
    worker.die();
    expect(heard).toEqual(['lost disconnected']);
    const waiting = rig.directory.leaseOrWait(request, new AbortController().signal);
    await rig.worker('w1');
    await settle();
    expect(rig.directory.count('mira').freeSlots).toBe(1); // The old lease has not been given back.
    await slot.close();
    expect((await waiting).lease.slotId).toBe(0);
  });

  it('believes a worker that has noticed the loss of its connection first', async () => {
    const worker = await rig.worker('w1');
    const slot = await lease();
    await slot.open(ingest, 'h264', 500_000);
    await rig.worker('w1');
    expect(heard).toEqual(['lost disconnected']);
    await slot.close();
    expect(worker.closed).toEqual([]);
    expect(rig.directory.count('mira')).toEqual({ slots: 1, freeSlots: 1 });
    await lease();
  });

  it('closes at a worker what a server that is gone had opened', async () => {
    await rig.store.takeSlot({ leaseId: 'orphan', workerId: 'w1', slotId: 0, sessionId: 'x' });
    const worker = new ScriptedWorker('w1');
    rig.directory.connect(worker.connection);
    await worker.register();
    expect(worker.closed).toEqual(['orphan']);
    expect((await lease()).lease.slotId).toBe(0);
  });

  it('ends a wait with its signal', async () => {
    const stop = new AbortController();
    const waiting = rig.directory.leaseOrWait(request, stop.signal);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'no_capacity' });
    await rig.worker();
    await expect(lease()).resolves.toBeDefined();
  });

  it('registers a connection once', async () => {
    const worker = await rig.worker();
    await expect(worker.register()).rejects.toMatchObject({ code: 'invalid_state' });
  });
});
