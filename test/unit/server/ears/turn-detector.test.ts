import { describe, expect, it } from 'vitest';
import { TurnDetector } from '../../../../server/src/ears/turn-detector.ts';
import type { TurnEvent } from '../../../../server/src/ears/turn-events.ts';
import { seeded } from '../../../support/spoken.ts';

const FRAME_MS = 32;
const QUIET_DB = -70;
const PERSON_DB = -22;

type Told = TurnEvent & { readonly atMs: number };

/** A detector and the time of its microphone. */
class Rig {
  readonly detector: TurnDetector;
  readonly events: Told[] = [];
  avatarSpeaks = false;
  nowMs = 0;

  constructor(endAfterMs?: number) {
    this.detector = new TurnDetector({ frameMs: FRAME_MS, ...(endAfterMs !== undefined && { endAfterMs }) });
  }

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }

  frame(probability: number, levelDb: number): void {
    const frame = { atMs: this.nowMs, probability, levelDb };
    this.nowMs += FRAME_MS;
    this.take(this.detector.frame(frame, this.avatarSpeaks));
  }

  frames(count: number, probability: number, levelDb: number): void {
    for (let i = 0; i < count; i += 1) this.frame(probability, levelDb);
  }

  voice(count: number, levelDb = PERSON_DB): void {
    this.frames(count, 0.95, levelDb);
  }

  quiet(count: number): void {
    this.frames(count, 0.02, QUIET_DB);
  }

  take(told: readonly TurnEvent[]): void {
    this.events.push(...told.map((event) => ({ ...event, atMs: this.nowMs })));
  }
}

/** Frames that last at least so long. */
const frames = (ms: number): number => Math.ceil(ms / FRAME_MS);

describe('TurnDetector', () => {
  it('hears speech begin after 96 ms, a probable end after 192 ms and the end after 640 ms of silence', () => {
    const rig = new Rig();
    rig.quiet(40);
    rig.voice(30);
    rig.quiet(40);
    const [beganMs, lastMs] = [40 * FRAME_MS, 70 * FRAME_MS];
    expect(rig.events).toEqual([
      { type: 'speechStarted', beganMsAgo: 96, atMs: beganMs + 96 },
      { type: 'probableEnd', fromMs: beganMs - 300, toMs: lastMs + 192, atMs: lastMs + 192 },
      {
        type: 'ended',
        fromMs: beganMs - 300,
        toMs: lastMs + 192,
        durationMs: lastMs - beganMs,
        silenceMs: 640,
        atMs: lastMs + 640,
      },
    ]);
  });

  it('takes a pause for a probable end, and says when the speech goes on', () => {
    const rig = new Rig();
    rig.voice(20);
    rig.quiet(12);
    rig.voice(20);
    rig.quiet(20);
    expect(rig.types).toEqual(['speechStarted', 'probableEnd', 'resumed', 'probableEnd', 'ended']);
    expect(rig.events.at(-1)).toMatchObject({ fromMs: 0, durationMs: 52 * FRAME_MS });
  });

  it('does not take a click in a pause for speech that goes on', () => {
    const rig = new Rig();
    rig.voice(20);
    rig.quiet(12);
    rig.voice(1);
    rig.quiet(20);
    expect(rig.types).toEqual(['speechStarted', 'probableEnd', 'ended']);
    expect(rig.events[2]).toMatchObject({ durationMs: 20 * FRAME_MS });
  });

  it('holds on to speech that grows uncertain, and does not begin with it', () => {
    const rig = new Rig();
    rig.frames(100, 0.45, PERSON_DB);
    expect(rig.events).toEqual([]);
    rig.voice(10);
    rig.frames(100, 0.4, PERSON_DB);
    expect(rig.types).toEqual(['speechStarted']);
  });

  it('hears nothing in clicks and in noise', () => {
    const rig = new Rig();
    for (let i = 0; i < 100; i += 1) {
      rig.voice(2);
      rig.frames(3, 0.1, PERSON_DB);
    }
    rig.frames(1000, 0.3, -10);
    expect(rig.events).toEqual([]);
  });

  it('says that a cough was no speech', () => {
    const rig = new Rig();
    rig.voice(3);
    rig.quiet(60);
    expect(rig.types).toEqual(['speechStarted', 'misfire']);
  });

  it('ends sooner or later when it is told so in a pause, once', () => {
    const rig = new Rig();
    const turn = (silenceMs: number | null): number | undefined => {
      rig.voice(20);
      rig.quiet(9);
      if (silenceMs !== null) rig.detector.endAfter(silenceMs);
      rig.quiet(60);
      const last = rig.events.at(-1);
      return last?.type === 'ended' ? last.silenceMs : undefined;
    };
    expect(turn(300)).toBe(320);
    expect(turn(null)).toBe(640);
    expect(turn(1200)).toBe(1216);
  });

  it('takes its owner at its word from the start', () => {
    const rig = new Rig(150);
    rig.voice(20);
    rig.quiet(60);
    expect(rig.types).toEqual(['speechStarted', 'ended']);
    expect(rig.events[1]).toMatchObject({ silenceMs: 160 });
  });

  it('ends speech that is longer than a minute in parts that leave nothing out', () => {
    const rig = new Rig();
    rig.quiet(20);
    rig.voice(frames(150_000));
    rig.quiet(40);
    expect(rig.types.filter((type) => type !== 'probableEnd')).toEqual(
      new Array(3).fill(['speechStarted', 'ended']).flat(),
    );
    const ended = rig.events.filter((event) => event.type === 'ended');
    for (const { fromMs, toMs } of ended) expect(toMs - fromMs).toBeLessThanOrEqual(60_000);
    expect(ended[1]?.fromMs).toBe(ended[0]?.toMs);
    expect(ended[2]?.fromMs).toBe(ended[1]?.toMs);
  });

  it('keeps a turn that is cut off, and drops one that is cancelled', () => {
    const rig = new Rig();
    rig.voice(20);
    rig.take(rig.detector.finish());
    rig.quiet(20);
    rig.voice(20);
    rig.take(rig.detector.cancel());
    rig.take([...rig.detector.finish(), ...rig.detector.cancel()]);
    expect(rig.types).toEqual(['speechStarted', 'ended', 'speechStarted', 'misfire']);
  });
});

