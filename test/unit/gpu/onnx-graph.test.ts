import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appendI420Tail } from '../../../gpu/onnx/i420-tail.ts';
import { OnnxGraph } from '../../../gpu/onnx/onnx-graph.ts';
import { encodeElements, randomElements } from '../../../gpu/onnx/tensor-data.ts';

let dir: string;
let files = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'vizavi-'));
});
afterAll(() => rm(dir, { recursive: true }));

async function open(graph: OnnxGraph): Promise<InferenceSession> {
  files += 1;
  const path = join(dir, `${files}.onnx`);
  await graph.save(path);
  return InferenceSession.create(path);
}

const floats = (values: number[], dims: number[]): Tensor =>
  new Tensor('float32', Float32Array.from(values), dims);

describe('OnnxGraph', () => {
  it('makes a model that runs for any size of a named dimension, with weights beside it', async () => {
    const graph = new OnnxGraph('product');
    const x = graph.input('x', 'float32', ['rows', 3]);
    const matrix = graph.weights('float32', [2, 3], () => [
      encodeElements('float32', [1, 2, 3]),
      encodeElements('float32', [-1, 0, 0.5]),
    ]);
    const bias = graph.weights('float32', [2], () => [encodeElements('float32', [10, 20])]);
    graph.node('Gemm', [x, matrix, bias], { transB: 1, alpha: { float: 0.5 } }, 'y');
    graph.output('y', 'float32', ['rows', 2]);
    const session = await open(graph);
    const one = await session.run({ x: floats([1, 1, 2], [1, 3]) });
    expect([...(one['y']?.data as Float32Array)]).toEqual([14.5, 20]);
    const two = await session.run({ x: floats([2, 0, 0, 0, 0, 4], [2, 3]) });
    expect([...(two['y']?.data as Float32Array)]).toEqual([11, 19, 16, 21]);
  });

  it('writes constants of every type, and attributes that are texts, lists and negative', async () => {
    const graph = new OnnxGraph('constants');
    const pad = graph.node(
      'Pad',
      [graph.constant('float32', [1, 2], [1.5, -2]), graph.constant('int64', [4], [0, -1, 0, 2])],
      { mode: 'edge' },
    );
    graph.node('ReduceSum', [pad, graph.constant('int64', [1], [-1])], { keepdims: 0 }, 'sum');
    graph.output('sum', 'float32', [1]);
    graph.node('Transpose', [graph.constant('uint8', [2, 2], [0, 1, 254, 255])], { perm: [1, 0] }, 'bytes');
    graph.output('bytes', 'uint8', [2, 2]);
    graph.node('Concat', Array(2).fill(graph.constant('int64', [1], [-(2 ** 40)])), { axis: -1 }, 'long');
    graph.output('long', 'int64', [2]);

    const { sum, bytes, long } = await (await open(graph)).run({});
    expect([...(sum?.data as Float32Array)]).toEqual([-6]);
    expect([...(bytes?.data as Uint8Array)]).toEqual([0, 254, 1, 255]);
    expect([...(long?.data as BigInt64Array)]).toEqual([-(2n ** 40n), -(2n ** 40n)]);
  });

  it('rounds to the nearest float16', async () => {
    const graph = new OnnxGraph('halves');
    const values = [
      0,
      -2.5,
      0.1,
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      65504,
      65519,
      65520,
      -1e6,
      2 ** -14,
      2 ** -24,
    ];
    const halves = [
      0,
      -2.5,
      0.0999755859375,
      1,
      1 + 2 ** -9,
      65504,
      65504,
      Infinity,
      -Infinity,
      2 ** -14,
      2 ** -24,
    ];
    graph.node('Cast', [graph.constant('float16', [values.length], values)], { to: 1 }, 'y');
    graph.output('y', 'float32', [values.length]);
    const { y } = await (await open(graph)).run({});
    expect([...(y?.data as Float32Array)]).toEqual(halves);
  });
});

describe('randomElements', () => {
  const numbers = (seed: number): Float32Array =>
    new Float32Array(
      Uint8Array.from(Buffer.concat([...randomElements('float32', 200_000, 0.5, seed)])).buffer,
    );

  it('gives the same numbers for a seed, others for another, spread over the whole range', () => {
    const first = numbers(7);
    expect(first).toEqual(numbers(7));
    expect(first).not.toEqual(numbers(8));
    expect(first).toHaveLength(200_000);
    const moment = (power: number): number =>
      first.reduce((sum, value) => sum + value ** power, 0) / first.length;
    expect(Math.abs(moment(1))).toBeLessThan(0.005);
    expect(moment(2)).toBeCloseTo(1 / 12, 2);
    expect(first.every((value) => Math.abs(value) <= 0.5)).toBe(true);
  });
});

