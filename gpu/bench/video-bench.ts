import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CudaDriver } from '../src/cuda/cuda-driver.ts';
import { DeviceMemory } from '../src/cuda/device-buffers.ts';
import { OrtApi } from '../src/cuda/ort-api.ts';
import { findOnnxRuntime } from '../src/cuda/ort-library.ts';
import { OrtBinding, OrtRuntime } from '../src/cuda/ort-session.ts';
import type { BoundTensor } from '../src/cuda/ort-session.ts';
import type { Timeline } from '../src/timeline.ts';
import type { BenchDevice } from './bench-device.ts';
import { FRAMES_PER_LATENT, wanLikeDecoder } from './graphs/wan-like-decoder.ts';
import type { HostWork } from './host-thread.ts';
import { runVideoJob } from './video-job.ts';
import type { ChunkDecoder, VideoJob, VideoResult } from './video-job.ts';

export interface VideoSetting {
  readonly width: number;
  readonly height: number;
  readonly output: 'rgb' | 'i420';
  readonly memory: VideoJob['memory'];
  readonly mode: VideoJob['mode'];
  readonly hostWork: boolean;
}

/** The published setting: 41 latent frames; the film that they become runs at 24 frames a second. */
export const LATENT_FRAMES = 41;
const FILM_FPS = 24;
/** Of the simulated device: the published kernels' 20.17 s for 41 latent frames of 31.45 TFLOP each (720p). */
const SIMULATED_TFLOPS = (31.45 * LATENT_FRAMES) / 20.17;
/** Of the simulated host: what the published naive order lost per latent frame, the copy of its picture included. */
const SIMULATED_HOST_MS = 37;
const SIMULATED_SPEED = 4;

export interface VideoFigures extends VideoResult {
  /** Time to make the film over its length. */
  readonly realTimeFactor: number;
}

export async function runVideo(
  device: BenchDevice,
  setting: VideoSetting,
  { chunks = LATENT_FRAMES, timeline }: { chunks?: number; timeline?: Timeline } = {},
): Promise<VideoFigures> {
  const { mode, memory } = setting;
  const speed = device.simulation ? SIMULATED_SPEED : 1;
  device.simulation?.simulator.use(device.simulation.profile, { speed, moveData: false });
  const driver = CudaDriver.open(device.library);
  driver.useDevice(0);
  const stream = driver.createStream();
  const opened = device.simulation
    ? modelledDecoder(driver, stream, setting)
    : await wanDecoder(driver, stream, device, setting);
  try {
    const job: VideoJob = { mode, memory, chunks, speed, work: hostWork(device, setting, speed) };
    // cuDNN looks for its algorithms in the first runs.
    if (!device.simulation)
      await runVideoJob(driver, device.library, stream, opened.decoder, { ...job, chunks: 3 });
    const result = await runVideoJob(driver, device.library, stream, opened.decoder, job, timeline);
    const filmMs = (chunks * FRAMES_PER_LATENT * 1000) / FILM_FPS;
    return { ...result, realTimeFactor: result.wallMs / filmMs };
  } finally {
    await opened.close();
    driver.destroyStream(stream);
    driver.releaseDevice(0);
  }
}

function hostWork(
  device: BenchDevice,
  { width, height, output, hostWork: on }: VideoSetting,
  speed: number,
): HostWork {
  if (!on) return { kind: 'none' };
  if (!device.simulation) return { kind: 'encode', width, height, pixels: output };
  const share = (width * height) / (1280 * 720);
  // Converting from float takes most of it.
  const ms = SIMULATED_HOST_MS * share * (output === 'rgb' ? 1 : 0.4);
  return { kind: 'modelled', ms: ms / speed, checkPattern: false };
}

interface OpenedDecoder {
  readonly decoder: ChunkDecoder;
  close(): Promise<void>;
}

function frameBytes({ width, height, output }: VideoSetting): number {
  return width * height * (output === 'rgb' ? 12 : 1.5);
}

