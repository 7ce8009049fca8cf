import type { Gesture } from '@vizavi/signaling';
import type { ExpressionParameter } from './avatar-bundle.ts';
import { gestureAt, gestureFrames } from './gestures.ts';

/** What the face does while it says nothing. */
export interface Loops {
  idle(row: number): Float32Array;
  /** Null until it is there. */
  listening(row: number): Float32Array | null;
}

/** A gesture, which begins after a row. */
interface Performed {
  readonly row: number;
  readonly gesture: Gesture;
  /** It comes with speech, and does not come without it. */
  spoken: boolean;
}

/** After an interrupt the mouth closes over these frames: what is left of its shape in each. */
const MOUTH_LEFT = [0.45, 0.12] as const;
/** Head and brows come to rest more slowly: a head that snaps back looks like a fault. */
const FACE_FRAMES = 5;
/** From idle motion to listening, and back. */
const ATTENTION_FRAMES = 10;

/**
 * The expression under everything that a slot shows, as a function of the row of its motion: idle or listening, the way
 * from one to the other, and what is left of a speech that was cut off. Asked for a row again it says the same.
 */
export class FaceBlend {
  readonly #parameters: readonly ExpressionParameter[];
  readonly #loops: Loops;
  readonly #fps: number;
  #attention = { row: -Infinity, from: 0, to: 0 };
  #gestures: Performed[] = [];
  #left: { readonly row: number; readonly offset: Float32Array } | null = null;

  constructor(parameters: readonly ExpressionParameter[], loops: Loops, fps: number) {
    this.#fps = fps;
    this.#parameters = parameters;
    this.#loops = loops;
  }

  /** From `row` on the face turns to somebody who speaks, or away again. */
  listen(row: number, listening: boolean): void {
    const to = listening && this.#loops.listening(row) ? 1 : 0;
    if (to !== this.#attention.to) this.#attention = { row, from: this.#share(row), to };
  }

  /** After `row` head and brows do this. What they do already they do to its end. */
  gesture(row: number, gesture: Gesture, origin: 'speech' | 'itself' = 'itself'): void {
    // A gesture is known some frames before it begins: the end of the one before it has yet to be made.
    this.#gestures = this.#gestures.filter((known) => this.#isUnderWay(known, row - this.#fps));
    const same = this.#gestures.find((known) => known.gesture === gesture && this.#isUnderWay(known, row));
    if (!same) this.#gestures.push({ row, gesture, spoken: origin === 'speech' });
    else if (origin === 'itself') same.spoken = false;
  }

  /** The speech ends after `row`: what would have come with it later does not come; what is to be seen goes on. */
  cutOff(row: number): void {
    this.#gestures = this.#gestures.filter((known) => !known.spoken || known.row < row);
  }

  /** What the sound had made of the face at `row` fades after it. `params`: what was shown. */
  release(row: number, params: Float32Array): void {
    const under = this.#under(row);
    const offset = Float32Array.from(this.#parameters, ({ index, rest, audioDriven }) =>
      audioDriven ? (params[index] ?? 0) - rest - (under[index] ?? 0) : 0,
    );
    this.#left = { row, offset };
  }

  /** The loop whose pictures show the row, when nothing else is to be seen in it; null when it has to be made. */
  loopAt(row: number): 'idle' | 'listening' | null {
    const share = this.#share(row);
    if (share > 0 && share < 1) return null;
    if (this.#left && row - this.#left.row <= FACE_FRAMES) return null;
    if (this.#gestures.some((known) => this.#isUnderWay(known, row))) return null;
    return share === 0 ? 'idle' : 'listening';
  }

  /** Rows after this one that have to be made. */
  framesLeft(row: number): number {
    let frames = 0;
    while (this.loopAt(row + 1 + frames) === null) frames += 1;
    return frames;
  }

  /** What is added to the rest of the face in a row. */
  expression(row: number): Float32Array {
    const out = this.#under(row);
    const frame = this.#left ? row - this.#left.row - 1 : -1;
    if (!this.#left || frame < 0 || frame >= FACE_FRAMES) return out;
    const face = 1 - smooth((frame + 1) / (FACE_FRAMES + 1));
    for (const { name, index } of this.#parameters) {
      const left = /^(?:mouth|jaw|tongue)/.test(name) ? (MOUTH_LEFT[frame] ?? 0) : face;
      out[index] = (out[index] ?? 0) + left * (this.#left.offset[index] ?? 0);
    }
    return out;
  }

  #share(row: number): number {
    const { row: since, from, to } = this.#attention;
    return from + (to - from) * smooth((row - since) / ATTENTION_FRAMES);
  }

  #under(row: number): Float32Array {
    const idle = this.#loops.idle(row);
    const share = this.#share(row);
    const listening = share > 0 ? this.#loops.listening(row) : null;
    const out = listening
      ? idle.map((value, index) => value + share * ((listening[index] ?? 0) - value))
      : idle.slice();
    for (const { row: since, gesture } of this.#gestures) {
      const moves = gestureAt(gesture, (row - since) / this.#fps);
      for (const { name, index, rest, min, max } of this.#parameters) {
        const moved = (out[index] ?? 0) + (moves?.[name] ?? 0);
        out[index] = Math.min(max - rest, Math.max(min - rest, moved));
      }
    }
    return out;
  }

  #isUnderWay({ row: since, gesture }: Performed, row: number): boolean {
    return row <= since + gestureFrames(gesture, this.#fps);
  }
}

function smooth(x: number): number {
  const t = Math.min(1, Math.max(0, x));
  return t * t * (3 - 2 * t);
}
