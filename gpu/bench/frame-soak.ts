import { fileURLToPath } from 'node:url';
import { loadAvatarBundle } from '../src/avatar-bundle.ts';
import type { AvatarBundle } from '../src/avatar-bundle.ts';
import { CudaModelRunner } from '../src/cuda/cuda-model-runner.ts';
import { FrameRing } from '../src/frame-ring.ts';
import type { FrameLease } from '../src/frame-ring.ts';
import type { ChunkRequest } from '../src/model-runner.ts';
import type { BenchDevice } from './bench-device.ts';

const SLOTS = 8;
const SAMPLES = 16;
const RING_ENTRIES = 24;
const CHUNK = 5;
const DEPTH = 3;

export interface SoakResult {
  readonly frames: number;
  readonly lost: number;
  readonly doubled: number;
  readonly torn: number;
  readonly seconds: number;
}

interface Lane {
  readonly slotId: number;
  readonly ring: FrameRing;
  /** Number of the next frame to be asked for, and of the one that must come next. */
  asked: number;
  expected: number;
  readonly held: FrameLease[];
}

/**
 * Sends numbered frames through upload, networks, copy and ring on the simulated device, leases some of them for long and
 * gives them back in any order, and looks at every word of every picture.
 *
 * @param random uniform in 0…1
 */
export async function soakFrames(
  { library, simulation }: BenchDevice,
  frames: number,
  random: () => number = Math.random,
): Promise<SoakResult> {
  if (!simulation) throw new Error('numbered frames need the simulated device');
  simulation.simulator.use(simulation.profile, { speed: 0 });
  const mira = await loadAvatarBundle(fileURLToPath(new URL('../bundles/mira', import.meta.url)));
  const bundle: AvatarBundle = { ...mira, width: 32, height: 32, frameBytes: 1536, samplesPerFrame: SAMPLES };
  const runner = new CudaModelRunner({
    device: 0,
    driver: library,
    mode: 'async',
    depth: DEPTH,
    decoder: 'auto',
    steps: 'auto',
    networks: {
      module: new URL('../simulator/modelled-networks.ts', import.meta.url).href,
      options: simulation.profile.networks,
    },
  });
  await runner.load(bundle);
  const lanes = Array.from({ length: SLOTS }, (_, slotId): Lane => {
    const ring = FrameRing.create({ entries: RING_ENTRIES, frameBytes: bundle.frameBytes });
    runner.attachSlot(slotId, ring);
    return { slotId, ring, asked: 0, expected: 0, held: [] };
  });
  const result = { frames: 0, lost: 0, doubled: 0, torn: 0 };
  const startMs = performance.now();
  const look = (lane: Lane, { entries }: ChunkRequest): void => {
    for (const entry of entries) {
      const lease = lane.ring.lease(entry);
      const number = numberOf(lease.bytes);
      if (number === null) result.torn += 1;
      else if (number > lane.expected) result.lost += number - lane.expected;
      else if (number < lane.expected) result.doubled += 1;
      if (number !== null) lane.expected = number + 1;
      result.frames += 1;
      lane.held.push(lease);
      while (lane.held.length > 8 || random() < 0.7) {
        const [given] = lane.held.splice(Math.floor(random() * lane.held.length), 1);
        if (!given) break;
        given.release();
      }
    }
  };
  /** One of the batches that are under way at once. */
  const stream = async (first: number): Promise<void> => {
    for (let turn = first; result.frames < frames; turn += 1) {
      const jobs: { lane: Lane; chunk: ChunkRequest }[] = [];
      for (const lane of lanes) {
        const count = 1 + ((turn + lane.slotId) % CHUNK);
        if (lane.ring.free < count) continue;
        jobs.push({ lane, chunk: numberedChunk(bundle, lane, count) });
      }
      if (jobs.length === 0) {
        for (const { held } of lanes) for (const lease of held.splice(0)) lease.release();
        await new Promise(setImmediate);
        continue;
      }
      const runs = runner.run(jobs.map(({ chunk }) => chunk));
      for (const [index, { lane, chunk }] of jobs.entries()) {
        await runs[index];
        look(lane, chunk);
      }
    }
  };
  await Promise.all(Array.from({ length: DEPTH }, (_, first) => stream(first)));
  await runner.close();
  return { ...result, seconds: (performance.now() - startMs) / 1000 };
}

/** The sound of each frame begins with the frame's number. */
function numberedChunk(bundle: AvatarBundle, lane: Lane, frames: number): ChunkRequest {
  const pcm = new Float32Array(frames * SAMPLES);
  const numbers = new Uint32Array(pcm.buffer);
  for (let frame = 0; frame < frames; frame += 1) numbers[frame * SAMPLES] = lane.asked + frame;
  lane.asked += frames;
  return {
    slotId: lane.slotId,
    pcm,
    expression: new Float32Array(frames * bundle.expression.parameters.length),
    frames,
    shown: [...Array(frames).keys()],
    reset: false,
    entries: Array.from({ length: frames }, () => lane.ring.acquire() ?? -1),
  };
}

/** Null when the words of a picture differ: it is torn. */
function numberOf(picture: Buffer): number | null {
  const words = new Uint32Array(picture.buffer, picture.byteOffset, picture.byteLength / 4);
  const first = words[0] ?? 0;
  return words.every((word) => word === first) ? first : null;
}
