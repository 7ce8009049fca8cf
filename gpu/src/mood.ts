import { EMOTIONS } from '@vizavi/signaling';
import type { Emotion } from '@vizavi/signaling';
import type { ExpressionParameter } from './avatar-bundle.ts';

/** Most that an emotion's share changes from one frame to the next: from one to another in a quarter of a second. */
const STEP = 0.16;

/** How much of each emotion a face shows, in the columns that the bundle has for them; those that it lacks are left out. */
export class Mood {
  readonly #columns: readonly { readonly emotion: Emotion; readonly index: number; readonly max: number }[];
  readonly #shares = new Map<Emotion, number>();

  constructor(parameters: readonly ExpressionParameter[]) {
    this.#columns = EMOTIONS.flatMap((emotion) => {
      const parameter = parameters.find(({ name }) => name === emotion);
      return parameter ? [{ emotion, index: parameter.index, max: parameter.max }] : [];
    });
  }

  /** Nobody sees the change: a face that begins to speak. */
  set(emotion: Emotion): void {
    for (const column of this.#columns) this.#shares.set(column.emotion, column.emotion === emotion ? 1 : 0);
  }

  /** One frame further towards an emotion, written into its row of expression. */
  move(emotion: Emotion, row: Float32Array): void {
    for (const column of this.#columns) {
      const share = this.#shares.get(column.emotion) ?? 0;
      const wanted = column.emotion === emotion ? 1 : 0;
      const next = share + Math.min(STEP, Math.max(-STEP, wanted - share));
      this.#shares.set(column.emotion, next);
      row[column.index] = next * column.max;
    }
  }
}
