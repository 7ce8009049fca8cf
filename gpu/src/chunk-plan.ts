import type { Emotion, Gesture } from '@vizavi/signaling';
import type { AudioBlock } from './audio-queue.ts';

/** A decoded frame that waits in the ring for its tick. */
export interface ReadyFrame {
  readonly entry: number;
  /** The face parameters that it shows, where the generator tells them. */
  readonly params: Float32Array | null;
}

/** What the generator is to run next for this track. */
export interface ChunkPlan {
  /** Raised by an interrupt; what comes back for an older one is dropped. */
  readonly generation: number;
  readonly pcm: Float32Array;
  readonly frames: number;
  /** Its first outputs, which the look-ahead makes for nothing. */
  readonly skip: number;
  /** Outputs that are decoded, by their place in the chunk. */
  readonly shown: readonly number[];
  readonly reset: boolean;
  /** Expression row of the first frame fed; it may be negative. */
  readonly firstRow: number;
  /** How each frame fed is said. */
  readonly emotions: readonly Emotion[];
  /** What the face begins to do at a frame fed. */
  readonly gestures: readonly (Gesture | undefined)[];
}

/** What one tick shows and plays. */
export type TrackStep =
  /** Idle motion, silence. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'frame'; readonly block: AudioBlock; readonly frame: ReadyFrame }
  /** The picture is late: its sound goes on under the last one; the picture will be dropped. */
  | { readonly kind: 'repeat'; readonly block: AudioBlock }
  /** No picture was made for this sound, on purpose. */
  | { readonly kind: 'omitted'; readonly block: AudioBlock }
  /** Sound and picture wait together. */
  | { readonly kind: 'hold' };
