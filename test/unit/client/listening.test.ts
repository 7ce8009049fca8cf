import { VizaviError } from '@vizavi/signaling';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deferred } from '../../../client/src/deferred.ts';
import { FakeRecognition } from './fake-recognition.ts';
import { SessionRig, settle } from './session-rig.ts';

let rig: SessionRig;
beforeEach(async () => {
  vi.useFakeTimers();
  rig = await new SessionRig().joined();
});
afterEach(() => {
  vi.useRealTimers();
});

const asked = (): string[] =>
  rig.calls.map(({ type }) => type).filter((type) => /^(microphone|listening|pushToTalk)/.test(type));
const modes = (): unknown[] => rig.sent('listening.set').map(({ mode }) => mode);
/** A rig whose browser turns speech to text. */
async function withBrowserEars(hasRecognition = true): Promise<SessionRig> {
  rig = new SessionRig(hasRecognition);
  rig.ears = 'browser';
  return rig.joined();
}

describe('listening', () => {
  it('opens the microphone without echo, sends it, then tells the server to listen', async () => {
    const changed = vi.fn();
    rig.session.on('microphone.changed', changed);
    await rig.session.startListening();
    expect(rig.microphones.asked).toMatchObject([
      { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    ]);
    expect(asked()).toEqual(['microphone.open', 'microphone.connect', 'microphone.produce', 'listening.set']);
    expect(rig.sent('listening.set')).toEqual([{ mode: 'open', route: 'answer' }]);
    const [transport] = rig.sendTransports;
    expect(transport?.track).toBe(rig.microphones.live[0]);
    expect(transport?.codecOptions).toMatchObject({ opusFec: true, opusDtx: false, opusStereo: false });
    expect(changed).toHaveBeenCalledExactlyOnceWith({ isOpen: true, isMuted: false });
    await rig.session.startListening();
    expect(rig.microphones.asked).toHaveLength(1);
  });

  it('ends with the microphone off', async () => {
    await rig.session.startListening();
    await rig.session.stopListening();
    expect(modes()).toEqual(['open', 'off']);
    expect(rig.microphones.live).toEqual([]);
    expect(rig.sendTransports[0]?.closed).toBe(true);
    expect(rig.session.listening).toBe('off');
    await rig.session.startListening();
    expect(rig.microphones.live).toHaveLength(1);
    rig.event('session.stopped', { reason: 'ok' });
    expect(rig.microphones.live).toEqual([]);
    await expect(rig.session.startListening()).rejects.toMatchObject({ code: 'invalid_state' });
  });

  it.each([
    ['NotAllowedError', 'forbidden'],
    ['SecurityError', 'forbidden'],
    ['NotFoundError', 'unsupported_device'],
    ['NotReadableError', 'unsupported_device'],
  ])('tells the page when the browser answers %s', async (name, code) => {
    rig.microphones.refusal = name;
    await expect(rig.session.startListening()).rejects.toMatchObject({ code });
    expect(asked()).toEqual([]);
    expect(rig.session.listening).toBe('off');
    rig.microphones.refusal = null;
    await rig.session.startListening();
    expect(modes()).toEqual(['open']);
  });

  it('lets go of the microphone when the server refuses it', async () => {
    rig.answer('microphone.open', () => {
      throw new VizaviError('forbidden', 'an audience only watches');
    });
    await expect(rig.session.startListening()).rejects.toMatchObject({ code: 'forbidden' });
    expect(rig.microphones.live).toEqual([]);
  });

  it('does not open the microphone for somebody who has changed their mind meanwhile', async () => {
    const prompt = new Deferred<undefined>();
    rig.microphones.answered = prompt.promise;
    const started = rig.session.startListening();
    started.catch(() => undefined);
    await settle();
    const stopped = rig.session.stopListening();
    prompt.resolve(undefined);
    await expect(started).rejects.toMatchObject({ code: 'interrupted' });
    await stopped;
    expect(rig.microphones.live).toEqual([]);
  });
});

describe('the microphone', () => {
  beforeEach(() => rig.session.startListening());

  it('is muted and unmuted here', () => {
    rig.session.muteMicrophone();
    expect(rig.session.isMicrophoneMuted).toBe(true);
    expect(rig.microphones.live[0]?.enabled).toBe(false);
    rig.session.unmuteMicrophone();
    expect(rig.microphones.live[0]?.enabled).toBe(true);
  });

  it('can be another one, which stays muted', async () => {
    rig.microphones.devices.push('headset');
    rig.session.muteMicrophone();
    await rig.session.setInputDevice('headset');
    expect(rig.microphones.live).toMatchObject([{ deviceId: 'headset', enabled: false }]);
    expect(rig.sendTransports[0]?.track).toBe(rig.microphones.live[0]);
    await expect(rig.session.setInputDevice('gone')).rejects.toMatchObject({ code: 'unsupported_device' });
    expect(rig.microphones.live).toMatchObject([{ deviceId: 'headset' }]);
  });

  it('gives way to another one when it is pulled out', async () => {
    rig.microphones.devices = ['headset'];
    rig.microphones.tracks[0]?.unplug();
    await settle();
    expect(rig.sendTransports[0]?.track).toBe(rig.microphones.live[0]);
    expect(rig.microphones.live).toMatchObject([{ deviceId: 'headset' }]);
    expect(rig.session.listening).toBe('open');
  });

  it('is told as lost when there is no other', async () => {
    const failed = vi.fn();
    rig.session.on('microphone.failed', failed);
    rig.microphones.devices = [];
    rig.microphones.tracks[0]?.unplug();
    await settle();
    expect(failed).toHaveBeenCalledOnce();
    expect(failed.mock.calls[0]?.[0]).toMatchObject({ error: { code: 'unsupported_device' } });
    expect(rig.session.listening).toBe('off');
    expect(modes()).toEqual(['open', 'off']);
  });

  it('is sent on a new way after a lost connection, unless the old one stands', async () => {
    rig.disconnect();
    rig.connect();
    await settle();
    expect(rig.sendTransports).toHaveLength(1);
    expect(modes()).toEqual(['open', 'open']);
    rig.mediaStands = false;
    rig.disconnect();
    rig.connect();
    await settle();
    expect(rig.sendTransports.map(({ closed }) => closed)).toEqual([true, false]);
    expect(rig.sendTransports[1]?.track).toBe(rig.microphones.live[0]);
    expect(rig.microphones.asked).toHaveLength(1);
  });

  it('is sent on a new way when the network gave way', async () => {
    rig.sendTransports[0]?.fail();
    await settle();
    expect(rig.sendTransports.map(({ closed }) => closed)).toEqual([true, false]);
  });
});

it('goes on when the connection was lost while the microphone was being opened', async () => {
  rig.answer('microphone.produce', () => new Promise(() => undefined));
  const started = rig.session.startListening();
  await settle();
  rig.disconnect();
  rig.answer('microphone.produce', () => ({ producerId: 'p' }));
  rig.connect();
  await started;
  expect(rig.sendTransports.at(-1)?.track).toBe(rig.microphones.live[0]);
  expect(modes().at(-1)).toBe('open');
});

describe('push-to-talk', () => {
  it('is heard only while the button is held', async () => {
    await rig.session.startPushToTalk();
    expect(modes()).toEqual(['push']);
    expect(asked().at(-1)).toBe('pushToTalk.start');
    expect(rig.microphones.live[0]?.enabled).toBe(true);
    await rig.session.stopPushToTalk();
    expect(asked().at(-1)).toBe('pushToTalk.stop');
    expect(rig.microphones.live[0]?.enabled).toBe(false);
    await rig.session.startPushToTalk();
    expect(rig.microphones.asked).toHaveLength(1);
    expect(asked().slice(-2)).toEqual(['pushToTalk.stop', 'pushToTalk.start']);
  });

  it('hears nothing when the button was let go before the person had allowed the microphone', async () => {
    const prompt = new Deferred<undefined>();
    rig.microphones.answered = prompt.promise;
    const pushed = rig.session.startPushToTalk();
    await settle();
    const letGo = rig.session.stopPushToTalk();
    prompt.resolve(undefined);
    await Promise.all([pushed, letGo]);
    expect(asked()).not.toContain('pushToTalk.start');
    expect(rig.microphones.live[0]?.enabled).toBe(false);
  });

  it('tells the last words before it tells that the button was let go', async () => {
    await withBrowserEars();
    await rig.session.startPushToTalk();
    const [recognition] = FakeRecognition.running;
    recognition!.lastWords = 'good morning';
    await rig.session.stopPushToTalk();
    const types = rig.calls.map(({ type }) => type);
    expect(rig.sent('user.heard')).toEqual([{ text: 'good morning', final: true }]);
    expect(types.indexOf('user.heard')).toBeLessThan(types.indexOf('pushToTalk.stop'));
    expect(FakeRecognition.running).toEqual([]);
  });
});

describe('the browser’s own speech recognition', () => {
  beforeEach(() => withBrowserEars());

  it('tells the server what it hears, while it listens', async () => {
    expect(FakeRecognition.made).toEqual([]);
    await rig.session.startListening();
    const [recognition] = FakeRecognition.running;
    expect(recognition).toMatchObject({ continuous: true, interimResults: true, lang: 'en' });
    recognition?.hear('how are', false);
    recognition?.hear('how are you', true);
    await settle();
    expect(rig.sent('user.heard')).toEqual([
      { text: 'how are', final: false },
      { text: 'how are you', final: true },
    ]);
    await rig.session.stopListening();
    expect(FakeRecognition.running).toEqual([]);
  });

  it('goes on when the browser ends it, and rests while the microphone is muted', async () => {
    await rig.session.startListening();
    FakeRecognition.running[0]?.end();
    await vi.advanceTimersByTimeAsync(1000);
    expect(FakeRecognition.running).toHaveLength(1);
    rig.session.muteMicrophone();
    await vi.advanceTimersByTimeAsync(3000);
    expect(FakeRecognition.running).toEqual([]);
    rig.session.unmuteMicrophone();
    expect(FakeRecognition.running).toHaveLength(1);
  });

  it.each([
    ['not-allowed', 'refused'],
    ['network', 'failed'],
  ])('says that words cannot be understood after %s', async (error, reason) => {
    const unavailable = vi.fn();
    rig.session.on('listening.unavailable', unavailable);
    await rig.session.startListening();
    for (let time = 0; time < 10; time += 1) {
      FakeRecognition.running[0]?.fail(error);
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(unavailable).toHaveBeenCalledExactlyOnceWith({ reason });
    expect(FakeRecognition.running).toEqual([]);
    // The avatar still falls silent when somebody speaks.
    expect(rig.microphones.live).toHaveLength(1);
  });

  it('says so where the browser has none', async () => {
    await withBrowserEars(false);
    const unavailable = vi.fn();
    rig.session.on('listening.unavailable', unavailable);
    await rig.session.startListening();
    expect(unavailable).toHaveBeenCalledExactlyOnceWith({ reason: 'unsupported' });
    expect(rig.session.listening).toBe('open');
  });

  it('is left alone where the server has ears', async () => {
    rig = await new SessionRig().joined();
    await rig.session.startListening();
    expect(FakeRecognition.made).toEqual([]);
  });
});
