import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadAvatarBundle } from '../../../gpu/src/avatar-bundle.ts';
import type { AvatarBundle } from '../../../gpu/src/avatar-bundle.ts';
import { addressOf, OrtApi } from '../../../gpu/src/cuda/ort-api.ts';
import { OrtDeviceNetworks } from '../../../gpu/src/cuda/ort-device-networks.ts';
import { findOnnxRuntime } from '../../../gpu/src/cuda/ort-library.ts';
import type { OrtProvider } from '../../../gpu/src/cuda/ort-session.ts';

const BUNDLE = fileURLToPath(new URL('../../../gpu/bundles/mira', import.meta.url));
const CPU: OrtProvider = { name: 'cpu', threads: 1 };
const OPTIONS: InferenceSession.SessionOptions = { intraOpNumThreads: 1, interOpNumThreads: 1 };

type Writable<T> = { -readonly [K in keyof T]: Writable<T[K]> };
/** A thawed copy of the bundle, with changes. */
function changed(original: AvatarBundle, change: (copy: Writable<AvatarBundle>) => void): AvatarBundle {
  const copy = structuredClone<unknown>(original) as Writable<AvatarBundle>;
  change(copy);
  return copy;
}

/** Sound-like numbers, the same in every run. */
function waves(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, (_, index) => 0.3 * Math.sin(index * 0.05 * (seed + 1) + seed));
}

let bundle: AvatarBundle;
let api: OrtApi;

beforeAll(async () => {
  bundle = await loadAvatarBundle(BUNDLE);
  api = OrtApi.open(findOnnxRuntime(null).library);
});

const open = (from = bundle, decoder = 'auto'): Promise<OrtDeviceNetworks> =>
  OrtDeviceNetworks.open(api, { bundle: from, decoder, steps: 'auto' }, CPU);

const stateSize = (): number => bundle.states[0]?.shape.at(-1) ?? NaN;
const width = (): number => bundle.expression.parameters.length;

/** A slot's tensors, in memory that stays where it is. */
class SlotMemory {
  readonly pcm = new Float32Array(bundle.chunkFrames * bundle.samplesPerFrame);
  readonly expression = new Float32Array(bundle.chunkFrames * bundle.expression.parameters.length);
  readonly latents = new Float32Array(bundle.chunkFrames * 1024);
  readonly params = new Float32Array(this.expression.length);
  readonly states = [new Float32Array(stateSize()), new Float32Array(stateSize())] as const;
  turn = 0;

  generate(networks: OrtDeviceNetworks, frames: number, pcm: Float32Array, expression: Float32Array): void {
    this.pcm.set(pcm);
    this.expression.set(expression);
    networks.generate({
      frames,
      pcm: addressOf(this.pcm),
      expression: addressOf(this.expression),
      states: [
        { input: addressOf(this.states[this.turn & 1]!), output: addressOf(this.states[~this.turn & 1]!) },
      ],
      latents: addressOf(this.latents),
      params: addressOf(this.params),
    });
    this.turn += 1;
  }

  get state(): Float32Array {
    return this.states[this.turn & 1]!;
  }
}

