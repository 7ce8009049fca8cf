import type { SessionEvent } from '@vizavi/signaling';
import { beforeEach, describe, expect, it } from 'vitest';
import { Conversation } from '../../../../server/src/conversation/conversation.ts';
import type { LeasedSlot } from '../../../../server/src/leased-slot.ts';
import { Speech } from '../../../../server/src/speech.ts';
import { createTelemetry } from '../../../../server/src/telemetry.ts';
import { FakeBrain } from '../../../support/fake-brain.ts';
import { ManualClock, settle } from '../../../support/manual-clock.ts';
import { CountingVoice } from '../../../support/session-rig.ts';

/** A slot that stops when the test says so. */
class SlowSlot {
  readonly said = new Set<string>();
  readonly #stopping: (() => void)[] = [];
  playing: { utteranceId: string | null; playedMs: number } = { utteranceId: null, playedMs: 0 };

  audio({ utteranceId }: { readonly utteranceId: string }): void {
    this.said.add(utteranceId);
  }

  interrupt(): Promise<{ utteranceId: string | null; playedMs: number }> {
    return new Promise((resolve) => this.#stopping.push(() => resolve(this.playing)));
  }

  async stop(): Promise<void> {
    this.#stopping.shift()?.();
    await settle();
  }
}

let brain: FakeBrain;
let slot: SlowSlot;
let speech: Speech;
let conversation: Conversation;
let events: SessionEvent[];
beforeEach(async () => {
  const clock = new ManualClock();
  const telemetry = createTelemetry({ level: 'silent', format: 'json' });
  brain = new FakeBrain();
  slot = new SlowSlot();
  events = [];
  const parts = {
    clock,
    telemetry,
    fallbackLine: 'Sorry.',
    emit: (event: SessionEvent) => void events.push(event),
  };
  speech = new Speech({ ...parts, voice: new CountingVoice(), voiceName: 'slt', standIn: null });
  speech.moveTo(slot as unknown as LeasedSlot);
  speech.watched = true;
  conversation = new Conversation({ ...parts, brain, speech, instructions: null, tools: [] });
  brain.scripts.push(['One two three four five.']);
  await conversation.message('r1', 'Count.');
  await settle();
  speech.started('r1');
  slot.playing = { utteranceId: 'r1', playedMs: 2100 };
});

const ended = (): string[] =>
  events.flatMap(({ type, body }) =>
    type === 'avatar.reply_ended' ? [`${body.replyId} ${body.outcome}`] : [],
  );
const history = (): string[] => (brain.requests.at(-1)?.history ?? []).map(({ text }) => text);

describe('an interrupt', () => {
  it('ends also the replies that wait until the one before has fallen silent', async () => {
    const messages = [conversation.message('r2', 'Two?'), conversation.message('r3', 'Three?')];
    await settle();
    expect(conversation.active).toBe(true);
    const interrupt = conversation.interrupt();
    expect(conversation.active).toBe(false);
    await slot.stop();
    expect((await interrupt).interrupted).toEqual(['r2', 'r3']);
    await Promise.all(messages);
    expect([...slot.said]).toEqual(['r1']);
    expect(ended()).toEqual(['r1 interrupted', 'r2 interrupted', 'r3 interrupted']);
    expect(brain.requests).toHaveLength(1);
  });

  it('ends nothing that comes after it; the brain knows what was asked before', async () => {
    const before = conversation.message('r2', 'Two?');
    await settle();
    const interrupt = conversation.interrupt();
    const after = conversation.message('r3', 'Three?');
    await slot.stop();
    await Promise.all([before, interrupt, after]);
    await settle();
    expect([...slot.said]).toEqual(['r1', 'r3']);
    expect(history()).toEqual(['Count.', 'One two —', 'Two?', 'Three?']);
  });

  it('lets the next message wait until it is known what was heard', async () => {
    const interrupt = conversation.interrupt();
    const message = conversation.message('r2', 'How far did you get?');
    await settle();
    expect(brain.requests).toHaveLength(1);
    await slot.stop();
    expect((await interrupt).interrupted).toEqual(['r1']);
    await message;
    expect(history()).toEqual(['Count.', 'One two —', 'How far did you get?']);
  });

  it('drops a reply that was prepared for a turn', async () => {
    brain.scripts.push(['Well,', { until: new Promise(() => undefined) }]);
    const prepared = conversation.prepare('Stop.');
    await settle();
    const answered = conversation.answer('Stop.', { endMs: 0, overMs: 400, textMs: 300 }, prepared);
    await settle();
    const interrupt = conversation.interrupt();
    await slot.stop();
    await Promise.all([answered, interrupt]);
    expect(brain.aborted).toBe(1);
    expect([...slot.said]).toEqual(['r1']);
    expect(ended()).toEqual(['r1 interrupted', `${prepared.replyId} interrupted`]);
  });
});

describe('an apology', () => {
  it('is not made where a reply waits to be said', async () => {
    const message = conversation.message('r2', 'Two?');
    await settle();
    conversation.apologise();
    await slot.stop();
    await message;
    await settle();
    expect([...slot.said]).toEqual(['r1', 'r2']);
  });
});
