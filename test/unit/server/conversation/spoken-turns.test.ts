import { VizaviError } from '@vizavi/signaling';
import { beforeEach, describe, expect, it } from 'vitest';
import { settle } from '../../../support/manual-clock.ts';
import type { ScriptedWorker } from '../../../support/scripted-worker.ts';
import { ScriptedEars } from '../../../support/scripted-ears.ts';
import { SessionRig } from '../../../support/session-rig.ts';
import type { RigViewer } from '../../../support/session-rig.ts';
import type { FakeEar } from '../../../support/fake-hearing.ts';

let ears: ScriptedEars;
let rig: SessionRig;
let worker: ScriptedWorker;
let viewer: RigViewer;
let sessionId: string;

async function live(rigOfTest: SessionRig, mode: 'open' | 'push' = 'open'): Promise<void> {
  rig = rigOfTest;
  worker = await rig.worker();
  const session = await rig.live();
  viewer = session.viewer;
  sessionId = session.session.sessionId;
  await viewer.peer.call('microphone.open', {});
  await viewer.peer.call('microphone.connect', { dtlsParameters: {} });
  await viewer.peer.call('microphone.produce', { rtpParameters: {} });
  await viewer.peer.call('listening.set', { mode });
}

const ear = (): FakeEar => rig.hearing.ear;

/** The visitor speaks, then is silent. */
async function say(seconds: number, silence: number): Promise<void> {
  ear().speech(seconds);
  await settle();
  ear().silence(silence);
  await settle();
}

async function understand(text: string): Promise<void> {
  ears.asked.at(-1)?.hear(text);
  await settle();
}

const transcribed = (): string[] => viewer.of('user.transcription').map(({ text }) => text);
const questions = (): (string | undefined)[] => rig.brain.requests.map(({ history }) => history.at(-1)?.text);

