import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Avatar } from '../../../gpu/src/avatar.ts';
import type { AvatarBundle } from '../../../gpu/src/avatar-bundle.ts';
import { gestureAt, gestureFrames } from '../../../gpu/src/gestures.ts';
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

async function open(bundle: AvatarBundle): Promise<void> {
  runner = new FakeModelRunner();
  avatar = await Avatar.load(bundle, runner, { onStep: () => undefined, live: false });
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
}
async function close(): Promise<void> {
  speaker.close();
  await avatar.close();
}
beforeEach(() => open(FAKE_BUNDLE));
afterEach(close);

interface Shown {
  /** Made for this slot, not taken from a loop. */
  readonly made: boolean;
  /** The sum of the face's parameters, as the picture's brightness tells it. */
  readonly sum: number;
  readonly sound: boolean;
}

function tick(): Shown {
  const content = speaker.next();
  const shown = {
    made: readFakeFrame(content.picture).slotId === SLOT,
    sum: ((content.picture[3] ?? NaN) - 64) / 48,
    sound: content.sound?.some((sample) => sample !== 0) ?? false,
  };
  content.onPictureFree();
  return shown;
}

/** Ticks, each after its picture has been made. */
async function ticks(count: number): Promise<Shown[]> {
  const shown: Shown[] = [];
  while (shown.length < count) {
    while (speaker.awaited) await new Promise((resolve) => setImmediate(resolve));
    shown.push(tick());
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
    const silent = await ticks(40);
    expect(silent.slice(0, 15).every(({ made }) => made)).toBe(true);
    expect(silent.slice(32).some(({ made }) => made)).toBe(false);

    speaker.push('u1', 16_000, loud(10), true);
    await ticks(5);
    const ahead = Math.ceil(speaker.leadMs / 40);
    speaker.gesture('nod');
    const spoken = await ticks(60);
    // The speech alone comes to rest after 14 more.
    const made = spoken.filter((shown) => shown.made).length;
    expect(made).toBeGreaterThanOrEqual(ahead + gestureFrames('nod', 25));
    expect(made).toBeLessThanOrEqual(ahead + gestureFrames('nod', 25) + 2);
    expect(spoken.slice(0, made).every((shown) => shown.made)).toBe(true);
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

describe('gestures of a Speaker', () => {
  /** A face of lids alone, which idle motion leaves at rest and sound hardly moves. */
  const LIDS: AvatarBundle = {
    ...FAKE_BUNDLE,
    expression: {
      parameters: [{ name: 'eyeWide', index: 0, rest: 0, min: 0, max: 1, audioDriven: true }],
    },
  };
  const BROWS = gestureFrames('brows', LIDS.fps);
  const wide = (frame: number): number => gestureAt('brows', frame / LIDS.fps)?.['eyeWide'] ?? 0;
  const quiet = (frames: number): Int16Array => new Int16Array(frames * 640).fill(20);
  const say = (id: string, frames: number, gesture?: 'brows' | 'nod'): void => {
    speaker.push(id, 16_000, quiet(frames), true, { gesture });
  };
  const steps = (values: readonly number[]): number[] =>
    values.slice(1).map((value, at) => Math.abs(value - (values[at] ?? NaN)));
  const largest = (values: readonly number[]): number => Math.max(...steps(values));
  /** In a row, and a brightness is a whole number. */
  const OWN_STEP = largest(Array.from({ length: BROWS + 2 }, (_, frame) => wide(frame))) + 1.01 / 48;
  const begins = (shown: readonly Shown[]): number => shown.findIndex(({ sum }) => sum > 0);
  const sums = (shown: readonly Shown[]): number[] => shown.map(({ sum }) => sum);

  const expectPerformed = (shown: readonly Shown[]): void => {
    expect(Math.max(...sums(shown))).toBeCloseTo(0.3, 1);
    expect(largest(sums(shown))).toBeLessThan(OWN_STEP);
    expect(shown.at(-1)).toMatchObject({ sum: 0, made: false });
  };
  const expectNone = (shown: readonly Shown[]): void => {
    expect(Math.max(...sums(shown))).toBe(0);
  };

  beforeEach(async () => {
    await close();
    await open(LIDS);
  });

  it.each([1, 3, 8, 30])('begins with its sound and without a jump, %i frames long', async (frames) => {
    const before = await ticks(3);
    say('u1', frames, 'brows');
    const shown = [...before, ...(await ticks(70))];
    expect(begins(shown)).toBe(shown.findIndex(({ sound }) => sound));
    expectPerformed(shown);
  });

  it.each([5, BROWS + 1])('begins with its sound after another utterance, of %i frames', async (frames) => {
    say('u1', frames);
    say('u2', 6, 'brows');
    const shown = await ticks(70);
    expect(begins(shown)).toBe(shown.findIndex(({ sound }) => sound) + frames);
    expectPerformed(shown);
  });

  it('is done to its end when the next one is planned before it', async () => {
    say('u1', BROWS + 1, 'brows');
    say('u2', 6, 'brows');
    const shown = await ticks(90);
    expect(begins(shown.slice(BROWS))).toBe(1);
    expectPerformed(shown);
  });

  it('goes on after its sound, and under a new utterance', async () => {
    say('u1', 1, 'brows');
    const shown = await ticks(15);
    expect(shown.at(-1)?.sum).toBeGreaterThan(0.1);
    say('u2', 4);
    shown.push(...(await ticks(50)));
    expectPerformed(shown);
  });

  it('begins without a jump when the first picture is long in the making', async () => {
    say('u1', 8, 'brows');
    const shown = [tick(), tick(), tick(), ...(await ticks(60))];
    expect(begins(shown)).toBe(shown.findIndex(({ sound }) => sound));
    expectPerformed(shown);
  });

  it.each([0, 3])(
    'is none when its utterance is cut off before the first picture, %i ticks on',
    async (n) => {
      await ticks(3);
      say('u1', 20, 'brows');
      expect(speaker.leadMs).toBeGreaterThan(0);
      for (let waited = 0; waited < n; waited += 1) expect(tick().sound).toBe(false);
      speaker.interrupt();
      const shown = await ticks(40);
      expectNone(shown);
      expect(shown.some(({ made }) => made)).toBe(false);
    },
  );

  it('is none when its utterance waits behind the one that is cut off', async () => {
    say('u1', 8);
    say('u2', 20, 'brows');
    // The next picture is the gesture's first.
    const before = await ticks(8);
    speaker.interrupt();
    expectNone([...before, ...(await ticks(40))]);
  });

  it('comes to its end when its utterance is cut off in the midst of it', async () => {
    say('u1', 20, 'brows');
    const shown = await ticks(4);
    expect(shown.at(-1)?.sum).toBeGreaterThan(0);
    speaker.interrupt();
    shown.push(...(await ticks(50)));
    expectPerformed(shown);
  });

  it('comes to its end when the utterance after its own is cut off before the first picture', async () => {
    say('u1', 1, 'brows');
    const shown = await ticks(15);
    say('u2', 10, 'brows');
    speaker.interrupt();
    shown.push(...(await ticks(50)));
    expectPerformed(shown);
    // Once, and a picture may stand for a tick where its frames begin to be made without sound.
    expect(shown.filter(({ sum }) => sum > 0).length).toBeLessThanOrEqual(BROWS + 2);
  });

  it.each([0, 4])(
    'goes on when it was asked for by itself, %i frames into a speech cut off',
    async (frames) => {
      say('u1', 20);
      const shown = await ticks(frames);
      speaker.gesture('brows');
      speaker.interrupt();
      shown.push(...(await ticks(60)));
      expectPerformed(shown);
    },
  );

  it('goes on when it was asked for by itself while the same one was to come with the speech', async () => {
    say('u1', 20, 'brows');
    speaker.gesture('brows');
    speaker.interrupt();
    expectPerformed(await ticks(60));
  });

  it('does not come back with a speech that follows the one cut off', async () => {
    say('u1', 20, 'brows');
    speaker.interrupt();
    say('u2', 10);
    expectNone(await ticks(60));
  });
});
