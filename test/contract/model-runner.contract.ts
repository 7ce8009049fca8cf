import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AvatarBundle } from '../../gpu/src/avatar-bundle.ts';
import { FrameRing } from '../../gpu/src/frame-ring.ts';
import type { ChunkRequest, ChunkResult, ModelRunner } from '../../gpu/src/model-runner.ts';

interface Opened {
  readonly runner: ModelRunner;
  readonly bundle: AvatarBundle;
}

interface Film {
  readonly pictures: Buffer[];
  /** Face parameters, one row for each picture. */
  readonly params: number[];
}

/** What every ModelRunner must do. `open` gives a loaded one. */
export function modelRunnerContract(name: string, open: () => Promise<Opened>): void {
  describe(`ModelRunner: ${name}`, () => {
    let runner: ModelRunner;
    let bundle: AvatarBundle;
    let nextSlot = 0;

    beforeAll(async () => {
      ({ runner, bundle } = await open());
    }, 60_000);
    afterAll(() => runner.close());

    /** A slot with a ring of its own. */
    const slot = (): { slotId: number; ring: FrameRing } => {
      const ring = FrameRing.create({ entries: 12, frameBytes: bundle.frameBytes });
      const slotId = (nextSlot += 1);
      runner.attachSlot(slotId, ring);
      return { slotId, ring };
    };

    const request = (
      { slotId, ring }: ReturnType<typeof slot>,
      pcm: Float32Array,
      { skip = 0, reset = false } = {},
    ): ChunkRequest => {
      const frames = Math.ceil(pcm.length / bundle.samplesPerFrame);
      const entries = Array.from({ length: frames - skip }, () => ring.acquire() ?? -1);
      const shown = entries.map((_, index) => skip + index);
      return { slotId, pcm, expression: rows(bundle, frames), frames, shown, reset, entries };
    };

    const run = async (chunk: ChunkRequest): Promise<ChunkResult> => {
      const [result] = await Promise.all(runner.run([chunk]));
      return result!;
    };

    /** Runs a chunk and takes its pictures out of the ring. */
    const show = async (lane: ReturnType<typeof slot>, ...args: [Float32Array, object?]): Promise<Film> => {
      const chunk = request(lane, ...args);
      const { params } = await run(chunk);
      const pictures = chunk.entries.map((entry) => {
        const lease = lane.ring.lease(entry);
        const picture = Buffer.from(lease.bytes);
        lease.release();
        return picture;
      });
      return { pictures, params: [...(params ?? [])] };
    };

    it('measures what chunks of several sizes cost', async () => {
      const { costs } = await runner.warmUp();
      const sizes = [1, 2, bundle.chunkFrames];
      expect(costs.generate.map(({ frames }) => frames)).toEqual(sizes);
      expect(costs.decode.map(({ frames }) => frames).slice(0, 3)).toEqual(sizes);
      for (const { medianMs } of [...costs.generate, ...costs.decode]) expect(medianMs).toBeGreaterThan(0);
    });

    it('opens the mouth with the sound and closes it in silence', async () => {
      const lane = slot();
      const row = bundle.expression.parameters.length;
      const jaw = bundle.expression.parameters.findIndex(({ name }) => name === 'jawOpen');
      const jaws = ({ params }: Film): number[] => params.filter((_, index) => index % row === jaw);
      const loud = await show(lane, voice(bundle, 0, 8));
      const silent = await show(lane, new Float32Array(12 * bundle.samplesPerFrame));
      expect(Math.max(...jaws(loud))).toBeGreaterThan(0.1);
      expect(jaws(silent).at(-1)).toBeLessThan(0.05);
    });

    it('puts frames into the entries that it was given, in their order', async () => {
      const lane = slot();
      const taken = [lane.ring.acquire(), lane.ring.acquire(), lane.ring.acquire()];
      lane.ring.abandon(taken[1] ?? -1);
      const chunk = request(lane, voice(bundle, 0, 3));
      const entries = [...chunk.entries].reverse();
      await run({ ...chunk, entries });
      const states = Array.from({ length: 12 }, (_, entry) => lane.ring.stateOf(entry));
      expect(entries.map((entry) => states[entry])).toEqual(['copied', 'copied', 'copied']);
      expect(states.filter((state) => state === 'copied')).toHaveLength(3);
      expect([states[0], states[2]]).toEqual(['acquired', 'acquired']);
      const pictures = entries.map((entry) => Buffer.from(lane.ring.lease(entry).bytes));
      expectSame(pictures, (await show(slot(), voice(bundle, 0, 3))).pictures);
    });

    it('makes the same film however it is cut into chunks', async () => {
      const whole = await show(slot(), voice(bundle, 0, 5));
      const lane = slot();
      const parts = [
        await show(lane, voice(bundle, 0, 1)),
        await show(lane, voice(bundle, 1, 1)),
        await show(lane, voice(bundle, 2, 3)),
      ];
      expectSame(
        parts.flatMap(({ pictures }) => pictures),
        whole.pictures,
      );
      expectClose(
        parts.flatMap(({ params }) => params),
        whole.params,
      );
    });

    it('makes chunks that are larger than the recommended one', async () => {
      const lane = slot();
      const large = await show(slot(), voice(bundle, 0, bundle.chunkFrames + 3));
      const first = await show(lane, voice(bundle, 0, bundle.chunkFrames));
      const second = await show(lane, voice(bundle, bundle.chunkFrames, 3));
      expectSame(large.pictures, [...first.pictures, ...second.pictures]);
    });

    it('makes fewer denoising steps when it is told to, and as many as before afterwards', async () => {
      const { fewestSteps } = await runner.warmUp();
      const fewer = Object.keys(bundle.generator.variants).some(
        (steps) => Number(steps) < bundle.generator.steps,
      );
      expect(fewestSteps === null).toBe(!fewer);
      const sound = (): Float32Array => voice(bundle, 0, bundle.chunkFrames + 3);
      const before = await show(slot(), sound());
      runner.setQuality({ steps: 'fewest', decoder: 'chosen' });
      const quick = await show(slot(), sound());
      runner.setQuality({ steps: 'default', decoder: 'chosen' });
      const after = await show(slot(), sound());
      expect(after.params).toEqual(before.params);
      const differs = quick.params.some((value, index) => value !== before.params[index]);
      expect(differs).toBe(fewer);
    });

    it('begins anew when it is told to', async () => {
      const lane = slot();
      const first = await show(lane, voice(bundle, 0, 3));
      const second = await show(lane, voice(bundle, 0, 3));
      const anew = await show(lane, voice(bundle, 0, 3), { reset: true });
      expectSame(anew.pictures, first.pictures);
      expect(second.pictures[0]?.equals(first.pictures[0] ?? Buffer.alloc(0))).toBe(false);
    });

    it('keeps slots apart', async () => {
      const alone = slot();
      const expected = [await show(alone, voice(bundle, 0, 2)), await show(alone, voice(bundle, 2, 2))];
      const [a, b] = [slot(), slot()];
      const [first, , second] = await Promise.all([
        show(a, voice(bundle, 0, 2)),
        show(b, voice(bundle, 40, 3)),
        show(a, voice(bundle, 2, 2)),
      ]);
      expectClose(
        [...first.params, ...second.params],
        expected.flatMap(({ params }) => params),
      );
    });

    it('counts skipped frames but does not show them', async () => {
      const whole = await show(slot(), voice(bundle, 0, 5));
      const part = await show(slot(), voice(bundle, 0, 5), { skip: 3 });
      expectSame(part.pictures, whole.pictures.slice(3));
      expectClose(part.params, whole.params.slice(-part.params.length));
      expect(part.params).toHaveLength(2 * bundle.expression.parameters.length);
    });

    it.each([
      ['too few samples', (chunk: ChunkRequest) => ({ ...chunk, pcm: chunk.pcm.subarray(1) })],
      [
        'a sample that is no number',
        (chunk: ChunkRequest) => ({ ...chunk, pcm: chunk.pcm.slice().fill(NaN) }),
      ],
      ['too few entries', (chunk: ChunkRequest) => ({ ...chunk, entries: chunk.entries.slice(1) })],
      ['an unknown slot', (chunk: ChunkRequest) => ({ ...chunk, slotId: 9999 })],
    ])('refuses %s, and nothing else suffers', async (_, spoil) => {
      const lane = slot();
      const before = await show(lane, voice(bundle, 0, 2));
      const chunk = request(lane, voice(bundle, 2, 2));
      await expect(run(spoil(chunk))).rejects.toMatchObject({ code: 'inference_failed' });
      for (const entry of chunk.entries) lane.ring.abandon(entry);
      const after = await show(lane, voice(bundle, 2, 2));
      const whole = await show(slot(), voice(bundle, 0, 4));
      expectClose([...before.params, ...after.params], whole.params);
    });

    it('decodes every second frame where it is told to', async () => {
      const whole = await show(slot(), voice(bundle, 0, 5));
      const lane = slot();
      const chunk = request(lane, voice(bundle, 0, 5));
      for (const entry of chunk.entries.slice(3)) lane.ring.abandon(entry);
      const half = { ...chunk, shown: [0, 2, 4], entries: chunk.entries.slice(0, 3) };
      const { params } = await run(half);
      const pictures = half.entries.map((entry) => Buffer.from(lane.ring.lease(entry).bytes));
      expectSame(
        pictures,
        [0, 2, 4].map((frame) => whole.pictures[frame]!),
      );
      expect(params?.length ?? 0).toBe((whole.params.length * 3) / 5);
    });

    it('makes a batch of chunks of several slots', async () => {
      const lanes = [slot(), slot()];
      const alone = [await show(slot(), voice(bundle, 0, 2)), await show(slot(), voice(bundle, 30, 3))];
      const batch = [request(lanes[0]!, voice(bundle, 0, 2)), request(lanes[1]!, voice(bundle, 30, 3))];
      await Promise.all(runner.run(batch));
      for (const [index, { entries }] of batch.entries()) {
        const pictures = entries.map((entry) => Buffer.from(lanes[index]!.ring.lease(entry).bytes));
        expectSame(pictures, alone[index]!.pictures);
      }
    });

    it('leaves the input as it was', async () => {
      const lane = slot();
      const chunk = request(lane, voice(bundle, 0, 2));
      await run(chunk);
      expect(chunk.pcm).toEqual(voice(bundle, 0, 2));
      expect(chunk.expression).toEqual(rows(bundle, 2));
    });

    it('renders still pictures that follow the expression', async () => {
      const blink = bundle.expression.parameters.findIndex(({ name }) => name === 'eyeBlink');
      const row = bundle.expression.parameters.length;
      const expression = new Float32Array(7 * row);
      expression[3 * row + blink] = 1;
      const memory = await runner.renderStill(expression, 7);
      expect(memory.byteLength).toBe(7 * bundle.frameBytes);
      const pictures = Array.from({ length: 7 }, (_, frame) =>
        Buffer.from(memory, frame * bundle.frameBytes, bundle.frameBytes),
      );
      const rest = pictures[0] ?? Buffer.alloc(0);
      for (const [frame, picture] of pictures.entries()) {
        const difference = distance(picture, rest);
        if (frame === 3) expect(difference.mean).toBeGreaterThan(0.1);
        else expect(difference.max).toBeLessThanOrEqual(2);
      }
    });

    it('makes still pictures while sessions speak, and disturbs none', async () => {
      const alone = await show(slot(), voice(bundle, 0, 6));
      const stills = runner.renderStill(rows(bundle, 40), 40);
      const lane = slot();
      const parts: Film[] = [];
      for (let frame = 0; frame < 6; frame += 1) parts.push(await show(lane, voice(bundle, frame, 1)));
      expect((await stills).byteLength).toBe(40 * bundle.frameBytes);
      expectSame(
        parts.flatMap(({ pictures }) => pictures),
        alone.pictures,
      );
    });

    it('rejects waiting runs when it is closed', async () => {
      const { runner: closing } = await open();
      const ring = FrameRing.create({ entries: 12, frameBytes: bundle.frameBytes });
      closing.attachSlot(0, ring);
      const runs = [0, 1].flatMap(() => closing.run([request({ slotId: 0, ring }, voice(bundle, 0, 5))]));
      const outcome = Promise.allSettled(runs);
      await closing.close();
      await closing.close();
      for (const run of await outcome) expect(run).toMatchObject({ reason: { code: 'unavailable' } });
      await expect(closing.run([request({ slotId: 0, ring }, voice(bundle, 0, 1))])[0]).rejects.toMatchObject(
        {
          code: 'unavailable',
        },
      );
    }, 60_000);
  });
}

