import { beforeEach, describe, expect, it } from 'vitest';
import {
  COUNTDOWN_MS,
  KioskMachine,
  pauseMs,
  SHORT_COUNTDOWN_MS,
} from '../../../../server/public/kiosk/machine.mjs';
import { ManualClock, settle } from '../../../support/manual-clock.ts';

const TIMEOUT_MS = 30_000;

let clock: ManualClock;
let states: string[];
let isWell: boolean;
let probes: number;
let machine: KioskMachine;
beforeEach(() => {
  clock = new ManualClock();
  states = [];
  isWell = true;
  probes = 0;
  machine = new KioskMachine({
    clock,
    random: () => 1,
    timeoutMs: TIMEOUT_MS,
    onState: (state: string) => states.push(state),
    probe: async () => {
      probes += 1;
      return isWell;
    },
  });
});

const send = (...events: string[]): void => {
  for (const event of events) machine.send(event);
};
const talk = (): void => {
  send('wake', 'joined', 'greeted');
};

describe('a visit', () => {
  it('goes from sleep to sleep', async () => {
    talk();
    await clock.advance(TIMEOUT_MS);
    await clock.advance(COUNTDOWN_MS);
    send('said');
    expect(states).toEqual(['waking', 'greeting', 'talking', 'leaving', 'parting', 'asleep']);
    await clock.advance(3_600_000);
    expect(machine.state).toBe('asleep');
  });

  it('goes on as long as somebody says or touches something', async () => {
    talk();
    for (let count = 0; count < 10; count += 1) {
      await clock.advance(TIMEOUT_MS - 1);
      send('active');
    }
    expect(machine.state).toBe('talking');
    await clock.advance(TIMEOUT_MS);
    expect(machine.state).toBe('leaving');
    send('active');
    expect(machine.state).toBe('talking');
  });

  it('is not idle while somebody speaks, but not for ever', async () => {
    talk();
    machine.setBusy(true);
    await clock.advance(TIMEOUT_MS + 30_000);
    expect(machine.state).toBe('talking');
    machine.setBusy(false);
    await clock.advance(TIMEOUT_MS - 1);
    expect(machine.state).toBe('talking');
    await clock.advance(1);
    expect(machine.state).toBe('leaving');
    send('active');
    machine.setBusy(true);
    await clock.advance(120_000);
    expect(machine.state).toBe('leaving');
  });

  it('ends sooner when the camera saw the visitor go', async () => {
    talk();
    send('absent');
    expect([machine.state, machine.countdownMs]).toEqual(['leaving', SHORT_COUNTDOWN_MS]);
    await clock.advance(SHORT_COUNTDOWN_MS);
    expect(machine.state).toBe('parting');
  });

  it('ends when the visitor is done, and begins again when they are not', () => {
    talk();
    send('done');
    expect(machine.state).toBe('parting');
    send('active');
    expect(machine.state).toBe('talking');
    send('done', 'said');
    expect(machine.state).toBe('asleep');
  });

  it('does not wait for a goodbye or a greeting that nobody hears', async () => {
    send('wake', 'joined');
    await clock.advance(20_000);
    expect(machine.state).toBe('talking');
    send('done');
    await clock.advance(8000);
    expect(machine.state).toBe('asleep');
  });

  it('gives up waiting for an avatar that talks with others', async () => {
    send('wake');
    machine.queued();
    await clock.advance(59_000);
    expect(machine.state).toBe('waking');
    send('active');
    await clock.advance(59_000);
    expect(machine.state).toBe('waking');
    await clock.advance(1000);
    expect(machine.state).toBe('asleep');
  });

  it('is over when the server says so, and when the computer has slept', () => {
    talk();
    send('over');
    talk();
    send('suspended');
    expect(states.filter((state) => state === 'asleep')).toHaveLength(2);
  });

  it('ignores what comes from another time', () => {
    send('joined', 'greeted', 'said', 'failed', 'over', 'done', 'active', 'nonsense');
    expect(states).toEqual([]);
  });
});

describe('rest', () => {
  it('takes the visitor up again when it was short', async () => {
    talk();
    send('failed');
    expect(machine.state).toBe('resting');
    await clock.advance(1000);
    expect(machine.state).toBe('waking');
    send('joined');
    expect(machine.state).toBe('greeting');
  });

  it('lasts as long as the server is away, and ends asleep', async () => {
    isWell = false;
    talk();
    send('failed');
    await clock.advance(24 * 3600 * 1000);
    expect(machine.state).toBe('resting');
    // Every half minute at the latest, for ever.
    expect(probes).toBeGreaterThan((24 * 3600) / 30 - 5);
    expect(probes).toBeLessThan((24 * 3600) / 30 + 10);
    isWell = true;
    await clock.advance(30_000);
    expect(machine.state).toBe('asleep');
  });

  it('ends at once when somebody touches the screen and the server is back', async () => {
    isWell = false;
    send('lost');
    await clock.advance(600_000);
    isWell = true;
    send('wake');
    await settle();
    expect(machine.state).toBe('waking');
  });

  it('ends when the network is back, without a visitor', async () => {
    isWell = false;
    send('lost');
    await clock.advance(600_000);
    isWell = true;
    send('online');
    await settle();
    expect(machine.state).toBe('asleep');
  });

  it('grows longer as long as no visitor could be greeted', async () => {
    const restsMs: number[] = [];
    send('wake');
    for (let count = 0; count < 4; count += 1) {
      send('failed');
      const beganMs = clock.nowMs();
      while (machine.state === 'resting') await clock.advance(100);
      restsMs.push(clock.nowMs() - beganMs);
    }
    expect(restsMs).toEqual([1000, 2000, 4000, 8000]);
    send('joined', 'greeted', 'failed');
    await clock.advance(1000);
    expect(machine.state).toBe('waking');
  });

  it('counts a join that never ends as failed', async () => {
    send('wake');
    await clock.advance(30_000);
    expect(machine.state).toBe('resting');
  });

  it('lies between 1 and 30 seconds, and is not the same for all', () => {
    for (let attempt = 0; attempt < 2000; attempt += 1) {
      for (const chance of [0, 0.5, 1]) {
        expect(pauseMs(attempt, chance)).toBeGreaterThanOrEqual(1000);
        expect(pauseMs(attempt, chance)).toBeLessThanOrEqual(30_000);
      }
    }
    expect(pauseMs(8, 0)).toBeLessThan(pauseMs(8, 1));
  });
});
