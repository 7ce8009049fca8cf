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
  worker = await rig.worker();
});

const words = (count: number): string =>
  Array.from({ length: count }, (_, index) => `word${index}`).join(' ');
const code = (name: string): object => ({ code: name });

async function say(viewer: RigViewer, utteranceId: string, text: string): Promise<void> {
  await viewer.peer.call('repeat', { utteranceId, text });
  await settle();
}

async function play(utteranceId: string, playedMs: number): Promise<void> {
  worker.ended(utteranceId, playedMs);
  await settle();
}

describe('a session', () => {
  it('opens a slot for its media and is live when the first viewer has its streams', async () => {
    const session = await rig.registry.create({});
    expect(worker.opened).toMatchObject([{ bundleId: 'mira', codec: 'h264', ...rig.media[0]?.ingest }]);
    const viewer = rig.connect(session.sessionId);
    const start = await viewer.peer.call('session.start', { viewerId: 'v1', lastEventSeq: -1 });
    expect(start).toMatchObject({ sessionId: session.sessionId, state: 'joining', resumed: false });
    expect(start.avatar).toEqual({ id: 'mira', name: 'Mira', fps: 25, width: 512, height: 512 });
    expect(worker.watched).toEqual([]);
    await viewer.consume();
    expect(rig.state(session.sessionId)).toBe('live');
    expect(worker.watched).toEqual([true]);
    expect(viewer.of('session.state_changed')).toEqual([{ state: 'live' }]);
    expect(rig.registry.info(session.sessionId)).toMatchObject({ viewers: 1, speaking: false, voice: 'slt' });
  });

  it('takes nothing before session.start and no second viewer on one connection', async () => {
    const { sessionId } = await rig.registry.create({});
    const viewer = rig.connect(sessionId);
    await expect(say(viewer, 'u1', 'hello')).rejects.toMatchObject(code('invalid_state'));
    await expect(viewer.peer.call('media.resume', {})).rejects.toMatchObject(code('invalid_state'));
    await viewer.watch('v1');
    await expect(viewer.watch('v2')).rejects.toMatchObject(code('invalid_state'));
    await expect(viewer.watch('v1')).resolves.toBe(true);
  });

  it('stops when told to, gives everything back and says why', async () => {
    const { session, viewer } = await rig.live();
    await say(viewer, 'u1', 'hello');
    await viewer.peer.call('session.stop', {});
    await settle();
    expect(viewer.of('session.stopped')).toEqual([{ reason: 'client' }]);
    expect(viewer.of('session.state_changed')).toEqual([
      { state: 'live' },
      { state: 'closing' },
      { state: 'closed' },
    ]);
    expect(viewer.of('avatar.speak_ended')).toMatchObject([{ utteranceId: 'u1', outcome: 'interrupted' }]);
    expect(rig.state(session.sessionId)).toBe('closed: client');
    expect(rig.media[0]?.closed).toBe(true);
    expect(worker.closed).toEqual([worker.opened[0]?.leaseId]);
    expect(await rig.store.listLeases('w1')).toEqual([]);
    await expect(say(viewer, 'u2', 'hello')).rejects.toMatchObject(code('invalid_state'));
    await rig.clock.advance(5000);
    expect(viewer.socket.connected).toBe(false);
    await rig.registry.close(session.sessionId, 'server');
    expect(rig.state(session.sessionId)).toBe('closed: client');
    await rig.clock.advance(60_000);
    expect(() => rig.registry.info(session.sessionId)).toThrow('no such session');
    expect(await rig.store.listSessions()).toEqual([]);
  });

  it('follows what the network of the viewers takes', async () => {
    await rig.live();
    rig.media[0]?.events.onBitrate(300_000);
    await settle();
    expect(worker.bitrates).toEqual([300_000]);
  });
});