describe('TurnDetector, while the avatar speaks', () => {
  /** The avatar's own voice as the microphone hears it: syllables, pauses, peaks 6 dB above the usual. */
  function echo(rig: Rig, ms: number, usualDb: number, random: () => number): void {
    rig.avatarSpeaks = true;
    for (let i = 0; i < frames(ms); i += 1) {
      const pause = Math.floor(i / 6) % 7 === 6;
      rig.frame(pause ? 0.2 : 0.99, pause ? QUIET_DB : usualDb - 8 + 14 * random());
    }
  }

  it.each([-40, -45, -50])('does not take its echo of %i dBFS for a person, for two minutes', (usualDb) => {
    const rig = new Rig();
    echo(rig, 120_000, usualDb, seeded(1));
    rig.avatarSpeaks = false;
    rig.frames(9, 0.9, usualDb);
    expect(rig.events).toEqual([]);
  });

  it('does not interrupt itself for longer than a moment where there is no echo canceller at all', () => {
    const rig = new Rig();
    echo(rig, 60_000, -25, seeded(2));
    expect(rig.types.filter((type) => type === 'speechStarted').length).toBeLessThan(3);
    rig.avatarSpeaks = false;
    rig.quiet(60);
    expect(['ended', 'misfire', undefined]).toContain(rig.types.at(-1));
  });

  it('hears a person at a normal level within 200 ms', () => {
    const rig = new Rig();
    echo(rig, 5000, -42, seeded(3));
    rig.voice(6);
    expect(rig.types).toEqual(['speechStarted']);
  });

  it('asks a person who is little louder than the echo for more', () => {
    const rig = new Rig();
    echo(rig, 5000, -42, seeded(3));
    rig.voice(4, -27);
    expect(rig.types).toEqual([]);
    rig.voice(3, -27);
    expect(rig.types).toEqual(['speechStarted']);
  });

  it('hears a person through weak syllables', () => {
    const rig = new Rig();
    echo(rig, 5000, -42, seeded(3));
    for (let i = 0; i < 6; i += 1) {
      rig.voice(2);
      rig.frames(1, 0.9, -45);
    }
    expect(rig.types).toEqual(['speechStarted']);
  });

  it('does not learn from a person that did not convince it at once', () => {
    const rig = new Rig();
    echo(rig, 5000, -42, seeded(3));
    for (let i = 0; i < 3; i += 1) {
      rig.voice(2);
      echo(rig, 1000, -42, seeded(i));
    }
    expect(rig.types).toEqual([]);
    rig.voice(6);
    expect(rig.types).toEqual(['speechStarted']);
  });

  it('waits for the echo to die away, then hears the softest person again', () => {
    const rig = new Rig();
    echo(rig, 5000, -42, seeded(3));
    rig.avatarSpeaks = false;
    rig.voice(8, -45);
    expect(rig.types).toEqual([]);
    rig.quiet(20);
    rig.voice(4, -45);
    expect(rig.types).toEqual(['speechStarted']);
  });

  it('lets a turn end although the avatar speaks again', () => {
    const rig = new Rig();
    echo(rig, 5000, -42, seeded(3));
    rig.voice(20);
    echo(rig, 3000, -42, seeded(4));
    expect(rig.types).toEqual(['speechStarted', 'probableEnd', 'ended']);
  });
});