describe('appendI420Tail', () => {
  const WIDTH = 6;
  const HEIGHT = 4;
  const AREA = WIDTH * HEIGHT;

  async function convert(rgb: number[], range: 'unit' | 'signed'): Promise<Record<string, Uint8Array>> {
    const graph = new OnnxGraph('tail');
    const input = graph.input('rgb', 'float32', ['T', 3, HEIGHT, WIDTH]);
    appendI420Tail(graph, input, { frames: 'T', height: HEIGHT, width: WIDTH, range });
    const frames = rgb.length / 3 / AREA;
    const planes = await (await open(graph)).run({ rgb: floats(rgb, [frames, 3, HEIGHT, WIDTH]) });
    expect(planes['y']?.dims).toEqual([frames, HEIGHT, WIDTH]);
    expect(planes['u']?.dims).toEqual([frames, HEIGHT / 2, WIDTH / 2]);
    expect(planes['v']?.dims).toEqual([frames, HEIGHT / 2, WIDTH / 2]);
    return Object.fromEntries(Object.entries(planes).map(([name, { data }]) => [name, data as Uint8Array]));
  }

  it.each([
    ['white', [1, 1, 1], [235, 128, 128]],
    ['black', [0, 0, 0], [16, 128, 128]],
    ['red', [1, 0, 0], [81, 90, 240]],
    ['green', [0, 1, 0], [145, 54, 34]],
    ['blue', [0, 0, 1], [41, 240, 110]],
    ['more than white', [2, 2, 2], [235, 128, 128]],
    ['less than black', [-2, -2, -2], [16, 128, 128]],
  ])('converts %s to its published levels', async (_, colour, [y, u, v]) => {
    const planes = await convert(
      colour.flatMap((value) => Array<number>(AREA).fill(value)),
      'unit',
    );
    expect(new Set(planes['y'])).toEqual(new Set([y]));
    expect(new Set(planes['u'])).toEqual(new Set([u]));
    expect(new Set(planes['v'])).toEqual(new Set([v]));
  });

  it.each(['unit', 'signed'] as const)('is within one level of the formula for %s colours', async (range) => {
    const FRAMES = 3;
    const unit = Array.from({ length: FRAMES * 3 * AREA }, (_, index) => ((index * 7919) % 1009) / 1008);
    const planes = await convert(range === 'unit' ? unit : unit.map((value) => 2 * value - 1), range);
    /** Mean colour of a square of pixels. */
    const colour = (frame: number, x: number, y: number, size: number): [number, number, number] =>
      [0, 1, 2].map((channel) => {
        let sum = 0;
        for (let row = y; row < y + size; row += 1) {
          for (let column = x; column < x + size; column += 1) {
            sum += unit[((frame * 3 + channel) * HEIGHT + row) * WIDTH + column]!;
          }
        }
        return sum / size ** 2;
      }) as [number, number, number];
    for (let frame = 0; frame < FRAMES; frame += 1) {
      for (let index = 0; index < AREA; index += 1) {
        const [r, g, b] = colour(frame, index % WIDTH, Math.floor(index / WIDTH), 1);
        const luma = 16 + 65.481 * r + 128.553 * g + 24.966 * b;
        expect(Math.abs(planes['y']![frame * AREA + index]! - luma)).toBeLessThan(1);
      }
      for (let index = 0; index < AREA / 4; index += 1) {
        const [r, g, b] = colour(frame, 2 * (index % (WIDTH / 2)), 2 * Math.floor(index / (WIDTH / 2)), 2);
        const u = 128 - 37.797 * r - 74.203 * g + 112 * b;
        const v = 128 + 112 * r - 93.786 * g - 18.214 * b;
        expect(Math.abs(planes['u']![(frame * AREA) / 4 + index]! - u)).toBeLessThan(1);
        expect(Math.abs(planes['v']![(frame * AREA) / 4 + index]! - v)).toBeLessThan(1);
      }
    }
  });
});
