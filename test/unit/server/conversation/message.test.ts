import { VizaviError } from '@vizavi/signaling';
import { beforeEach, describe, expect, it } from 'vitest';
import { settle } from '../../../support/manual-clock.ts';
import type { ScriptedWorker } from '../../../support/scripted-worker.ts';
import { SessionRig } from '../../../support/session-rig.ts';
import type { RigViewer } from '../../../support/session-rig.ts';

let rig: SessionRig;
let worker: ScriptedWorker;
let viewer: RigViewer;
let sessionId: string;
beforeEach(async () => {
  rig = new SessionRig();
  worker = await rig.worker();
  const live = await rig.live();
  viewer = live.viewer;
  sessionId = live.session.sessionId;
});

async function ask(replyId: string, text: string): Promise<void> {
  await viewer.peer.call('message', { replyId, text });
  await settle();
}

/** The worker says it to its end; the rig's voice takes a second for each word. */
async function heard(replyId: string, words: number): Promise<void> {
  worker.started(replyId);
  worker.ended(replyId, words * 1000);
  await settle();
}

const history = (): string[] =>
  (rig.brain.requests.at(-1)?.history ?? []).map(({ role, text }) => `${role}: ${text}`);

describe('a message', () => {
  it('is answered by an utterance of the same id, and both are told to all viewers', async () => {
    rig.brain.scripts.push(['Three ', 'avatars. ', 'Which one?']);
    await ask('r1', 'How many?');
    expect(viewer.of('user.transcription')).toEqual([{ replyId: 'r1', text: 'How many?', typed: true }]);
    expect(worker.complete).toEqual(['r1']);
    expect(worker.samples('r1')).toHaveLength(4000);
    await rig.clock.advance(40);
    await heard('r1', 4);
    expect(viewer.of('avatar.speak_ended')).toMatchObject([{ utteranceId: 'r1', outcome: 'spoken' }]);
    const whole = 'Three avatars. Which one?';
    expect(viewer.of('avatar.transcription')).toEqual([{ utteranceId: 'r1', text: whole }]);
    expect(viewer.of('avatar.reply_ended')).toMatchObject([
      {
        replyId: 'r1',
        text: whole,
        heard: whole,
        outcome: 'spoken',
        latency: { endOfTurnMs: 0, totalMs: 40 },
      },
    ]);
    const [first, second] = viewer.of('avatar.transcription.chunk').slice(1, 3);
    expect(first).toMatchObject({ text: 'avatars.', textStart: 6, textEnd: 14, startMs: 1000 });
    expect(second).toMatchObject({ text: 'Which', textStart: 15, textEnd: 20, startMs: 2000 });
  });

  it('is said sentence by sentence, while the rest is still being thought of', async () => {
    const rest = Promise.withResolvers<undefined>();
    rig.brain.scripts.push(['First this. And', { until: rest.promise }, ' then that.']);
    await ask('r1', 'Go on.');
    expect(worker.samples('r1')).toHaveLength(2000);
    expect(worker.complete).toEqual([]);
    rest.resolve(undefined);
    await settle();
    expect(worker.samples('r1')).toHaveLength(5000);
    expect(worker.complete).toEqual(['r1']);
  });

  it('is said in the mood that the brain names first; nobody hears the name', async () => {
    rig.brain.scripts.push(['[wa', 'rm] Hello', ' Ada.'], ['[door] slams.']);
    await ask('r1', 'I am Ada.');
    expect(worker.audio.map(({ emotion }) => emotion)).toContain('warm');
    expect(new Set(worker.audio.map(({ emotion }) => emotion)).size).toBe(1);
    await heard('r1', 2);
    await ask('r2', 'Go on.');
    expect(worker.audio.at(-1)?.emotion).toBe('neutral');
    await heard('r2', 2);
    expect(viewer.of('avatar.reply_ended').map(({ text }) => text)).toEqual(['Hello Ada.', '[door] slams.']);
  });

  it('comes with the gesture that the brain names with it', async () => {
    rig.brain.scripts.push(['[warm][n', 'od]', ' [bow] Yes.']);
    await ask('r1', 'Is it?');
    expect(worker.audio[0]).toMatchObject({ emotion: 'warm', gesture: 'bow' });
    await heard('r1', 1);
    expect(viewer.of('avatar.reply_ended').map(({ text }) => text)).toEqual(['Yes.']);
  });

  it('may be a gesture alone', async () => {
    rig.brain.scripts.push(['[n', 'od] '], ['Good.']);
    await ask('r1', 'Can you nod?');
    expect(worker.gestures).toEqual(['nod']);
    expect(viewer.of('avatar.reply_ended')).toMatchObject([{ replyId: 'r1', text: '', outcome: 'spoken' }]);
    await ask('r2', 'And speak?');
    expect(worker.gestures).toEqual(['nod']);
    await heard('r2', 1);
    expect(history()).toEqual(['visitor: Can you nod?', 'visitor: And speak?']);
  });

  it('names moods and gestures in its midst unheard', async () => {
    rig.brain.scripts.push(['[warm] Let me look.', { tool: 'show' }, ' [no', 'd, warm] Here.'], ['Yes.']);
    await ask('r1', 'Show me.');
    const { callId = '' } = viewer.of('tool.called')[0] ?? {};
    await viewer.peer.call('tool.result', { callId, result: '', failed: false });
    await settle();
    expect(viewer.of('avatar.transcription.chunk').map(({ text }) => text)).toEqual([
      'Let',
      'me',
      'look.',
      'Here.',
    ]);
    await heard('r1', 4);
    expect(viewer.of('avatar.transcription').map(({ text }) => text)).toEqual(['Let me look. Here.']);
    await ask('r2', 'Again?');
    expect(history()[1]).toBe('avatar: Let me look. Here.');
  });

  it('carries the conversation: the brain is told what was said before', async () => {
    rig.brain.scripts.push(['Hello Ada.']);
    await ask('r1', 'I am Ada.');
    await heard('r1', 2);
    await ask('r2', 'Who am I?');
    expect(history()).toEqual(['visitor: I am Ada.', 'avatar: Hello Ada.', 'visitor: Who am I?']);
  });

  it('cuts a reply short, and the brain is told how much of it was heard', async () => {
    rig.brain.scripts.push(['One two three four five six.']);
    await ask('r1', 'Count.');
    worker.started('r1');
    await settle();
    worker.playing = { utteranceId: 'r1', playedMs: 3200 };
    await ask('r2', 'Stop, how far did you get?');
    expect(worker.interrupts).toEqual([1]);
    expect(viewer.of('avatar.reply_ended')).toMatchObject([
      { replyId: 'r1', outcome: 'interrupted', heard: 'One two three', text: 'One two three four five six.' },
    ]);
    expect(history()).toEqual([
      'visitor: Count.',
      'avatar: One two three —',
      'visitor: Stop, how far did you get?',
    ]);
  });

  it('of several at once leaves the last word to the last one', async () => {
    worker.playing = { utteranceId: null, playedMs: 0 };
    await Promise.all([ask('r1', 'One?'), ask('r2', 'Two?'), ask('r3', 'Three?')]);
    expect(viewer.of('avatar.reply_ended').map(({ replyId, outcome }) => `${replyId} ${outcome}`)).toEqual([
      'r1 interrupted',
      'r2 interrupted',
    ]);
    await heard('r3', 3);
    expect(viewer.of('avatar.reply_ended').at(-1)).toMatchObject({ replyId: 'r3', outcome: 'spoken' });
  });

  it('is refused where a session sends more than anybody types: each costs its owner a request', async () => {
    for (let n = 0; n < 10; n += 1) await ask(`r${n}`, 'Again?');
    await expect(ask('r10', 'Again?')).rejects.toMatchObject({ code: 'too_many_requests' });
    await rig.clock.advance(1000);
    await ask('r10', 'Again?');
    expect(rig.brain.requests).toHaveLength(11);
  });

  it('that is sent again is not answered again', async () => {
    await ask('r1', 'Hello');
    await ask('r1', 'Hello');
    expect(rig.brain.requests).toHaveLength(1);
    await heard('r1', 3);
    await ask('r1', 'Hello');
    expect(rig.brain.requests).toHaveLength(1);
  });

  it('is refused when there is nothing in it, or too much', async () => {
    await expect(ask('r1', '  ')).rejects.toMatchObject({ code: 'invalid_text' });
    await expect(ask('r1', 'x'.repeat(10_001))).rejects.toMatchObject({ code: 'text_too_long' });
    await ask('r1', 'fine');
    expect(rig.brain.requests).toHaveLength(1);
  });

  it('stops the brain at an interrupt, before anything was said', async () => {
    rig.brain.scripts.push([{ until: new Promise(() => undefined) }]);
    await ask('r1', 'Think hard.');
    await viewer.peer.call('interrupt', {});
    await settle();
    expect(rig.brain.aborted).toBe(1);
    expect(viewer.of('avatar.reply_ended')).toMatchObject([
      { replyId: 'r1', outcome: 'interrupted', heard: '' },
    ]);
    await ask('r2', 'And now?');
    expect(worker.complete).toEqual(['r2']);
  });

  it('that waits until the reply before it is silent is not said after an interrupt', async () => {
    await ask('r1', 'Count.');
    const messages = ['r2', 'r3'].map((replyId) => viewer.peer.call('message', { replyId, text: 'Stop.' }));
    while (worker.interrupts.length === 0) await new Promise(setImmediate);
    const { interrupted } = await viewer.peer.call('interrupt', {});
    await Promise.all(messages);
    await settle();
    expect(interrupted).toContain('r3');
    expect(viewer.of('avatar.reply_ended').map(({ replyId, outcome }) => `${replyId} ${outcome}`)).toEqual([
      'r1 interrupted',
      'r2 interrupted',
      'r3 interrupted',
    ]);
    expect(worker.order.at(-1)).not.toBe('r3');
  });

  it('stops the brain when the session ends', async () => {
    rig.brain.scripts.push(['Well. ', { until: new Promise(() => undefined) }]);
    await ask('r1', 'Think.');
    await viewer.peer.call('session.stop', {});
    await settle();
    expect(rig.brain.aborted).toBe(1);
  });

  it('goes on at another worker with the first word that was not heard', async () => {
    const rest = Promise.withResolvers<undefined>();
    rig.brain.scripts.push(['One two. Three', { until: rest.promise }, ' four.']);
    await ask('r1', 'Count.');
    worker.started('r1');
    worker.progress('r1', 1000);
    await settle();
    worker.die();
    const next = await rig.worker('w2');
    await settle();
    await viewer.consume();
    rest.resolve(undefined);
    await settle();
    expect(next.samples('r1')).toHaveLength(3000);
    expect(next.complete).toEqual(['r1']);
  });
});

