import { VizaviError } from '@vizavi/signaling';
import type { AvatarBundle } from '../../gpu/src/avatar-bundle.ts';
import type { FrameRing } from '../../gpu/src/frame-ring.ts';
import { checkChunkRequest } from '../../gpu/src/model-runner.ts';
import type {
  BatchTimes,
  ChunkRequest,
  ChunkResult,
  ModelRunner,
  Quality,
  WarmUp,
} from '../../gpu/src/model-runner.ts';

/** A small avatar without networks: its mouth opens with the loudness of its sound. */
export const FAKE_BUNDLE: AvatarBundle = {
  id: 'fake',
  voice: null,
  name: 'Fake',
  dir: '/nowhere',
  fps: 25,
  width: 32,
  height: 32,
  frameBytes: 1536,
  sampleRate: 16000,
  samplesPerFrame: 640,
  lookaheadFrames: 3,
  chunkFrames: 5,
  minChunkFrames: 1,
  latentShape: [1],
  expression: {
    parameters: [
      { name: 'jawOpen', index: 0, rest: 0, min: 0, max: 1, audioDriven: true },
      { name: 'mouthSmile', index: 1, rest: 0.1, min: 0, max: 1, audioDriven: true },
      { name: 'eyeBlink', index: 2, rest: 0, min: 0, max: 1, audioDriven: false },
    ],
  },
  generator: { file: '', inputs: [], outputs: [], hasParams: true, steps: 1, variants: {} },
  decoder: { variants: {}, default: 'fake', finest: null, inputs: [], outputs: [] },
  states: [],
  licence: { weights: 'MIT', notice: 'NOTICE', sources: [] },
  consent: { subject: 'synthetic', statement: 'a pattern' },
};

const STILL_SLOT = 255;
const MS_PER_FRAME = 3;

export interface FakeModelRunnerOptions {
  /** Each chunk is made when this resolves; a rejection fails the chunk. */
  readonly pace?: (request: ChunkRequest) => Promise<void>;
}

/** What FakeModelRunner painted: the slot, and which frame since the slot's state was reset. */
export function readFakeFrame(picture: Uint8Array): { slotId: number; frame: number } {
  const [slotId = 0, low = 0, high = 0] = picture;
  return { slotId, frame: low + 256 * high };
}

interface FakeSlot {
  readonly ring: FrameRing;
  frames: number;
}

/** A ModelRunner without networks: a frame tells its slot and number, its brightness follows its face parameters. */
export class FakeModelRunner implements ModelRunner {
  readonly depth = 1;
  onBatch: (times: BatchTimes) => void = () => undefined;
  quality: Quality = { steps: 'default', decoder: 'chosen' };
  readonly #pace: (request: ChunkRequest) => Promise<void>;
  readonly #slots = new Map<number, FakeSlot>();
  readonly #closed: Promise<never>;
  #rejectClosed: (error: VizaviError) => void = () => undefined;
  #bundle: AvatarBundle | null = null;
  #work: Promise<unknown> = Promise.resolve();
  #ended = false;

  constructor({ pace = () => Promise.resolve() }: FakeModelRunnerOptions = {}) {
    this.#pace = pace;
    this.#closed = new Promise((_, reject) => {
      this.#rejectClosed = reject;
    });
    this.#closed.catch(() => undefined);
  }

  get maxBatchFrames(): number {
    return this.#loaded().chunkFrames;
  }

  load(bundle: AvatarBundle): Promise<void> {
    this.#bundle = bundle;
    return Promise.resolve();
  }

  warmUp(): Promise<WarmUp> {
    const sizes = [1, 2, this.#loaded().chunkFrames];
    const decode = sizes.map((frames) => ({ frames, medianMs: frames * MS_PER_FRAME }));
    const generate = sizes.map((frames) => ({ frames, medianMs: 0.1 }));
    return Promise.resolve({ costs: { generate, decode }, fewestSteps: null, fastestDecoder: null });
  }

  setQuality(quality: Quality): void {
    this.quality = quality;
  }

  attachSlot(slotId: number, ring: FrameRing): void {
    this.#slots.set(slotId, { ring, frames: 0 });
  }

  detachSlot(slotId: number): void {
    this.#slots.delete(slotId);
  }

  run(batch: readonly ChunkRequest[]): readonly Promise<ChunkResult>[] {
    return batch.map((request) => this.#run(request));
  }

  async #run(request: ChunkRequest): Promise<ChunkResult> {
    if (this.#ended) return this.#closed;
    const slot = this.#slots.get(request.slotId);
    checkChunkRequest(request, this.#loaded(), slot?.ring);
    const result = this.#work.then(async () => {
      await this.#pace(request);
      if (this.#ended || !slot) return this.#closed;
      return this.#make(request, slot);
    });
    this.#work = result.catch(() => undefined);
    return Promise.race([result, this.#closed]);
  }

  renderStill(expression: Float32Array, frames: number): Promise<SharedArrayBuffer> {
    const { frameBytes, samplesPerFrame, expression: face } = this.#loaded();
    const out = new SharedArrayBuffer(frames * frameBytes);
    const silence = new Float32Array(samplesPerFrame);
    const row = face.parameters.length;
    for (let frame = 0; frame < frames; frame += 1) {
      const params = this.#params(silence, expression.subarray(frame * row, (frame + 1) * row));
      paint(new Uint8Array(out, frame * frameBytes, frameBytes), STILL_SLOT, 0, params);
    }
    return Promise.resolve(out);
  }

  close(): Promise<void> {
    this.#ended = true;
    this.#rejectClosed(new VizaviError('unavailable', 'the model runner is closed'));
    return Promise.resolve();
  }

  #make(
    { slotId, pcm, expression, frames, shown, reset, entries }: ChunkRequest,
    slot: FakeSlot,
  ): ChunkResult {
    const { samplesPerFrame, expression: face } = this.#loaded();
    const row = face.parameters.length;
    const params = new Float32Array(shown.length * row);
    if (reset) slot.frames = 0;
    for (let frame = 0; frame < frames; frame += 1) {
      const sound = pcm.subarray(frame * samplesPerFrame, (frame + 1) * samplesPerFrame);
      const values = this.#params(sound, expression.subarray(frame * row, (frame + 1) * row));
      const index = shown.indexOf(frame);
      const entry = entries[index];
      if (entry !== undefined) {
        params.set(values, index * row);
        slot.ring.markDecoded(entry);
        paint(slot.ring.hostBuffer(entry), slotId, slot.frames, values);
        slot.ring.markCopied(entry);
      }
      slot.frames += 1;
    }
    return { params, generateMs: 0, decodeMs: shown.length * MS_PER_FRAME, copyMs: 0 };
  }

  #params(sound: Float32Array, expression: Float32Array): Float32Array {
    const loudness = Math.sqrt(sound.reduce((sum, sample) => sum + sample * sample, 0) / sound.length);
    return Float32Array.from(this.#loaded().expression.parameters, ({ rest, min, max, audioDriven }, index) =>
      Math.min(max, Math.max(min, rest + (expression[index] ?? 0) + (audioDriven ? loudness : 0))),
    );
  }

  #loaded(): AvatarBundle {
    if (this.#bundle) return this.#bundle;
    throw new VizaviError('invalid_state', 'no bundle is loaded');
  }
}

function paint(picture: Uint8Array, slotId: number, frame: number, params: Float32Array): void {
  picture.fill(64 + Math.round(48 * params.reduce((sum, value) => sum + value, 0)));
  picture.set([slotId, frame % 256, frame >> 8]);
}
