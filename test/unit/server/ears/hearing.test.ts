import { afterEach, describe, expect, it, vi } from 'vitest';
import { Hearing } from '../../../../server/src/ears/hearing.ts';
import type { Ear } from '../../../../server/src/ears/hearing.ts';
import { ASK } from '../../../support/hearing-thread-that-breaks.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const BREAKABLE = new URL('../../../support/hearing-thread-that-breaks.ts', import.meta.url);
const PATIENCE = { timeout: 20_000, interval: 5 };

interface Heard {
  readonly ear: Ear;
  readonly probabilities: number[];
  readonly times: number[];
  readonly errors: string[];
}

describe('Hearing', () => {
  const open: Hearing[] = [];
  afterEach(() => Promise.all(open.splice(0).map((hearing) => hearing.close())));

  function hearingWith(options: ConstructorParameters<typeof Hearing>[0]): Hearing {
    const hearing = new Hearing(options);
    open.push(hearing);
    return hearing;
  }

  function listen(hearing: Hearing): Heard {
    const [probabilities, times, errors]: [number[], number[], string[]] = [[], [], []];
    const ear = hearing.listen({
      onFrame: ({ probability, atMs }) => {
        probabilities.push(probability);
        times.push(atMs);
      },
      onError: ({ code, message }) => errors.push(`${code}: ${message}`),
    });
    return { ear, probabilities, times, errors };
  }

  const say = ({ ear }: Heard, ...bytes: readonly number[]): void => {
    for (const byte of bytes) ear.packet(Uint8Array.of(byte, 0, 0));
  };

  it('gives every ear its own frames, in order', async () => {
    const hearing = hearingWith({ threadUrl: BREAKABLE });
    const [one, other] = [listen(hearing), listen(hearing)];
    for (let i = 0; i < 100; i += 1) {
      say(one, i);
      say(other, 100 - i);
    }
    await vi.waitFor(() => expect(other.probabilities).toHaveLength(100), PATIENCE);
    expect(one.probabilities).toEqual(Array.from({ length: 100 }, (_, index) => index / 100));
    expect(one.times).toEqual(Array.from({ length: 100 }, (_, index) => index * 32));
  });

  it('takes a copy of a packet: the buffer may be used again', async () => {
    const hearing = hearingWith({ threadUrl: BREAKABLE });
    const one = listen(hearing);
    const buffer = new Uint8Array(4096).fill(50);
    for (let i = 1; i <= 3; i += 1) {
      buffer.fill(i);
      one.ear.packet(buffer.subarray(100, 200));
    }
    buffer.fill(99);
    await vi.waitFor(() => expect(one.probabilities).toEqual([0.01, 0.02, 0.03]), PATIENCE);
  });

  it.each(['throw', 'exit'] as const)('tells that the thread died (%s), and hears again', async (how) => {
    const hearing = hearingWith({ threadUrl: BREAKABLE });
    const [one, other] = [listen(hearing), listen(hearing)];
    say(one, 1);
    await vi.waitFor(() => expect(one.probabilities).toHaveLength(1), PATIENCE);
    say(other, ASK[how]);
    await vi.waitFor(() => expect(one.errors).toHaveLength(1), PATIENCE);
    say(one, 2);
    say(other, 3);
    await vi.waitFor(() => expect(other.probabilities).toEqual([0.03]), PATIENCE);
    expect(one.probabilities).toEqual([0.01, 0.02]);
    expect(one.times).toEqual([0, 32]);
    expect(one.errors).toEqual(['ears_failed: the hearing thread ended']);
    expect(other.errors).toEqual(one.errors);
  });

  it('tells an ear alone that its decoder failed, and gives it another', async () => {
    const hearing = hearingWith({ threadUrl: BREAKABLE });
    const [one, other] = [listen(hearing), listen(hearing)];
    say(one, ASK.fail);
    await vi.waitFor(() => expect(one.errors).toHaveLength(1), PATIENCE);
    say(one, 2);
    await vi.waitFor(() => expect(one.probabilities).toEqual([0.02]), PATIENCE);
    expect(one.errors[0]).toContain('ears_failed');
    expect(other.errors).toEqual([]);
  });

  it('does not start a thread again and again that cannot start', async () => {
    const clock = new ManualClock();
    const hearing = hearingWith({ clock, threadUrl: new URL('./no-such-thread.ts', BREAKABLE) });
    await expect(hearing.warmUp()).rejects.toMatchObject({ code: 'ears_failed', retryable: true });
    const one = listen(hearing);
    await vi.waitFor(() => expect(one.errors).toHaveLength(1), PATIENCE);
    say(one, 1, 2, 3);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(one.errors).toHaveLength(1);
    await clock.advance(1000);
    await vi.waitFor(() => expect(one.errors).toHaveLength(2), PATIENCE);
  });

  it('says nothing to an ear that is closed, also in the midst of frames', async () => {
    const hearing = hearingWith({ threadUrl: BREAKABLE });
    const other = listen(hearing);
    const heard: number[] = [];
    const ear = hearing.listen({
      onFrame: ({ atMs }) => {
        heard.push(atMs);
        ear.close();
      },
      onError: () => heard.push(-1),
    });
    for (let i = 0; i < 20; i += 1) ear.packet(Uint8Array.of(50));
    say(other, 50);
    await vi.waitFor(() => expect(other.probabilities).toHaveLength(1), PATIENCE);
    ear.close();
    ear.packet(Uint8Array.of(50));
    say(other, ASK.exit);
    await vi.waitFor(() => expect(other.errors).toHaveLength(1), PATIENCE);
    expect(heard).toEqual([0]);
  });

  it('hears nobody once it is closed, and may be closed twice', async () => {
    const hearing = hearingWith({ threadUrl: BREAKABLE });
    const one = listen(hearing);
    const starting = hearing.warmUp();
    await Promise.all([hearing.close(), hearing.close(), starting.catch(() => undefined)]);
    say(one, 1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([one.probabilities, one.errors]).toEqual([[], []]);
    expect(() => listen(hearing)).toThrow(expect.objectContaining({ code: 'ears_failed' }));
    await expect(hearing.warmUp()).rejects.toMatchObject({ code: 'ears_failed' });
  });
});