describe('TurnDetector, push to talk', () => {
  function pushRig(): Rig {
    const rig = new Rig();
    rig.detector.mode = 'push';
    return rig;
  }

  it('hears nothing outside of a push', () => {
    const rig = pushRig();
    rig.voice(frames(5000));
    expect(rig.events).toEqual([]);
    expect(rig.nowMs - rig.detector.keepFromMs).toBeLessThan(500);
  });

  it('takes everything between push and release for one turn, pauses and all', () => {
    const rig = pushRig();
    rig.quiet(50);
    const pushedMs = rig.nowMs;
    rig.take(rig.detector.pushStart());
    rig.quiet(40);
    rig.voice(10);
    rig.quiet(60);
    rig.voice(10);
    rig.detector.pushEnd();
    rig.quiet(50);
    expect(rig.types).toEqual(['speechStarted', 'ended']);
    expect(rig.events[1]).toMatchObject({ fromMs: pushedMs, durationMs: 80 * FRAME_MS });
    expect(rig.events[1]!.atMs).toBe(pushedMs + 126 * FRAME_MS);
  });

  it('counts what was said until the release and comes a little later', () => {
    const rig = pushRig();
    rig.take(rig.detector.pushStart());
    rig.voice(10);
    rig.detector.pushEnd();
    rig.voice(4);
    rig.quiet(10);
    expect(rig.events[1]).toMatchObject({ type: 'ended', durationMs: 14 * FRAME_MS });
  });

  it('calls a push without speech a misfire', () => {
    const rig = pushRig();
    rig.take(rig.detector.pushStart());
    rig.frames(100, 0.3, -30);
    rig.detector.pushEnd();
    rig.quiet(10);
    expect(rig.types).toEqual(['speechStarted', 'misfire']);
  });

  it('hears a person over the avatar, however softly', () => {
    const rig = pushRig();
    rig.avatarSpeaks = true;
    rig.take(rig.detector.pushStart());
    rig.voice(20, -50);
    rig.detector.pushEnd();
    rig.quiet(10);
    expect(rig.types).toEqual(['speechStarted', 'ended']);
  });

  it('takes a second push before the end of the first for the same turn', () => {
    const rig = pushRig();
    rig.take(rig.detector.pushStart());
    rig.take(rig.detector.pushStart());
    rig.voice(20);
    rig.detector.pushEnd();
    rig.quiet(2);
    rig.take(rig.detector.pushStart());
    rig.voice(20);
    rig.detector.pushEnd();
    rig.detector.pushEnd();
    rig.quiet(40);
    expect(rig.types).toEqual(['speechStarted', 'ended']);
  });

  it('holds a turn open that began without it', () => {
    const rig = new Rig();
    rig.voice(10);
    rig.quiet(10);
    rig.take(rig.detector.pushStart());
    rig.quiet(60);
    rig.detector.pushEnd();
    rig.quiet(10);
    expect(rig.types).toEqual(['speechStarted', 'probableEnd', 'resumed', 'ended']);
  });
});

