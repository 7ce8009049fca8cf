import { EMOTIONS, GESTURES } from '@vizavi/signaling';
import type { Manner } from '@vizavi/signaling';

const NAME = [...EMOTIONS, ...GESTURES].join('|');
/** What may stand between the end of a sentence and the beginning of the next one. */
const LEAD = /^["'”’)\]»]*\s*/;
const CUE = new RegExp(`${LEAD.source}\\[\\s*((?:${NAME})(?:[\\s,]+(?:${NAME}))*)\\s*\\]`, 'i');
/** With what comes next it may be a cue; 40 letters are more than any cue has. */
const MAYBE_CUE = new RegExp(`${LEAD.source}(?:\\[[a-z,\\s]{0,40})?$`, 'i');
const SENTENCE_END = /[.!?…]|(?=\n)/;

/**
 * Takes cues such as `[warm]` and `[warm, nod]` off the sentences of a reply that is still being written: how it is to be
 * said, in the manner of the field's director's notes. Those before its first word are told. Later ones are not, because
 * an utterance has one manner; but a brain that calls a tool begins anew after it, and nobody wants to hear that. What merely
 * looks like a cue stays.
 */
export async function* withoutCues(
  pieces: AsyncIterable<string>,
  onCue: (cue: Manner) => void,
): AsyncGenerator<string> {
  const cues = new CueReader(onCue);
  for await (const piece of pieces) {
    const words = cues.push(piece);
    if (words !== '') yield words;
  }
  const last = cues.end();
  if (last !== '') yield last;
}

class CueReader {
  readonly #onCue: (cue: Manner) => void;
  /** Not read yet: it may become a cue. */
  #rest = '';
  #atSentenceStart = true;
  #begun = false;
  /** What stood before the cues that were just taken off; null: there were none. */
  #gap: string | null = null;

  constructor(onCue: (cue: Manner) => void) {
    this.#onCue = onCue;
  }

  /** The words that are certain by now. */
  push(piece: string): string {
    this.#rest += piece;
    let words = '';
    while (this.#rest !== '') {
      if (!this.#atSentenceStart) words += this.#sentence();
      else if (this.#takeCue()) continue;
      else if (MAYBE_CUE.test(this.#rest)) break;
      else words += this.#lead();
    }
    return words;
  }

  /** What was held back. */
  end(): string {
    return this.#gap === null ? this.#rest : this.#spaced(this.#gap, this.#rest).trimEnd();
  }

  #sentence(): string {
    const end = SENTENCE_END.exec(this.#rest);
    this.#atSentenceStart = end !== null;
    return this.#take(end ? end.index + end[0].length : this.#rest.length);
  }

  #takeCue(): boolean {
    const [cue, names] = CUE.exec(this.#rest) ?? [];
    if (cue === undefined || names === undefined) return false;
    this.#gap = this.#spaced(this.#gap ?? '', cue.slice(0, cue.indexOf('[')));
    this.#take(cue.length);
    if (!this.#begun) for (const name of names.toLowerCase().split(/[\s,]+/)) this.#onCue(mannerOf(name));
    return true;
  }

  /** The sentence begins, and not with a cue. */
  #lead(): string {
    const lead = this.#take(LEAD.exec(this.#rest)?.[0].length ?? 0);
    const words = this.#gap === null ? lead : this.#spaced(this.#gap, lead);
    this.#atSentenceStart = false;
    this.#begun = true;
    this.#gap = null;
    return words;
  }

  /** Both, with the spaces of one of them only: there is no cue between them any more. */
  #spaced(before: string, after: string): string {
    return before + (!this.#begun || /\s$/.test(before) ? after.trimStart() : after);
  }

  #take(length: number): string {
    const taken = this.#rest.slice(0, length);
    this.#rest = this.#rest.slice(length);
    return taken;
  }
}

function mannerOf(name: string): Manner {
  const emotion = EMOTIONS.find((known) => known === name);
  const gesture = GESTURES.find((known) => known === name);
  return { ...(emotion && { emotion }), ...(gesture && { gesture }) };
}
