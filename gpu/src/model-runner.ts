import { VizaviError } from '@vizavi/signaling';
import type { AvatarBundle } from './avatar-bundle.ts';
import type { FrameRing } from './frame-ring.ts';

/** One job of the inference loop: generate and decode the frames of one LatentChunk for one slot. */
export interface ChunkRequest {
  readonly slotId: number;
  /** PCM, float32 in −1..1, at the bundle's rate: `frames × samplesPerFrame` samples. */
  readonly pcm: Float32Array;
  /** Additive expression, `frames × expression.parameters.length` values, row by row. */
  readonly expression: Float32Array;
  /** Frames in this chunk, ≥ the bundle's `minChunkFrames`. */
  readonly frames: number;
  /** The first `skip` frames are generated (their state counts) but not decoded: the bundle's look-ahead. */
  readonly skip: number;
  /** Sets the slot's state to its initial value before the chunk. */
  readonly reset: boolean;
  /** Ring entries to decode into, one for each of the `frames − skip` frames, acquired by the caller. */
  readonly entries: readonly number[];
}

export interface ChunkResult {
  /** The face parameters of every decoded frame, row by row, where the generator has such an output. */
  readonly params: Float32Array | null;
  readonly generateMs: number;
  readonly decodeMs: number;
  /** Device buffer → host buffer. */
  readonly copyMs: number;
}

/** What a chunk costs on this machine, measured at warm-up: one entry for each chunk size that was timed. */
export interface ChunkCost {
  readonly frames: number;
  readonly medianMs: number;
}

/**
 * Runs an AvatarBundle's networks, off the thread that calls it. State tensors live inside, one set a slot.
 */
export interface ModelRunner {
  /** Loads and checks the networks. @throws VizaviError `invalid_bundle`, `unsupported_device` */
  load(bundle: AvatarBundle): Promise<void>;
  /** Runs every chunk size that will be used until the times settle; nothing slow is left for the first session. */
  warmUp(): Promise<readonly ChunkCost[]>;
  /** Gives the slot its ring; frames of later chunks are written into its host buffers. */
  attachSlot(slotId: number, ring: FrameRing): void;
  detachSlot(slotId: number): void;
  /**
   * Chunks are run in the order of the calls. Decoded frames are in the ring entries' host buffers when it resolves.
   *
   * @throws VizaviError `inference_failed`
   */
  run(request: ChunkRequest): Promise<ChunkResult>;
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
  const { slotId, pcm, expression, frames, skip, entries } = request;
  const refuse = (problem: string): never => {
    throw new VizaviError('inference_failed', `slot ${slotId}: ${problem}`);
  };
  const expect = (what: string, count: number, expected: number): void => {
    if (count !== expected) refuse(`${count} ${what}, must be ${expected}`);
  };
  if (!ring) return refuse('is not attached');
  if (!Number.isInteger(frames) || frames < bundle.minChunkFrames) refuse(`a chunk of ${frames} frames`);
  if (!Number.isInteger(skip) || skip < 0 || skip > frames) refuse(`${skip} of ${frames} frames to skip`);
  expect('samples', pcm.length, frames * bundle.samplesPerFrame);
  expect('expression values', expression.length, frames * bundle.expression.parameters.length);
  expect('ring entries', entries.length, frames - skip);
  for (const entry of entries) {
    if (ring.stateOf(entry) !== 'acquired') refuse(`ring entry ${entry} is ${ring.stateOf(entry)}`);
  }
  // One NaN would stay in the slot's state for good.
  if (!pcm.every(Number.isFinite) || !expression.every(Number.isFinite)) refuse('input is not finite');
}
