import { beforeEach, describe, expect, it } from 'vitest';
import { settle } from '../../support/manual-clock.ts';
import type { ScriptedWorker } from '../../support/scripted-worker.ts';
import { SessionRig } from '../../support/session-rig.ts';

let rig: SessionRig;
let worker: ScriptedWorker;
beforeEach(async () => {
  rig = new SessionRig();
  worker = await rig.worker();
});

describe('viewers', () => {
  it('resume over a new connection and get what they missed, once', async () => {
    const { session, viewer } = await rig.live();
    await viewer.peer.call('repeat', { utteranceId: 'u1', text: 'one' });
    await settle();
    const lastEventSeq = viewer.events.at(-1)?.seq ?? -1;
    viewer.socket.disconnect();
    worker.ended('u1', 1000);
    await settle();
    await rig.clock.advance(14_000);
    const again = rig.connect(session.sessionId);
    expect(await again.watch('v1', lastEventSeq)).toBe(true);
    expect(again.events.map(({ seq }) => seq)).toEqual([lastEventSeq + 1, lastEventSeq + 2]);
    expect(again.of('avatar.speak_ended')).toMatchObject([{ utteranceId: 'u1', outcome: 'spoken' }]);
    await rig.clock.advance(30_000);
    expect(rig.state(session.sessionId)).toBe('live');
    expect(rig.media[0]?.viewers).toHaveLength(1);
  });

  it('get all events when they come anew', async () => {
    const { session } = await rig.live();
    const second = rig.connect(session.sessionId);
    await second.watch('v2');
    expect(second.of('session.state_changed')).toEqual([{ state: 'live' }]);
  });

  it('see the same session side by side, and no more of them than allowed', async () => {
    const { session, viewer } = await rig.live();
    const second = rig.connect(session.sessionId);
    await second.watch('v2');
    expect(rig.registry.info(session.sessionId).viewers).toBe(2);
    const third = rig.connect(session.sessionId);
    await expect(third.watch('v3')).rejects.toMatchObject({ code: 'too_many_viewers', retryable: true });
    await second.peer.call('repeat', { utteranceId: 'u1', text: 'one' });
    await settle();
    for (const { of } of [viewer, second].map((v) => ({ of: v.of('avatar.transcription.chunk') }))) {
      expect(of).toHaveLength(1);
    }
    // One that is away gives way.
    second.socket.disconnect();
    await third.watch('v3');
    expect(rig.registry.info(session.sessionId).viewers).toBe(2);
  });

  it('say how something is to be said, in text and in sound', async () => {
    const { viewer } = await rig.live();
    await viewer.peer.call('repeat', { utteranceId: 'u1', text: 'one', emotion: 'sad' });
    await viewer.peer.call('repeatAudio', {
      utteranceId: 'u2',
      seq: 0,
      sampleRate: 16_000,
      pcm: new Uint8Array(640),
      last: true,
      emotion: 'excited',
    });
    await viewer.peer.call('repeat', { utteranceId: 'u3', text: 'three' });
    await settle();
    const told = new Map(worker.audio.map(({ utteranceId, emotion }) => [utteranceId, emotion]));
    expect([...told]).toEqual([
      ['u1', 'sad'],
      ['u2', 'excited'],
      ['u3', 'neutral'],
    ]);
    const bad = { utteranceId: 'u4', text: 'four', emotion: 'furious' } as unknown as {
      utteranceId: string;
      text: string;
    };
    await expect(viewer.peer.call('repeat', bad)).rejects.toMatchObject({ code: 'invalid_message' });
  });

  it('belong to their latest connection', async () => {
    const { session, viewer } = await rig.live();
    const taker = rig.connect(session.sessionId);
    expect(await taker.watch('v1', 0)).toBe(true);
    await expect(viewer.peer.call('session.keepAlive', {})).rejects.toMatchObject({ code: 'invalid_state' });
    const before = viewer.events.length;
    await taker.peer.call('repeat', { utteranceId: 'u1', text: 'one' });
    await settle();
    expect(viewer.events).toHaveLength(before);
    expect(taker.of('avatar.transcription.chunk')).toHaveLength(1);
    viewer.socket.disconnect();
    await rig.clock.advance(20_000);
    expect(rig.registry.info(session.sessionId)).toMatchObject({ state: 'live', viewers: 1 });
  });

  it('get new media when the old one is dead', async () => {
    const { viewer } = await rig.live();
    rig.media[0]?.viewers[0]?.close();
    await settle();
    expect(worker.watched).toEqual([true, false]);
    expect(await viewer.watch('v1', 5)).toBe(false);
    expect(worker.watched).toEqual([true, false, true]);
  });

  it('may start twice at once and hold one transport', async () => {
    const { sessionId } = await rig.registry.create({});
    const viewer = rig.connect(sessionId);
    await Promise.all([viewer.watch('v1'), viewer.watch('v1')]);
    expect(rig.media[0]?.viewers.filter(({ closed }) => !closed)).toHaveLength(1);
  });

  it('lose their connection when they never read', async () => {
    const { viewer } = await rig.live();
    viewer.connection.backlog = 1001;
    await viewer.peer.call('repeat', { utteranceId: 'u1', text: 'one' }).catch(() => undefined);
    await settle();
    expect(viewer.socket.connected).toBe(false);
  });

  it('keep their frames while they are away, and end the session when all have been away too long', async () => {
    const { session, viewer } = await rig.live();
    const second = rig.connect(session.sessionId);
    await second.watch('v2');
    viewer.socket.disconnect();
    await rig.clock.advance(15_000);
    expect(worker.watched).toEqual([true]);
    second.socket.disconnect();
    await rig.clock.advance(14_999);
    expect(worker.watched).toEqual([true]);
    await rig.clock.advance(1);
    expect(rig.state(session.sessionId)).toBe('closed: network');
  });
});

