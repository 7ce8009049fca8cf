import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesField, integerField, messageField, stringField } from '../../../gpu/onnx/protobuf.ts';
import { loadAvatarBundle } from '../../../gpu/src/avatar-bundle.ts';

const MIRA = fileURLToPath(new URL('../../../gpu/bundles/mira', import.meta.url));

describe('loadAvatarBundle', () => {
  let parent: string;
  let dir: string;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'vizavi-bundle-'));
    dir = join(parent, 'mira');
    await cp(MIRA, dir, { recursive: true });
  });
  afterEach(() => rm(parent, { recursive: true, force: true }));

  /** Writes a value at a path such as `audio.sampleRate` or `state[0].input` into the manifest; undefined removes it. */
  const edit = async (path: string, value: unknown): Promise<void> => {
    const manifest: unknown = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8'));
    const keys = path.split(/[.[\]]+/).filter(Boolean);
    const last = keys.pop() ?? '';
    let parentNode = manifest as Record<string, unknown>;
    for (const key of keys) parentNode = parentNode[key] as Record<string, unknown>;
    parentNode[last] = value;
    await writeFile(join(dir, 'manifest.json'), JSON.stringify(manifest));
  };
  /** Another decoder, with the hash that it has. */
  const replace = async (file: string, bytes: Uint8Array): Promise<void> => {
    await writeFile(join(dir, file), bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await edit('networks.decoder.variants.fp32', { file, sha256, bytes: bytes.length });
  };
  const fault = async (): Promise<string> => {
    const error = await loadAvatarBundle(dir).then(
      () => ({ code: 'none', message: 'it was accepted' }),
      (reason: unknown) => reason as { code: string; message: string },
    );
    expect(error.code).toBe('invalid_bundle');
    return error.message;
  };

  it('describes the default bundle', async () => {
    const mira = await loadAvatarBundle(dir);
    expect(mira).toMatchObject({
      id: 'mira',
      fps: 25,
      width: 512,
      height: 512,
      frameBytes: 393216,
      sampleRate: 16000,
      samplesPerFrame: 640,
      lookaheadFrames: 3,
      chunkFrames: 5,
      minChunkFrames: 1,
      latentShape: [16, 8, 8],
      generator: { hasParams: true, steps: 2 },
      decoder: { default: 'int8' },
      consent: { subject: 'synthetic' },
    });
    expect(mira.expression.parameters[19]).toEqual({
      name: 'gazeX',
      index: 19,
      rest: 0,
      min: -0.6,
      max: 0.6,
      audioDriven: false,
    });
    expect(Object.isFrozen(mira.expression.parameters[0])).toBe(true);
  });

  it.each([
    ['format', 'vizavi-bundle/2', 'format'],
    ['id', 'Mira Face', 'id'],
    ['fps', '25', 'fps'],
    ['width', 511, 'width'],
    ['height', 514.5, 'height'],
    ['audio.sampleRate', 'fast', 'audio.sampleRate'],
    ['audio.sampelRate', 16000, 'audio.sampelRate'],
    ['audio.samplesPerFrame', 320, 'audio.samplesPerFrame'],
    ['audio.chunkSamples', 3000, 'audio.chunkSamples'],
    ['audio.lookaheadMs', 100, 'audio.lookaheadMs'],
    ['minChunkFrames', 6, 'minChunkFrames'],
    ['latent.shape', [16, 8, 9], 'networks.generator.outputs[0].shape'],
    ['latent.shape', [50_000, 50_000], 'latent.shape'],
    ['state[0].shape', [1, 2_500_000_000], 'state[0].shape'],
    [
      'networks.generator.variants',
      { 1: { file: 'a', sha256: '', bytes: 1 } },
      'networks.generator.variants.1.sha256',
    ],
    ['networks.generator.inputs[0].shape', [1, '64*T'], 'networks.generator.inputs[0].shape'],
    ['networks.generator.inputs[0].shape', [1, 'frames'], 'networks.generator.inputs[0].shape[1]'],
    ['networks.generator.inputs[1].dtype', 'uint8', 'networks.generator.inputs[1].dtype'],
    ['networks.generator.inputs[2].name', 'memory', 'state[0].input'],
    ['networks.generator.file', '../generator.onnx', 'networks.generator.file'],
    ['networks.generator.file', '/etc/hostname', 'networks.generator.file'],
    ['networks.generator.file', 'sub/../../x', 'networks.generator.file'],
    ['networks.generator.file', 'absent.onnx', 'networks.generator.file'],
    ['networks.generator.bytes', 12, 'networks.generator.bytes'],
    ['networks.generator.sha256', 'abc', 'networks.generator.sha256'],
    ['networks.decoder.default', 'tiny', 'networks.decoder.default'],
    ['networks.decoder.finest', 'tiny', 'networks.decoder.finest'],
    ['networks.decoder.finest', 'int8', 'networks.decoder.finest'],
    [
      'networks.decoder.weights',
      { file: 'absent.weights', sha256: '0'.repeat(64), bytes: 1 },
      'networks.decoder.weights.file',
    ],
    ['networks.decoder.outputs[0].shape', ['T', 256, 512], 'networks.decoder.outputs[0].shape'],
    ['networks.decoder.outputs', [], 'networks.decoder.outputs'],
    ['state[0].output', 'state_gone', 'state[0].output'],
    ['state[0].shape', [1, 1263], 'state[0].shape'],
    ['expression.parameters[3].min', 'low', 'expression.parameters[3].min'],
    ['expression.parameters[3].index', 4, 'expression.parameters[3].index'],
    ['expression.parameters[3].rest', 2, 'expression.parameters[3].rest'],
    ['expression.parameters[3].name', 'jawOpen', 'expression.parameters[3].name'],
    ['crop', { x: 100, y: 0, width: 500, height: 8 }, 'crop'],
    ['licence', undefined, 'licence'],
    ['licence.notice', 'ABSENT', 'licence.notice'],
    ['consent', undefined, 'consent'],
    ['consent.statement', ' ', 'consent.statement'],
    ['consent.subject', 'person', 'consent.record'],
  ])('names the field: %s = %j', async (path, value, named) => {
    await edit(path, value);
    expect((await fault()).startsWith(`mira: manifest.${named}: `)).toBe(true);
  });

  it('leaves figures and notes to the maker', async () => {
    await edit('measured', { anything: [1, { goes: true }] });
    await edit('expression.parameters[0].note', 'wide');
    await expect(loadAvatarBundle(dir)).resolves.toMatchObject({ id: 'mira' });
  });

  it('sees that a network was changed', async () => {
    const network = await readFile(join(dir, 'decoder.onnx'));
    network[1000] = (network[1000] ?? 0) ^ 1;
    await writeFile(join(dir, 'decoder.onnx'), network);
    expect(await fault()).toBe(
      'mira: manifest.networks.decoder.variants.fp32.sha256: is not the hash of decoder.onnx',
    );
  });

  it.each([
    ['float32', 1, [0x00, 0x00, 0xc0, 0x7f]],
    ['float16', 10, [0x00, 0x7e]],
  ])('sees a weight that is not a number: %s', async (_, type, bytes) => {
    const tensor = [integerField(1, 1), integerField(2, type), stringField(8, 'broken.weight')];
    const graph = messageField(7, [messageField(5, [...tensor, bytesField(9, Uint8Array.from(bytes))])]);
    await replace('decoder.onnx', Buffer.concat([await readFile(join(dir, 'decoder.onnx')), graph]));
    expect(await fault()).toBe(
      'mira: manifest.networks.decoder.variants.fp32.file: the weights "broken.weight" are not all finite',
    );
  });

  /** A decoder with one more weight, which lies in another file. */
  const keepElsewhere = async (place: string, type: number, more: Record<string, string>): Promise<void> => {
    const entries = Object.entries({ location: place, ...more }).map(([key, value]) =>
      messageField(13, [stringField(1, key), stringField(2, value)]),
    );
    const tensor = [integerField(2, type), stringField(8, 'far.weight'), ...entries];
    const graph = messageField(7, [messageField(5, tensor)]);
    await replace('decoder.onnx', Buffer.concat([await readFile(join(dir, 'decoder.onnx')), graph]));
  };

  it('sees one in the file that graphs share', async () => {
    const file = 'decoder.weights';
    const bytes = await readFile(join(dir, file));
    const broken = Buffer.concat([bytes, Uint8Array.from([0, 0, 0x80, 0x7f])]);
    await writeFile(join(dir, file), broken);
    const sha256 = createHash('sha256').update(broken).digest('hex');
    await edit('networks.decoder.weights', { file, sha256, bytes: broken.length });
    await keepElsewhere(file, 1, { offset: String(bytes.length), length: '4' });
    expect(await fault()).toContain('the weights "far.weight" are not all finite');
  });

  it.each([
    ['out of its folder', '/dev/zero', 1],
    ['out of its folder, whatever their type', '/dev/zero', 3],
    ['into its neighbour', '../mira/decoder.onnx', 1],
    ['into a file without a hash', 'shared.bin', 1],
  ])('does not follow weights %s', async (_, place, type) => {
    await writeFile(join(dir, 'shared.bin'), new Uint8Array(4));
    await keepElsewhere(place, type, { length: '1000000000000' });
    expect(await fault()).toContain(
      `the weights "far.weight" lie in ${place}, which the manifest does not list as weights`,
    );
  });

  it('looks for weights where the network lies, also in a folder below', async () => {
    await mkdir(join(dir, 'nets'));
    for (const name of ['decoder.onnx', 'decoder.weights']) {
      await cp(join(dir, name), join(dir, 'nets', name));
    }
    await edit('networks.decoder.variants.fp32.file', 'nets/decoder.onnx');
    expect(await fault()).toMatch(/lie in decoder\.weights, which the manifest does not list as weights$/);
    // The other decoders would look for theirs in the folder above.
    await edit('networks.decoder.variants.int8', undefined);
    await edit('networks.decoder.variants.large', undefined);
    await edit('networks.decoder.default', 'fp32');
    await edit('networks.decoder.finest', undefined);
    await edit('networks.decoder.weights.file', 'nets/decoder.weights');
    await expect(loadAvatarBundle(dir)).resolves.toMatchObject({ id: 'mira' });
  });

  it('does not know weights that the manifest has forgotten', async () => {
    await edit('networks.decoder.weights', undefined);
    expect(await fault()).toMatch(/lie in decoder\.weights, which the manifest does not list as weights$/);
  });

  it('sees that a file is no network', async () => {
    await replace('decoder.onnx', Buffer.from('this is no protobuf message'));
    expect(await fault()).toContain('manifest.networks.decoder.variants.fp32.file: is no ONNX file: ');
  });

  it('does not follow links out of its folder', async () => {
    await rm(join(dir, 'decoder.onnx'));
    await symlink(join(MIRA, 'decoder.onnx'), join(dir, 'decoder.onnx'));
    expect(await fault()).toContain('mira: manifest.networks.decoder.variants.fp32.file: ');
  });

  it('says that there is no bundle', async () => {
    dir = join(parent, 'nobody');
    expect(await fault()).toMatch(/^nobody: there is no readable .*manifest\.json$/);
  });

  it('says that the manifest is not JSON', async () => {
    await writeFile(join(dir, 'manifest.json'), '{"format": ');
    expect(await fault()).toContain('mira: manifest.json is not JSON: ');
  });

  it('says that the manifest is no object', async () => {
    await writeFile(join(dir, 'manifest.json'), '[]');
    expect(await fault()).toContain('mira: manifest: ');
  });
});
