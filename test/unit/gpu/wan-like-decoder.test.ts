import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DecoderLayers } from '../../../gpu/bench/graphs/decoder-layers.ts';
import { OnnxGraph } from '../../../gpu/onnx/onnx-graph.ts';
import { encodeElements } from '../../../gpu/onnx/tensor-data.ts';
import { wanLikeDecoder } from '../../../gpu/bench/graphs/wan-like-decoder.ts';
import type { WanLikeDecoder, WanLikeDecoderOptions } from '../../../gpu/bench/graphs/wan-like-decoder.ts';

const TINY = { width: 64, height: 32, channels: 8, precision: 'float32', output: 'rgb' } as const;
const PICTURE = 3 * TINY.width * TINY.height;

type Tensors = Record<string, Tensor>;

let dir: string;
let files = 0;

beforeAll(async () => {
  // onnxruntime-node exchanges float16 as Uint16Array; with the global there, its wrapper takes another type than its addon.
  vi.stubGlobal('Float16Array', undefined);
  dir = await mkdtemp(join(tmpdir(), 'vizavi-'));
});
afterAll(async () => {
  vi.unstubAllGlobals();
  await rm(dir, { recursive: true });
});

function tensor(
  precision: 'float32' | 'float16',
  shape: readonly number[],
  value: (index: number) => number,
): Tensor {
  const values = Array.from({ length: shape.reduce((product, size) => product * size) }, (_, index) =>
    value(index),
  );
  const { buffer } = encodeElements(precision, values);
  return precision === 'float32'
    ? new Tensor('float32', new Float32Array(buffer as ArrayBuffer), shape)
    : new Tensor('float16', new Uint16Array(buffer as ArrayBuffer), shape);
}

/** A decoder with its state, as a worker holds it. */
class Decoding {
  state: Tensors = {};
  readonly #decoder: WanLikeDecoder;
  readonly #session: InferenceSession;
  readonly #precision: 'float32' | 'float16';

  private constructor(decoder: WanLikeDecoder, session: InferenceSession, precision: 'float32' | 'float16') {
    this.#decoder = decoder;
    this.#session = session;
    this.#precision = precision;
    this.reset();
  }

  static async open(options: WanLikeDecoderOptions): Promise<Decoding> {
    const decoder = wanLikeDecoder(options);
    files += 1;
    const path = join(dir, `decoder-${files}.onnx`);
    await decoder.graph.save(path);
    return new Decoding(decoder, await InferenceSession.create(path), options.precision);
  }

  reset(): void {
    const zeros = this.#decoder.states.map(({ input, shape }) => [
      input,
      tensor(this.#precision, shape, () => 0),
    ]);
    this.state = Object.fromEntries(zeros) as Tensors;
  }

  /** Decodes one latent frame, which the number stands for. */
  async run(latent: number): Promise<Tensors> {
    const latents = tensor(this.#precision, this.#decoder.latentShape, (index) =>
      Math.sin(latent + index ** 2),
    );
    const outputs = await this.#session.run({ latents, ...this.state });
    for (const { input, output, shape } of this.#decoder.states) {
      expect(outputs[output]?.dims).toEqual(shape);
      this.state[input] = outputs[output] as Tensor;
    }
    return outputs;
  }

  async rgb(latent: number): Promise<Float32Array> {
    return (await this.run(latent))['rgb']?.data as Float32Array;
  }
}

function meanDifference(left: Float32Array, right: Float32Array): number {
  return left.reduce((sum, value, index) => sum + Math.abs(value - right[index]!), 0) / left.length;
}

