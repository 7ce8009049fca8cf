import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadAvatarBundle } from '../../gpu/src/avatar-bundle.ts';
import type { AvatarBundle } from '../../gpu/src/avatar-bundle.ts';
import { buildSimulator } from '../../gpu/simulator/build.ts';
import { CudaSimulator, readProfile } from '../../gpu/simulator/simulator.ts';
import { CudaModelRunner } from '../../gpu/src/cuda/cuda-model-runner.ts';
import { FrameRing } from '../../gpu/src/frame-ring.ts';
import { OnnxModelRunner } from '../../gpu/src/onnx-model-runner.ts';
import type { OnnxModelRunnerOptions } from '../../gpu/src/onnx-model-runner.ts';
import { FAKE_BUNDLE, FakeModelRunner } from '../support/fake-model-runner.ts';
import { modelRunnerContract } from './model-runner.contract.ts';

const ORT_NETWORKS = new URL('../../gpu/src/cuda/ort-device-networks.ts', import.meta.url).href;
const MIRA = fileURLToPath(new URL('../../gpu/bundles/mira', import.meta.url));

modelRunnerContract('fake', async () => {
  const runner = new FakeModelRunner();
  await runner.load(FAKE_BUNDLE);
  return { runner, bundle: FAKE_BUNDLE };
});

modelRunnerContract('ONNX Runtime', async () => {
  const bundle = await loadAvatarBundle(MIRA);
  const runner = new OnnxModelRunner();
  await runner.load(bundle);
  return { runner, bundle };
});

describe('OnnxModelRunner', () => {
  let mira: AvatarBundle;
  let runner: OnnxModelRunner | null = null;
  const open = (options?: OnnxModelRunnerOptions): OnnxModelRunner => (runner = new OnnxModelRunner(options));

  beforeAll(async () => {
    mira = await loadAvatarBundle(MIRA);
  });
  afterEach(() => runner?.close());

  const withGenerator = (change: Partial<AvatarBundle['generator']>): AvatarBundle => ({
    ...mira,
    generator: { ...mira.generator, ...change },
  });
  const { inputs, outputs } = { inputs: 'networks.generator.inputs', outputs: 'networks.generator.outputs' };

  it.each([
    [
      `mira: manifest.${inputs}[0].name: the network has no tensor "sound"`,
      () =>
        withGenerator({
          inputs: mira.generator.inputs.map((t, i) => (i === 0 ? { ...t, name: 'sound' } : t)),
        }),
    ],
    [
      `mira: manifest.${inputs}[1].shape: of "expression" is [1, T, 19], but the network has [1, T, 33]`,
      () =>
        withGenerator({
          inputs: mira.generator.inputs.map((t, i) => (i === 1 ? { ...t, shape: [1, 'T', 19] } : t)),
        }),
    ],
    [
      `mira: manifest.${outputs}[0].dtype: of "latents" is uint8, but the network has float32`,
      () =>
        withGenerator({
          outputs: mira.generator.outputs.map((t, i) => (i === 0 ? { ...t, dtype: 'uint8' } : t)),
        }),
    ],
    [
      `mira: manifest.${inputs}: the network also needs "state_in"`,
      () => withGenerator({ inputs: mira.generator.inputs.slice(0, 2) }),
    ],
  ])('says what differs between manifest and network: %s', async (message, bundle) => {
    await expect(open().load(bundle())).rejects.toMatchObject({ code: 'invalid_bundle', message });
  });

  it('says that a network is no network', async () => {
    const bundle = withGenerator({ file: `${MIRA}/NOTICE` });
    await expect(open().load(bundle)).rejects.toMatchObject({
      code: 'invalid_bundle',
      message: expect.stringContaining('mira: manifest.networks.generator.file: ') as string,
    });
  });

  it('refuses a decoder that the bundle does not have', async () => {
    await expect(open({ decoder: 'huge' }).load(mira)).rejects.toMatchObject({ code: 'unsupported_device' });
  });

  it('uses the decoder that it is told to use', async () => {
    const fp32 = open({ decoder: 'fp32' });
    await fp32.load(mira);
    await fp32.warmUp();
    expect(fp32.decoder).toBe('fp32');
  }, 60_000);

  it('fails every run and tells its owner when the inference thread dies', async () => {
    const deaths: Error[] = [];
    const dying = open({ onFatal: (error) => deaths.push(error) });
    await dying.load(mira);
    const ring = FrameRing.create({ entries: 3, frameBytes: mira.frameBytes });
    dying.attachSlot(0, ring);
    // A ring that cannot be opened: nothing in the thread expects that.
    dying.attachSlot(
      1,
      Object.assign(FrameRing.create({ entries: 3, frameBytes: 1 }), { handle: () => null }),
    );
    const [run] = dying.run([
      {
        slotId: 0,
        pcm: new Float32Array(mira.samplesPerFrame),
        expression: new Float32Array(mira.expression.parameters.length),
        frames: 1,
        shown: [0],
        reset: false,
        entries: [ring.acquire() ?? -1],
      },
    ]);
    await expect(run).rejects.toMatchObject({ code: 'inference_failed' });
    expect(deaths).toMatchObject([{ code: 'inference_failed' }]);
    await expect(dying.warmUp()).rejects.toMatchObject({ code: 'inference_failed' });
  });
});

describe('on the simulated CUDA device, with ONNX Runtime’s C API', async () => {
  const mira = await loadAvatarBundle(MIRA);
  const driver = await buildSimulator();
  const simulator = new CudaSimulator(driver);
  simulator.use(readProfile('g7e'), { speed: 1 });
  const runner = (): CudaModelRunner =>
    new CudaModelRunner({
      device: 0,
      driver,
      mode: 'async',
      depth: 3,
      decoder: 'int8',
      steps: 'auto',
      networks: { module: ORT_NETWORKS, options: { folder: null } },
    });

  modelRunnerContract('CudaModelRunner with mira', async () => {
    const cuda = runner();
    await cuda.load(mira);
    return { runner: cuda, bundle: mira };
  });

  it('gives everything back', async () => {
    const before = simulator.counters().live;
    const cuda = runner();
    await cuda.load(mira);
    const ring = FrameRing.create({ entries: 12, frameBytes: mira.frameBytes });
    cuda.attachSlot(0, ring);
    await cuda.renderStill(new Float32Array(mira.expression.parameters.length), 1);
    await cuda.close();
    expect(simulator.counters().live).toEqual(before);
  }, 60_000);
});