/** A vowel-like sound: harmonics of 120 Hz that swell with the syllables. */
function voice(bundle: AvatarBundle, firstFrame: number, frames: number): Float32Array {
  const start = firstFrame * bundle.samplesPerFrame;
  return Float32Array.from({ length: frames * bundle.samplesPerFrame }, (_, sample) => {
    const seconds = (start + sample) / bundle.sampleRate;
    const envelope = 0.5 - 0.5 * Math.cos(2 * Math.PI * 4 * seconds);
    let sum = 0;
    for (let harmonic = 1; harmonic <= 12; harmonic += 1) {
      const weight = Math.exp(-(((harmonic - 6) / 3) ** 2));
      sum += weight * Math.sin(2 * Math.PI * 120 * harmonic * seconds);
    }
    return 0.2 * envelope * sum;
  });
}

function rows(bundle: AvatarBundle, frames: number): Float32Array {
  return new Float32Array(frames * bundle.expression.parameters.length);
}

function distance(a: Buffer, b: Buffer): { max: number; mean: number } {
  let max = 0;
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) {
    const difference = Math.abs((a[index] ?? 0) - (b[index] ?? 0));
    max = Math.max(max, difference);
    sum += difference;
  }
  return { max, mean: sum / a.length };
}

/** Equal but for rounding at the edges of the decoder's 8-bit steps. */
function expectSame(actual: readonly Buffer[], expected: readonly Buffer[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [index, picture] of actual.entries()) {
    expect(distance(picture, expected[index] ?? Buffer.alloc(0)).mean).toBeLessThan(0.01);
  }
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [index, value] of actual.entries()) expect(value).toBeCloseTo(expected[index] ?? NaN, 4);
}
