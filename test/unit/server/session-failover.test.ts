import { bytesFromSamples } from '@vizavi/signaling';
import { beforeEach, describe, expect, it } from 'vitest';
import { settle } from '../../support/manual-clock.ts';
import type { ScriptedWorker } from '../../support/scripted-worker.ts';
import { SessionRig } from '../../support/session-rig.ts';
import type { RigViewer } from '../../support/session-rig.ts';

let rig: SessionRig;
let worker: ScriptedWorker;
beforeEach(async () => {
  rig = new SessionRig();
  worker = await rig.worker('w1');
});

const from = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

async function say(viewer: RigViewer, utteranceId: string, text: string): Promise<void> {
  await viewer.peer.call('repeat', { utteranceId, text });
  await settle();
}

const scopes = (viewer: RigViewer): string[] => viewer.of('session.media_changed').map(({ scope }) => scope);

describe('a GPU worker dies in mid-sentence', () => {
  it('and another goes on with the first sound that was not played', async () => {
    const spare = await rig.worker('w2');
    const { session, viewer } = await rig.live();
    await say(viewer, 'u1', 'one two three');
    await say(viewer, 'u2', 'four');
    worker.started('u1');
    worker.progress('u1', 1234);
    await settle();
    worker.die();
    await settle();
    expect(scopes(viewer)).toEqual(['recovering', 'producers']);
    expect(spare.opened).toMatchObject([{ ...rig.media[0]?.ingest }]);
    expect(rig.media[0]?.ways).toBe(2);
    expect(spare.audio).toEqual([]); // Nothing is said to viewers that have not found the new streams yet.
    expect(spare.watched).toEqual([]);
    await viewer.consume();
    expect(spare.watched).toEqual([true]);
    expect(spare.samples('u1')).toEqual(from(1235, 3000));
    expect(spare.samples('u2')).toEqual(from(1, 1000));
    expect(spare.complete).toEqual(['u1', 'u2']);
    spare.started('u1');
    spare.ended('u1', 1766);
    spare.ended('u2', 1000);
    await settle();
    expect(viewer.of('avatar.speak_started')).toHaveLength(1);
    expect(viewer.of('avatar.speak_ended')).toMatchObject([
      { utteranceId: 'u1', outcome: 'spoken', playedMs: 3000 },
      { utteranceId: 'u2', outcome: 'spoken', playedMs: 1000 },
    ]);
    const second = rig.connect(session.sessionId);
    await second.watch('v2');
    expect(second.of('avatar.speak_ended')).toHaveLength(2);
    expect(scopes(second)).toEqual([]); // It never knew the old streams.
  });

  it('twice, and what was played on both is counted', async () => {
    const { viewer } = await rig.live();
    await say(viewer, 'u1', 'one two three four');
    for (const playedMs of [1000, 500]) {
      worker.progress('u1', playedMs);
      await settle();
      worker.die();
      await settle();
      worker = await rig.worker('w1');
      await settle();
      await viewer.consume();
    }
    expect(worker.samples('u1')).toEqual(from(1501, 4000));
    worker.ended('u1', 2500);
    await settle();
    expect(viewer.of('avatar.speak_ended')).toMatchObject([{ playedMs: 4000 }]);
  });

  it('and a gesture that was made already is not made again', async () => {
    const { viewer } = await rig.live();
    await viewer.peer.call('repeat', { utteranceId: 'u1', text: 'one two', gesture: 'bow' });
    await viewer.peer.call('repeat', { utteranceId: 'u2', text: 'three', gesture: 'nod' });
    await settle();
    worker.progress('u1', 500);
    await settle();
    worker.die();
    const next = await rig.worker('w2');
    await settle();
    await viewer.consume();
    const gestures = next.audio.map(({ utteranceId, gesture }) => [utteranceId, gesture]);
    expect(gestures).toContainEqual(['u2', 'nod']);
    expect(gestures).not.toContainEqual(['u1', 'bow']);
  });

  it('and a stream of sound goes on with what came meanwhile', async () => {
    const { viewer } = await rig.live();
    const send = async (seq: number, first: number, last = false): Promise<void> => {
      const pcm = bytesFromSamples(Int16Array.from(from(first, first + 799)));
      await viewer.peer.call('repeatAudio', { utteranceId: 'a1', seq, sampleRate: 8000, pcm, last });
    };
    await send(0, 1);
    await send(1, 801);
    await settle();
    worker.progress('a1', 150);
    await settle();
    worker.die();
    await settle();
    await send(2, 1601);
    const next = await rig.worker('w2');
    await settle();
    await viewer.consume();
    expect(next.samples('a1')).toEqual(from(1201, 2400));
    await send(3, 2401, true);
    await settle();
    expect(next.samples('a1')).toEqual(from(1201, 3200));
    expect(next.complete).toEqual(['a1']);
  });

  it('and what was wholly played is not said again', async () => {
    const { viewer } = await rig.live();
    await say(viewer, 'u1', 'one');
    worker.progress('u1', 1000);
    await settle();
    worker.die();
    await settle();
    const next = await rig.worker('w2');
    await settle();
    await viewer.consume();
    expect(next.audio).toEqual([]);
    expect(viewer.of('avatar.speak_ended')).toMatchObject([{ outcome: 'spoken', playedMs: 1000 }]);
  });

  it('and can still be interrupted', async () => {
    const { viewer } = await rig.live();
    await say(viewer, 'u1', 'one two');
    worker.progress('u1', 700);
    await settle();
    worker.die();
    await settle();
    expect((await viewer.peer.call('interrupt', {})).interrupted).toEqual(['u1']);
    const next = await rig.worker('w2');
    await settle();
    await viewer.consume();
    expect(next.audio).toEqual([]);
    expect(viewer.of('avatar.speak_ended')).toMatchObject([{ outcome: 'interrupted', playedMs: 700 }]);
  });

  it('and for half a minute another is waited for, before a new session gets one', async () => {
    const { session, viewer } = await rig.live();
    worker.die();
    await settle();
    await rig.clock.advance(29_000);
    expect(rig.state(session.sessionId)).toBe('live');
    const next = await rig.worker('w1');
    await expect(rig.registry.create({ queue: false })).rejects.toMatchObject({ code: 'no_capacity' });
    await settle();
    expect(next.opened).toHaveLength(1);
    next.die();
    await settle();
    await rig.clock.advance(30_000);
    expect(rig.state(session.sessionId)).toBe('closed: server');
    expect(viewer.of('session.stopped')).toEqual([{ reason: 'server' }]);
  });

  it('and what it said before it died is not believed of the next one', async () => {
    const spare = await rig.worker('w2');
    const { viewer } = await rig.live();
    await say(viewer, 'u1', 'one two');
    const oldLease = worker.opened[0]?.leaseId ?? '';
    worker.die();
    await settle();
    await viewer.consume();
    spare.ended('u1', 5, oldLease);
    await settle();
    expect(viewer.of('avatar.speak_ended')).toEqual([]);
  });
});