describe('what a session says', () => {
  it('says texts in order, each with its events', async () => {
    const { viewer } = await rig.live();
    await say(viewer, 'u1', 'one two');
    await say(viewer, 'u2', 'three');
    expect(worker.order).toEqual(['u1', 'u2']);
    expect(worker.complete).toEqual(['u1', 'u2']);
    expect(worker.samples('u1')).toEqual(Array.from({ length: 2000 }, (_, index) => index + 1));
    await rig.clock.advance(40);
    worker.started('u1');
    await play('u1', 2000);
    await play('u2', 1000);
    expect(viewer.of('avatar.transcription.chunk')).toMatchObject([
      { utteranceId: 'u1', text: 'one', textStart: 0, textEnd: 3, startMs: 0, durationMs: 1000 },
      { utteranceId: 'u1', text: 'two', startMs: 1000 },
      { utteranceId: 'u2', text: 'three', startMs: 0 },
    ]);
    expect(viewer.of('avatar.speak_started')).toEqual([{ utteranceId: 'u1', latencyMs: 40 }]);
    expect(viewer.of('avatar.speak_ended')).toEqual([
      { utteranceId: 'u1', outcome: 'spoken', playedMs: 2000, error: null },
      { utteranceId: 'u2', outcome: 'spoken', playedMs: 1000, error: null },
    ]);
    expect(viewer.of('avatar.transcription')).toMatchObject([{ text: 'one two' }, { text: 'three' }]);
    expect(viewer.events.map(({ seq }) => seq)).toEqual(viewer.events.map((_, index) => index));
  });

  it('sends the first sound in a small piece, and none larger', async () => {
    const { viewer } = await rig.live();
    await say(viewer, 'u1', words(3));
    expect(Math.max(...worker.audio.map(({ pcm }) => pcm.byteLength))).toBe(200);
  });

  it('never has more than ten seconds ahead of what was played', async () => {
    const { viewer } = await rig.live();
    await say(viewer, 'u1', words(8));
    await say(viewer, 'u2', words(30));
    const given = (): number => worker.samples('u1').length + worker.samples('u2').length;
    expect(given()).toBe(10_000);
    expect(rig.voice.spoken).toBeLessThan(12);
    worker.progress('u1', 4500);
    await settle();
    expect(given()).toBe(14_500);
    await play('u1', 8000);
    expect(given()).toBe(18_000);
    for (let playedMs = 1000; playedMs <= 30_000; playedMs += 1000) {
      worker.progress('u2', playedMs);
      await settle();
      expect(given() - 8000 - playedMs).toBeLessThanOrEqual(10_000);
    }
    expect(worker.samples('u2')).toEqual(Array.from({ length: 30_000 }, (_, index) => index + 1));
    expect(worker.complete).toEqual(['u1', 'u2']);
  });

  it('waits for somebody to watch', async () => {
    const session = await rig.registry.create({});
    await rig.registry.speak(session.sessionId, 'hello');
    await settle();
    expect(worker.audio).toEqual([]);
    await rig.connect(session.sessionId).watch('v1');
    expect(worker.complete).toHaveLength(1);
  });

  it('says the same utterance once', async () => {
    const { viewer } = await rig.live();
    await say(viewer, 'u1', 'one');
    await say(viewer, 'u1', 'one');
    await play('u1', 1000);
    await say(viewer, 'u1', 'one');
    expect(worker.complete).toEqual(['u1']);
  });

  it('refuses texts that are too long or empty, and too many of them', async () => {
    const { viewer } = await rig.live();
    await expect(say(viewer, 'u1', 'a'.repeat(100_000))).rejects.toMatchObject(code('text_too_long'));
    await expect(say(viewer, 'u1', ' \n ')).rejects.toMatchObject(code('invalid_text'));
    for (let index = 0; index < 50; index++)
      await viewer.peer.call('repeat', { utteranceId: `q${index}`, text: 'a' });
    await expect(say(viewer, 'more', 'a')).rejects.toMatchObject(code('too_many_requests'));
  });

  it('ends a text with nothing to say at once, in its turn, and tells what was left out', async () => {
    const { viewer } = await rig.live();
    await say(viewer, 'u1', 'one');
    await say(viewer, 'u2', '🙂');
    expect(viewer.of('avatar.text_skipped')).toEqual([
      { utteranceId: 'u2', text: '🙂', textStart: 0, textEnd: 2 },
    ]);
    expect(viewer.of('avatar.speak_ended')).toEqual([]);
    await play('u1', 1000);
    expect(viewer.of('avatar.speak_ended')).toMatchObject([
      { utteranceId: 'u1' },
      { utteranceId: 'u2', outcome: 'spoken', playedMs: 0 },
    ]);
  });

  it('goes on with the next text when the voice fails in one', async () => {
    const { viewer } = await rig.live();
    await say(viewer, 'u1', 'BROKEN');
    await say(viewer, 'u2', 'fine BROKEN');
    await say(viewer, 'u3', 'fine');
    await play('u2', 1000);
    await play('u3', 1000);
    expect(viewer.of('avatar.speak_ended')).toMatchObject([
      { utteranceId: 'u1', outcome: 'failed', playedMs: 0, error: { code: 'voice_failed' } },
      { utteranceId: 'u2', outcome: 'failed', playedMs: 1000, error: { code: 'voice_failed' } },
      { utteranceId: 'u3', outcome: 'spoken', error: null },
    ]);
  });
});