function modelledDecoder(driver: CudaDriver, stream: number, setting: VideoSetting): OpenedDecoder {
  const { width, height } = setting;
  const { flopsPerLatentFrame } = wanLikeDecoder({
    width,
    height,
    precision: 'float16',
    output: setting.output,
  });
  const ns = Math.round(flopsPerLatentFrame / SIMULATED_TFLOPS / 1000);
  const bytes = frameBytes(setting);
  const kernel = driver.loadKernel(Buffer.alloc(8), 'simulated_frames');
  const decoder: ChunkDecoder = {
    chunkFrames: FRAMES_PER_LATENT,
    frameBytes: bytes,
    decode: (chunk, out) => {
      const first = chunk * FRAMES_PER_LATENT;
      driver.launch(kernel, 1, 1, [out, bytes, FRAMES_PER_LATENT, first, ns], stream);
    },
  };
  return { decoder, close: () => Promise.resolve() };
}

/** The Wan-like network in ONNX Runtime, its state going round on the device. */
async function wanDecoder(
  driver: CudaDriver,
  stream: number,
  device: BenchDevice,
  setting: VideoSetting,
): Promise<OpenedDecoder> {
  const { width, height, output } = setting;
  const network = wanLikeDecoder({ width, height, output, precision: 'float16' });
  const folder = await mkdtemp(join(tmpdir(), 'vizavi-wan-'));
  const file = join(folder, 'decoder.onnx');
  await network.graph.save(file);
  const api = OrtApi.open(findOnnxRuntime(device.onnxRuntimeDir).library);
  const runtime = new OrtRuntime(api, { name: 'cuda', device: 0, stream });
  const session = runtime.openSession(file);
  const memory = new DeviceMemory(driver);

  const float16 = (side: BoundTensor['side'], name: string, shape: readonly number[]): BoundTensor => ({
    side,
    name,
    type: 'float16',
    shape: [...shape],
  });
  const plane = (name: string, scale: number): BoundTensor => ({
    side: 'Output',
    name,
    type: 'uint8',
    shape: [FRAMES_PER_LATENT, height / scale, width / scale],
  });
  const pictures: BoundTensor[] =
    output === 'rgb'
      ? [{ side: 'Output', name: 'rgb', type: 'float32', shape: [FRAMES_PER_LATENT, 3, height, width] }]
      : [plane('y', 1), plane('u', 2), plane('v', 2)];
  const binding = new OrtBinding(session, [
    float16('Input', 'latents', network.latentShape),
    ...network.states.flatMap((state) => [
      float16('Input', state.input, state.shape),
      float16('Output', state.output, state.shape),
    ]),
    ...pictures,
  ]);
  const halves = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 2);
  const zeroed = (bytes: number): number => {
    const pointer = memory.allocate(bytes);
    driver.fill(pointer, 0, bytes / 4, stream);
    return pointer;
  };
  const latents = memory.allocate(halves(network.latentShape));
  // 0x3800 is 0.5 as a half.
  driver.fill(latents, 0x38003800, halves(network.latentShape) / 4, stream);
  const states = network.states.map(({ shape }) => [zeroed(halves(shape)), zeroed(halves(shape))] as const);
  const luma = FRAMES_PER_LATENT * width * height;
  const decoder: ChunkDecoder = {
    chunkFrames: FRAMES_PER_LATENT,
    frameBytes: frameBytes(setting),
    decode: (chunk, out) => {
      binding.place('latents', latents);
      network.states.forEach((state, index) => {
        const [a = 0, b = 0] = states[index] ?? [];
        binding.place(state.input, chunk % 2 === 0 ? a : b);
        binding.place(state.output, chunk % 2 === 0 ? b : a);
      });
      if (output === 'rgb') binding.place('rgb', out);
      else {
        binding.place('y', out);
        binding.place('u', out + luma);
        binding.place('v', out + luma * 1.25);
      }
      binding.run();
    },
  };
  return {
    decoder,
    close: async () => {
      driver.synchronizeStream(stream);
      binding.close();
      session.close();
      runtime.close();
      memory.close();
      await rm(folder, { recursive: true });
    },
  };
}