describe('a brain that fails', () => {
  const broken = new VizaviError('brain_failed', 'no such model');

  it('is covered by a line of its own; the session lives', async () => {
    rig.brain.scripts.push([{ fail: broken }]);
    await ask('r1', 'Hello?');
    await heard('r1', 1);
    expect(viewer.of('avatar.reply_ended')).toMatchObject([{ text: ' Sorry.', outcome: 'spoken' }]);
    await ask('r2', 'Again?');
    expect(worker.complete).toEqual(['r1', 'r2']);
  });

  it('in mid-sentence breaks off audibly', async () => {
    rig.brain.scripts.push(['We open at nine. We', ' close at', { fail: broken }]);
    await ask('r1', 'When?');
    await heard('r1', 8);
    expect(viewer.of('avatar.reply_ended')).toMatchObject([{ text: 'We open at nine. We close at… Sorry.' }]);
  });

  it('with nothing to say counts as failed', async () => {
    rig.brain.scripts.push(['  '], ['[warm] ']);
    await ask('r1', 'Hello?');
    expect(worker.samples('r1')).toHaveLength(1000);
    await heard('r1', 1);
    await ask('r2', 'Hello?');
    expect(worker.samples('r2')).toHaveLength(1000);
  });
});

describe('a tool of the page', () => {
  it('is asked for, and its answer reaches the brain', async () => {
    rig.brain.scripts.push(['Look: ', { tool: 'show', arguments: { page: 3 } }, '.']);
    await ask('r1', 'Show me.');
    const [call] = viewer.of('tool.called');
    expect(call).toMatchObject({ replyId: 'r1', name: 'show', arguments: { page: 3 } });
    const answer = { callId: call?.callId ?? '', result: 'page three', failed: false };
    await viewer.peer.call('tool.result', answer);
    await viewer.peer.call('tool.result', answer);
    await heard('r1', 3);
    expect(viewer.of('avatar.reply_ended')).toMatchObject([{ text: 'Look: page three.' }]);
  });

  it('is not asked for again of a page that joins anew', async () => {
    rig.brain.scripts.push([{ tool: 'show' }]);
    await ask('r1', 'Show me.');
    expect(viewer.of('tool.called')).toHaveLength(1);
    const reloaded = rig.connect(sessionId);
    await reloaded.watch('v2');
    await settle();
    expect(reloaded.of('user.transcription')).toHaveLength(1);
    expect(reloaded.of('tool.called')).toEqual([]);
  });

  it('that fails, or never answers, does not hold the conversation up', async () => {
    rig.brain.scripts.push([{ tool: 'a' }], [{ tool: 'b' }]);
    await ask('r1', 'One?');
    await viewer.peer.call('tool.result', {
      callId: viewer.of('tool.called')[0]?.callId ?? '',
      result: 'no such page',
      failed: true,
    });
    await heard('r1', 1);
    await ask('r2', 'Two?');
    await rig.clock.advance(10_001);
    await heard('r2', 1);
    expect(viewer.of('avatar.reply_ended').map(({ text }) => text)).toEqual([' Sorry.', ' Sorry.']);
  });
});

