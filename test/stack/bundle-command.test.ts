import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Demuxer } from 'node-av/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readImage } from '../../gpu/cli/av-image.ts';

const COMMAND = fileURLToPath(new URL('../../gpu/cli/vizavi.ts', import.meta.url));
const MIRA = fileURLToPath(new URL('../../gpu/bundles/mira', import.meta.url));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'vizavi-command-'));
});
afterAll(() => rm(dir, { recursive: true }));

function vizavi(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [COMMAND, ...args], { timeout: 110_000 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}

describe('vizavi bundle', () => {
  it('previews a text as a film with sound, from idle motion to idle motion', async () => {
    const file = join(dir, 'hello.mp4');
    const { code, out, err } = await vizavi(
      'bundle',
      'preview',
      MIRA,
      '--text',
      'Good morning.',
      '--emotion',
      'warm',
      '--out',
      file,
    );
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/hello\.mp4: \d\.\d s, made in/);
    await using film = await Demuxer.open(file);
    const [video, audio] = [film.video(), film.audio()];
    expect(video?.codecpar).toMatchObject({ width: 512, height: 512 });
    let pictures = 0;
    for await (const packet of film.packets(video?.index)) {
      if (packet) pictures += 1;
      packet?.free();
    }
    // A second of rest at both ends, and the words between them.
    expect(pictures).toBeGreaterThan(60);
    expect(pictures).toBeLessThan(100);
    expect(audio?.codecpar.sampleRate).toBe(48_000);
  }, 60_000);

  it('previews a sound file', async () => {
    const file = join(dir, 'sound.mp4');
    const sound = join(dir, 'sound.wav');
    await writeFile(
      sound,
      wave(Int16Array.from({ length: 16_000 }, (_, k) => 6000 * Math.sin(k / 7) * Math.sin(k / 900))),
    );
    expect(
      await vizavi('bundle', 'preview', MIRA, '--audio', sound, '--steps', '1', '--out', file),
    ).toMatchObject({ code: 0 });
    expect((await stat(file)).size).toBeGreaterThan(10_000);
  }, 60_000);

  it('tells what a bundle holds and draws its faces', async () => {
    const sheet = join(dir, 'sheet.png');
    const { code, out } = await vizavi('bundle', 'inspect', MIRA, '--sheet', sheet);
    expect(code).toBe(0);
    expect(out).toMatch(/Mira \(mira\): 512×512, 25 frames a second/);
    expect(out).toMatch(/denoising steps: 1, 2, 4, by default 2/);
    expect(out).toMatch(/decoder int8, 2 steps: generate \d+\.\d+, decode \d+\.\d+/);
    expect(await readImage(sheet)).toMatchObject({ width: 2048, height: 1536 });
  }, 120_000);

  it('validates a good bundle, and names the fault of a bad one', async () => {
    expect((await vizavi('bundle', 'validate', MIRA)).out).toContain('runs with decoder int8');
    const bad = join(dir, 'mira');
    await cp(MIRA, bad, { recursive: true });
    const decoder = await readFile(join(bad, 'decoder.onnx'));
    decoder[2000] = (decoder[2000] ?? 0) ^ 255;
    await writeFile(join(bad, 'decoder.onnx'), decoder);
    const { code, err } = await vizavi('bundle', 'validate', bad);
    expect(code).toBe(1);
    expect(err).toBe(
      'mira: manifest.networks.decoder.variants.fp32.sha256: is not the hash of decoder.onnx\n',
    );
  }, 60_000);

  it.each([
    [[], 'vizavi bundle inspect'],
    [['bundle', 'preview', MIRA], 'give either --text or --audio'],
    [
      ['bundle', 'preview', MIRA, '--text', 'Hi', '--emotion', 'furious'],
      '--emotion must be one of neutral, warm',
    ],
    [['bundle', 'preview', MIRA, '--text', 'Hi', '--speed', '2'], "Unknown option '--speed'"],
    [['bundle', 'import', 'x.onnx', '--out', 'y.onnx'], '--range must be'],
  ])('says how it is used: %j', async (args, words) => {
    const { code, err } = await vizavi(...args);
    expect(code).toBe(2);
    expect(err).toContain(words);
  });

  it('says what is wrong with what it was given', async () => {
    const out = join(dir, 'never.mp4');
    const absent = await vizavi('bundle', 'preview', MIRA, '--audio', join(dir, 'absent.wav'), '--out', out);
    expect(absent).toMatchObject({ code: 1 });
    expect(absent.err).toContain('absent.wav: ');
    const steps = await vizavi('bundle', 'preview', MIRA, '--text', 'Hi', '--steps', '3', '--out', out);
    expect(steps.err).toContain('mira has no generator with 3 steps, only with: 1, 2, 4');
  }, 60_000);
});

/** 16 kHz, mono, 16 bits. */
function wave(pcm: Int16Array): Buffer {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + pcm.byteLength, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(16_000, 24);
  head.writeUInt32LE(32_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(pcm.byteLength, 40);
  return Buffer.concat([head, Buffer.from(pcm.buffer)]);
}