describe('a gesture', () => {
  it('is made at once, also while something is said', async () => {
    const { viewer } = await rig.live();
    await viewer.peer.call('gesture', { gesture: 'nod' });
    await say(viewer, 'u1', words(20));
    await viewer.peer.call('gesture', { gesture: 'tilt' });
    expect(worker.gestures).toEqual(['nod', 'tilt']);
    await expect(viewer.peer.call('gesture', { gesture: 'wave' as 'nod' })).rejects.toMatchObject(
      code('invalid_message'),
    );
  });
});

describe('interrupt', () => {
  it('silences what is spoken and what waits, and tells how much was heard', async () => {
    const { viewer } = await rig.live();
    await say(viewer, 'u1', words(20));
    await say(viewer, 'u2', 'never heard');
    worker.playing = { utteranceId: 'u1', playedMs: 1234 };
    const answer = await viewer.peer.call('interrupt', {});
    expect(answer.interrupted).toEqual(['u1', 'u2']);
    expect(worker.interrupts).toEqual([1]);
    await settle();
    expect(viewer.of('avatar.speak_ended')).toMatchObject([
      { utteranceId: 'u1', outcome: 'interrupted', playedMs: 1234 },
      { utteranceId: 'u2', outcome: 'interrupted', playedMs: 0 },
    ]);
    expect(viewer.of('avatar.transcription')).toEqual([]);
    await say(viewer, 'u3', 'again');
    expect(
      worker.audio.filter(({ utteranceId }) => utteranceId === 'u3').every((a) => a.generation === 1),
    ).toBe(true);
    await play('u3', 1000);
    expect(viewer.of('avatar.speak_ended').at(-1)).toMatchObject({ utteranceId: 'u3', outcome: 'spoken' });
  });

  it('does nothing when nothing is said', async () => {
    const { viewer, session } = await rig.live();
    expect(await viewer.peer.call('interrupt', {})).toEqual({ interrupted: [], tookMs: 0 });
    expect(await rig.registry.interrupt(session.sessionId)).toEqual({ interrupted: [], tookMs: 0 });
    expect(worker.interrupts).toEqual([]);
  });
});

