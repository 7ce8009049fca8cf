import { VizaviError } from '@vizavi/signaling';
import { splitClauses } from '../voice/clauses.ts';

/** A piece of a script that can be said by itself. */
export interface Sentence {
  /** With the spaces around it: all pieces together are the whole text. */
  readonly text: string;
  /** Others follow. */
  readonly more: boolean;
}

/** A sentence longer than this goes out at its first comma, so that the avatar can begin. */
const LONG = 60;

/**
 * A text that is still being written while it is said. Pieces are read as fast as they come; whole sentences come out. The
 * iterator of one script may be taken once.
 */
export class Script implements AsyncIterable<Sentence> {
  /** Settles when there is something to say, or nothing will come. Never rejects. */
  readonly begun: Promise<void>;
  readonly #onCancel: () => void;
  #text = '';
  /** Up to where sentences have gone out. */
  #said = 0;
  #ended = false;
  #error: unknown = null;
  #wake: () => void = () => undefined;
  #begin: () => void = () => undefined;

  /** @param onCancel nobody will say the rest: what writes the pieces may stop */
  constructor(pieces: AsyncIterable<string>, onCancel: () => void = () => undefined) {
    this.#onCancel = onCancel;
    this.begun = new Promise((resolve) => (this.#begin = resolve));
    void this.#read(pieces);
  }

  /** As much as has been written. */
  get text(): string {
    return this.#text;
  }

  cancel(): void {
    if (this.#ended) return;
    this.#end(new VizaviError('interrupted', 'the script was cancelled'));
    this.#onCancel();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Sentence> {
    for (;;) {
      const cut = this.#nextCut();
      if (cut > this.#said) {
        const text = this.#text.slice(this.#said, cut);
        this.#said = cut;
        yield { text, more: !this.#ended || cut < this.#text.length };
      } else if (this.#error) {
        throw this.#error as Error;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    }
  }

  async #read(pieces: AsyncIterable<string>): Promise<void> {
    let begun = false;
    try {
      for await (const piece of pieces) {
        if (this.#ended) return;
        this.#text += piece;
        // Once there is something to say, whoever says it looks for the next sentence.
        if (!begun && this.#nextCut() > 0) {
          begun = true;
          this.#begin();
        }
        this.#wake();
      }
      this.#end(null);
    } catch (error) {
      this.#end(error);
    }
  }

  #end(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#begin();
    this.#wake();
  }

  /** Where the next sentence ends; `#said` while it has not been written to its end. */
  #nextCut(): number {
    const rest = this.#text.slice(this.#said);
    const clauses = splitClauses(rest);
    if (this.#error) return this.#said;
    const last = clauses.at(-1);
    if (!last) return this.#said;
    const first = clauses.findIndex(({ pause }) => pause === 'sentence');
    const clause = clauses.findIndex(({ end, pause }) => pause === 'clause' && end >= LONG);
    const at = first >= 0 && first < clauses.length - 1 ? first : clause;
    // What ends the text so far may go on: "3." may become "3.5".
    if (at >= 0 && at < clauses.length - 1) return this.#said + (clauses[at + 1]?.start ?? 0);
    return this.#ended ? this.#text.length : this.#said;
  }
}
