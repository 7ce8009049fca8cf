import { VizaviError } from '@vizavi/signaling';
import { beforeEach, describe, expect, it } from 'vitest';
import { StandIn } from '../../../server/src/voice/stand-in.ts';
import { FakeVoice } from '../../support/fake-voice.ts';
import { settle } from '../../support/manual-clock.ts';
import type { ScriptedWorker } from '../../support/scripted-worker.ts';
import { SessionRig } from '../../support/session-rig.ts';
import type { RigViewer } from '../../support/session-rig.ts';

describe('a session whose voice fails', () => {
  let other: FakeVoice | null;
  let rig: SessionRig;
  let worker: ScriptedWorker;
  beforeEach(async () => {
    other = new FakeVoice();
    const voice = (): Promise<FakeVoice> =>
      other ? Promise.resolve(other) : Promise.reject(new VizaviError('voice_failed', 'none either'));
    rig = new SessionRig(null, { voice });
    worker = await rig.worker();
  });
  const say = async (viewer: RigViewer, utteranceId: string, text: string): Promise<void> => {
    await viewer.peer.call('repeat', { utteranceId, text });
    await settle();
  };
  const play = async (utteranceId: string, playedMs: number): Promise<void> => {
    worker.ended(utteranceId, playedMs);
    await settle();
  };
  const spoken = (viewer: RigViewer): [string, boolean][] =>
    viewer.of('avatar.speak_ended').map(({ outcome, playedMs }) => [outcome, playedMs > 0]);
  const line = (viewer: RigViewer): string =>
    viewer.of('avatar.transcription.chunk').find(({ text }) => text === 'Sorry.')?.utteranceId ?? 'none';

  it('says a line when the voice fails, then the next text', async () => {
    const { viewer } = await rig.live();
    await say(viewer, 'u1', 'fine BROKEN');
    await say(viewer, 'u2', 'fine');
    await settle();
    await play('u1', 1000);
    await play(line(viewer), 300);
    await play('u2', 1000);
    expect(spoken(viewer)).toEqual([
      ['failed', true],
      ['spoken', true],
      ['spoken', true],
    ]);
    expect(viewer.of('avatar.transcription')).toMatchObject([{ text: 'Sorry.' }, { text: 'fine' }]);
  });

  it('says it once for all that waits', async () => {
    const { viewer } = await rig.live();
    for (const id of ['u1', 'u2', 'u3']) await say(viewer, id, 'BROKEN');
    await settle();
    await play(line(viewer), 300);
    expect(spoken(viewer).filter(([outcome]) => outcome === 'spoken')).toHaveLength(1);
    expect(viewer.of('avatar.speak_ended')).toHaveLength(4);
  });

  it('stays silent when that one fails as well', async () => {
    other = null;
    const { viewer } = await rig.live();
    await say(viewer, 'u1', 'BROKEN');
    await settle();
    expect(spoken(viewer)).toEqual([
      ['failed', false],
      ['failed', false],
    ]);
  });
});

describe('StandIn', () => {
  it('opens the other voice when it is needed first, and once', async () => {
    let opened = 0;
    const standIn = new StandIn(() => {
      opened += 1;
      return Promise.resolve(new FakeVoice());
    });
    expect(opened).toBe(0);
    const [one, same] = await Promise.all([standIn.voice(), standIn.voice()]);
    expect(one).toBe(same);
    expect(opened).toBe(1);
    await standIn.close();
    await expect(one.speak('Hello.')[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'voice_failed',
    });
  });

  it('tries again after a failure', async () => {
    const voices = [Promise.reject(new Error('no memory')), Promise.resolve(new FakeVoice())];
    const standIn = new StandIn(() => voices.shift() ?? Promise.reject(new Error('too often')));
    await expect(standIn.voice()).rejects.toThrow('no memory');
    await expect(standIn.voice()).resolves.toBeInstanceOf(FakeVoice);
    await standIn.close();
  });

  it('closes without having been opened', async () => {
    await expect(new StandIn().close()).resolves.toBeUndefined();
  });
});
