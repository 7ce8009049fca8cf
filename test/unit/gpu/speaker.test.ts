import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Avatar } from '../../../gpu/src/avatar.ts';
import { Speaker } from '../../../gpu/src/speaker.ts';
import { SlotMeter } from '../../../gpu/src/stage-stats.ts';
import { FAKE_BUNDLE, FakeModelRunner, readFakeFrame } from '../../support/fake-model-runner.ts';

const SLOT = 3;
/** 40 ms of a loud tone. */
const loud = (frames: number): Int16Array =>
  Int16Array.from({ length: frames * 640 }, (_, k) => 12_000 * Math.sin(k / 4));

let runner: FakeModelRunner;
let avatar: Avatar;
let speaker: Speaker;
let failures: unknown[];

beforeEach(async () => {
  runner = new FakeModelRunner();
  avatar = await Avatar.load(FAKE_BUNDLE, runner, { onStep: () => undefined, live: false });
  failures = [];
  speaker = new Speaker({
    slotId: SLOT,
    avatar,
    meter: new SlotMeter(),
    openResampler: (from, to) => ({
      push: (pcm) =>
        new Int16Array((pcm.length * to) / from)
          .fill(pcm[0] ?? 0)
          .map((_, k) => pcm[Math.floor((k * from) / to)] ?? 0),
      flush: () => new Int16Array(0),
      close: () => undefined,
    }),
    nowMs: () => performance.now(),
    deadlineMs: () => performance.now(),
    onBlockStarted: () => undefined,
    onBlockPlayed: () => undefined,
    onFailed: (error) => failures.push(error),
  });
});
afterEach(async () => {
  speaker.close();
  await avatar.close();
});

interface Shown {
  /** Made for this slot, not taken from a loop. */
  readonly made: boolean;
  /** Of the face: how wide the jaw is open and how much it smiles, as brightness. */
  readonly picture: string;
}

/** Ticks, each after its picture has been made. */
async function ticks(count: number): Promise<Shown[]> {
  const shown: Shown[] = [];
  for (let tick = 0; tick < count; tick += 1) {
    while (speaker.awaited) await new Promise((resolve) => setImmediate(resolve));
    const content = speaker.next();
    shown.push({
      made: readFakeFrame(content.picture).slotId === SLOT,
      picture: Buffer.from(content.picture.subarray(3)).toString('hex'),
    });
    content.onPictureFree();
  }
  expect(failures).toEqual([]);
  return shown;
}

describe('Speaker', () => {
  it('shows the shared idle motion and makes nothing', async () => {
    expect((await ticks(20)).some(({ made }) => made)).toBe(false);
  });

  it('makes the frames of a gesture, in silence and in the midst of speech, and no others', async () => {
    await ticks(3);
    speaker.gesture('nod');
    const nod = await ticks(40);
    expect(nod.slice(0, 15).every(({ made }) => made)).toBe(true);
    expect(nod.slice(32).some(({ made }) => made)).toBe(false);
  });

  it('turns to a listener by frames of its own, then shows the shared loop of listening, and turns back', async () => {
    await avatar.prepare();
    await ticks(3);
    speaker.listen(true);
    const turning = await ticks(20);
    expect(turning.slice(0, 5).every(({ made }) => made)).toBe(true);
    expect(turning.slice(15).some(({ made }) => made)).toBe(false);
    speaker.listen(false);
    const back = await ticks(20);
    expect(back[0]?.made).toBe(true);
    expect(back.at(-1)?.made).toBe(false);
    expect(avatar.loop.ringEntries).toBeGreaterThan(0);
  });

  it('stays idle while the loop of listening has not been made', async () => {
    speaker.listen(true);
    expect((await ticks(10)).some(({ made }) => made)).toBe(false);
  });

  it('says a first word soon although the face is turning', async () => {
    await avatar.prepare();
    speaker.listen(true);
    await ticks(2);
    speaker.push('u1', 16_000, loud(10), true);
    let waited = 0;
    for (; waited < 10; waited += 1) {
      while (speaker.awaited) await new Promise((resolve) => setImmediate(resolve));
      const content = speaker.next();
      content.onPictureFree();
      if (content.sound?.some((sample) => sample !== 0)) break;
    }
    expect(waited).toBeLessThan(5);
  });

  it('brings the face to rest after an interrupt by frames of its own and leaks no ring entry', async () => {
    for (let round = 0; round < 12; round += 1) {
      speaker.push(`u${round}`, 16_000, loud(20), true);
      await ticks(6);
      speaker.interrupt();
      const after = await ticks(round % 2 === 0 ? 16 : 3);
      expect(after[0]?.made).toBe(true);
      if (round % 2 === 0) expect(after.at(-1)?.made).toBe(false);
    }
    await ticks(20);
    expect(speaker.ringOccupancy).toBe(0);
  });

  it('bears a face that is turned to and fro at every tick, speech and interrupts among it', async () => {
    await avatar.prepare();
    for (let round = 0; round < 60; round += 1) {
      speaker.listen(round % 2 === 0);
      if (round % 7 === 3) speaker.push(`u${round}`, 16_000, loud(8), true);
      if (round % 11 === 10) speaker.interrupt();
      await ticks(1);
    }
    speaker.listen(false);
    expect((await ticks(120)).at(-1)?.made).toBe(false);
    expect(speaker.ringOccupancy).toBe(0);
  });

  it('listens while it speaks without a break', async () => {
    await avatar.prepare();
    speaker.push('u1', 16_000, loud(30), true);
    await ticks(5);
    speaker.listen(true);
    expect((await ticks(20)).every(({ made }) => made)).toBe(true);
    expect((await ticks(30)).at(-1)?.made).toBe(false);
  });
});
