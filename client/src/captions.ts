import type { NoticeOf, ServerToViewer } from '@vizavi/signaling';

export type Clause = NoticeOf<ServerToViewer, 'avatar.transcription.chunk'>;

/** A clause that is being heard. */
export interface Caption {
  readonly utteranceId: string;
  readonly text: string;
  /** How many characters of `text` have been said, up to the end of the word that is being said now. */
  readonly saidLength: number;
  /** Its words, for a page that shows them in a way of its own. */
  readonly words: readonly WordTime[];
}

/** When a word begins, in milliseconds of its utterance, and where it ends in its clause. */
export interface WordTime {
  readonly startMs: number;
  readonly endIndex: number;
}

export interface CaptionsOptions {
  readonly nowMs: () => number;
  /** How long sound waits in this browser before it is heard, ms. */
  readonly delayMs: () => Promise<number>;
  readonly onChange: (caption: Caption | null) => void;
}

interface Utterance {
  readonly clauses: Clause[];
  /** When it was first heard here, ms. */
  heardMs: number | null;
}

/** From a browser's jitter buffer to the ear: decoding, the element's and the device's own buffers. Measured: 60–90 ms. */
const PLAYOUT_MS = 70;
/** How long the last words stay. */
const STAY_MS = 1200;
const PAUSE_AFTER = /[,;:.!?…]$/;

/** The words of a clause, spread over its sound by their length. */
export function wordTimes({ text, startMs, durationMs }: Clause): WordTime[] {
  const words = [...text.matchAll(/\S+/g)];
  const weights = words.map(([word]) => word.length + (PAUSE_AFTER.test(word) ? 2.5 : 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let before = 0;
  return words.map((match, index) => {
    const time = {
      startMs: startMs + (durationMs * before) / total,
      endIndex: match.index + match[0].length,
    };
    before += weights[index] ?? 0;
    return time;
  });
}

/** As much of these clauses as is said in the first `playedMs` of their utterance. */
export function heardText(clauses: readonly Clause[], playedMs: number): string {
  const heard = clauses.map((clause) => clause.text.slice(0, saidLength(clause, playedMs)).trim());
  return heard.filter((text) => text !== '').join(' ');
}

/** Which words have been said: what the server tells of its clauses, laid over what this browser plays. */
export class Captions {
  readonly #options: CaptionsOptions;
  readonly #utterances = new Map<string, Utterance>();
  #caption: Caption | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The utterance that is over and whose last words still stand. */
  #staying = false;

  constructor(options: CaptionsOptions) {
    this.#options = options;
  }

  get caption(): Caption | null {
    return this.#caption;
  }

  add(clause: Clause): void {
    this.#of(clause.utteranceId).clauses.push(clause);
    this.#update();
  }

  /** Its first sound is on the way. */
  async started(utteranceId: string): Promise<void> {
    const utterance = this.#of(utteranceId);
    const arrivedMs = this.#options.nowMs();
    const delayMs = await this.#options.delayMs().catch(() => 0);
    utterance.heardMs ??= arrivedMs + delayMs + PLAYOUT_MS;
    this.#update();
  }

  /** @param isCut it was interrupted or failed: its words go at once */
  ended(utteranceId: string, isCut: boolean): void {
    this.#utterances.delete(utteranceId);
    if (this.#caption?.utteranceId !== utteranceId) return;
    clearTimeout(this.#timer);
    if (isCut) this.clear();
    else {
      this.#show({ ...this.#caption, saidLength: this.#caption.text.length });
      this.#staying = true;
      this.#timer = setTimeout(() => {
        this.clear();
      }, STAY_MS);
    }
    this.#update();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#staying = false;
    this.#show(null);
  }

  close(): void {
    this.#utterances.clear();
    this.clear();
  }

  #of(utteranceId: string): Utterance {
    const utterance = this.#utterances.get(utteranceId) ?? { clauses: [], heardMs: null };
    this.#utterances.set(utteranceId, utterance);
    return utterance;
  }

  /** Shows the clause that is heard now, and comes again with its next word. */
  #update(): void {
    const now = this.#options.nowMs();
    for (const [utteranceId, { clauses, heardMs }] of this.#utterances) {
      if (heardMs === null || clauses.length === 0) continue;
      const atMs = now - heardMs;
      const clause = clauses.findLast(({ startMs }) => startMs <= atMs);
      const times = clauses.flatMap(wordTimes).map(({ startMs }) => startMs);
      const nextMs = Math.min(...times.filter((startMs) => startMs > atMs));
      clearTimeout(this.#timer);
      if (clause) {
        this.#staying = false;
        const { text } = clause;
        this.#show({ utteranceId, text, saidLength: saidLength(clause, atMs + 1), words: wordTimes(clause) });
      }
      if (Number.isFinite(nextMs)) {
        this.#timer = setTimeout(
          () => {
            this.#update();
          },
          Math.max(1, Math.ceil(nextMs - atMs)),
        );
      }
      return;
    }
    if (!this.#staying) clearTimeout(this.#timer);
  }

  #show(caption: Caption | null): void {
    const before = this.#caption;
    if (
      before?.utteranceId === caption?.utteranceId &&
      before?.text === caption?.text &&
      before?.saidLength === caption?.saidLength
    )
      return;
    this.#caption = caption;
    this.#options.onChange(caption);
  }
}

/** The end of the last word that began before `atMs` of the utterance. */
function saidLength(clause: Clause, atMs: number): number {
  return wordTimes(clause).findLast(({ startMs }) => startMs < atMs)?.endIndex ?? 0;
}