describe('repeatAudio', () => {
  const piece = (
    utteranceId: string,
    seq: number,
    samples: number,
    last = false,
  ): Parameters<typeof send>[1] => ({
    utteranceId,
    seq,
    sampleRate: 16_000,
    pcm: bytesFromSamples(Int16Array.from({ length: samples }, (_, index) => index)),
    last,
  });
  async function send(
    viewer: RigViewer,
    body: { utteranceId: string; seq: number; sampleRate: number; pcm: Uint8Array; last: boolean },
  ): Promise<void> {
    await viewer.peer.call('repeatAudio', body);
    await settle();
  }

  it('hands each piece on at once and says the sound in its turn', async () => {
    const { viewer } = await rig.live();
    await send(viewer, piece('a1', 0, 320));
    expect(worker.samples('a1')).toHaveLength(320);
    await say(viewer, 'u1', 'behind');
    await send(viewer, piece('a1', 1, 320));
    expect(worker.order).toEqual(['a1']);
    await send(viewer, piece('a1', 2, 320, true));
    expect(worker.order).toEqual(['a1', 'u1']);
    expect(worker.samples('a1')).toHaveLength(960);
    await play('a1', 60);
    expect(viewer.of('avatar.speak_ended')).toMatchObject([
      { utteranceId: 'a1', outcome: 'spoken', playedMs: 60 },
    ]);
    expect(viewer.of('avatar.transcription')).toEqual([]);
  });

  it('refuses sound that cannot be played, and leaves the rest alone', async () => {
    const { viewer } = await rig.live();
    const good = piece('a1', 0, 320);
    await expect(send(viewer, { ...good, sampleRate: 12_345 })).rejects.toMatchObject(code('invalid_audio'));
    await expect(send(viewer, { ...good, sampleRate: NaN })).rejects.toMatchObject(code('invalid_message'));
    await expect(send(viewer, { ...good, pcm: new Uint8Array(3) })).rejects.toMatchObject(
      code('invalid_audio'),
    );
    await expect(send(viewer, { ...good, pcm: new Uint8Array(200_000) })).rejects.toMatchObject(
      code('message_too_large'),
    );
    await send(viewer, good);
    await expect(send(viewer, { ...piece('a1', 1, 320), sampleRate: 8000 })).rejects.toMatchObject(
      code('invalid_audio'),
    );
    await expect(send(viewer, piece('a2', 0, 320))).rejects.toMatchObject(code('invalid_state'));
    await send(viewer, piece('a1', 1, 320, true));
    expect(worker.complete).toEqual(['a1']);
  });

  it('fails the utterance when a piece is missing, and only then', async () => {
    const { viewer } = await rig.live();
    await expect(send(viewer, piece('a0', 1, 320))).rejects.toMatchObject(code('invalid_audio'));
    await send(viewer, piece('a1', 0, 320));
    await send(viewer, piece('a1', 0, 320));
    await expect(send(viewer, piece('a1', 2, 320))).rejects.toMatchObject(code('invalid_audio'));
    await play('a1', 20);
    expect(viewer.of('avatar.speak_ended')).toMatchObject([
      { utteranceId: 'a1', outcome: 'failed', error: { code: 'invalid_audio' } },
    ]);
    await expect(send(viewer, piece('a1', 1, 320))).rejects.toMatchObject(code('invalid_state'));
  });

  it('closes a stream whose pieces stop coming', async () => {
    const { viewer } = await rig.live();
    await send(viewer, piece('a1', 0, 320));
    await rig.clock.advance(4000);
    await send(viewer, piece('a1', 1, 320));
    await rig.clock.advance(4000);
    expect(worker.complete).toEqual([]);
    await rig.clock.advance(1000);
    expect(worker.complete).toEqual(['a1']);
  });

  it('takes at most thirty seconds that wait', async () => {
    const { viewer } = await rig.live();
    for (let seq = 0; seq < 10; seq++) await send(viewer, piece('a1', seq, 48_000));
    await expect(send(viewer, piece('a1', 10, 48_000))).rejects.toMatchObject(code('too_many_requests'));
    expect(worker.samples('a1')).toHaveLength(160_000);
    worker.progress('a1', 5000);
    await settle();
    await send(viewer, piece('a1', 10, 48_000));
  });

  it('tells a stream that goes on after an interrupt', async () => {
    const { viewer } = await rig.live();
    await send(viewer, piece('a1', 0, 320));
    await viewer.peer.call('interrupt', {});
    await expect(send(viewer, piece('a1', 1, 320))).rejects.toMatchObject(code('interrupted'));
    await send(viewer, piece('a2', 0, 320, true));
    expect(worker.complete).toEqual(['a2']);
  });
});
