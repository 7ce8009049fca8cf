import { describe, expect, it } from 'vitest';
import { settle } from '../../support/manual-clock.ts';
import { SessionRig } from '../../support/session-rig.ts';

describe('the session registry', () => {
  it('makes sessions of the avatar and voice that are asked for', async () => {
    const rig = new SessionRig();
    expect(rig.registry.ready).toBe(false);
    await expect(rig.registry.create({})).rejects.toMatchObject({ code: 'no_capacity', retryable: true });
    await rig.worker('w1', 2);
    expect(rig.registry.ready).toBe(true);
    await expect(rig.registry.create({ avatarId: 'nobody' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(rig.registry.create({ voice: 'nobody' })).rejects.toMatchObject({ code: 'not_found' });
    const session = await rig.registry.create({ avatarId: 'mira', voice: 'rms' });
    expect(session).toMatchObject({ avatarId: 'mira', voice: 'rms', state: 'joining', closeReason: null });
    expect(rig.registry.avatars()).toEqual([
      {
        avatarId: 'mira',
        name: 'Mira',
        width: 512,
        height: 512,
        fps: 25,
        slots: 2,
        freeSlots: 1,
        voices: ['slt', 'rms'],
      },
    ]);
    expect(await rig.store.getSession(session.sessionId)).toMatchObject({ nodeId: 'node', state: 'joining' });
  });

  it('lets a face speak with the voice that suits it, when nothing else is asked for', async () => {
    const rig = new SessionRig();
    await rig.worker('w1', 1, { id: 'theo', voice: 'rms' });
    await rig.worker('w2', 1, { id: 'zoe', voice: 'unknown here' });
    expect(rig.registry.avatars().map(({ voices }) => voices)).toEqual([
      ['rms', 'slt'],
      ['slt', 'rms'],
    ]);
    await expect(rig.registry.create({ avatarId: 'theo' })).resolves.toMatchObject({ voice: 'rms' });
    await expect(rig.registry.create({ avatarId: 'zoe' })).resolves.toMatchObject({ voice: 'slt' });
  });

  it('gives each slot to one of many that want it, and again when it is free', async () => {
    const rig = new SessionRig();
    await rig.worker('w1', 2);
    const made = await Promise.allSettled(
      Array.from({ length: 5 }, () => rig.registry.create({ queue: false })),
    );
    const sessions = made.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(sessions).toHaveLength(2);
    for (const one of made)
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'no_capacity' });
    await rig.registry.close(sessions[0]?.sessionId ?? '', 'ok');
    await expect(rig.registry.create({})).resolves.toMatchObject({ state: 'joining' });
  });

  it('leaves nothing of a session that cannot be made', async () => {
    const rig = new SessionRig();
    const worker = await rig.worker();
    rig.failMedia = true;
    await expect(rig.registry.create({})).rejects.toMatchObject({ code: 'internal' });
    rig.failMedia = false;
    worker.failOpen = true;
    await expect(rig.registry.create({})).rejects.toMatchObject({ code: 'encoder_failed' });
    expect(rig.media[0]?.closed).toBe(true);
    expect(await rig.store.listLeases('w1')).toEqual([]);
    expect(await rig.store.listSessions()).toEqual([]);
    worker.failOpen = false;
    await expect(rig.registry.create({})).resolves.toMatchObject({ state: 'joining' });
  });

  it('drains: ends what runs and what is being made, and makes nothing more', async () => {
    const rig = new SessionRig();
    await rig.worker('w1', 2);
    const { session, viewer } = await rig.live();
    const late = rig.registry.create({});
    await rig.registry.closeAll('server');
    expect(rig.state(session.sessionId)).toBe('closed: server');
    expect(rig.state((await late).sessionId)).toBe('closed: server');
    await settle();
    expect(viewer.of('session.stopped')).toEqual([{ reason: 'server' }]);
    await expect(rig.registry.create({})).rejects.toMatchObject({ code: 'unavailable' });
    expect(rig.registry.ready).toBe(false);
    expect(await rig.store.listLeases('w1')).toEqual([]);
  });

  it('knows only its own sessions', async () => {
    const rig = new SessionRig();
    await rig.worker();
    expect(() => rig.registry.info('none')).toThrow(expect.objectContaining({ code: 'not_found' }));
    await expect(rig.registry.speak('none', 'hello')).rejects.toMatchObject({ code: 'not_found' });
    await expect(rig.registry.interrupt('none')).rejects.toMatchObject({ code: 'not_found' });
    await expect(rig.registry.close('none', 'ok')).rejects.toMatchObject({ code: 'not_found' });
    await expect(rig.connect('none').watch('v1')).rejects.toMatchObject({ code: 'not_found' });
    const { session } = await rig.live();
    await rig.registry.close(session.sessionId, 'ok');
    await expect(rig.registry.speak(session.sessionId, 'hello')).rejects.toMatchObject({
      code: 'invalid_state',
    });
    await expect(rig.connect(session.sessionId).watch('v1')).rejects.toMatchObject({ code: 'not_found' });
  });
});