describe('an audience', () => {
  it('sees and hears, and may do nothing else', async () => {
    const watcher = rig.connect(sessionId, 'audience');
    await watcher.watch('v2');
    await ask('r1', 'Hello');
    expect(watcher.of('user.transcription')).toHaveLength(1);
    const forbidden = { code: 'forbidden' };
    const { peer } = watcher;
    await expect(peer.call('message', { replyId: 'r2', text: 'me too' })).rejects.toMatchObject(forbidden);
    await expect(peer.call('repeat', { utteranceId: 'u', text: 'hi' })).rejects.toMatchObject(forbidden);
    await expect(peer.call('interrupt', {})).rejects.toMatchObject(forbidden);
    await expect(peer.call('session.stop', {})).rejects.toMatchObject(forbidden);
    await expect(peer.call('microphone.open', {})).rejects.toMatchObject(forbidden);
    await expect(peer.call('page.set', { state: {} })).rejects.toMatchObject(forbidden);
    await expect(peer.call('session.stats', {})).resolves.toBeDefined();
  });
});

describe('a question of the audience', () => {
  it('reaches presenters only, also one who comes back, and each once', async () => {
    const presenter = rig.connect(sessionId, 'presenter');
    await presenter.watch('v2');
    const ask = (askId: string, text: string): Promise<unknown> =>
      viewer.peer.call('audience.ask', { askId, text });
    await ask('q1', ' Does it run offline? ');
    await ask('q1', 'Does it run offline?');
    await settle();
    const asked = [{ askId: 'q1', text: 'Does it run offline?' }];
    expect(presenter.of('audience.asked')).toEqual(asked);
    expect(viewer.of('audience.asked')).toEqual([]);
    presenter.connection.close();
    await settle();
    const back = rig.connect(sessionId, 'presenter');
    await back.watch('v2');
    await settle();
    expect(back.of('audience.asked')).toEqual(asked);
    await expect(ask('q2', ' ')).rejects.toMatchObject({ code: 'invalid_text' });
    await expect(ask('q2', 'x'.repeat(501))).rejects.toMatchObject({ code: 'text_too_long' });
    await ask('q2', 'Two?');
    await ask('q3', 'Three?');
    await expect(ask('q4', 'Four?')).rejects.toMatchObject({ code: 'too_many_requests' });
    await rig.clock.advance(5000);
    await ask('q4', 'Four?');
    await expect(viewer.peer.call('session.stats', {})).resolves.toMatchObject({ viewers: 2 });
  });
});

describe('what the pages show', () => {
  it('reaches all viewers, also those who come later', async () => {
    await viewer.peer.call('page.set', { state: { slide: 3 } });
    await settle();
    expect(viewer.of('page.changed')).toEqual([{ state: { slide: 3 } }]);
    const late = rig.connect(sessionId, 'audience');
    const started = await late.peer.call('session.start', { viewerId: 'v2', lastEventSeq: -1 });
    expect(started).toMatchObject({ role: 'audience', page: { slide: 3 } });
    const huge = { state: { text: 'x'.repeat(5000) } };
    await expect(viewer.peer.call('page.set', huge)).rejects.toMatchObject({ code: 'invalid_message' });
  });
});