describe('a slot fails', () => {
  it('and the session moves to another one', async () => {
    const spare = await rig.worker('w2');
    const { viewer } = await rig.live();
    worker.failed();
    await settle();
    expect(worker.closed).toEqual([worker.opened[0]?.leaseId]);
    expect(spare.opened).toHaveLength(1);
    expect(scopes(viewer)).toEqual(['recovering', 'producers']);
  });

  it('again and again, and the session is given up', async () => {
    const { session } = await rig.live();
    worker.failOpen = true;
    worker.failed();
    await settle();
    await rig.clock.advance(5000);
    expect(rig.state(session.sessionId)).toBe('closed: server');
    expect(await rig.store.listLeases('w1')).toEqual([]);
  });
});

describe('the mediasoup worker dies', () => {
  it('and the session gets new media, which its viewers start on', async () => {
    const { viewer } = await rig.live();
    await say(viewer, 'u1', 'one two');
    worker.progress('u1', 500);
    await settle();
    rig.media[0]?.die();
    await settle();
    expect(rig.media).toHaveLength(2);
    expect(worker.closed).toHaveLength(1);
    expect(worker.opened.at(-1)).toMatchObject({ ...rig.media[1]?.ingest });
    expect(scopes(viewer)).toEqual(['transport']);
    const given = worker.audio.length;
    expect(await viewer.watch('v1', 100)).toBe(false);
    const again = worker.audio.slice(given);
    expect(again.reduce((sum, { pcm }) => sum + pcm.byteLength / 2, 0)).toBe(1500);
    worker.ended('u1', 1500);
    await settle();
    expect(viewer.of('avatar.speak_ended')).toMatchObject([{ outcome: 'spoken', playedMs: 2000 }]);
  });

  it('together with the GPU worker', async () => {
    const { viewer } = await rig.live();
    worker.die();
    rig.media[0]?.die();
    await settle();
    const next = await rig.worker('w2');
    await settle();
    expect(next.opened).toMatchObject([{ ...rig.media[1]?.ingest }]);
    expect(scopes(viewer).at(-1)).toBe('transport');
    expect(await viewer.watch('v1', 100)).toBe(false);
    expect(next.watched).toEqual([true]);
  });

  it('and a viewer that starts meanwhile waits for what comes', async () => {
    const { session, viewer } = await rig.live();
    rig.failMedia = true;
    rig.media[0]?.die();
    const starting = viewer.watch('v1', 100);
    await settle();
    rig.failMedia = false;
    await rig.clock.advance(1000);
    await expect(starting).resolves.toBe(false);
    expect(rig.state(session.sessionId)).toBe('live');
  });
});

it('a session that ends while it waits for a slot leaves nothing', async () => {
  const { session, viewer } = await rig.live();
  worker.die();
  await settle();
  await viewer.peer.call('session.stop', {});
  expect(rig.state(session.sessionId)).toBe('closed: client');
  const next = await rig.worker('w1');
  await settle();
  expect(next.opened).toEqual([]);
  expect((await rig.registry.create({})).state).toBe('joining');
});
