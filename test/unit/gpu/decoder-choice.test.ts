import { describe, expect, it } from 'vitest';
import { chooseDecoder } from '../../../gpu/src/decoder-choice.ts';
import { openDecoders } from '../../../gpu/src/network-checks.ts';
import { FAKE_BUNDLE } from '../../support/fake-model-runner.ts';

const bundle = {
  ...FAKE_BUNDLE,
  decoder: {
    ...FAKE_BUNDLE.decoder,
    variants: { int8: 'int8.onnx', fp32: 'fp32.onnx', large: 'large.onnx' },
    default: 'int8',
    finest: 'large',
  },
};
const open = (name: string): Promise<string> => Promise.resolve(`session of ${name}`);

describe('the decoder of a bundle that has a fine one for GPUs', () => {
  it('is not even opened by a CPU', async () => {
    const { decoders } = await openDecoders(bundle, 'auto', open);
    expect([...decoders.keys()]).toEqual(['int8', 'fp32']);
  });

  it('is opened by a device with time to spare, and by anyone who asks for it', async () => {
    const onDevice = await openDecoders(bundle, 'auto', open, true);
    expect([...onDevice.decoders.keys()]).toEqual(['int8', 'fp32', 'large']);
    const asked = await openDecoders(bundle, 'large', open);
    expect(asked.first).toBe('large');
  });

  it('is refused by name where the bundle has none', async () => {
    await expect(openDecoders(FAKE_BUNDLE, 'large', open)).rejects.toMatchObject({
      code: 'unsupported_device',
    });
  });
});

describe('chooseDecoder', () => {
  const cpu = new Map([
    ['int8', 38],
    ['fp32', 95],
  ]);
  const gpu = new Map([
    ['int8', 1],
    ['fp32', 1],
    ['large', 3],
  ]);

  it('takes the fastest where the finest was not opened', () => {
    expect(chooseDecoder(cpu, 'auto', 'large')).toEqual({ chosen: 'int8', fastest: null });
  });

  it('takes the finest where it was, and keeps the fastest for bad times', () => {
    expect(chooseDecoder(gpu, 'auto', 'large')).toEqual({ chosen: 'large', fastest: 'int8' });
  });

  it('takes what is asked for', () => {
    expect(chooseDecoder(gpu, 'fp32', 'large')).toEqual({ chosen: 'fp32', fastest: null });
  });
});
