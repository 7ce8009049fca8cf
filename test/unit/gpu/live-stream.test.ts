import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AudioEncoder, VideoEncoder } from '../../../gpu/src/encoder.ts';
import { LiveStream } from '../../../gpu/src/live-stream.ts';
import { SlotMeter } from '../../../gpu/src/stage-stats.ts';
import { FakeEncoders } from '../../support/fake-encoders.ts';

const PERIOD_MS = 40;

interface Sent {
  readonly kind: 'sound' | 'picture';
  readonly atMs: number;
  readonly mediaTimeMs: number;
}

let audio: AudioEncoder;
let video: VideoEncoder;
let stream: LiveStream;
let sent: Sent[];
let errors: unknown[];
let startMs: number;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const encoders = new FakeEncoders();
  audio = await encoders.openAudio();
  video = await encoders.openVideo({ codec: 'h264', width: 16, height: 16, fps: 25, bitrateBps: 100_000 });
  sent = [];
  errors = [];
  startMs = performance.now();
  const note = (kind: Sent['kind'], mediaTimeMs: number): void => {
    sent.push({ kind, atMs: Math.round(performance.now() - startMs), mediaTimeMs });
  };
  stream = new LiveStream({
    fps: 1000 / PERIOD_MS,
    nowMs: () => performance.now(),
    video,
    audio,
    sink: {
      sendVideo: (_frame, mediaTimeMs) => note('picture', mediaTimeMs),
      sendAudio: (_packet, mediaTimeMs) => note('sound', mediaTimeMs),
    },
    meter: new SlotMeter(),
    next: () => ({
      idle: false,
      picture: new Uint8Array(16 * 16 * 1.5),
      sound: null,
      onPictureFree: () => undefined,
      onSoundSent: () => undefined,
      onPictureSent: () => undefined,
    }),
    onError: (error) => errors.push(error),
  });
});

afterEach(async () => {
  await stream.close();
  vi.useRealTimers();
});

describe('LiveStream', () => {
  it('sends sound half a period ahead of its picture, in packets of half a period', async () => {
    stream.start();
    await vi.advanceTimersByTimeAsync(4 * PERIOD_MS);
    const ahead = (kind: Sent['kind']): number[] =>
      sent.filter((one) => one.kind === kind).map(({ atMs, mediaTimeMs }) => mediaTimeMs - atMs);
    const times = sent.filter(({ kind }) => kind === 'sound').map(({ mediaTimeMs }) => mediaTimeMs);
    expect(times).toEqual(times.map((_, index) => (times[0] as number) + (index * PERIOD_MS) / 2));
    expect(new Set(ahead('sound').slice(1))).toEqual(new Set([PERIOD_MS / 2]));
    expect(new Set(ahead('picture'))).toEqual(new Set([0]));
    expect(errors).toEqual([]);
  });

  it('sends nothing more once it has stopped, not even what is being encoded', async () => {
    stream.start();
    let finish: (() => void) | undefined;
    vi.spyOn(audio, 'encode').mockImplementation(
      () => new Promise((resolve) => (finish = () => resolve(Buffer.of(0x78)))),
    );
    await vi.advanceTimersByTimeAsync(PERIOD_MS / 2);
    stream.stop();
    const before = sent.length;
    finish?.();
    await vi.advanceTimersByTimeAsync(4 * PERIOD_MS);
    expect(finish).toBeDefined();
    expect(sent).toHaveLength(before);
  });

  it('reports sound that cannot be encoded, and goes on', async () => {
    stream.start();
    await audio.close();
    await vi.advanceTimersByTimeAsync(4 * PERIOD_MS);
    expect(errors[0]).toMatchObject({ code: 'encoder_failed' });
    expect(sent.some(({ kind }) => kind === 'picture')).toBe(true);
  });
});
