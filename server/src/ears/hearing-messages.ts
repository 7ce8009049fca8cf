import { EARS_SAMPLE_RATE } from './ears.ts';

export { EARS_SAMPLE_RATE };

/** 32 ms: what the voice detector takes at a time. */
export const BLOCK_SAMPLES = 512;
export const BLOCK_MS = (BLOCK_SAMPLES * 1000) / EARS_SAMPLE_RATE;

export interface HearingThreadData {
  /** Without packets for so long, silence takes their place. */
  readonly idleAfterMs: number;
}

export type ToHearingThread =
  | { readonly type: 'open'; readonly ear: number }
  | { readonly type: 'close'; readonly ear: number }
  /** The thread ends by itself: ONNX Runtime aborts the process when it is ended in the midst of a call. */
  | { readonly type: 'stop' }
  /** RTP packets in the order of their coming: whose each is, how long, and all of them in one piece. */
  | {
      readonly type: 'packets';
      readonly ears: readonly number[];
      readonly lengths: readonly number[];
      readonly bytes: Uint8Array<ArrayBuffer>;
    };

export type FromHearingThread =
  /** The model is loaded. */
  | { readonly type: 'ready' }
  /** Blocks that follow each other, and how probably each is speech. */
  | {
      readonly type: 'heard';
      readonly ear: number;
      readonly pcm: Int16Array<ArrayBuffer>;
      readonly probabilities: readonly number[];
    }
  /** This ear hears no more. */
  | { readonly type: 'failed'; readonly ear: number; readonly message: string };
