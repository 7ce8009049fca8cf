import { samplesFromBytes, VizaviError } from '@vizavi/signaling';
import type { Pcm } from '../../../client/src/index.ts';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SessionRig, settle } from './session-rig.ts';

interface AudioCall {
  readonly utteranceId: string;
  readonly seq: number;
  readonly sampleRate: number;
  readonly pcm: Uint8Array;
  readonly last: boolean;
}

let rig: SessionRig;
beforeEach(async () => {
  vi.useFakeTimers();
  rig = await new SessionRig().joined();
});
afterEach(() => {
  vi.useRealTimers();
});

const sent = (): AudioCall[] => rig.sent('repeatAudio') as unknown as AudioCall[];
const samplesOf = (calls: AudioCall[]): number[] => calls.flatMap(({ pcm }) => [...samplesFromBytes(pcm)]);
const ramp = (length: number): Int16Array => Int16Array.from({ length }, (_, index) => index);

async function* streamOf(...chunks: Pcm[]): AsyncGenerator<Pcm> {
  yield* chunks;
}

/** Long enough for every piece that may go now. */
async function flush(): Promise<void> {
  await vi.advanceTimersByTimeAsync(200);
}

it('sends pieces of a tenth of a second, in order, the last one marked', async () => {
  const spoken = rig.session.repeatAudio(ramp(4000), { sampleRate: 16_000 });
  await flush();
  const calls = sent();
  expect(calls.map(({ pcm }) => pcm.byteLength / 2)).toEqual([1600, 1600, 800]);
  expect(calls.map(({ seq }) => seq)).toEqual([0, 1, 2]);
  expect(calls.map(({ last }) => last)).toEqual([false, false, true]);
  expect(samplesOf(calls)).toEqual([...ramp(4000)]);
  rig.ended(calls[0]?.utteranceId ?? '', 'spoken');
  await expect(spoken).resolves.toMatchObject({ outcome: 'spoken' });
});

it('takes floats, clips them, and puts small chunks of a stream together', async () => {
  const chunk = new Float32Array(100).fill(0.5);
  const loud = new Float32Array([2, -2]);
  void rig.session.repeatAudio(streamOf(...Array<Float32Array>(10).fill(chunk), loud), { sampleRate: 8000 });
  await flush();
  const calls = sent();
  expect(calls.map(({ pcm }) => pcm.byteLength / 2)).toEqual([800, 202]);
  expect(samplesOf(calls).slice(-3)).toEqual([16384, 32767, -32767]);
});

it('is not disturbed by a caller who uses the buffer again', async () => {
  const buffer = ramp(1600);
  void rig.session.repeatAudio(buffer, { sampleRate: 16_000 });
  await flush();
  buffer.fill(0);
  expect(samplesOf(sent())).toEqual([...ramp(1600)]);
});

it.each<[string, unknown, number]>([
  ['a sample that is no number', new Float32Array([0, Number.NaN]), 16_000],
  ['an infinite sample', new Float32Array([Number.POSITIVE_INFINITY]), 16_000],
  ['no samples', new Int16Array(), 16_000],
  ['a stream without samples', streamOf(), 16_000],
  ['another rate', new Int16Array(10), 11_025],
  ['a rate that is no number', new Int16Array(10), Number.NaN],
  ['something else than samples', [1, 2, 3], 16_000],
  ['nothing', null, 16_000],
])('refuses %s here', async (_name, pcm, sampleRate) => {
  await expect(rig.session.repeatAudio(pcm as Int16Array, { sampleRate })).rejects.toMatchObject({
    code: 'invalid_audio',
  });
  expect(sent()).toEqual([]);
});

it('closes a stream that fails midway and passes the reason on', async () => {
  async function* failing(): AsyncGenerator<Pcm> {
    yield ramp(800);
    throw new Error('the microphone was unplugged');
  }
  const spoken = rig.session.repeatAudio(failing(), { sampleRate: 8000 });
  await expect(spoken).rejects.toThrow('unplugged');
  expect(sent().map(({ last }) => last)).toEqual([false, true]);
});

it('does not run more than ten seconds ahead of what is heard', async () => {
  void rig.session.repeatAudio(new Int16Array(8000 * 60), { sampleRate: 8000 });
  await vi.advanceTimersByTimeAsync(5000);
  const before = sent().length;
  expect(before).toBeGreaterThanOrEqual(100);
  expect(before).toBeLessThanOrEqual(102);
  rig.event('avatar.speak_started', { utteranceId: sent()[0]?.utteranceId ?? '', latencyMs: 1 });
  rig.nowMs += 2000;
  await vi.advanceTimersByTimeAsync(5000);
  expect(sent().length - before).toBe(20);
});

it('waits when the server is full, and then sends everything, in order', async () => {
  let full = 2;
  const taken: number[] = [];
  rig.answer('repeatAudio', ({ seq }) => {
    if (seq === 0 && full-- > 0) throw new VizaviError('too_many_requests', 'full');
    if (seq !== taken.length) throw new VizaviError('invalid_audio', 'a piece is missing');
    taken.push(seq);
    return {};
  });
  const spoken = rig.session.repeatAudio(ramp(3000), { sampleRate: 8000 });
  await vi.advanceTimersByTimeAsync(2000);
  expect(taken).toEqual([0, 1, 2, 3]);
  rig.ended(sent()[0]?.utteranceId ?? '', 'spoken');
  await expect(spoken).resolves.toMatchObject({ outcome: 'spoken' });
});

it('rejects when the server refuses the sound', async () => {
  rig.answer('repeatAudio', () => {
    throw new VizaviError('invalid_state', 'another stream of sound is still open');
  });
  await expect(rig.session.repeatAudio(ramp(100), { sampleRate: 8000 })).rejects.toMatchObject({
    code: 'invalid_state',
  });
});

it('sends one stream after the other', async () => {
  void rig.session.repeatAudio(ramp(1000), { sampleRate: 8000 });
  void rig.session.repeatAudio(ramp(1000), { sampleRate: 16_000 });
  await flush();
  expect(sent().map(({ sampleRate }) => sampleRate)).toEqual([8000, 8000, 16_000]);
});

it('falls silent with what was not sent yet, too', async () => {
  async function* endless(): AsyncGenerator<Pcm> {
    yield ramp(800);
    await new Promise(() => undefined);
  }
  const first = rig.session.repeatAudio(endless(), { sampleRate: 8000 });
  const second = rig.session.repeatAudio(ramp(800), { sampleRate: 8000 });
  await flush();
  void rig.session.interrupt();
  rig.ended(sent()[0]?.utteranceId ?? '', 'interrupted');
  await expect(first).resolves.toMatchObject({ outcome: 'interrupted' });
  await expect(second).resolves.toMatchObject({ outcome: 'interrupted' });
  await settle();
  expect(sent()).toHaveLength(1);
  // The stream that hangs does not keep later ones waiting.
  void rig.session.repeatAudio(ramp(100), { sampleRate: 8000 });
  await flush();
  expect(sent()).toHaveLength(2);
});

it('sends pieces again that were lost with the connection', async () => {
  rig.answer('repeatAudio', () => new Promise(() => undefined));
  void rig.session.repeatAudio(ramp(2400), { sampleRate: 8000 });
  await flush();
  rig.disconnect();
  rig.answer('repeatAudio', () => ({}));
  rig.connect();
  await flush();
  expect(sent().map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
});