describe('a spoken turn, with ears of the server', () => {
  beforeEach(async () => {
    ears = new ScriptedEars();
    await live(new SessionRig(ears));
  });

  it('is heard, understood and answered; the face listens meanwhile', async () => {
    rig.media[0]?.microphones[0]?.send(new Uint8Array(20));
    expect(ear().packets).toBe(1);
    await say(1.2, 0.8);
    expect(ears.asked).toHaveLength(1);
    expect((ears.asked[0]?.samples ?? 0) / 16_000).toBeGreaterThan(1.2);
    await understand('What time is it');
    expect(viewer.of('user.speak_started')).toHaveLength(1);
    expect(viewer.of('user.speak_ended')[0]?.durationMs).toBeGreaterThan(1100);
    expect(viewer.of('user.transcription')).toMatchObject([{ text: 'What time is it', typed: false }]);
    const { replyId } = viewer.of('user.transcription')[0] ?? { replyId: '' };
    expect(worker.complete).toEqual([replyId]);
    expect(worker.listened).toEqual([true, false]);
  });

  it('goes on when the GPU worker dies in the midst of it: the next one listens too', async () => {
    ear().speech(1);
    await settle();
    worker.die();
    const next = await rig.worker('w2');
    await settle();
    expect(next.listened).toEqual([true]);
  });

  it('is understood and thought about before it is certain that it is over, and answered at once then', async () => {
    await say(1, 0.3);
    await understand('What time is it?');
    expect(questions()).toEqual(['What time is it?']);
    expect(viewer.of('user.transcription')).toEqual([]);
    expect(worker.complete).toEqual([]);
    ear().silence(0.15);
    await settle();
    expect(viewer.of('user.transcription')).toMatchObject([{ text: 'What time is it?' }]);
    expect(worker.complete).toHaveLength(1);
    expect(ears.asked).toHaveLength(1);
    expect(rig.brain.requests).toHaveLength(1);
    worker.started(worker.complete[0] ?? '');
    worker.ended(worker.complete[0] ?? '', 1000);
    await settle();
    const { latency } = viewer.of('avatar.reply_ended')[0] ?? {};
    expect(latency).toMatchObject({ earsMs: 0, brainMs: 0 });
    expect(latency?.endOfTurnMs).toBeGreaterThan(300);
    expect(latency?.endOfTurnMs).toBeLessThan(480);
  });

  it('is taken up again when the visitor goes on: nothing of the first half is answered', async () => {
    rig.brain.scripts.push(['It is', { until: new Promise(() => undefined) }]);
    await say(1, 0.3);
    await understand('What time');
    ear().speech(0.8);
    await settle();
    expect(rig.brain.aborted).toBe(1);
    ear().silence(0.8);
    await settle();
    expect(ears.asked).toHaveLength(2);
    expect(ears.asked[1]?.samples ?? 0).toBeGreaterThan(ears.asked[0]?.samples ?? 0);
    await understand('What time is it');
    expect(viewer.of('user.transcription').map(({ text }) => text)).toEqual(['What time is it']);
  });

  it('waits for slow ears; what is said meanwhile is part of it', async () => {
    await say(1, 0.8);
    const [slow] = ears.asked;
    ear().speech(0.5);
    await settle();
    slow?.hear('I want to know');
    await settle();
    expect(viewer.of('user.transcription')).toEqual([]);
    ear().silence(0.8);
    await settle();
    await understand('what time it is');
    expect(viewer.of('user.transcription').map(({ text }) => text)).toEqual([
      'I want to know what time it is',
    ]);
    expect(questions().at(-1)).toBe('I want to know what time it is');
  });

  it('lets the page do nothing before it is certain that it is over', async () => {
    rig.brain.scripts.push([{ tool: 'buy' }], ['Done.']);
    await say(1, 0.3);
    await understand('Buy the');
    ear().speech(0.8);
    await settle();
    expect(viewer.of('tool.called')).toEqual([]);
    ear().silence(0.8);
    await settle();
    rig.brain.scripts.unshift([{ tool: 'show' }]);
    await understand('Buy the book? No, show it.');
    expect(viewer.of('tool.called').map(({ name }) => name)).toEqual(['show']);
  });

  it('is not lost when somebody coughs while the ears are slow', async () => {
    await say(1, 0.8);
    const [slow] = ears.asked;
    ear().speech(0.1);
    ear().silence(0.8);
    await settle();
    expect(slow?.aborted).toBe(false);
    slow?.hear('What time is it?');
    await settle();
    expect(viewer.of('user.transcription').map(({ text }) => text)).toEqual(['What time is it?']);
  });

  it('is answered when what had begun after it was a cough', async () => {
    await say(1, 0.8);
    ear().speech(0.1);
    await settle();
    await understand('What time is it?');
    expect(viewer.of('user.transcription')).toEqual([]);
    await rig.clock.advance(640);
    ear().silence(0.8);
    await settle();
    expect(transcribed()).toEqual(['What time is it?']);
    const { replyId } = viewer.of('user.transcription')[0] ?? { replyId: '' };
    expect(worker.complete).toEqual([replyId]);
    worker.started(replyId);
    worker.ended(replyId, 6000);
    await settle();
    // The visitor has waited since the end of the words, not since the cough's.
    expect(viewer.of('avatar.reply_ended')[0]?.latency.endOfTurnMs).toBeGreaterThan(640 + 600);
    await say(1, 0.8);
    await understand('Thank you.');
    expect(transcribed()).toEqual(['What time is it?', 'Thank you.']);
  });

  it('is answered when listening is turned off in the midst of the next one', async () => {
    await say(1, 0.8);
    ear().speech(1);
    await settle();
    await understand('What time is it?');
    await viewer.peer.call('listening.set', { mode: 'off' });
    await settle();
    expect(transcribed()).toEqual(['What time is it?']);
    await viewer.peer.call('listening.set', { mode: 'open' });
    await say(1, 0.8);
    await understand('Hello.');
    expect(transcribed()).toEqual(['What time is it?', 'Hello.']);
  });

  it('is not put in front of the next one when the ears have failed in between', async () => {
    await say(1, 0.8);
    ear().speech(1);
    await settle();
    await understand('I want to know');
    ear().silence(0.8);
    await settle();
    ears.asked.at(-1)?.fail(new VizaviError('ears_failed', 'no such model'));
    await settle();
    await say(1, 0.8);
    await understand('What time is it?');
    expect(transcribed()).toEqual(['What time is it?']);
  });

  it('that is understood late says nothing of where the next one ends, and is not answered alone', async () => {
    await say(1, 0.8);
    await say(1, 0.4);
    ears.asked[0]?.hear('I have a question.');
    await settle();
    ear().silence(0.1);
    await settle();
    expect(viewer.of('user.speak_ended')).toHaveLength(1);
    expect(rig.brain.requests).toEqual([]);
    ear().silence(0.2);
    await settle();
    await understand('What time is it?');
    expect(questions()).toEqual(['I have a question. What time is it?']);
  });

  it('is answered together with the next one when the ears are slower than the visitor', async () => {
    await say(1, 0.8);
    await say(1, 0.8);
    const [first, second] = ears.asked;
    second?.hear('and what it costs.');
    await settle();
    expect(viewer.of('user.transcription')).toEqual([]);
    first?.hear('I want to know what this is');
    await settle();
    expect(viewer.of('user.transcription').map(({ text }) => text)).toEqual([
      'I want to know what this is and what it costs.',
    ]);
    expect(worker.order).toHaveLength(1);
  });

  it('of noise that says nothing is not answered', async () => {
    await say(1, 0.8);
    await understand('');
    expect(viewer.of('user.transcription')).toEqual([]);
    expect(rig.brain.requests).toEqual([]);
    expect(worker.listened).toEqual([true, false]);
  });

  it('silences the avatar, and the brain knows how far it got', async () => {
    rig.brain.scripts.push(['One two three four five six seven.']);
    await viewer.peer.call('message', { replyId: 'r1', text: 'Count.' });
    await settle();
    worker.started('r1');
    await settle();
    worker.playing = { utteranceId: 'r1', playedMs: 2500 };
    ear().speech(0.5);
    await settle();
    expect(worker.interrupts).toEqual([1]);
    expect(viewer.of('avatar.reply_ended')).toMatchObject([{ outcome: 'interrupted', heard: 'One two' }]);
    ear().silence(0.8);
    await settle();
    await understand('Stop.');
    expect(rig.brain.requests.at(-1)?.history.map(({ text }) => text)).toEqual([
      'Count.',
      'One two —',
      'Stop.',
    ]);
  });

  it('silences what waits to be said, too', async () => {
    await viewer.peer.call('message', { replyId: 'r1', text: 'Count.' });
    await settle();
    const asked = viewer.peer.call('message', { replyId: 'r2', text: 'Stop.' });
    while (worker.interrupts.length === 0) await new Promise(setImmediate);
    ear().speech(0.5);
    await asked;
    await settle();
    expect(worker.order).toEqual(['r1']);
    expect(viewer.of('avatar.reply_ended').map(({ replyId, outcome }) => `${replyId} ${outcome}`)).toEqual([
      'r1 interrupted',
      'r2 interrupted',
    ]);
    ear().silence(0.8);
    await settle();
    await understand('Go on.');
    expect(rig.brain.requests.at(-1)?.history.map(({ text }) => text)).toEqual(['Count.', 'Stop.', 'Go on.']);
    expect(rig.brain.requests).toHaveLength(2);
  });

  it('is apologised for when the ears fail; the next one is heard', async () => {
    await say(1, 0.8);
    ears.asked.at(-1)?.fail(new VizaviError('ears_failed', 'no such model'));
    await settle();
    expect(worker.complete).toHaveLength(1);
    worker.ended(worker.complete[0] ?? '', 1000);
    await settle();
    await say(1, 0.8);
    await understand('Hello again.');
    expect(viewer.of('user.transcription').map(({ text }) => text)).toEqual(['Hello again.']);
  });

  it('is said again by the avatar where the presenter speaks for it', async () => {
    await viewer.peer.call('listening.set', { mode: 'open', route: 'repeat' });
    await say(1, 0.8);
    await understand('Welcome to our product.');
    expect(rig.brain.requests).toEqual([]);
    expect(worker.samples(worker.complete[0] ?? '')).toHaveLength(4000);
  });

  it('is said again also when listening is turned off before it is understood', async () => {
    await viewer.peer.call('listening.set', { mode: 'open', route: 'repeat' });
    await say(1, 0.8);
    await viewer.peer.call('listening.set', { mode: 'off' });
    await understand('Welcome to our product.');
    expect(rig.brain.requests).toEqual([]);
    expect(worker.complete).toHaveLength(1);
  });

  it('is not heard when listening is off, or the microphone is closed', async () => {
    await viewer.peer.call('listening.set', { mode: 'off' });
    expect(ear().closed).toBe(true);
    expect(viewer.of('listening.changed')).toEqual([{ mode: 'open' }, { mode: 'off' }]);
    await viewer.peer.call('listening.set', { mode: 'open' });
    expect(ear().closed).toBe(false);
    await viewer.peer.call('microphone.close', {});
    await settle();
    expect(ear().closed).toBe(true);
    expect(rig.media[0]?.microphones[0]?.closed).toBe(true);
    await expect(viewer.peer.call('microphone.produce', { rtpParameters: {} })).rejects.toMatchObject({
      code: 'invalid_state',
    });
  });

  it('belongs to the viewer who opened the microphone last', async () => {
    const other = rig.connect(sessionId, 'presenter');
    await other.watch('v2');
    await other.peer.call('microphone.open', {});
    expect(rig.media[0]?.microphones.map(({ closed }) => closed)).toEqual([true, false]);
    await viewer.peer.call('microphone.close', {});
    expect(rig.media[0]?.microphones[1]?.closed).toBe(false);
  });

  it('ends with the session: nothing is left open', async () => {
    await say(1, 0.3);
    await viewer.peer.call('session.stop', {});
    await settle();
    expect(ear().closed).toBe(true);
    expect(ears.asked[0]?.aborted).toBe(true);
    expect(rig.media[0]?.microphones[0]?.closed).toBe(true);
  });
});

