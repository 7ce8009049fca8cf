import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importNetwork } from '../../../gpu/cli/import-network.ts';
import { OnnxGraph } from '../../../gpu/onnx/onnx-graph.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'vizavi-import-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** A network that gives its input as its pictures. */
async function network(
  shape: readonly (number | string)[],
  type: 'float32' | 'float16' = 'float32',
): Promise<string> {
  const graph = new OnnxGraph('foreign');
  const latents = graph.input('latents', 'float32', shape);
  if (type === 'float16') graph.node('Cast', [latents], { to: 10 }, 'pictures');
  else graph.node('Identity', [latents], {}, 'pictures');
  graph.output('pictures', type, shape);
  const file = join(dir, `${shape.join('x')}.${type}.onnx`);
  await graph.save(file);
  return file;
}

/** Levels of one colour in I420, and how they come out of an imported network. */
async function levels(file: string, dims: readonly number[], rgb: readonly number[]): Promise<number[][]> {
  const session = await InferenceSession.create(file);
  const area = (dims.at(-1) ?? 0) * (dims.at(-2) ?? 0);
  const frames = dims.length === 5 ? (dims[2] ?? 0) : (dims[0] ?? 0);
  const perChannel = dims.length === 5 ? frames * area : area;
  const data = new Float32Array(frames * 3 * area).map((_, at) => rgb[Math.floor(at / perChannel) % 3] ?? 0);
  const made = await session.run({ latents: new Tensor('float32', data, dims) });
  expect(session.outputNames).toEqual(['y', 'u', 'v']);
  return ['y', 'u', 'v'].map((name) => {
    const plane = made[name];
    expect(plane?.dims[0]).toBe(frames);
    return [...new Set(plane?.data as Uint8Array)];
  });
}

describe('vizavi bundle import', () => {
  it('turns pictures of 0…1 into I420', async () => {
    const out = join(dir, 'unit.onnx');
    const words = await importNetwork({ file: await network(['T', 3, 4, 6]), out, range: 'unit' });
    expect(words.join('\n')).toMatch(/6×4[\s\S]*"sha256":"[0-9a-f]{64}"/);
    expect(await levels(out, [2, 3, 4, 6], [1, 1, 1])).toEqual([[235], [128], [128]]);
    // Pure red, ITU-R BT.601: 81, 90, 240.
    expect(await levels(out, [2, 3, 4, 6], [1, 0, 0])).toEqual([[81], [90], [240]]);
  });

  it('turns a video of −1…1 in half precision into I420, frame by frame', async () => {
    const out = join(dir, 'video.onnx');
    await importNetwork({ file: await network([1, 3, 'T', 4, 6], 'float16'), out, range: 'signed' });
    expect(await levels(out, [1, 3, 5, 4, 6], [-1, -1, -1])).toEqual([[16], [128], [128]]);
    expect(await levels(out, [1, 3, 5, 4, 6], [1, -1, -1])).toEqual([[81], [90], [240]]);
  });

  it('takes the size where the network leaves it open', async () => {
    const file = await network(['T', 3, 'h', 'w']);
    const out = join(dir, 'open.onnx');
    await expect(importNetwork({ file, out, range: 'unit' })).rejects.toThrow(/say --width and --height/);
    await importNetwork({ file, out, range: 'unit', width: 6, height: 4 });
    expect(await levels(out, [1, 3, 4, 6], [0, 0, 1])).toEqual([[41], [240], [110]]);
  });

  it('says what does not fit', async () => {
    const out = join(dir, 'none.onnx');
    const import_ = (file: string, output?: string) => importNetwork({ file, out, range: 'unit', output });
    await expect(import_(await network(['T', 4, 4, 6]))).rejects.toThrow(/neither \[T, 3, H, W\]/);
    await expect(import_(await network(['T', 3, 4, 5]))).rejects.toThrow(/5×4 have no whole chroma planes/);
    await expect(import_(await network(['T', 3, 4, 6]), 'video')).rejects.toThrow(
      /no output "video", only: pictures/,
    );
    const text = join(dir, 'text.onnx');
    await writeFile(text, 'this is no network');
    await expect(import_(text)).rejects.toMatchObject({ code: 'invalid_bundle' });
  });
});