describe('TurnDetector, whatever comes', () => {
  /** Speech, silence, noise and the avatar by chance; pushes too. */
  function run(seed: number): Rig {
    const random = seeded(seed);
    const rig = new Rig(random() < 0.3 ? 100 + 1000 * random() : undefined);
    for (let part = 0; part < 120; part += 1) {
      if (random() < 0.2) rig.avatarSpeaks = !rig.avatarSpeaks;
      if (random() < 0.1) rig.take(rig.detector.pushStart());
      if (random() < 0.15) rig.detector.pushEnd();
      if (random() < 0.1) rig.detector.endAfter(100 + 1000 * random());
      if (random() < 0.03) rig.take(rig.detector.cancel());
      if (random() < 0.03) rig.take(rig.detector.finish());
      const [probability, levelDb] = [random(), -70 * random()];
      const count = random() < 0.02 ? frames(70_000) : random() * 40;
      for (let i = 0; i < count; i += 1) {
        rig.frame(Math.min(1, Math.max(0, probability + random() - 0.5)), levelDb + 10 * random());
      }
    }
    rig.detector.pushEnd();
    rig.avatarSpeaks = false;
    rig.quiet(70);
    return rig;
  }

  it('tells turns that are well formed and do not overlap', () => {
    for (let seed = 0; seed < 150; seed += 1) {
      const { types, events } = run(seed);
      expect(types.join(' ')).toMatch(
        /^(speechStarted (probableEnd resumed )*(probableEnd )?(ended|misfire)( |$))*$/,
      );
      let freeMs = 0;
      for (const event of events) {
        if (event.type !== 'ended') continue;
        expect(event.fromMs).toBeGreaterThanOrEqual(freeMs);
        expect(event.toMs).toBeLessThanOrEqual(event.atMs);
        expect(event.toMs - event.fromMs).toBeLessThanOrEqual(60_000);
        expect(event.durationMs).toBeGreaterThan(0);
        freeMs = event.toMs;
      }
    }
  });

  it('gives a turn the sound that its probable end had, unless it went on', () => {
    let checked = 0;
    for (let seed = 0; seed < 150; seed += 1) {
      const { events } = run(seed);
      for (const [index, event] of events.entries()) {
        const before = events[index - 1];
        if (event.type !== 'ended' || before?.type !== 'probableEnd') continue;
        expect([event.fromMs, event.toMs]).toEqual([before.fromMs, before.toMs]);
        checked += 1;
      }
    }
    expect(checked).toBeGreaterThan(100);
  });

  it('never asks for sound that it said would not be needed', () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const rig = new Rig();
      const random = seeded(seed);
      let keptMs = 0;
      for (let part = 0; part < 200; part += 1) {
        const [probability, count] = [random(), random() * 30];
        for (let i = 0; i < count; i += 1) {
          const known = rig.events.length;
          rig.frame(probability, PERSON_DB);
          for (const event of rig.events.slice(known)) {
            if ('fromMs' in event) expect(event.fromMs).toBeGreaterThanOrEqual(keptMs);
          }
          keptMs = rig.detector.keepFromMs;
          expect(rig.nowMs - keptMs).toBeLessThanOrEqual(60_000);
        }
      }
    }
  });

  it('loses nothing of the beginning of speech that comes after silence', () => {
    for (let seed = 0; seed < 100; seed += 1) {
      const random = seeded(seed);
      const rig = new Rig();
      for (let turn = 0; turn < 10; turn += 1) {
        rig.quiet(32 + 40 * random());
        const beganMs = rig.nowMs;
        const count = 6 + 100 * random();
        // Only uncertain at first, as a soft beginning is.
        rig.frames(3 * random(), 0.4, PERSON_DB);
        for (let i = 0; i < count; i += 1) rig.frame(0.5 + random() / 2, PERSON_DB);
        rig.quiet(30);
        const ended = rig.events.at(-1);
        expect(ended).toMatchObject({ type: 'ended' });
        if (ended?.type === 'ended') expect(ended.fromMs).toBeLessThanOrEqual(Math.max(0, beganMs - 200));
      }
    }
  });
});