describe('push-to-talk', () => {
  beforeEach(async () => {
    ears = new ScriptedEars();
    await live(new SessionRig(ears), 'push');
  });

  it('counts what is said while the button is held, and nothing else', async () => {
    await say(2, 1);
    expect(ears.asked).toEqual([]);
    await viewer.peer.call('pushToTalk.start', {});
    ear().speech(1);
    await viewer.peer.call('pushToTalk.stop', {});
    ear().silence(0.5);
    await settle();
    await understand('Only this.');
    expect(viewer.of('user.transcription').map(({ text }) => text)).toEqual(['Only this.']);
  });

  it('that says nothing ends like any other, without an answer', async () => {
    await viewer.peer.call('pushToTalk.start', {});
    ear().silence(0.5);
    await viewer.peer.call('pushToTalk.stop', {});
    ear().silence(0.5);
    await settle();
    expect(viewer.of('user.speak_started')).toHaveLength(1);
    expect(viewer.of('user.speak_ended')).toEqual([{ durationMs: 0 }]);
    expect(ears.asked).toEqual([]);
  });

  it('that says nothing does not swallow what was said before', async () => {
    await viewer.peer.call('pushToTalk.start', {});
    ear().speech(1);
    await viewer.peer.call('pushToTalk.stop', {});
    ear().silence(0.5);
    await viewer.peer.call('pushToTalk.start', {});
    await understand('What time is it?');
    expect(transcribed()).toEqual([]);
    await viewer.peer.call('pushToTalk.stop', {});
    ear().silence(0.5);
    await settle();
    expect(transcribed()).toEqual(['What time is it?']);
  });

  it('needs the mode', async () => {
    await viewer.peer.call('listening.set', { mode: 'open' });
    await expect(viewer.peer.call('pushToTalk.start', {})).rejects.toMatchObject({ code: 'invalid_state' });
  });
});