describe('a session ends', () => {
  it('when nobody joins', async () => {
    const { sessionId } = await rig.registry.create({});
    const viewer = rig.connect(sessionId);
    await viewer.peer.call('session.start', { viewerId: 'v1', lastEventSeq: -1 });
    await rig.clock.advance(59_999);
    expect(rig.state(sessionId)).toBe('joining');
    await rig.clock.advance(1);
    expect(rig.state(sessionId)).toBe('closed: network');
    expect(viewer.of('session.stopped')).toEqual([{ reason: 'network' }]);
  });

  it('when nothing happens for too long, speech and signs of life aside', async () => {
    const { session, viewer } = await rig.live({ idleTimeoutSec: 20 });
    await rig.clock.advance(19_000);
    await viewer.peer.call('session.keepAlive', {});
    await rig.clock.advance(19_000);
    await viewer.peer.call('repeat', { utteranceId: 'u1', text: 'one' });
    await settle();
    await rig.clock.advance(100_000);
    expect(rig.state(session.sessionId)).toBe('live');
    worker.ended('u1', 1000);
    await settle();
    await viewer.peer.call('session.stats', {});
    await rig.clock.advance(20_000);
    expect(rig.state(session.sessionId)).toBe('closed: inactivity');
  });

  it('when its time is over, and never later than the server allows', async () => {
    const { session, viewer } = await rig.live({ maxDurationSec: 30 });
    const long = await rig.registry
      .create({ maxDurationSec: 86_400, queue: false })
      .catch((error: unknown) => error);
    expect(long).toMatchObject({ code: 'no_capacity' });
    expect(session.expiresAtMs - session.createdAtMs).toBe(30_000);
    await rig.clock.advance(20_000);
    await viewer.peer.call('session.keepAlive', {});
    await rig.clock.advance(10_000);
    expect(rig.state(session.sessionId)).toBe('closed: time_limit');
    const next = await rig.registry.create({ maxDurationSec: 86_400 });
    expect(next.expiresAtMs - next.createdAtMs).toBe(600_000);
  });
});