describe('results', () => {
  test('two slots generate in turn what session.run gives, chunk after chunk', async () => {
    const networks = await open();
    const reference = await InferenceSession.create(bundle.generator.file, OPTIONS);
    const slots = [0, 1].map((seed) => ({
      seed,
      memory: new SlotMemory(),
      state: new Tensor('float32', new Float32Array(stateSize()), [1, stateSize()]),
    }));
    for (const [round, frames] of [1, 5, 3, 5, 1].entries()) {
      for (const slot of slots) {
        const pcm = waves(frames * bundle.samplesPerFrame, slot.seed + round);
        const expression = waves(frames * width(), slot.seed);
        slot.memory.generate(networks, frames, pcm, expression);
        const outputs = await reference.run({
          pcm: new Tensor('float32', pcm, [1, pcm.length]),
          expression: new Tensor('float32', expression, [1, frames, width()]),
          state_in: slot.state,
        });
        const expected = (name: string): Float32Array => (outputs[name] as Tensor).data as Float32Array;
        expect(slot.memory.latents.subarray(0, frames * 1024)).toEqual(expected('latents'));
        expect(slot.memory.params.subarray(0, frames * width())).toEqual(expected('params'));
        expect(slot.memory.state).toEqual(expected('state_out'));
        slot.state = new Tensor('float32', expected('state_out'), [1, stateSize()]);
      }
    }
    networks.close();
    await reference.release();
  });

  test.each(['int8', 'fp32'])('the decoder %s gives the same pictures as session.run', async (variant) => {
    const networks = await open();
    expect(networks.variants).toEqual(['int8', 'fp32']);
    networks.useVariant(variant);
    expect(networks.variant).toBe(variant);
    const reference = await InferenceSession.create(bundle.decoder.variants[variant]!, OPTIONS);
    const luma = bundle.width * bundle.height;
    const [y, u, v] = [luma, luma / 4, luma / 4].map((bytes) => new Uint8Array(2 * bytes)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    for (const frames of [2, 1, 2]) {
      const latents = waves(frames * 1024, frames);
      networks.decode({
        frames,
        latents: addressOf(latents),
        y: addressOf(y),
        u: addressOf(u),
        v: addressOf(v),
      });
      const outputs = await reference.run({ latents: new Tensor('float32', latents, [frames, 16, 8, 8]) });
      for (const [name, plane] of Object.entries({ y, u, v })) {
        const expected = Buffer.from((outputs[name] as Tensor).data as Uint8Array);
        expect(expected.equals(plane.subarray(0, expected.length)), name).toBe(true);
      }
    }
    networks.close();
    await reference.release();
  });

  test('waits for what was enqueued before it touches tensors', async () => {
    const order: string[] = [];
    const settle = (): number => order.push('settled');
    const networks = await OrtDeviceNetworks.open(
      api,
      { bundle, decoder: 'auto', steps: 'auto' },
      { ...CPU, settle },
    );
    order.length = 0;
    const memory = new SlotMemory();
    memory.generate(networks, 1, waves(640, 1), waves(width(), 1));
    expect(order).toEqual(['settled']);
    networks.close();
  });
});

describe('bundles that are refused', () => {
  test.each<[string, (copy: Writable<AvatarBundle>) => void, string]>([
    [
      'a file that is no network',
      (copy) => (copy.generator.file = `${BUNDLE}/README.md`),
      'mira: manifest.networks.generator.file:',
    ],
    [
      'a decoder that is no network',
      (copy) => (copy.decoder.variants['int8'] = `${BUNDLE}/README.md`),
      'mira: manifest.networks.decoder.variants.int8.file:',
    ],
    [
      'a wrong shape',
      (copy) => (copy.decoder.inputs[0]!.shape = ['T', 16, 8, 9]),
      'mira: manifest.networks.decoder.inputs[0].shape: of "latents" is [T, 16, 8, 9], but the network has [any, 16, 8, 8]',
    ],
    [
      'a shape that only a run shows to be wrong',
      (copy) => (copy.generator.outputs.find(({ name }) => name === 'state_out')!.shape = [1, 1265]),
      'mira: manifest.networks.generator: RunWithBinding:',
    ],
    [
      'a wrong type',
      (copy) => (copy.decoder.outputs[0]!.dtype = 'float32'),
      'mira: manifest.networks.decoder.outputs[0].dtype: of "y" is float32, but the network has uint8',
    ],
    [
      'an input that nobody feeds',
      (copy) => copy.generator.inputs.splice(0, 1),
      'mira: manifest.networks.generator.inputs: the network also needs "pcm"',
    ],
  ])('%s', async (_, change, message) => {
    const live = api.live;
    await expect(open(changed(bundle, change))).rejects.toMatchObject({
      code: 'invalid_bundle',
      message: expect.stringContaining(message) as string,
    });
    expect(api.live).toBe(live);
  });

  test('an unknown decoder', async () => {
    await expect(open(bundle, 'tiny')).rejects.toMatchObject({
      code: 'unsupported_device',
      message: 'mira has no decoder "tiny", only: auto, int8, fp32, large',
    });
  });
});

test('closing releases everything, and closing again does nothing', async () => {
  const live = api.live;
  const networks = await open();
  const memory = new SlotMemory();
  memory.generate(networks, 1, waves(640, 1), waves(width(), 1));
  memory.generate(networks, 5, waves(3200, 1), waves(100, 1));
  expect(api.live).toBeGreaterThan(live);
  networks.close();
  networks.close();
  expect(api.live).toBe(live);
});