describe('a spoken turn, with the ears of the browser', () => {
  beforeEach(() => live(new SessionRig()));
  const heard = (text: string, final: boolean): Promise<unknown> =>
    viewer.peer.call('user.heard', { text, final });

  it('takes the words from the browser and the turn from the microphone', async () => {
    ear().speech(1);
    await heard('what', false);
    await heard('what time is it', false);
    ear().silence(0.3);
    await heard('what time is it', true);
    await settle();
    ear().silence(0.15);
    await settle();
    expect(viewer.of('user.transcription.chunk').map(({ text }) => text)).toContain('what time is it');
    expect(viewer.of('user.transcription')).toMatchObject([{ text: 'what time is it', typed: false }]);
    ear().speech(1);
    await heard('and now', true);
    ear().silence(1);
    await settle();
    expect(viewer.of('user.transcription').map(({ text }) => text)).toEqual(['what time is it', 'and now']);
  });

  it('does with the best guess when the last word does not come', async () => {
    ear().speech(1);
    await heard('good even', false);
    ear().silence(1);
    await settle();
    expect(viewer.of('user.transcription')).toEqual([]);
    await rig.clock.advance(701);
    expect(viewer.of('user.transcription').map(({ text }) => text)).toEqual(['good even']);
  });

  it('does not take what nobody has said into the microphone', async () => {
    await heard('the news at nine', true);
    await say(1, 0.3);
    await heard('hello', true);
    ear().silence(0.5);
    await settle();
    expect(viewer.of('user.transcription').map(({ text }) => text)).toEqual(['hello']);
  });

  it('is refused when it is longer than any breath', async () => {
    ear().speech(1);
    await expect(heard('x'.repeat(2001), true)).rejects.toMatchObject({ code: 'text_too_long' });
  });

  it('is refused when it does not end; what came before is answered', async () => {
    ear().speech(1);
    const words = 'x'.repeat(1999);
    for (let n = 0; n < 5; n += 1) await heard(words, true);
    await settle();
    const told = viewer.of('user.transcription.chunk').length;
    await expect(heard(words, true)).rejects.toMatchObject({ code: 'text_too_long' });
    await expect(heard(words, false)).rejects.toMatchObject({ code: 'text_too_long' });
    expect(viewer.of('user.transcription.chunk')).toHaveLength(told);
    ear().silence(1);
    await settle();
    expect(transcribed()).toEqual([Array(5).fill(words).join(' ')]);
    ear().speech(1);
    await heard(words, true);
    ear().silence(1);
    await settle();
    expect(transcribed().at(-1)).toBe(words);
  });

  it('has no words of a cough in it', async () => {
    ear().speech(0.1);
    await heard('hum', true);
    ear().silence(0.8);
    await settle();
    ear().speech(1);
    await heard('hello', true);
    ear().silence(0.8);
    await settle();
    expect(transcribed()).toEqual(['hello']);
  });

  it('is refused where the server listens itself', async () => {
    await live(new SessionRig(new ScriptedEars()));
    await expect(heard('hello', true)).rejects.toMatchObject({ code: 'invalid_state' });
  });
});
