import { beforeEach, describe, expect, it } from 'vitest';
import { settle } from '../../support/manual-clock.ts';
import type { ScriptedWorker } from '../../support/scripted-worker.ts';
import { SessionRig } from '../../support/session-rig.ts';
import type { RigViewer } from '../../support/session-rig.ts';

let rig: SessionRig;
let worker: ScriptedWorker;

beforeEach(async () => {
  rig = new SessionRig();
  worker = await rig.worker();
});

async function waiting(): Promise<{ sessionId: string; viewer: RigViewer }> {
  const { sessionId } = await rig.registry.create({});
  const viewer = rig.connect(sessionId);
  await viewer.peer.call('session.start', { viewerId: 'v1', lastEventSeq: -1 });
  await settle();
  return { sessionId, viewer };
}

describe('a session that finds no slot', () => {
  it('waits, is told its place, and comes on when its turn has come', async () => {
    const { session: first } = await rig.live();
    await rig.clock.advance(30_000);
    const created = await rig.registry.create({});
    expect(created).toMatchObject({ state: 'queued', queue: { position: 1, estimateMs: null } });
    const viewer = rig.connect(created.sessionId);
    const start = await viewer.peer.call('session.start', { viewerId: 'v1', lastEventSeq: -1 });
    expect(start).toMatchObject({
      state: 'queued',
      transport: null,
      queue: { position: 1, estimateMs: null },
      avatar: { id: 'mira' },
    });
    await rig.registry.close(first.sessionId, 'ok');
    await settle();
    expect(viewer.of('session.state_changed').at(-1)).toEqual({ state: 'joining' });
    await viewer.watch('v1');
    expect(rig.registry.info(created.sessionId)).toMatchObject({ state: 'live', queue: null });
    expect(worker.opened).toHaveLength(2);
  });

  it('is served in order of arrival, and nobody new overtakes', async () => {
    const { session: first } = await rig.live();
    const [second, third] = [await waiting(), await waiting()];
    expect(third.viewer.of('session.queue_changed').at(-1)).toMatchObject({ position: 2 });
    await expect(rig.registry.create({})).rejects.toMatchObject({ code: 'no_capacity' });
    await rig.clock.advance(10_000);
    await rig.registry.close(first.sessionId, 'ok');
    await settle();
    expect(rig.state(second.sessionId)).toBe('joining');
    expect(rig.state(third.sessionId)).toBe('queued');
    // The first conversation lasted ten seconds: so will the second.
    expect(third.viewer.of('session.queue_changed').at(-1)).toEqual({ position: 1, estimateMs: 10_000 });
  });

  it('does not overtake a session that lost its slot', async () => {
    const { session: live } = await rig.live();
    const queued = await waiting();
    worker.die();
    await settle();
    await rig.worker('w2');
    await settle();
    expect(rig.state(live.sessionId)).toBe('live');
    expect(rig.state(queued.sessionId)).toBe('queued');
  });

  it('is refused at once when it asks for that', async () => {
    await rig.live();
    await expect(rig.registry.create({ queue: false })).rejects.toMatchObject({
      code: 'no_capacity',
      retryable: true,
    });
  });

  it('waits no longer than the server allows', async () => {
    const { viewer: first } = await rig.live();
    const { sessionId, viewer } = await waiting();
    await rig.clock.advance(60_000);
    await viewer.peer.call('session.keepAlive', {});
    await first.peer.call('session.keepAlive', {});
    await rig.clock.advance(60_000);
    expect(rig.state(sessionId)).toBe('closed: no_capacity');
    expect(viewer.of('session.stopped')).toEqual([{ reason: 'no_capacity' }]);
  });

  it('gives its place up when its viewer goes', async () => {
    await rig.live();
    const gone = await waiting();
    const next = await waiting();
    gone.viewer.socket.disconnect();
    await rig.clock.advance(15_000);
    expect(rig.state(gone.sessionId)).toBe('closed: network');
    expect(next.viewer.of('session.queue_changed').at(-1)).toMatchObject({ position: 1 });
  });

  it('gives its place up when nobody ever comes', async () => {
    await rig.live();
    const { sessionId } = await rig.registry.create({});
    await rig.clock.advance(60_000);
    expect(rig.state(sessionId)).toBe('closed: network');
    await expect(rig.registry.create({})).resolves.toMatchObject({ queue: { position: 1 } });
  });

  it('says what it was told while it waited', async () => {
    const { session: first } = await rig.live();
    const { sessionId, viewer } = await waiting();
    await viewer.peer.call('repeat', { utteranceId: 'u1', text: 'one two' });
    await rig.registry.close(first.sessionId, 'ok');
    await settle();
    await viewer.watch('v1');
    await settle();
    expect(rig.state(sessionId)).toBe('live');
    expect(worker.samples('u1')).toHaveLength(2000);
  });

  it('leaves the queue when the server stops', async () => {
    await rig.live();
    const { sessionId } = await waiting();
    await rig.registry.closeAll('server');
    expect(rig.state(sessionId)).toBe('closed: server');
    expect(rig.directory.waiting).toBe(0);
  });
});

describe('a worker that is short of time', () => {
  it('gets no new sessions, and keeps those that it has', async () => {
    const large = await rig.worker('w9', 3);
    await rig.registry.create({});
    large.capacity(1, 'half-rate');
    await settle();
    expect(rig.directory.count('mira').freeSlots).toBe(1);
    expect(await rig.registry.create({})).toMatchObject({ state: 'joining' });
    const waits = await rig.registry.create({});
    expect(waits.state).toBe('queued');
    large.capacity(3, 'full');
    await settle();
    expect(rig.state(waits.sessionId)).toBe('joining');
  });

  it('shows in the metrics', async () => {
    worker.capacity(0, 'hold-picture');
    await settle();
    const text = await rig.telemetry.registry.metrics();
    expect(text).toContain('vizavi_ladder_workers{rung="hold-picture"} 1');
    expect(text).toContain('vizavi_ladder_steps_total{to="hold-picture"} 1');
    expect(text).toContain('vizavi_slots_admitted 0');
  });
});