describe('wanLikeDecoder', () => {
  it('makes four frames of each latent frame, and the state for the next', async () => {
    const decoding = await Decoding.open(TINY);
    for (const latent of [1, 2, 3]) {
      const { rgb } = await decoding.run(latent);
      expect(rgb?.dims).toEqual([4, 3, TINY.height, TINY.width]);
      const pixels = rgb?.data as Float32Array;
      const frames = [0, 1, 2, 3].map((frame) => pixels.subarray(frame * PICTURE, (frame + 1) * PICTURE));
      expect(pixels.every((value) => Math.abs(value) <= 1)).toBe(true);
      for (const [index, frame] of frames.entries()) {
        expect(meanDifference(frame, frames.at(index - 1)!)).toBeGreaterThan(0.01);
      }
    }
  });

  it('remembers through the state alone: a clip goes on from any point, and starts anew from zeros', async () => {
    const decoding = await Decoding.open(TINY);
    const first = await decoding.rgb(1);
    const afterFirst = { ...decoding.state };
    const second = await decoding.rgb(2);
    const third = await decoding.rgb(3);

    decoding.state = { ...afterFirst };
    await decoding.rgb(20);
    expect(meanDifference(await decoding.rgb(3), third)).toBeGreaterThan(0.01);
    decoding.state = { ...afterFirst };
    expect(await decoding.rgb(2)).toEqual(second);
    expect(await decoding.rgb(3)).toEqual(third);
    decoding.reset();
    expect(await decoding.rgb(1)).toEqual(first);
    decoding.reset();
    expect(meanDifference(await decoding.rgb(2), second)).toBeGreaterThan(0.01);
  });

  it('has the same weights for the same seed', async () => {
    const [first, again, other] = [3, 3, 4].map((seed) => wanLikeDecoder({ ...TINY, seed }));
    const files = await Promise.all(
      [first, again, other].map(async (decoder, index) => {
        const path = join(dir, `seed-${index}.onnx`);
        await decoder!.graph.save(path);
        return readFile(`${path}.data`);
      }),
    );
    expect(files[0]!.equals(files[1]!)).toBe(true);
    expect(files[0]!.equals(files[2]!)).toBe(false);
    expect(files[0]).toHaveLength(first!.weightBytes);
  });

  it('gives the same pictures as I420', async () => {
    const rgb = await (await Decoding.open(TINY)).rgb(1);
    const { y, u, v } = await (await Decoding.open({ ...TINY, output: 'i420' })).run(1);
    const area = TINY.width * TINY.height;
    expect(y?.dims).toEqual([4, TINY.height, TINY.width]);
    expect(u?.dims).toEqual([4, TINY.height / 2, TINY.width / 2]);
    expect(v?.dims).toEqual([4, TINY.height / 2, TINY.width / 2]);
    const luma = y?.data as Uint8Array;
    for (let index = 0; index < luma.length; index += 1) {
      const pixel = Math.floor(index / area) * PICTURE + (index % area);
      const [r, g, b] = [0, 1, 2].map((channel) => (rgb[pixel + channel * area]! + 1) / 2) as [
        number,
        number,
        number,
      ];
      expect(Math.abs(luma[index]! - (16 + 65.481 * r + 128.553 * g + 24.966 * b))).toBeLessThan(1);
    }
  });

  it('gives nearly the same pictures in float16, with half the bytes', async () => {
    const half = { ...TINY, precision: 'float16' } as const;
    const full = await Decoding.open(TINY);
    const short = await Decoding.open(half);
    for (const latent of [1, 2, 3]) {
      expect(meanDifference(await short.rgb(latent), await full.rgb(latent))).toBeLessThan(0.02);
    }
    expect(wanLikeDecoder(half).stateBytes).toBe(wanLikeDecoder(TINY).stateBytes / 2);
  });

  it('has the size of the published decoder', () => {
    const decoder = wanLikeDecoder({ width: 832, height: 480, precision: 'float16', output: 'i420' });
    expect(decoder.states).toHaveLength(32);
    expect(decoder.weightBytes / 2).toBeGreaterThan(73e6);
    expect(decoder.weightBytes / 2).toBeLessThan(74e6);
    expect(decoder.flopsPerLatentFrame).toBeGreaterThan(13e12);
    expect(decoder.flopsPerLatentFrame).toBeLessThan(14e12);
  });

  it('refuses sizes that it cannot make', () => {
    expect(() => wanLikeDecoder({ ...TINY, height: 36 })).toThrow(/multiples of 8/);
    expect(() => wanLikeDecoder({ ...TINY, channels: 7 })).toThrow(/even/);
  });
});

describe('DecoderLayers.causalConv', () => {
  const [IN, OUT, HEIGHT, WIDTH] = [2, 3, 4, 5];
  const [RUNS, FRAMES] = [3, 2];

  it('is, run by run, the 3D convolution of the whole clip with zeros before it', async () => {
    const graph = new OnnxGraph('convolution');
    const layers = new DecoderLayers(graph, 'float32', 5);
    const shape = [FRAMES, IN, HEIGHT, WIDTH];
    const x = {
      name: graph.input('x', 'float32', shape),
      frames: FRAMES,
      channels: IN,
      height: HEIGHT,
      width: WIDTH,
    };
    const { name } = layers.causalConv(x, OUT, 3);
    graph.output(name, 'float32', [FRAMES, OUT, HEIGHT, WIDTH]);
    expect(layers.flops).toBe(2 * 27 * IN * OUT * FRAMES * HEIGHT * WIDTH);
    const path = join(dir, 'convolution.onnx');
    await graph.save(path);
    const session = await InferenceSession.create(path);

    const weightCount = OUT * IN * 27;
    const { size } = await stat(`${path}.data`);
    const data = new Float32Array(Uint8Array.from(await readFile(`${path}.data`)).buffer);
    const weights = data.subarray(0, weightCount);
    const bias = data.subarray(size / 4 - OUT);

    const clip = Float32Array.from({ length: RUNS * FRAMES * IN * HEIGHT * WIDTH }, (_, index) =>
      Math.sin(index ** 2),
    );
    const input = (frame: number, channel: number, row: number, column: number): number =>
      frame < 0 || row < 0 || row >= HEIGHT || column < 0 || column >= WIDTH
        ? 0
        : clip[((frame * IN + channel) * HEIGHT + row) * WIDTH + column]!;
    const expected = (frame: number, out: number, row: number, column: number): number => {
      let sum = bias[out]!;
      for (let index = 0; index < IN * 27; index += 1) {
        const [dx, dy] = [index % 3, Math.floor(index / 3) % 3];
        const [channel, tap] = [Math.floor(index / 9) % IN, Math.floor(index / 9 / IN)];
        sum +=
          weights[out * IN * 27 + index]! * input(frame + tap - 2, channel, row + dy - 1, column + dx - 1);
      }
      return sum;
    };

    let state = new Tensor('float32', new Float32Array(2 * IN * HEIGHT * WIDTH), [2, IN, HEIGHT, WIDTH]);
    for (let run = 0; run < RUNS; run += 1) {
      const chunk = clip.subarray((run * clip.length) / RUNS, ((run + 1) * clip.length) / RUNS);
      const outputs = await session.run({ x: new Tensor('float32', chunk, shape), state_0: state });
      state = outputs['next_state_0'] as typeof state;
      const values = outputs[name]?.data as Float32Array;
      for (const [index, value] of values.entries()) {
        const [column, row] = [index % WIDTH, Math.floor(index / WIDTH) % HEIGHT];
        const [out, frame] = [
          Math.floor(index / WIDTH / HEIGHT) % OUT,
          Math.floor(index / WIDTH / HEIGHT / OUT),
        ];
        expect(value).toBeCloseTo(expected(run * FRAMES + frame, out, row, column), 4);
      }
    }
  });
});
