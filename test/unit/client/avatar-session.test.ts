import { VizaviError } from '@vizavi/signaling';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { never, SessionRig, settle } from './session-rig.ts';

let rig: SessionRig;
beforeEach(() => {
  vi.useFakeTimers();
  rig = new SessionRig();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('start', () => {
  it('resolves when picture and sound are on their way, and says how long that took', async () => {
    const ready = vi.fn();
    rig.session.on('session.stream_ready', ready);
    const started = rig.session.start();
    expect(rig.session.avatar).toBeNull();
    rig.nowMs = 120;
    rig.connect();
    await started;
    expect(rig.mediaWork).toEqual(['open']);
    expect(ready).toHaveBeenCalledExactlyOnceWith({ joinMs: 120 });
    expect(rig.session.state).toBe('live');
    expect(rig.session.avatar).toEqual({ id: 'mira', name: 'Mira', fps: 25, width: 512, height: 512 });
  });

  it('is one start however often it is called', async () => {
    await rig.joined();
    await rig.session.start();
    expect(rig.dials).toBe(1);
    expect(rig.sent('session.start')).toHaveLength(1);
  });

  it.each([
    ['the token is refused', (): void => rig.refuse(new VizaviError('unauthorized', 'no'))],
    ['the server is full', (): void => rig.refuse(new VizaviError('no_capacity', 'full'))],
    ['nobody answers', (): void => void vi.advanceTimersByTime(60_000)],
    [
      'the browser cannot receive it',
      (): void => {
        rig.mediaFailure = new VizaviError('unsupported_device', 'no');
        rig.connect();
      },
    ],
  ])('rejects and closes when %s', async (_name, happen) => {
    const started = rig.session.start();
    started.catch(() => undefined);
    happen();
    await expect(started).rejects.toBeInstanceOf(VizaviError);
    expect(rig.session.state).toBe('closed');
    expect(rig.closed).toBe(true);
    await expect(rig.session.repeat('Hello')).rejects.toBeInstanceOf(VizaviError);
  });
});

describe('repeat', () => {
  beforeEach(() => rig.joined());

  it('resolves with the times when it was spoken', async () => {
    const spoken = rig.session.repeat('Hello');
    await settle();
    const [{ utteranceId }] = rig.sent('repeat') as [{ utteranceId: string }];
    rig.event('avatar.speak_started', { utteranceId, latencyMs: 42 });
    rig.ended(utteranceId, 'spoken');
    await expect(spoken).resolves.toEqual({ utteranceId, latencyMs: 42, playedMs: 900, outcome: 'spoken' });
  });

  it('resolves as interrupted, also before its first sound', async () => {
    const spoken = rig.session.repeat('Hello');
    await settle();
    rig.ended(rig.sent('repeat')[0]?.['utteranceId'] as string, 'interrupted');
    await expect(spoken).resolves.toMatchObject({ outcome: 'interrupted', latencyMs: null });
  });

  it('rejects with the reason when it failed', async () => {
    const spoken = rig.session.repeat('Hello');
    spoken.catch(() => undefined);
    await settle();
    const utteranceId = rig.sent('repeat')[0]?.['utteranceId'] as string;
    const error = { code: 'voice_failed', message: 'the voice failed', retryable: true };
    rig.event('avatar.speak_ended', { utteranceId, outcome: 'failed', playedMs: 0, error });
    await expect(spoken).rejects.toMatchObject(error);
  });

  it('rejects when the server refuses it', async () => {
    rig.answer('repeat', () => {
      throw new VizaviError('invalid_text', 'there is nothing to say');
    });
    await expect(rig.session.repeat(' ')).rejects.toMatchObject({ code: 'invalid_text' });
  });

  it('does not send what would break the connection', async () => {
    await expect(rig.session.repeat('a'.repeat(2_000_000))).rejects.toMatchObject({ code: 'text_too_long' });
    expect(rig.sent('repeat')).toEqual([]);
  });
});

describe('a lost connection', () => {
  beforeEach(() => rig.joined());

  it('is told, and made again with the same viewer and the last event', async () => {
    const changed = vi.fn();
    rig.session.on('session.connection_changed', changed);
    rig.event('session.state_changed', { state: 'live' }, 6);
    rig.disconnect();
    rig.connect();
    await settle();
    expect(changed.mock.calls).toEqual([[{ connected: false }], [{ connected: true }]]);
    const [first, second] = rig.sent('session.start');
    expect(second).toEqual({ viewerId: first?.['viewerId'], lastEventSeq: 6 });
    expect(rig.mediaWork).toEqual(['open', 'recover']);
  });

  it('repeats the commands that were under way, in order and under their names, after it has joined again', async () => {
    rig.answer('repeat', () => never);
    const first = rig.session.repeat('one');
    void rig.session.repeat('two');
    await settle();
    const before = rig.sent('repeat');
    rig.disconnect();
    rig.answer('repeat', () => ({}));
    rig.connect();
    await settle();
    expect(rig.calls.slice(3).map(({ type }) => type)).toEqual(['session.start', 'repeat', 'repeat']);
    expect(rig.sent('repeat').slice(2)).toEqual(before);
    rig.ended(before[0]?.['utteranceId'] as string, 'spoken');
    await expect(first).resolves.toMatchObject({ outcome: 'spoken' });
  });

  it('delivers each event once and in order when the server sends them again', () => {
    const heard: string[] = [];
    rig.session.on('avatar.transcription', ({ text }) => heard.push(text));
    for (const seq of [0, 1, 2, 1, 2, 3, 3]) {
      rig.event('avatar.transcription', { utteranceId: 'u', text: `${seq}` }, seq);
    }
    expect(heard).toEqual(['0', '1', '2', '3']);
  });

  it('sets the media up anew when the server has forgotten it', async () => {
    rig.disconnect();
    rig.mediaStands = false;
    rig.connect();
    await settle();
    expect(rig.mediaWork).toEqual(['open', 'open']);
  });

  it('ends the session when the server no longer knows it', async () => {
    const stopped = vi.fn();
    rig.session.on('session.stopped', stopped);
    const spoken = rig.session.repeat('Hello');
    spoken.catch(() => undefined);
    await settle();
    rig.disconnect();
    rig.answer('session.start', () => {
      throw new VizaviError('invalid_state', 'the session is over');
    });
    rig.connect();
    await settle();
    expect(stopped).toHaveBeenCalledExactlyOnceWith({ reason: 'network' });
    await expect(spoken).rejects.toMatchObject({ code: 'invalid_state' });
  });

  it('tries again when the server has no room for it yet', async () => {
    const start = vi.fn(() => {
      throw new VizaviError('too_many_viewers', 'full');
    });
    rig.answer('session.start', start);
    rig.disconnect();
    rig.connect();
    await vi.advanceTimersByTimeAsync(3500);
    expect(start).toHaveBeenCalledTimes(4);
    expect(rig.session.state).toBe('live');
  });
});

describe('media', () => {
  beforeEach(() => rig.joined());

  it('consumes again when the producers are new', () => {
    rig.event('session.media_changed', { scope: 'producers' });
    expect(rig.mediaWork).toEqual(['open', 'consumeAgain']);
  });

  it('starts again when the transport is gone', async () => {
    rig.mediaStands = false;
    rig.event('session.media_changed', { scope: 'transport' });
    await settle();
    expect(rig.sent('session.start')).toHaveLength(2);
    expect(rig.mediaWork).toEqual(['open', 'open']);
  });

  it('joins as a new viewer on a new connection when ICE could not be mended', async () => {
    rig.loseMedia();
    rig.connect();
    await settle();
    const [first, second] = rig.sent('session.start');
    expect(second?.['viewerId']).not.toBe(first?.['viewerId']);
    expect(rig.mediaWork).toEqual(['open', 'open']);
  });

  it('tries again after a failure', async () => {
    rig.mediaFailure = new VizaviError('unavailable', 'the media is gone');
    rig.event('session.media_changed', { scope: 'producers' });
    await settle();
    rig.mediaFailure = null;
    await vi.advanceTimersByTimeAsync(1500);
    expect(rig.mediaWork).toEqual(['open', 'consumeAgain', 'recover']);
    expect(rig.session.state).toBe('live');
  });
});

describe('the end', () => {
  it('comes from the server: everything closes, what was to be said counts as interrupted', async () => {
    await rig.joined();
    const events: unknown[] = [];
    rig.session.on('session.state_changed', (body) => events.push(body));
    rig.session.on('session.stopped', (body) => events.push(body));
    const spoken = rig.session.repeat('Hello');
    await settle();
    rig.event('session.stopped', { reason: 'inactivity' });
    await expect(spoken).resolves.toMatchObject({ outcome: 'interrupted' });
    expect(events).toEqual([{ state: 'closed' }, { reason: 'inactivity' }]);
    expect(rig.closed).toBe(true);
    expect(rig.mediaWork).toEqual(['open', 'close']);
    await expect(rig.session.interrupt()).rejects.toMatchObject({ code: 'invalid_state' });
  });

  it('comes from stop: the server is told, and the reason is ours, once', async () => {
    await rig.joined();
    const stopped = vi.fn();
    rig.session.on('session.stopped', stopped);
    await rig.session.stop();
    await rig.session.stop();
    expect(rig.sent('session.stop')).toHaveLength(1);
    expect(stopped).toHaveBeenCalledExactlyOnceWith({ reason: 'client' });
  });

  it('reaches the server also when stop comes before the connection', async () => {
    const started = rig.session.start();
    started.catch(() => undefined);
    const stopping = rig.session.stop();
    rig.connect();
    await stopping;
    expect(rig.sent('session.stop')).toHaveLength(1);
  });

  it('does not wait for ever for a server that is gone', async () => {
    await rig.joined();
    rig.disconnect();
    const stopping = rig.session.stop();
    await vi.advanceTimersByTimeAsync(10_000);
    await stopping;
    expect(rig.session.state).toBe('closed');
  });
});

it('answers stats with the server’s figures and its own', async () => {
  await rig.joined();
  rig.answer('session.stats', () => {
    rig.nowMs += 7;
    return { stages: null, voiceMs: { median: 20, p95: 30 } };
  });
  await expect(rig.session.stats()).resolves.toMatchObject({
    joinMs: 0,
    roundTripMs: 7,
    voiceMs: { median: 20, p95: 30 },
    avOffsetMs: null,
  });
});
