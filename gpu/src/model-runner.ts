import { VizaviError } from '@vizavi/signaling';
import type { AvatarBundle } from './avatar-bundle.ts';
import type { MeasuredCosts } from './cost-model.ts';
import type { FrameRing } from './frame-ring.ts';

/** One slot's part of a batch: generate and decode the frames of one LatentChunk. */
export interface ChunkRequest {
  readonly slotId: number;
  /** PCM, float32 in −1..1, at the bundle's rate: `frames × samplesPerFrame` samples. */
  readonly pcm: Float32Array;
  /** Additive expression, `frames × expression.parameters.length` values, row by row. */
  readonly expression: Float32Array;
  /** Frames in this chunk, ≥ the bundle's `minChunkFrames`. */
  readonly frames: number;
  /** Which of them are decoded, ascending. The others only count for the state: look-ahead, or a lower frame rate. */
  readonly shown: readonly number[];
  /** Sets the slot's state to its initial value before the chunk. */
  readonly reset: boolean;
  /** Ring entries to decode into, one for each shown frame, acquired by the caller. */
  readonly entries: readonly number[];
}

export interface ChunkResult {
  /** The face parameters of every shown frame, row by row, where the generator has such an output. */
  readonly params: Float32Array | null;
  /** Time of the device for this chunk alone, and its share of the batch's decoder call and copies. */
  readonly generateMs: number;
  readonly decodeMs: number;
  /** Device buffer → host buffer. */
  readonly copyMs: number;
}

/** When a batch was where, in milliseconds of {@link hostNowMs}; the device's own times are mapped onto it. */
export interface BatchTimes {
  readonly slotIds: readonly number[];
  /** Decoded frames. */
  readonly frames: number;
  readonly copiedBytes: number;
  /** Handing the work to the device. */
  readonly enqueue: Span;
  readonly generate: Span;
  readonly decode: Span;
  readonly copy: Span;
}
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** Milliseconds on a clock that all threads of the process share. */
export function hostNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Degradations that cost less, where the bundle and the device have them. */
export interface Quality {
  readonly steps: 'default' | 'fewest';
  readonly decoder: 'chosen' | 'fastest';
}

export interface WarmUp {
  readonly costs: MeasuredCosts;
  /** The same for the fewest denoising steps and for the fastest decoder; null where there is nothing to gain. */
  readonly fewestSteps: MeasuredCosts['generate'] | null;
  readonly fastestDecoder: MeasuredCosts['decode'] | null;
}

/**
 * Runs an AvatarBundle's networks, off the thread that calls it. State tensors live inside, one set a slot.
 */
export interface ModelRunner {
  /** Batches that may be under way at once: while one is copied, the next is decoded. */
  readonly depth: number;
  /** Most frames that one batch may decode. */
  readonly maxBatchFrames: number;
  /** Told of every batch that has ended, in their order. */
  onBatch: (times: BatchTimes) => void;
  /** Loads and checks the networks. @throws VizaviError `invalid_bundle`, `unsupported_device` */
  load(bundle: AvatarBundle): Promise<void>;
  /** Runs every size of chunk and batch that will be used until the times settle; nothing slow is left for the first session. */
  warmUp(): Promise<WarmUp>;
  /** Gives the slot its ring; frames of later chunks are written into its host buffers. */
  attachSlot(slotId: number, ring: FrameRing): void;
  detachSlot(slotId: number): void;
  /** Holds for all later batches; what a bundle has no lesser form of stays as it is. */
  setQuality(quality: Quality): void;
  /**
   * One job of the device. Batches are run in the order of the calls. A chunk's promise resolves when its decoded frames
   * are in the ring entries' host buffers; one that fails does not disturb the others unless the device itself fails.
   *
   * @throws VizaviError `inference_failed` by each promise
   */
  run(batch: readonly ChunkRequest[]): readonly Promise<ChunkResult>[];
  /**
   * Decodes frames whose sound is silence, for the idle motion: one I420 picture for each row of `expression`, in one
   * block of memory that threads can share.
   */
  renderStill(expression: Float32Array, frames: number): Promise<SharedArrayBuffer>;
  /** Ends the inference thread; runs still waiting are rejected with `unavailable`. */
  close(): Promise<void>;
}

/** What every runner refuses before it touches a slot's state. @throws VizaviError `inference_failed` */
export function checkChunkRequest(
  request: ChunkRequest,
  bundle: AvatarBundle,
  ring: FrameRing | undefined,
): void {
  const { slotId, pcm, expression, frames, shown, entries } = request;
  const refuse = (problem: string): never => {
    throw new VizaviError('inference_failed', `slot ${slotId}: ${problem}`);
  };
  const expect = (what: string, count: number, expected: number): void => {
    if (count !== expected) refuse(`${count} ${what}, must be ${expected}`);
  };
  if (!ring) return refuse('is not attached');
  if (!Number.isInteger(frames) || frames < bundle.minChunkFrames) refuse(`a chunk of ${frames} frames`);
  shown.forEach((frame, index) => {
    const after = shown[index - 1] ?? -1;
    if (!Number.isInteger(frame) || frame <= after || frame >= frames)
      refuse(`frame ${frame} of ${frames} to show`);
  });
  expect('samples', pcm.length, frames * bundle.samplesPerFrame);
  expect('expression values', expression.length, frames * bundle.expression.parameters.length);
  expect('ring entries', entries.length, shown.length);
  for (const entry of entries) {
    if (ring.stateOf(entry) !== 'acquired') refuse(`ring entry ${entry} is ${ring.stateOf(entry)}`);
  }
  // One NaN would stay in the slot's state for good.
  if (!pcm.every(Number.isFinite) || !expression.every(Number.isFinite)) refuse('input is not finite');
}
