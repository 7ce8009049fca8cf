import { VizaviError } from '@vizavi/signaling';
import { describe, expect, it } from 'vitest';
import type { Ear, EarOptions } from '../../../../server/src/ears/hearing.ts';
import { Listener } from '../../../../server/src/ears/listener.ts';
import type { Heard } from '../../../../server/src/ears/listener.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const FRAME_SAMPLES = 512;

/** An ear that hears what the test says. */
class Rig {
  readonly clock = new ManualClock();
  readonly told: string[] = [];
  readonly sounds: Int16Array[] = [];
  readonly turns: Heard[] = [];
  readonly packets: number[] = [];
  ear: EarOptions | null = null;
  opened = 0;
  onEnded: () => void = () => undefined;
  #frames = 0;
  readonly listener = new Listener({
    clock: this.clock,
    avatarSpeaks: () => false,
    hearing: {
      listen: (ear): Ear => {
        this.ear = ear;
        this.opened += 1;
        this.#frames = 0;
        return { packet: ({ length }) => this.packets.push(length), close: () => (this.ear = null) };
      },
    },
    events: {
      speechStarted: () => this.told.push('speechStarted'),
      probableEnd: ({ pcm }) => {
        this.told.push('probableEnd');
        this.sounds.push(pcm);
      },
      resumed: () => this.told.push('resumed'),
      ended: (turn) => {
        this.told.push('ended');
        this.turns.push(turn);
        this.onEnded();
      },
      misfire: () => this.told.push('misfire'),
      failed: ({ code }) => this.told.push(code),
    },
  });

  /** Frames whose samples all are the frame's number, as long as somebody listens. */
  hear(count: number, probability: number): void {
    for (let i = 0; i < count; i += 1) {
      const pcm = new Int16Array(FRAME_SAMPLES).fill(this.#frames);
      this.ear?.onFrame({ pcm, probability, atMs: this.#frames++ * 32 });
    }
  }
}

describe('Listener', () => {
  it('gives a turn with 300 ms before it and 192 ms after it, as it gave it at the probable end', () => {
    const rig = new Rig();
    rig.listener.setMode('open');
    rig.hear(50, 0);
    rig.hear(20, 1);
    rig.hear(30, 0);
    expect(rig.told).toEqual(['speechStarted', 'probableEnd', 'ended']);
    const [turn] = rig.turns;
    expect(turn?.pcm).toEqual(rig.sounds[0]);
    expect(turn?.pcm.length).toBe(16 * (300 + 20 * 32 + 192));
    expect([turn?.pcm[0], turn?.pcm.at(-1)]).toEqual([40, 75]);
    expect(turn).toMatchObject({ durationMs: 640, silenceMs: 640 });
  });

  it('keeps no sound that nobody will ask for', () => {
    const rig = new Rig();
    rig.listener.setMode('push');
    rig.hear(5000, 1);
    expect(rig.listener.keptMs).toBeLessThan(500);
    rig.listener.setMode('open');
    rig.hear(5000, 0);
    expect(rig.listener.keptMs).toBeLessThan(500);
    rig.hear(5000, 1);
    expect(rig.listener.keptMs).toBeLessThan(61_000);
    for (const { pcm } of rig.turns) expect(pcm.length).toBeLessThanOrEqual(60 * 16_000);
  });

  it('hears nothing before it is turned on and after it is turned off', () => {
    const rig = new Rig();
    rig.listener.packet(new Uint8Array(20));
    rig.listener.pushStart();
    rig.listener.pushEnd();
    expect(rig.opened).toBe(0);
    rig.listener.setMode('open');
    rig.listener.packet(new Uint8Array(20));
    rig.listener.setMode('off');
    rig.listener.packet(new Uint8Array(20));
    expect(rig.packets).toEqual([20]);
    expect(rig.ear).toBeNull();
    expect(rig.told).toEqual([]);
  });

  it('drops an open turn when it is turned off, and hears the next one from the start', () => {
    const rig = new Rig();
    rig.listener.setMode('open');
    rig.hear(100, 0);
    rig.hear(20, 1);
    rig.listener.setMode('off');
    expect(rig.told).toEqual(['speechStarted', 'misfire']);
    rig.listener.setMode('open');
    rig.hear(20, 1);
    rig.hear(30, 0);
    expect(rig.told.slice(2)).toEqual(['speechStarted', 'probableEnd', 'ended']);
    expect(rig.turns[0]?.pcm[0]).toBe(0);
    expect(rig.turns[0]?.pcm.length).toBe(26 * FRAME_SAMPLES);
  });

  it('ends a push although the microphone has gone silent', async () => {
    const rig = new Rig();
    rig.listener.setMode('push');
    rig.listener.pushStart();
    rig.hear(20, 1);
    rig.listener.pushEnd();
    await rig.clock.advance(1000);
    expect(rig.told).toEqual(['speechStarted', 'ended']);
    rig.listener.pushStart();
    rig.listener.pushEnd();
    await rig.clock.advance(1000);
    expect(rig.told.slice(2)).toEqual(['speechStarted', 'misfire']);
  });

  it('does not end a second push with the first one’s alarm', async () => {
    const rig = new Rig();
    rig.listener.setMode('push');
    rig.listener.pushStart();
    rig.hear(20, 1);
    rig.listener.pushEnd();
    await rig.clock.advance(300);
    rig.listener.pushStart();
    await rig.clock.advance(5000);
    expect(rig.told).toEqual(['speechStarted']);
    rig.listener.pushEnd();
    rig.hear(10, 0);
    expect(rig.told).toEqual(['speechStarted', 'ended']);
  });

  it('ends the turn and says so when hearing fails, and listens on', () => {
    const rig = new Rig();
    rig.listener.setMode('open');
    rig.hear(20, 1);
    rig.ear?.onError(new VizaviError('ears_failed', 'the hearing thread ended'));
    rig.hear(20, 0);
    rig.hear(20, 1);
    rig.hear(30, 0);
    expect(rig.told).toEqual([
      'speechStarted',
      'ended',
      'ears_failed',
      'speechStarted',
      'probableEnd',
      'ended',
    ]);
  });

  it.each(['off', 'close'] as const)('may be told %s in the midst of an event', (what) => {
    const rig = new Rig();
    rig.onEnded = () => {
      if (what === 'off') rig.listener.setMode('off');
      else rig.listener.close();
    };
    rig.listener.setMode('open');
    rig.hear(2000, 1);
    expect(rig.told).toEqual(['speechStarted', 'ended']);
    expect(rig.listener.keptMs).toBe(0);
  });

  it('says nothing more once it is closed', async () => {
    const rig = new Rig();
    rig.listener.setMode('push');
    rig.listener.pushStart();
    rig.listener.pushEnd();
    const { ear } = rig;
    rig.listener.close();
    rig.listener.close();
    rig.listener.setMode('open');
    ear?.onError(new VizaviError('ears_failed', 'the hearing thread ended'));
    await rig.clock.advance(5000);
    expect(rig.told).toEqual(['speechStarted']);
    expect(rig.ear).toBeNull();
  });
});
