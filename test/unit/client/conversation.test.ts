import { VizaviError } from '@vizavi/signaling';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SessionRig, settle } from './session-rig.ts';

const LATENCY = { endOfTurnMs: 0, earsMs: null, brainMs: null, voiceMs: null, avatarMs: null, totalMs: null };

let rig: SessionRig;
beforeEach(async () => {
  vi.useFakeTimers();
  rig = await new SessionRig().joined();
});
afterEach(() => {
  vi.useRealTimers();
});

function replyEnded(replyId: string, outcome: 'spoken' | 'interrupted' | 'failed', heard: string): void {
  rig.event('avatar.reply_ended', { replyId, text: 'I am fine.', heard, outcome, latency: LATENCY });
}
async function ask(text: string): Promise<{ replyId: string; answer: Promise<unknown> }> {
  const answer = rig.session.message(text);
  answer.catch(() => undefined);
  await settle();
  return { replyId: rig.sent('message').at(-1)?.['replyId'] as string, answer };
}
function chunk(utteranceId: string, text: string, startMs: number, durationMs: number): void {
  rig.event('avatar.transcription.chunk', {
    utteranceId,
    text,
    textStart: 0,
    textEnd: text.length,
    startMs,
    durationMs,
  });
}

describe('message', () => {
  it('resolves with the answer when it was spoken', async () => {
    const { replyId, answer } = await ask('How are you?');
    expect(rig.sent('message')).toEqual([{ replyId, text: 'How are you?' }]);
    replyEnded(replyId, 'spoken', 'I am fine.');
    await expect(answer).resolves.toEqual({
      replyId,
      text: 'I am fine.',
      heard: 'I am fine.',
      outcome: 'spoken',
    });
  });

  it('resolves with what was heard of an interrupted answer', async () => {
    const { replyId, answer } = await ask('How are you?');
    replyEnded(replyId, 'interrupted', 'I am');
    await expect(answer).resolves.toMatchObject({ outcome: 'interrupted', heard: 'I am' });
  });

  it('rejects with what kept the avatar from answering', async () => {
    const first = await ask('one');
    replyEnded(first.replyId, 'failed', '');
    await expect(first.answer).rejects.toMatchObject({ code: 'brain_failed' });
    const second = await ask('two');
    const error = { code: 'voice_failed', message: 'no voice', retryable: true };
    rig.event('avatar.speak_ended', { utteranceId: second.replyId, outcome: 'failed', playedMs: 0, error });
    replyEnded(second.replyId, 'failed', '');
    await expect(second.answer).rejects.toMatchObject(error);
  });

  it('rejects when the server refuses it, and takes it out of the transcript again', async () => {
    rig.answer('message', () => {
      throw new VizaviError('forbidden', 'an audience does not talk');
    });
    const answer = rig.session.message('Hello');
    expect(rig.session.transcript).toMatchObject([{ role: 'visitor', text: 'Hello' }]);
    await expect(answer).rejects.toMatchObject({ code: 'forbidden' });
    expect(rig.session.transcript).toEqual([]);
    await expect(rig.session.message('a'.repeat(2_000_000))).rejects.toMatchObject({ code: 'text_too_long' });
  });

  it('is sent again under its name after a lost connection, and ends with the session', async () => {
    rig.answer('message', () => new Promise(() => undefined));
    const { answer } = await ask('How are you?');
    rig.disconnect();
    rig.connect();
    await settle();
    const [first, second] = rig.sent('message');
    expect(second).toEqual(first);
    rig.event('session.stopped', { reason: 'inactivity' });
    await expect(answer).resolves.toMatchObject({ outcome: 'interrupted', heard: '' });
  });
});

describe('the transcript', () => {
  it('tells who said what, once, in order, and what was cut off', async () => {
    const changed = vi.fn();
    rig.session.on('transcript.changed', changed);
    const { replyId } = await ask('How are you?');
    rig.event('user.transcription', { replyId, text: 'How are you?', typed: true });
    chunk(replyId, 'I am fine,', 0, 600);
    chunk(replyId, 'thank you for asking.', 600, 1200);
    expect(rig.session.transcript).toEqual([
      { role: 'visitor', id: replyId, text: 'How are you?', interrupted: false },
      { role: 'avatar', id: replyId, text: 'I am fine, thank you for asking.', interrupted: false },
    ]);
    rig.event('avatar.speak_ended', {
      utteranceId: replyId,
      outcome: 'interrupted',
      playedMs: 700,
      error: null,
    });
    expect(rig.session.transcript[1]).toMatchObject({ text: 'I am fine, thank', interrupted: true });
    replyEnded(replyId, 'interrupted', 'I am fine,');
    expect(rig.session.transcript[1]).toMatchObject({ text: 'I am fine,', interrupted: true });
    const arrays = changed.mock.calls.map(([body]) => (body as { transcript: unknown }).transcript);
    expect(arrays.at(-1)).toBe(rig.session.transcript);
    expect(new Set(arrays).size).toBe(arrays.length);
  });

  it('leaves out what nobody heard', () => {
    chunk('u', 'Never mind.', 0, 500);
    rig.event('avatar.speak_ended', { utteranceId: 'u', outcome: 'interrupted', playedMs: 0, error: null });
    expect(rig.session.transcript).toEqual([]);
  });
});

describe('captions', () => {
  /** Goes on in both clocks. */
  async function wait(ms: number): Promise<void> {
    for (let gone = 0; gone < ms; gone += 10) {
      rig.nowMs += 10;
      await vi.advanceTimersByTimeAsync(10);
    }
  }
  /** By then the first sound has come out of the browser. */
  const HEARD_MS = 80;
  const said = (): string | undefined => {
    const { caption } = rig.session;
    return caption?.text.slice(0, caption.saidLength);
  };

  it('go word by word from the moment at which the first sound is heard', async () => {
    chunk('u', 'One two three', 0, 900);
    expect(rig.session.caption).toBeNull();
    await wait(400);
    rig.event('avatar.speak_started', { utteranceId: 'u', latencyMs: 1 });
    await settle();
    await wait(HEARD_MS);
    expect(rig.session.caption).toMatchObject({ utteranceId: 'u', text: 'One two three' });
    const { text = '', words: places = [] } = rig.session.caption ?? {};
    expect(places.map(({ endIndex }) => text.slice(0, endIndex))).toEqual([
      'One',
      'One two',
      'One two three',
    ]);
    expect(places[0]?.startMs).toBe(0);
    expect(places[2]?.startMs).toBeGreaterThan(places[1]?.startMs ?? Infinity);
    const words = [said()];
    rig.session.on('captions.changed', () => words.push(said()));
    await wait(890);
    expect(words).toEqual(['One', 'One two', 'One two three']);
    chunk('u', 'and four.', 1000, 500);
    await wait(200);
    expect(said()).toBe('and');
    rig.ended('u', 'spoken');
    expect(said()).toBe('and four.');
    await wait(3000);
    expect(rig.session.caption).toBeNull();
  });

  it('go at once when the avatar is cut off, and come again with the next words', async () => {
    chunk('u', 'One two three', 0, 900);
    rig.event('avatar.speak_started', { utteranceId: 'u', latencyMs: 1 });
    chunk('v', 'Four', 0, 300);
    await settle();
    rig.ended('u', 'interrupted');
    expect(rig.session.caption).toBeNull();
    await wait(2000);
    expect(rig.session.caption).toBeNull();
    rig.event('avatar.speak_started', { utteranceId: 'v', latencyMs: 1 });
    await settle();
    await wait(HEARD_MS);
    expect(said()).toBe('Four');
    rig.event('session.stopped', { reason: 'ok' });
    expect(rig.session.caption).toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('tools', () => {
  const call = async (name: string, args: Record<string, unknown> = {}): Promise<unknown> => {
    rig.event('tool.called', { callId: 'c', replyId: 'r', name, arguments: args });
    await settle();
    return rig.sent('tool.result').at(-1);
  };

  it('answer what the page answers: text as it is, all else as JSON', async () => {
    rig.session.onTool('open', ({ page }) => `opened ${String(page)}`);
    rig.session.onTool('price', async () => ({ euro: 5 }));
    rig.session.onTool('close', () => undefined);
    expect(await call('open', { page: 2 })).toEqual({ callId: 'c', result: 'opened 2', failed: false });
    expect(await call('price')).toEqual({ callId: 'c', result: '{"euro":5}', failed: false });
    expect(await call('close')).toEqual({ callId: 'c', result: 'done', failed: false });
  });

  it('tell a failure, a result that is too long, and a tool that this page has not', async () => {
    rig.session.onTool('open', () => {
      throw new Error('there is no such page');
    });
    rig.session.onTool('read', () => 'a'.repeat(50_000));
    expect(await call('open')).toEqual({ callId: 'c', result: 'there is no such page', failed: true });
    expect(await call('read')).toMatchObject({ failed: true });
    expect(await call('sing')).toMatchObject({ failed: true });
  });

  it('go to the handler of all others, and no longer to one that was taken away', async () => {
    const remove = rig.session.onTool('open', () => 'mine');
    rig.session.onTool('*', (_args, { name }) => `any ${name}`);
    expect(await call('open')).toMatchObject({ result: 'mine' });
    remove();
    expect(await call('open')).toMatchObject({ result: 'any open' });
  });
});

it('knows who this viewer is, and what the pages of all viewers show', async () => {
  const other = new SessionRig();
  other.role = 'presenter';
  other.page = { slide: 1 };
  expect(other.session.role).toBeNull();
  await other.joined();
  expect(other.session.role).toBe('presenter');
  expect(other.session.page).toEqual({ slide: 1 });
  other.event('page.changed', { state: { slide: 2 } });
  expect(other.session.page).toEqual({ slide: 2 });
  await other.session.setPage({ slide: 3 });
  expect(other.sent('page.set')).toEqual([{ state: { slide: 3 } }]);
});

it('asks the presenter', async () => {
  const asked = vi.fn();
  rig.session.on('audience.asked', asked);
  await rig.session.askPresenter('May I?');
  expect(rig.sent('audience.ask')).toMatchObject([{ text: 'May I?' }]);
  rig.event('audience.asked', { askId: 'a', text: 'May I?' });
  expect(asked).toHaveBeenCalledExactlyOnceWith({ askId: 'a', text: 'May I?' });
});
